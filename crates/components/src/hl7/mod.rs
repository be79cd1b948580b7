//! What the HL7 services and operations of several transports share.

pub(crate) mod batch;
pub(crate) mod reply_actions;
pub(crate) mod settings;
