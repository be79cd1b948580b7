//! What a receiver answers: an HL7 acknowledgement, or one byte.

use std::sync::LazyLock;

use bytes::Bytes;
use hl7::schema::looks_like_type;
use hl7::{Path, ReadError};
use model::{BodyClass, MessageBody};

use super::reply_actions::Came;

/// The byte that stands for yes.
pub(crate) const YES: u8 = 0x06;
/// The byte that stands for no.
pub(crate) const NO: u8 = 0x15;

/// An answer that could be read.
#[derive(Debug)]
pub(crate) struct PeerReply {
    content: Bytes,
    /// None when it is a byte.
    message: Option<hl7::Message>,
}

impl PeerReply {
    /// Reads what a receiver sent back.
    ///
    /// # Errors
    /// When it is no HL7 message. Holds no content.
    pub(crate) fn read(content: Bytes) -> Result<PeerReply, ReadError> {
        let message = match content.as_ref() {
            [YES] | [NO] => None,
            _ => Some(hl7::Message::read(content.clone(), "")?),
        };
        Ok(PeerReply { content, message })
    }

    /// MSA-1; none when there is no segment MSA. Of a byte, the commit code that says the same.
    fn code(&self) -> Option<&str> {
        static MSA: LazyLock<Option<Path>> = LazyLock::new(|| "MSA".parse().ok());
        static MSA_1: LazyLock<Option<Path>> = LazyLock::new(|| "MSA-1".parse().ok());
        match &self.message {
            None if self.content[..] == [YES] => Some("CA"),
            None => Some("CE"),
            Some(message) => {
                // An MSA may end before its first field.
                let code = value(message, &MSA_1).trim();
                let there = !code.is_empty() || MSA.is_some_and(|path| message.get(&path).is_some());
                there.then_some(code)
            }
        }
    }

    /// MSA-2, the control id of the message that is answered; none where the answer names none at all.
    pub(crate) fn control_id(&self) -> Option<&str> {
        static MSA_2: LazyLock<Option<Path>> = LazyLock::new(|| "MSA-2".parse().ok());
        let message = self.message.as_ref()?;
        self.code().map(|_| value(message, &MSA_2).trim())
    }

    /// MSH-9.1.
    fn kind(&self) -> Option<&str> {
        self.message.as_ref().map(message_code)
    }

    /// What it is, as an answer to `request` (none when that is no HL7) with that control id.
    pub(crate) fn came(&self, request: Option<&hl7::Message>, control_id: &str) -> Came<'_> {
        let other_type = match (request, self.kind()) {
            (Some(request), Some(kind)) => !answers(message_code(request), kind),
            _ => false,
        };
        let other_id = self.control_id().is_some_and(|id| id != control_id);
        Came::Answer { code: self.code(), other_id, other_type }
    }

    /// Whether it says that all is well.
    pub(crate) fn is_positive(&self) -> bool {
        matches!(self.code(), Some("AA" | "CA"))
    }

    /// The answer as a body, to be kept or handed on.
    pub(crate) fn body(&self) -> MessageBody {
        let (class, kind) = match &self.message {
            Some(message) => (
                BodyClass::HL7,
                Some(message.doc_type()).filter(|kind| looks_like_type(kind)).unwrap_or_default(),
            ),
            None => (BodyClass::BYTES, String::new()),
        };
        MessageBody::described(class, self.content.clone(), kind, String::new(), String::new())
    }
}

/// The control id of a message, MSH-10.
pub(crate) fn control_id(message: &hl7::Message) -> &str {
    static MSH_10: LazyLock<Option<Path>> = LazyLock::new(|| "MSH-10".parse().ok());
    value(message, &MSH_10).trim()
}

fn message_code(message: &hl7::Message) -> &str {
    static MSH_9_1: LazyLock<Option<Path>> = LazyLock::new(|| "MSH-9.1".parse().ok());
    value(message, &MSH_9_1)
}

fn value<'a>(message: &'a hl7::Message, path: &Option<Path>) -> &'a str {
    path.as_ref().and_then(|path| message.get(path)).unwrap_or_default()
}

