//! Messages out of nothing, for a host under test.

use std::sync::Arc;

use model::{BodyClass, BodyId, BusinessType, Message, MessageBody, MessageHeader, MessageId, Timestamp};

/// A queued request with that id and body, from a service named `Source` to an operation named `Target`.
pub fn request(id: u64, body: MessageBody) -> Message {
    let header = MessageHeader::request(
        MessageId(id),
        None,
        &Arc::from("Source"),
        BusinessType::BusinessService,
        &Arc::from("Target"),
        BusinessType::BusinessOperation,
        Some(BodyId(id)),
        Timestamp(1_700_000_000_000),
    );
    Message { header, body }
}

/// A queued request with that id that carries HL7 text.
pub fn message(id: u64, text: &str) -> Message {
    request(id, MessageBody::new(BodyClass::HL7, text.as_bytes().to_vec()))
}
