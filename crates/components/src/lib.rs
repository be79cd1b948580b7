//! The components: business services, processes and operations, one file each.
//!
//! A component sees the world through its host context alone; how its protocol is spoken lies in
//! [`adapters`], and what open WebSockets need in `sockets`. [`CATALOGUE`] is the visible list of them all.

pub mod adapters;
mod connections;
mod hl7;
pub mod message;
pub mod operations;
pub mod processes;
pub mod rehearsal;
pub mod search;
pub mod services;
mod sockets;

use model::{Catalogue, ComponentSpec};

/// Every component, in the order in which listings show them.
pub const CATALOGUE: Catalogue = Catalogue(&[
    ComponentSpec::of::<services::hl7_file::HL7FileService>(),
    ComponentSpec::of::<services::hl7_tcp::HL7TcpService>(),
    ComponentSpec::of::<services::hl7_http::HL7HttpService>(),
    ComponentSpec::of::<services::file::FileService>(),
    ComponentSpec::of::<services::http::HttpService>(),
    ComponentSpec::of::<services::websocket::WebSocketService>(),
    ComponentSpec::of::<processes::hl7_router::HL7Router>(),
    ComponentSpec::of::<processes::script::Script>(),
    ComponentSpec::of::<processes::flow::Flow>(),
    ComponentSpec::of::<processes::socket_invocation::SocketInvocation>(),
    ComponentSpec::of::<operations::file::FileOperation>(),
    ComponentSpec::of::<operations::hl7_file::HL7FileOperation>(),
    ComponentSpec::of::<operations::hl7_tcp::HL7TcpOperation>(),
    ComponentSpec::of::<operations::hl7_http::HL7HttpOperation>(),
    ComponentSpec::of::<operations::http::HttpOperation>(),
]);
