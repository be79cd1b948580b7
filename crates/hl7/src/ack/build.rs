//! Building an acknowledgement.

use std::borrow::Cow;

use bytes::Bytes;

use super::{AckCode, ErrSegment, version};
use crate::{Charset, Message, Separators, escape};

/// What an acknowledgement is to say. Its texts go to the sender: they must hold nothing of the message's
/// content.
#[derive(Debug, Clone)]
pub struct AckText<'a> {
    /// MSA-1.
    pub code: AckCode,
    /// Why; empty when all is well. It stands in MSA-3; from 2.7 on, where that field is withdrawn, in
    /// ERR-8 if there is a segment ERR.
    pub text: &'a str,
    /// A segment ERR.
    pub error: Option<ErrSegment>,
    /// Who answers, as in `FACILITY:APPLICATION`; empty for whom the message was sent to.
    pub sender: &'a str,
    /// MSH-10 of the answer.
    pub control_id: &'a str,
    /// MSH-7 of the answer, as in `20261123160938+0000`.
    pub time: &'a str,
}

/// The version in which a sender is answered whose own is not known.
const VERSION: &str = "2.5.1";

/// The acknowledgement of a message; of one that could not be read, if there is none.
///
/// It is in the separators, the version and the charset of the message, and what MSH-18 says is repeated.
/// It goes from the message's receiver to its sender, and MSA-2 is the message's MSH-10, as it came.
pub fn build(request: Option<&Message>, ack: &AckText<'_>) -> Bytes {
    let separators = request.map(Message::separators).unwrap_or_default();
    let fields: Vec<Cow<'_, str>> = request
        .and_then(|request| request.segments().next())
        .map(|msh| msh.fields().take(18).map(unframed).collect())
        .unwrap_or_default();
    let request_field = |number: usize| fields.get(number - 1).map(AsRef::as_ref).unwrap_or_default();
    let version = match request_field(12) {
        "" => VERSION,
        version => version,
    };
    let number = version::of(version, separators.component);
    let mut text = String::with_capacity(256);
    header(ack, &separators, version, number, request_field, &mut text);
    let field = separators.field as char;
    text.extend(["MSA", &field.to_string(), ack.code.as_str(), &field.to_string(), request_field(10)]);
    // Withdrawn in 2.7, where ERR-8 says it. Without ERR nobody would: receivers read it all the same.
    let has_msa_3 = ack.error.is_none() || number.is_none_or(|number| number < [2, 7, 0]);
    if has_msa_3 && !ack.text.is_empty() {
        text.push(field);
        text.push_str(&escape::encode(ack.text, &separators));
    }
    text.push('\r');
    if let Some(error) = &ack.error {
        let since_2_5 = number.is_none_or(|number| number >= [2, 5, 0]);
        let said = !has_msa_3 && error.user_message.is_empty();
        let with_text = said.then(|| ErrSegment { user_message: ack.text.to_owned(), ..error.clone() });
        with_text.as_ref().unwrap_or(error).write(since_2_5, &separators, &mut text);
    }
    let charset = request.map_or(Charset::Utf8, |request| request.charset().charset);
    charset.encode_lossy(text)
}

/// What is repeated, without the bytes of MLLP: one of them could end the frame of the answer.
fn unframed(value: &str) -> Cow<'_, str> {
    match value.contains(['\x0B', '\x1C']) {
        true => value.replace(['\x0B', '\x1C'], "").into(),
        false => value.into(),
    }
}

fn header<'a>(
    ack: &AckText<'_>,
    separators: &Separators,
    version: &str,
    number: Option<[u16; 3]>,
    request_field: impl Fn(usize) -> &'a str,
    text: &mut String,
) {
    let (facility, application) = match ack.sender.split_once(':') {
        _ if ack.sender.is_empty() => (None, None),
        Some((facility, application)) => (Some(facility), Some(application)),
        None => (None, Some(ack.sender)),
    };
    let own = |own: Option<&str>, number| match own {
        Some(own) => escape::encode(own, separators).into_owned(),
        None => request_field(number).to_owned(),
    };
    let processing = match request_field(11) {
        "" => "P",
        processing => processing,
    };
    let fields = [
        &own(application, 5),
        &own(facility, 6),
        request_field(3),
        request_field(4),
        &escape::encode(ack.time, separators),
        "",
        &message_type(request_field(9), number, separators),
        &escape::encode(ack.control_id, separators),
        processing,
        version,
    ];
    let field = separators.field as char;
    text.push_str(&separators.header());
    for value in fields {
        text.push(field);
        text.push_str(value);
    }
    if !request_field(18).is_empty() {
        text.extend([field; 6]);
        text.push_str(request_field(18));
    }
    text.push('\r');
}

/// `ACK` and the trigger event; the structure from 2.3.1 on, the event from 2.2 on.
fn message_type(msh_9: &str, number: Option<[u16; 3]>, separators: &Separators) -> String {
    let component = separators.component as char;
    let event = msh_9.split(component).nth(1).unwrap_or_default();
    match number {
        _ if event.is_empty() => "ACK".to_owned(),
        Some(number) if number < [2, 2, 0] => "ACK".to_owned(),
        Some(number) if number < [2, 3, 1] => format!("ACK{component}{event}"),
        _ => format!("ACK{component}{event}{component}ACK"),
    }
}
