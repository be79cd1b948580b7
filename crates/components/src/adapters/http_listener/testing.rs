//! What tests of the HTTP services share: raw requests, and answers as they come.