/// Whether a message of the type `answer` (MSH-9.1) answers one of the type `request`. A general
/// acknowledgement answers all.
fn answers(request: &str, answer: &str) -> bool {
    /// Types whose answers have types of their own; a query may be answered in several ways.
    const OWN: [(&str, &[&str]); 27] = [
        ("BPS", &["BRP"]),
        ("BTS", &["BRT"]),
        ("MFN", &["MFK"]),
        ("MFQ", &["MFR"]),
        ("NMQ", &["NMR"]),
        ("OMB", &["ORB"]),
        ("OMD", &["ORD"]),
        ("OMG", &["ORG"]),
        ("OMI", &["ORI"]),
        ("OML", &["ORL"]),
        ("OMN", &["ORN"]),
        ("OMP", &["ORP"]),
        ("OMS", &["ORS"]),
        ("ORM", &["ORR"]),
        ("QBP", &["RSP", "RTB", "RDY"]),
        ("QRY", &["ADR", "DSR", "ORF", "OSR", "RAR", "RCI", "RDR", "RER", "RGR", "ROR"]),
        ("RAS", &["RRA"]),
        ("RDE", &["RRE"]),
        ("RDS", &["RRD"]),
        ("REF", &["RRI"]),
        ("RGV", &["RRG"]),
        ("RPA", &["RRI"]),
        ("RQA", &["RPA"]),
        ("RQC", &["RCI"]),
        ("RQI", &["RPI"]),
        ("SRM", &["SRR"]),
        ("VXQ", &["VXX", "VXR"]),
    ];
    let own = || OWN.iter().any(|(of, types)| *of == request && types.contains(&answer));
    matches!(answer, "ACK" | "MCF") || own()
}

/// What is wrong with bytes that are no answer, in words that hold none of them.
pub(crate) fn unreadable(peer: &str, why: &dyn std::fmt::Display) -> String {
    format!("{peer} sent something that is no HL7 answer: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &'static str) -> PeerReply {
        PeerReply::read(Bytes::from(text)).unwrap()
    }

    fn came(text: &'static str) -> (Option<String>, bool, bool) {
        let request = hl7::Message::read("MSH|^~\\&|||||||ORM^O01|17|P|2.5".into(), "").unwrap();
        match answer(text).came(Some(&request), control_id(&request)) {
            Came::Answer { code, other_id, other_type } => (code.map(str::to_owned), other_id, other_type),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn code_id_and_type_are_read() {
        let some = |code: &str| Some(code.to_owned());
        for (text, wanted) in [
            ("MSH|^~\\&|||||||ACK|1\rMSA|AA|17", (some("AA"), false, false)),
            ("MSH|^~\\&|||||||ACK^O01^ACK|1\nMSA|CE| 17 |no\n", (some("CE"), false, false)),
            ("MSH|^~\\&|||||||ORR^O02|1\rMSA|AA|17", (some("AA"), false, false)),
            ("MSH|^~\\&|||||||ORU^R01|1\rMSA|AA|18", (some("AA"), true, true)),
            ("MSH#^~\\&#######ACK#1\rMSA#AR#17", (some("AR"), false, false)),
            ("MSH|^~\\&|||||||ACK|1\rMSA|AA", (some("AA"), true, false)),
            ("MSH|^~\\&|||||||ACK|1\rMSA||17", (some(""), false, false)),
            ("MSH|^~\\&|||||||ACK|1\rMSA", (some(""), true, false)),
            ("MSH|^~\\&|||||||ACK|1\rERR|||207", (None, false, false)),
            ("\u{6}", (some("CA"), false, false)),
            ("\u{15}", (some("CE"), false, false)),
        ] {
            assert_eq!(came(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_is_kept_is_what_came() {
        let body = answer("MSH|^~\\&|||||||ACK^A01^ACK|1\rMSA|AA|17\r").body();
        assert_eq!((body.class(), body.doc_type(), body.content().len()), (BodyClass::HL7, "ACK", 39));
        assert_eq!(answer("\u{15}").body().class(), BodyClass::BYTES);
        assert!(answer("\u{6}").is_positive() && !answer("\u{15}").is_positive());
        let error = PeerReply::read("HTTP/1.1 200 Mustermann".into()).unwrap_err();
        assert!(!unreadable("lab", &error).contains("Mustermann"), "{error}");
    }
}
