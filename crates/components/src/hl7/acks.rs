//! What acknowledgements say, and to whom.

use bytes::Bytes;
use hl7::Path;
use hl7::ack::{self, Ack, AckCode, AckMode, AckText, ErrSegment, ErrorCode, Severity, Wanted, When};
use hl7::edit::Editor;
use model::MessageBody;

use super::answers::{Answer, Says};
use super::settings::{InboundSettings, NackErrorCode};
use super::time::Time;

/// How one service acknowledges.
#[derive(Debug, Clone)]
pub(crate) struct Acks {
    mode: AckMode,
    commit_codes: bool,
    add_error: bool,
    nack: NackErrorCode,
    sender: String,
}

/// Who is to blame for a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The message: it will not be better the next time.
    Content,
    /// The engine: the message may be sent again.
    System,
    /// The target: the message is stored here, and was not delivered there.
    Target,
    /// The target: it did not answer in time.
    Silence,
}

/// Why something is refused. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) blame: Blame,
    pub(crate) text: String,
    /// Where in the message, and what, for ERR.
    pub(crate) location: Option<Path>,
    pub(crate) code: ErrorCode,
}

impl Refusal {
    pub(crate) fn new(blame: Blame, text: impl Into<String>) -> Self {
        Refusal { blame, text: text.into(), location: None, code: ErrorCode::Internal }
    }
}

/// The longest text of MSA-3, in characters.
const LONGEST: usize = 80;
/// Says that there is more of it.
const MORE: &str = " ...";

impl Acks {
    /// As the settings say.
    pub(crate) fn new(settings: &InboundSettings) -> Self {
        Acks {
            mode: settings.ack_mode.into(),
            commit_codes: settings.use_ack_commit_codes,
            add_error: settings.add_nack_err,
            nack: settings.nack_error_code,
            sender: settings.local_facility_application.clone(),
        }
    }

    /// Which answers a sender waits for, and whether the first one says CA, CE and CR. What is no
    /// message asks for nothing itself, and is told why it is none.
    pub(super) fn wanted(&self, request: Option<&hl7::Message>) -> (Wanted, bool) {
        match request {
            Some(request) => {
                let commit = self.commit_codes && version(request) >= (2, 3) && is_enhanced(request);
                (ack::wanted(self.mode, request), commit || self.mode == AckMode::MshDetermined)
            }
            None if self.mode == AckMode::Never => {
                (Wanted { accept: When::Never, application: When::Never }, false)
            }
            None => (Wanted { accept: When::Always, application: When::Never }, false),
        }
    }

    /// What is answered: AA where nothing is refused.
    pub(super) fn code(&self, refusal: Option<&Refusal>, commit: bool) -> AckCode {
        let code = match (refusal.map(|refusal| refusal.blame), self.nack) {
            (None, _) => AckCode::AA,
            (_, NackErrorCode::AllE) => AckCode::AE,
            (_, NackErrorCode::AllR) => AckCode::AR,
            (Some(Blame::System), NackErrorCode::ContentE) => AckCode::AR,
            (Some(Blame::System), NackErrorCode::ContentR) => AckCode::AE,
            (Some(_), NackErrorCode::ContentE) => AckCode::AE,
            (Some(_), NackErrorCode::ContentR) => AckCode::AR,
        };
        if commit { code.to_commit() } else { code }
    }

    /// The answer to `request`, as the mode makes it.
    pub(super) fn answer(
        &self,
        request: Option<&hl7::Message>,
        refusal: Option<&Refusal>,
        code: AckCode,
        time: &mut Time,
    ) -> Answer {
        let positive = code.is_positive();
        let says = match self.mode {
            AckMode::Byte => Says::Byte(if positive { 0x06 } else { 0x15 }),
            _ => Says::Message(self.build(request, refusal, code, time.now())),
        };
        Answer { says, code, blame: refusal.map(|refusal| refusal.blame) }
    }

    /// The acknowledgement of `request`, with the refusal if it is one. Its own control id is that of
    /// the request.
    fn build(
        &self,
        request: Option<&hl7::Message>,
        refusal: Option<&Refusal>,
        code: AckCode,
        time: &str,
    ) -> Bytes {
        let error = refusal.filter(|_| self.add_error).map(|refusal| ErrSegment {
            location: refusal.location,
            code: refusal.code,
            severity: Severity::Error,
            diagnostic: refusal.text.clone(),
            user_message: String::new(),
        });
        let text = refusal.map(|refusal| shortened(&refusal.text)).unwrap_or_default();
        let control_id = request.map(ack::control_id).filter(|id| !id.is_empty()).unwrap_or(time.into());
        let sender = &self.sender;
        ack::build(request, &AckText { code, text: &text, error, sender, control_id: &control_id, time })
    }

    /// What a target answered, if it is an acknowledgement, as the answer to `request`, and its
    /// code. Its bytes are left as they are, unless it names another message than the one that was
    /// sent here, as when a control id was changed on the way: then that name is put right.
    pub(super) fn pass_on(&self, request: &hl7::Message, answer: &MessageBody) -> Option<(Bytes, AckCode)> {
        let read = crate::message::hl7(answer);
        let message = read.ok()?;
        let found = Ack::read(&message)?;
        let code = found.code?;
        if found.answers(request) {
            return Some((answer.content().clone(), code));
        }
        let bytes = renamed(&message, &ack::control_id(request))?;
        Some((bytes, code))
    }
}

/// As much of it as MSA-3 holds, in whole words.
fn shortened(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else { return text.to_owned() };
    let fits = text.char_indices().nth(LONGEST - MORE.len()).map_or(end, |(at, _)| at);
    match text[..fits].rfind(' ') {
        Some(word) => format!("{}{MORE}", &text[..word]),
        None => text[..end].to_owned(),
    }
}

/// The acknowledgement with that id in MSA-2; all else in it stays as it is.
fn renamed(message: &hl7::Message, id: &str) -> Option<Bytes> {
    let mut editor = Editor::of(message);
    editor.set(&"MSA-2".parse().ok()?, id).ok()?;
    let mut bytes = hl7::write::to_bytes(&editor.finish()).ok()?.to_vec();
    bytes.push(b'\r');
    Some(bytes.into())
}

/// Whether the sender knows two kinds of acknowledgements (HL7 2.5.1 §2.9.3): MSH-15 or MSH-16 is there.
/// Without them it is in the original mode (§2.9.2), and many such senders take CA for an error.
fn is_enhanced(message: &hl7::Message) -> bool {
    let header = message.segments().next();
    let says = |field| header.and_then(|header| header.field(field)).is_some_and(|value| !value.is_empty());
    says(15) || says(16)
}

/// The version of HL7 that MSH-12 names; 0.0 where it names none.
fn version(message: &hl7::Message) -> (u32, u32) {
    let text = message.segments().next().and_then(|header| header.field(12)).unwrap_or_default();
    let mut numbers = text.trim().split(|char: char| !char.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_ends_with_a_word() {
        let long = "a".repeat(100);
        for (text, wanted) in [
            ("short; and whole", "short; and whole"),
            (&format!("version 9; see {long}"), "version 9; see ..."),
            (&format!("äö ü {long}"), "äö ü ..."),
            (&long, &long[..80]),
        ] {
            assert_eq!(shortened(text), wanted);
        }
        let words = shortened(&"ü ".repeat(90));
        assert!(words.ends_with("ü ...") && words.chars().count() <= LONGEST, "{words}");
    }
}
