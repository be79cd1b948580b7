//! What speaks one protocol for a host.
//!
//! | files | `file_inbound` takes them, `file_outbound` writes them as `file_name` says, `disk` makes it last |
//! |---|---|
//! | TCP, who listens | `tcp_listener` opens an address, `tcp_server` lets clients in, `telling` says what is the matter with them, `tcp_inbound` takes HL7 in |
//! | TCP, who connects | `tcp_dialer` makes a `wire` |
//! | TLS | `tls` for who listens, `tls_client` for who connects, `tls_files` for what a check finds in their files, `tls_words` for what went wrong |
//! | HTTP | `http_listener` and `http_client`; `http_content` knows types of content |
//! | all | `address`es, `deadline`s on the host's clock, `secret`s of settings |

pub(crate) mod address;
pub(crate) mod deadline;
pub(crate) mod disk;
pub(crate) mod file_inbound;
pub(crate) mod file_name;
pub(crate) mod file_outbound;
pub(crate) mod http_client;
pub(crate) mod http_content;
pub(crate) mod http_listener;
pub(crate) mod secret;
pub(crate) mod tcp_dialer;
pub(crate) mod tcp_inbound;
pub(crate) mod tcp_listener;
pub(crate) mod tcp_server;
pub(crate) mod telling;
pub(crate) mod tls;
pub(crate) mod tls_client;
pub(crate) mod tls_files;
pub(crate) mod tls_words;
pub(crate) mod wire;
