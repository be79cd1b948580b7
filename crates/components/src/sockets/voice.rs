//! What one process says to the sockets of a server.

use std::sync::Arc;

use bytes::Bytes;
use model::{BodyClass, Message};
use rules::{Facts, Scope, Template};

use super::frame;

/// One process that tells messages to the sockets of a server.
pub(crate) struct Voice {
    /// The process's config name: what it has completed is what a client may have missed.
    pub(crate) item: Arc<str>,
    /// What clients subscribe to.
    pub(crate) topic: String,
    text: Text,
}

enum Text {
    /// The same for every message; encoded once for all time.
    Literal(Bytes),
    Template(Template),
}

impl Voice {
    /// A voice that says `text`, which has `{{ ... }}` in it where a message has its say.
    /// What stands in it may name what `words` knows.
    pub(crate) fn new(
        item: &Arc<str>,
        topic: Option<&str>,
        text: &str,
        words: &Scope,
    ) -> Result<Self, Vec<rules::ExprError>> {
        let template = Template::compile_in(text, words)?;
        let text = match template.is_literal() {
            true => Text::Literal(frame::text(&template.render(&Facts::default()))),
            false => Text::Template(template),
        };
        Ok(Voice { item: item.clone(), topic: topic.unwrap_or(item).to_owned(), text })
    }

    /// The frame that tells `message`.
    pub(crate) fn frame(&self, message: &Message) -> Bytes {
        match &self.text {
            Text::Literal(frame) => frame.clone(),
            Text::Template(template) => frame::text(&with_facts(message, |facts| template.render(facts))),
        }
    }
}

/// What an expression can ask about `message`. What is no HL7 message has no paths.
pub(crate) fn with_facts<R>(message: &Message, run: impl FnOnce(&Facts<'_>) -> R) -> R {
    let (header, body) = (&message.header, &message.body);
    let hl7 = (body.class() == BodyClass::HL7).then(|| crate::message::hl7(body)).and_then(Result::ok);
    run(&crate::message::facts(header, Some(body), hl7.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::testing::adt;

    fn said(text: &str, message: &Message) -> Vec<u8> {
        Voice::new(&Arc::from("Tell"), None, text, &Scope::default()).unwrap().frame(message).to_vec()
    }

    #[test]
    fn a_literal_is_said_as_it_stands_and_a_template_about_the_message() {
        let message = adt(7, "A08");
        assert_eq!(said("Something has change!", &message), b"\x81\x15Something has change!");
        assert_eq!(said("{{ MSH-9.1 }} {{ header.id }}", &message), b"\x81\x05ADT 7");
    }

    #[test]
    fn what_is_no_hl7_message_is_told_without_its_paths() {
        let message = testkit::request(9, model::MessageBody::new(BodyClass::TEXT, "hello"));
        assert_eq!(said("<{{ MSH-9.1 }}>", &message), b"\x81\x02<>");
    }
}
