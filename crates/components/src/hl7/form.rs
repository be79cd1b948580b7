//! The form in which messages are sent: as they came, or with other separators, in another charset, with
//! other line ends.

use bytes::Bytes;
use hl7::Separators;
use hl7::write::{LineEnd, to_bytes, with_charset, with_line_end, with_separators};
use model::{Checks, MessageBody};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What ends the segments of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentTerminator {
    /// CR, as HL7 wants it.
    Cr,
    /// LF.
    Lf,
    /// CR and LF.
    Crlf,
}

/// What is changed in a message before it is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    separators: Option<Separators>,
    charset: Option<String>,
    end: Option<LineEnd>,
}

impl Form {
    /// The form that the settings of these names want.
    pub(crate) fn of(
        separators: Option<&str>,
        charset: Option<&str>,
        segment_terminator: Option<SegmentTerminator>,
    ) -> Form {
        let end = segment_terminator.map(|end| match end {
            SegmentTerminator::Cr => LineEnd::Cr,
            SegmentTerminator::Lf => LineEnd::Lf,
            SegmentTerminator::Crlf => LineEnd::CrLf,
        });
        let separators = separators.and_then(|text| read_separators(text).ok());
        Form { separators, charset: charset.map(str::to_owned), end }
    }

    /// Reports what is wrong with the settings `separators` and `charset`.
    pub(crate) fn check(separators: Option<&str>, name: Option<&str>, checks: &mut Checks) {
        if let Some(text) = separators
            && let Err((at, what)) = read_separators(text)
        {
            let message = format!("separators is \"{text}\": {what}");
            checks.error_at("separators", at.min(text.len())..text.len().min(at + 1), message);
            checks.help("the usual ones are \"|^~\\&\": field, component, repetition, escape, subcomponent");
        }
        super::settings::check_charset(name, checks);
    }

    /// The bytes to send: those that came, where nothing is to be changed.
    ///
    /// # Errors
    /// Why the message cannot be written so. Holds no content.
    pub(crate) fn write(&self, body: &MessageBody) -> Result<Bytes, String> {
        if self.separators.is_none() && self.charset.is_none() && self.end.is_none() {
            return Ok(body.content().clone());
        }
        let read = crate::message::hl7(body);
        let mut message = read.map_err(|error| format!("the message cannot be written anew: {error}"))?;
        let wrong = |error| format!("the message cannot be written as the settings want it: {error}");
        if let Some(separators) = &self.separators {
            message = with_separators(&message, separators).map_err(wrong)?;
        }
        if let Some(name) = &self.charset {
            message = with_charset(&message, name).map_err(wrong)?;
        }
        message = with_line_end(&message, self.end.unwrap_or(LineEnd::Cr));
        to_bytes(&message).map_err(wrong)
    }
}

/// The separators, or the byte that is wrong and why.
fn read_separators(text: &str) -> Result<Separators, (usize, String)> {
    let field = text.get(..1).unwrap_or_default();
    if text.len() < 5 {
        return Err((text.len(), "expected five or six characters".to_owned()));
    }
    Separators::read(format!("MSH{text}{field}").as_bytes()).map_err(|error| {
        (error.offset.saturating_sub(3), format!("{}; expected {}", error.what, error.wanted))
    })
}

#[cfg(test)]
mod tests {
    use model::BodyClass;

    use super::*;

    const MESSAGE: &str = "MSH|^~\\&|LAB\rPID|1||4711^^^H~5||Müller\n";

    fn written(form: Form) -> Vec<u8> {
        form.write(&MessageBody::new(BodyClass::HL7, MESSAGE)).unwrap().to_vec()
    }

    #[test]
    fn a_message_is_sent_as_it_came_or_as_the_settings_want_it() {
        assert_eq!(written(Form::default()), MESSAGE.as_bytes());
        let other = Form::of(Some("#^~\\&"), None, None);
        assert_eq!(written(other), "MSH#^~\\&#LAB\rPID#1##4711^^^H~5##Müller\r".as_bytes());
        let lines = Form::of(None, None, Some(SegmentTerminator::Crlf));
        assert_eq!(written(lines), MESSAGE.replace(['\r', '\n'], "\r\n").as_bytes());
        let latin = written(Form::of(None, Some("8859/1"), None));
        assert!(latin.windows(6).any(|bytes| bytes == b"M\xFCller"), "{latin:?}");
    }

    #[test]
    fn what_cannot_be_written_is_told_without_content() {
        let form = Form::of(None, Some("ASCII"), None);
        let error = form.write(&MessageBody::new(BodyClass::HL7, MESSAGE)).unwrap_err();
        assert!(error.contains("not in the charset") && !error.contains("ller"), "{error}");
        let error = form.write(&MessageBody::new(BodyClass::BYTES, "Mustermann")).unwrap_err();
        assert!(error.contains("no segment MSH") && !error.contains("Mustermann"), "{error}");
    }

    #[test]
    fn separators_that_are_none_are_told() {
        for (text, range) in [("|^~", 3..3), ("|^~^&", 3..4), ("x^~\\&", 0..1)] {
            let mut checks = Checks::default();
            Form::check(Some(text), None, &mut checks);
            assert_eq!(checks.notes[0].range, Some(range), "{:?}", checks.notes);
        }
        let mut checks = Checks::default();
        Form::check(Some("|^~\\&#"), Some("UNICODE UTF-8"), &mut checks);
        assert_eq!(checks.notes, []);
        Form::check(None, Some("klingon"), &mut checks);
        assert_eq!(checks.notes[0].path, "charset");
    }
}
