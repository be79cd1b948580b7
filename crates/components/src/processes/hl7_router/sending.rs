//! What rules send: the message as it came, or what transforms make of it.

use std::sync::Arc;

use hl7::Message as Hl7;
use model::{Message, MessageBody};
use rules::{Facts, Transform};
use script::Desk;

use super::super::transforming;
use crate::hl7::doc_type::DocTypes;

/// The bodies that transforms made of one message: a chain that several targets get is run once, and its
/// body stored once.
pub(super) struct Made<'a> {
    types: &'a DocTypes,
    bodies: Vec<(&'a [Arc<Transform>], MessageBody)>,
}

impl<'a> Made<'a> {
    /// None yet. `types` says of what type they will be where a transform leaves that open.
    pub(super) fn new(types: &'a DocTypes) -> Self {
        Made { types, bodies: Vec::new() }
    }

    /// What the transforms make of the message, one after the other; none where there are none.
    ///
    /// # Errors
    /// When one of them fails; names it and the place, and no value.
    pub(super) fn body(
        &mut self,
        chain: &'a [Arc<Transform>],
        (request, message): (&Message, &Hl7),
        facts: &Facts<'_>,
        desk: Option<&mut Desk<'_>>,
    ) -> Result<Option<MessageBody>, String> {
        if chain.is_empty() {
            return Ok(None);
        }
        if let Some((_, body)) = self.bodies.iter().find(|(other, _)| transforming::is_same(other, chain)) {
            return Ok(Some(body.clone()));
        }
        let made = transforming::chain(chain, message, facts, desk).map_err(|error| error.to_string())?;
        let failed =
            |error: hl7::write::WriteError| format!("what the transforms made cannot be written: {error}");
        let bytes = hl7::write::to_ended_bytes(&made).map_err(failed)?;
        let doc_type = self.types.of_made(&made, chain);
        let (charset, name) = (request.body.charset().to_owned(), request.body.name().to_owned());
        let body = MessageBody::described(model::BodyClass::HL7, bytes, doc_type, charset, name);
        self.bodies.push((chain, body.clone()));
        Ok(Some(body))
    }
}
