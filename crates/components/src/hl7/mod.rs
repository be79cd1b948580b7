//! What HL7 components share, whatever carries their messages.
//!
//! On the way in, [`inbound`] reads what came as one by its [`settings`]: a message or a [`batch`], its
//! type ([`doc_type`]), and whether it is as it should be ([`validity`]). [`acks`] says what is answered,
//! and [`answers`] when. On the way out, a message is given its [`form`]; what came back is a [`reply`], and
//! [`reply_actions`] say what becomes of the message.

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
