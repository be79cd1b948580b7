//! Business processes decide what becomes of messages.

pub mod flow;
pub mod hl7_router;
pub mod rule_log;
pub mod script;
pub mod socket_invocation;
mod transforming;
