//! What speaks one protocol for a host.

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
pub(crate) mod wire;
