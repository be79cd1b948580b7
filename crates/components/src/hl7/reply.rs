//! What a receiver answers: an HL7 acknowledgement, or one byte.

use bytes::Bytes;
use hl7::ReadError;
use hl7::ack::Ack;
use hl7::schema::looks_like_type;
use model::{BodyClass, Message, MessageBody};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::doc_type::message_code;
use super::reply_actions::Came;

/// The byte that stands for yes.
pub(crate) const YES: u8 = 0x06;
/// The byte that stands for no.
pub(crate) const NO: u8 = 0x15;

/// Which answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaveReplies {
    /// None.
    None,
    /// Those that say anything but AA or CA.
    #[default]
    Errors,
    /// All.
    All,
}

impl SaveReplies {
    /// Whether an answer to `request` is kept. One that the sender of the request waits for always is.
    pub(crate) fn keeps(self, request: &Message, is_positive: bool) -> bool {
        let is_awaited = !request.header.return_queue.is_empty();
        is_awaited
            || match self {
                SaveReplies::None => false,
                SaveReplies::Errors => !is_positive,
                SaveReplies::All => true,
            }
    }
}

/// An answer that could be read.
pub(crate) struct PeerReply {
    content: Bytes,
    /// None when it is a byte.
    message: Option<hl7::Message>,
    /// None when there is no segment MSA.
    ack: Option<Ack>,
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
        let ack = message.as_ref().and_then(Ack::read);
        Ok(PeerReply { content, message, ack })
    }

    /// MSA-1; none when there is no segment MSA. Of a byte, the commit code that says the same.
    fn code(&self) -> Option<&str> {
        match &self.message {
            None if self.content[..] == [YES] => Some("CA"),
            None => Some("CE"),
            Some(_) => self.ack.as_ref().map(|ack| ack.code_text.as_str()),
        }
    }

    /// MSA-2, the control id of the message that is answered; none where the answer names none at all.
    pub(crate) fn control_id(&self) -> Option<&str> {
        self.ack.as_ref().map(|ack| ack.control_id.as_str())
    }

    /// What it is, as an answer to `request` (none when that is no HL7) with that control id.
    pub(crate) fn came(&self, request: Option<&hl7::Message>, control_id: &str) -> Came<'_> {
        let other_type = match (request, &self.message) {
            (Some(request), Some(answer)) => !answers(message_code(request), message_code(answer)),
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
    use hl7::ack::control_id;

    use super::*;

    fn answer(text: &'static str) -> PeerReply {
        PeerReply::read(Bytes::from(text)).unwrap()
    }

    fn came(text: &'static str) -> (Option<String>, bool, bool) {
        let request = hl7::Message::read("MSH|^~\\&|||||||ORM^O01|17|P|2.5".into(), "").unwrap();
        match answer(text).came(Some(&request), &control_id(&request)) {
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
    fn ids_are_the_same_however_they_are_written() {
        let id = |text: &'static str| control_id(&hl7::Message::read(text.into(), "").unwrap()).into_owned();
        let (sent, asked) = (answer("MSH|^~\\&|||||||ACK|1\rMSA|AA| a&1"), "MSH|^~\\&|||||||ADT|a\\T\\1 ");
        assert_eq!(sent.control_id(), Some(&*id(asked)));
    }

    #[test]
    fn what_is_kept_is_what_came() {
        let body = answer("MSH|^~\\&|||||||ACK^A01^ACK|1\rMSA|AA|17\r").body();
        assert_eq!((body.class(), body.doc_type(), body.content().len()), (BodyClass::HL7, "ACK", 39));
        assert_eq!(answer("\u{15}").body().class(), BodyClass::BYTES);
        assert!(answer("\u{6}").is_positive() && !answer("\u{15}").is_positive());
        let error = PeerReply::read("HTTP/1.1 200 Mustermann".into()).err().unwrap();
        assert!(!unreadable("lab", &error).contains("Mustermann"), "{error}");
    }
}
