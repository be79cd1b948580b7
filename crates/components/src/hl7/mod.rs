//! What the HL7 services and operations of several transports share.

pub(crate) mod acks;
pub(crate) mod answers;
pub(crate) mod batch;
pub(crate) mod doc_type;
pub(crate) mod form;
pub(crate) mod inbound;
pub(crate) mod reply;
pub(crate) mod reply_actions;
pub(crate) mod settings;
mod time;
pub(crate) mod validity;
