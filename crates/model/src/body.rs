//! The message body: the payload, stored once, referred to by headers.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// What a body is, under the name shown as `MessageBodyClassName`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BodyClass(pub &'static str);

impl BodyClass {
    /// An HL7 v2 message, as its bytes came.
    pub const HL7: BodyClass = BodyClass("HL7.Message");
    /// Bytes that nothing is known about, or that could not be read as what they should be.
    pub const BYTES: BodyClass = BodyClass("Bytes");
    /// Text, such as what a WebSocket client sent.
    pub const TEXT: BodyClass = BodyClass("Text");
    /// What a store could not read back, with the reason as its text. It is never stored, and no host
    /// gets it: the message ends with status Error.
    pub const DAMAGED: BodyClass = BodyClass("Damaged");
    /// All classes that are stored; a store reads names back through it.
    pub const ALL: [BodyClass; 3] = [Self::HL7, Self::BYTES, Self::TEXT];

    /// The class of that name; bytes where it is not known.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|class| class.0 == name).unwrap_or(Self::BYTES)
    }
}

/// A payload with what is known about it. Cheap to clone: the bytes are shared, and so is the parse.
#[derive(Clone)]
pub struct MessageBody(Arc<Inner>);

struct Inner {
    class: BodyClass,
    doc_type: String,
    charset: String,
    name: String,
    content: Bytes,
    parsed: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl MessageBody {
    /// A body of these bytes.
    pub fn new(class: BodyClass, content: impl Into<Bytes>) -> Self {
        Self::described(class, content, String::new(), String::new(), String::new())
    }

    /// A body with what is known about it.
    ///
    /// `doc_type` is what the content is, as in `ADT_A01`; `charset` the label its bytes are read
    /// by, as in `UTF-8`, empty when it is for MSH-18 to say; `name` where it came from, such as a
    /// file name (the source of `%f`).
    pub fn described(
        class: BodyClass,
        content: impl Into<Bytes>,
        doc_type: String,
        charset: String,
        name: String,
    ) -> Self {
        let content = content.into();
        MessageBody(Arc::new(Inner { class, doc_type, charset, name, content, parsed: OnceLock::new() }))
    }

    /// What kind of payload this is.
    pub fn class(&self) -> BodyClass {
        self.0.class
    }

    /// What the content is, as in `ADT_A01`; empty when not known.
    pub fn doc_type(&self) -> &str {
        &self.0.doc_type
    }

    /// The label of the charset that was set from outside; empty when there was none.
    pub fn charset(&self) -> &str {
        &self.0.charset
    }

    /// Where it came from, such as a file name; empty when not known.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The bytes, exactly as they came.
    pub fn content(&self) -> &Bytes {
        &self.0.content
    }

    /// What `parse` makes of this body, made on first use and shared by everyone who holds it.
    ///
    /// A body has one parsed form; asking for a second type makes it anew each time.
    pub fn parsed<T: Any + Send + Sync + Clone>(&self, parse: impl FnOnce(&MessageBody) -> T) -> T {
        if let Some(known) = self.0.parsed.get() {
            return match known.downcast_ref::<T>() {
                Some(value) => value.clone(),
                None => parse(self),
            };
        }
        let value = parse(self);
        // Two hosts may have parsed at the same time; the first one in is kept, both are right.
        if self.0.parsed.set(Box::new(value.clone())).is_err() {
            return value;
        }
        value
    }
}

impl std::fmt::Debug for MessageBody {
    /// Shows what is known about the body, never its content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageBody")
            .field("class", &self.0.class.0)
            .field("doc_type", &self.0.doc_type)
            .field("bytes", &self.0.content.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_parsed_once_for_all_who_hold_it() {
        let body = MessageBody::new(BodyClass::TEXT, "twelve");
        let other = body.clone();
        assert_eq!(body.parsed(|body| body.content().len()), 6);
        assert_eq!(other.parsed(|_| panic!("parsed twice") as usize), 6);
    }

    #[test]
    fn debug_never_shows_content() {
        let body = MessageBody::new(BodyClass::TEXT, "Mustermann");
        assert!(!format!("{body:?}").contains("Mustermann"));
    }
}
