//! The domain's words, and the traits that a component implements.
//!
//! This crate knows no file, clock, socket, thread or database. Whatever touches the world comes in
//! through [`HostContext`], which the runtime hands to each host.

#[macro_use]
mod named;

mod body;
mod clock;
mod component;
mod connection;
mod context;
mod decision;
mod event;
pub mod fault;
mod header;
mod id;
mod library;
mod machine;
mod room;
mod settings;
mod socket;
mod status;
mod step;

pub use body::{BodyClass, MessageBody};
pub use clock::{Clock, Timestamp};
pub use component::{
    BuildError, Built, BusinessOperation, BusinessProcess, BusinessService, Catalogue, Component,
    ComponentSpec, Message,
};
pub use connection::{Connection, Connections};
pub use context::{
    Arrival, Fate, HostContext, HostPort, Intake, IntakeSession, Receipt, Reply, ReplyFuture, Shared,
    StateChange,
};
pub use decision::{AfterRetries, Decision, Failure, Outgoing};
pub use event::{Event, EventKind};
pub use header::{BusinessType, Invocation, MessageHeader, MessageType, Priority};
pub use id::{BodyId, MessageId, SessionId, SocketId};
pub use library::Library;
pub use machine::{Look, Machine};
pub use room::Room;
pub use settings::{ByteSize, Checks, Claim, Note, NoteKind, Reference, Span, Timeout};
pub use socket::SocketSession;
pub use status::MessageStatus;
pub use step::{Caller, Driven, Ended, LateAnswer, Payload, Sent, Step};
