//! What the HL7 services and operations of several transports share.

pub(crate) mod reply_actions;
