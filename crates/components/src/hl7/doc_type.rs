//! Of what type messages are, and the bodies that they become.

use std::sync::Arc;

use bytes::Bytes;
use hl7::ReadError;
use hl7::schema::{CategoryChoice, PathContext, Schemas};
use model::{BodyClass, BuildError, Checks, Library, MessageBody};
use rules::Transform;

/// Finds out of what type messages are.
#[derive(Debug, Clone, Default)]
pub(crate) struct DocTypes {
    schemas: Arc<Schemas>,
    choice: CategoryChoice,
}

impl DocTypes {
    /// By the schemas of the production, as the setting `message_schema_category` chooses among them.
    pub(crate) fn new(setting: &str, library: &Library) -> Result<Self, BuildError> {
        let choice = setting.parse().map_err(|error: hl7::schema::TextError| BuildError {
            path: "message_schema_category".into(),
            message: error.to_string(),
        })?;
        Ok(DocTypes { schemas: library.get(), choice })
    }

    /// Reports what is wrong with the setting.
    pub(crate) fn check(setting: &str, checks: &mut Checks) {
        let choice: Result<CategoryChoice, _> = setting.parse();
        let errors = match choice {
            Ok(choice) => choice.check(&checks.library.get::<Schemas>()),
            Err(error) => vec![error],
        };
        for error in errors {
            let message = format!("message_schema_category: {}", error.message);
            checks.error_at("message_schema_category", error.range, message);
            if let Some(help) = error.help {
                checks.help(help);
            }
        }
    }

    /// How paths of these messages are read.
    pub(crate) fn paths(&self) -> PathContext {
        PathContext::new(&self.schemas, &self.choice)
    }

    /// Whether a setting, and not each message alone, says of what type messages are.
    pub(crate) fn is_set(&self) -> bool {
        !self.choice.is_empty()
    }

    /// The type of a message, as in `2.5.1:ADT_A01`; empty where MSH-9 holds what no type looks like.
    pub(crate) fn of(&self, message: &hl7::Message) -> String {
        self.schemas.shown_type(message, &self.choice)
    }

    /// The type of a message of that schema, whatever MSH-12 says.
    fn of_category(&self, message: &hl7::Message, category: &str) -> String {
        self.schemas.shown_type(message, &category.parse().unwrap_or_default())
    }

    /// The type of what transforms made, one after the other: the target of the last that names one, with the
    /// structure of the message where that is a schema alone.
    pub(crate) fn of_made(&self, made: &hl7::Message, transforms: &[Arc<Transform>]) -> String {
        match transforms.iter().rev().find_map(|transform| transform.target()) {
            Some(target) if target.structure.is_empty() => self.of_category(made, &target.category),
            Some(target) => target.to_string(),
            None => self.of(made),
        }
    }

    /// The schema and the structure that a message is to be held against.
    pub(crate) fn schema(&self, message: &hl7::Message) -> (Option<Arc<hl7::schema::Schema>>, String) {
        let found = self.schemas.doc_type(message, &self.choice);
        (self.schemas.get(&found.category), found.structure.to_string())
    }

    /// The body that a message becomes. Who reads it next finds the parse done.
    pub(crate) fn body(
        &self,
        bytes: Bytes,
        read: Result<hl7::Message, ReadError>,
        charset: String,
        name: String,
    ) -> MessageBody {
        let doc_type = read.as_ref().map(|message| self.of(message)).unwrap_or_default();
        let body = MessageBody::described(BodyClass::HL7, bytes, doc_type, charset, name);
        let _shared = body.parsed(move |_| read);
        body
    }
}

/// The structure of a type, as in `ADT_A01` of `2.5.1:ADT_A01`.
pub(crate) fn structure(doc_type: &str) -> &str {
    doc_type.split_once(':').map_or(doc_type, |(_, structure)| structure)
}

/// The code of a message's type, MSH-9.1, as in `ADT`; empty where there is none.
pub(crate) fn message_code(message: &hl7::Message) -> &str {
    let kind = message.segments().next().and_then(|header| header.field(9)).unwrap_or_default();
    kind.split(message.separators().component as char).next().unwrap_or_default()
}

/// The body of what cannot be read as a message, bytes whole.
pub(crate) fn refused(bytes: Bytes, charset: String, name: String) -> MessageBody {
    MessageBody::described(BodyClass::BYTES, bytes, String::new(), charset, name)
}

/// The body of the header or trailer of a batch.
pub(crate) fn batch_part(bytes: Bytes, charset: String, name: String) -> MessageBody {
    let doc_type = String::from_utf8_lossy(&bytes[..bytes.len().min(3)]).into_owned();
    MessageBody::described(BodyClass::HL7, bytes, doc_type, charset, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_type_looks_like_is_told_to_nobody() {
        for (kind, wanted) in [
            ("ADT^A04", "2.5:ADT_A01"),
            ("ORU^R01^ORU_R01", "2.5:ORU_R01"),
            ("MFN^M01^MFN_Znn", "2.5:MFN_Znn"),
            ("ZZZ^Z01", "2.5:ZZZ_Z01"),
            ("ADT^A01Mustermann", ""),
            ("ADT^A0\u{b}MSH", ""),
            ("Mustermann^Eva", ""),
            ("ADT^A01^Muster_Eva", "2.5:ADT_A01"),
        ] {
            let text = format!("MSH|^~\\&|||||||{kind}|1|P|2.5\r");
            let message = hl7::Message::read(text.into(), "").unwrap();
            assert_eq!(DocTypes::default().of(&message), wanted, "{kind:?}");
        }
    }

    #[test]
    fn what_transforms_make_is_of_the_target_that_the_last_of_them_names() {
        let message = hl7::Message::read("MSH|^~\\&|||||||ADT^A04|1|P|2.3\r".into(), "").unwrap();
        let made = |targets: &[&str]| {
            let def = |target: &&str| rules::transform::TransformDef {
                target: (!target.is_empty()).then(|| (*target).to_owned()),
                ..rules::transform::TransformDef::named(&format!("to {target}"))
            };
            let defs: Vec<_> = targets.iter().map(def).collect();
            let (all, _) = rules::Transforms::compile(&defs, &Default::default(), &Default::default());
            let chain: Vec<_> = defs.iter().map(|def| all.get(&def.name).unwrap()).collect();
            DocTypes::default().of_made(&message, &chain)
        };
        assert_eq!(made(&[""]), "2.3:ADT_A01");
        // MSH-12 may say something else: it is as the target names it.
        assert_eq!(made(&["2.5.1"]), "2.5.1:ADT_A01");
        assert_eq!(made(&["2.5.1:ADT_A05", ""]), "2.5.1:ADT_A05");
        assert_eq!(made(&["2.5.1:ADT_A05", "2.4:ADT_A01"]), "2.4:ADT_A01");
    }
}
