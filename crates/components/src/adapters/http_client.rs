//! Requests to a server over HTTP/1.1.
