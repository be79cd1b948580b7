//! What speaks one protocol for a host.
