//! `orris trace`: the drawn path of one session, or one of its messages with all that is known.

use model::{MessageBody, MessageId};
use serde_json::{Value, json};

use crate::output::{Exit, Screen, colour, count};
use crate::reading::{Books, DataDir};
use crate::trace::layout::Picture;
use crate::trace::{Hop, PAGE_SIZE, Session, html, mermaid, svg, text};

/// Draw what became of a message: one lane per item, one arrow per message
#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    /// A session, or any message of it; without one, the latest
    #[arg(value_name = "SESSION")]
    session: Option<u64>,
    /// Show one message: header, body, contents
    #[arg(long, value_name = "ID", conflicts_with = "session")]
    message: Option<u64>,
    /// With --message: write the contents to standard output, byte for byte; on a terminal in lines
    #[arg(long, requires = "message")]
    raw: bool,
    /// The form of the picture
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Draw with ASCII characters only
    #[arg(long)]
    ascii: bool,
    /// Which page of a long session
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// How many messages a page has
    #[arg(long, default_value_t = PAGE_SIZE as u32, value_name = "MESSAGES", value_parser = clap::value_parser!(u32).range(1..))]
    page_size: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lanes and arrows, for the terminal
    Text,
    /// Everything as one JSON object
    Json,
    /// A mermaid sequence diagram
    Mermaid,
    /// A picture, light or dark as the reader's system is
    Svg,
    /// A page with the picture and every header
    Html,
}

impl Trace {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let mut books = data.open()?;
        if let Some(id) = self.message {
            return self.show_message(&mut books, MessageId(id), screen);
        }
        let session = match self.session {
            Some(id) => books.session_of(MessageId(id))?,
            None => books.latest_session()?,
        };
        let session = books.session(session, self.page as usize, self.page_size as usize)?;
        let picture = Picture::of(&session);
        match self.format {
            Format::Text => screen.print(&text::draw(&picture, screen, self.ascii)),
            Format::Json => screen.json(&session_json(&session)),
            Format::Mermaid => screen.print(&mermaid::draw(&picture)),
            Format::Svg => screen.print(&svg::draw(&picture, false)),
            Format::Html => screen.print(&html::draw(&session, &picture)),
        }
    }

    fn show_message(&self, books: &mut Books, id: MessageId, screen: &Screen) -> Result<(), Exit> {
        let header = books.reader.header(id).map_err(crate::output::failed)?;
        let Some(header) = header else {
            return Err(Exit::Failed(format!(
                "there is no message {id} in this store; orris messages lists what there is"
            )));
        };
        let body = books.body(&header)?;
        if self.raw {
            return body.map_or(Ok(()), |body| screen.message(body.content()));
        }
        let hop = books.hop(header)?;
        match self.format {
            Format::Text => screen.print(&message_text(&hop, body.as_ref(), screen)),
            Format::Json => {
                let body = body.as_ref();
                let contents = body.map(|body| contents(body).join("\n"));
                let facts: serde_json::Map<_, _> = body
                    .map(body_facts)
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name.to_owned(), json!(value)))
                    .collect();
                screen.json(&json!({ "header": hop.json(), "body": facts, "contents": contents }))
            }
            _ => {
                Err(Exit::Usage("one message has the formats text and json; expected one of them".to_owned()))
            }
        }
    }
}

/// A session as one JSON object.
fn session_json(session: &Session) -> Value {
    let event = |said: &crate::trace::Said| {
        json!({
            "TimeLogged": said.time.to_utc(),
            "Type": said.kind.name(),
            "ConfigName": said.item,
            "Text": said.text,
            "MessageId": said.message,
        })
    };
    json!({
        "session": session.id,
        "total": session.total,
        "first": session.skipped + 1,
        "messages": session.hops.iter().map(Hop::json).collect::<Value>(),
        "events": session.events.iter().map(event).collect::<Value>(),
    })
}

/// Header, body and contents of one message, for people.
fn message_text(hop: &Hop, body: Option<&MessageBody>, screen: &Screen) -> String {
    let mut text = screen.paint(colour::BOLD, "Header") + "\n";
    for (name, value) in hop.fields() {
        let style = match name {
            "Status" => colour::of_status(hop.header.status),
            "ErrorStatus" => colour::ERROR,
            _ => colour::PLAIN,
        };
        text += line(&screen.paint(colour::DIM, &format!("  {name:<22}  ")), &screen.paint(style, &value))
            .as_str();
    }
    text += &format!("\n{}\n", screen.paint(colour::BOLD, "Body"));
    let Some(body) = body else {
        return text + "  there is none\n";
    };
    for (name, value) in body_facts(body) {
        text += line(&screen.paint(colour::DIM, &format!("  {name:<22}  ")), &value).as_str();
    }
    text += &format!("\n{}\n", screen.paint(colour::BOLD, "Contents"));
    for segment in contents(body) {
        // The segment's name stands out, so that the eye finds it.
        let (name, rest) = segment.split_at(if is_segment(&segment) { 3 } else { 0 });
        text += &format!("  {}{rest}\n", screen.paint(colour::REQUEST, name));
    }
    text
}

fn line(name: &str, value: &str) -> String {
    format!("{}\n", format!("{name}{value}").trim_end())
}

fn is_segment(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() > 3 && bytes[..3].iter().all(u8::is_ascii_alphanumeric) && !bytes[3].is_ascii_alphanumeric()
}

/// What is known about a body without looking into it.
fn body_facts(body: &MessageBody) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("ClassName", body.class().0.to_owned()),
        ("DocType", body.doc_type().to_owned()),
        ("Charset", body.charset().to_owned()),
        ("Name", body.name().to_owned()),
        ("Size", count(body.content().len(), "byte")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// A body's content, one segment a line, with control characters made visible.
fn contents(body: &MessageBody) -> Vec<String> {
    let text = match &components::message::hl7(body) {
        Ok(message) => message.text().to_owned(),
        Err(_) => String::from_utf8_lossy(body.content()).into_owned(),
    };
    let lines = text.replace("\r\n", "\r").replace('\n', "\r");
    let lines = lines.strip_suffix('\r').unwrap_or(&lines);
    lines.split('\r').map(visible).collect()
}

/// Control characters as their pictures, as in `␋`.
fn visible(line: &str) -> String {
    let picture = |character: char| match u32::from(character) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        0x80..0xa0 => '\u{fffd}',
        _ => character,
    };
    line.chars().map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::samples;
    use model::BodyClass;

    #[test]
    fn contents_have_a_segment_a_line_and_nothing_hidden() {
        let body = MessageBody::new(BodyClass::HL7, "MSH|^~\\&|A\\T\\B\rPID|1||\u{1b}[31m\t\u{7f}\r");
        assert_eq!(contents(&body), ["MSH|^~\\&|A\\T\\B", "PID|1||␛[31m␉␡"]);
        let bytes = MessageBody::new(BodyClass::BYTES, b"\x0bno \xff HL7\x1c".as_slice());
        assert_eq!(contents(&bytes), ["␋no \u{fffd} HL7␜"]);
    }

    #[test]
    fn a_message_is_shown_in_three_parts() {
        let screen = Screen { width: None, colour: false };
        let body = MessageBody::described(
            BodyClass::HL7,
            "MSH|^~\\&|A\rPID|1\r",
            "ADT_A01".into(),
            String::new(),
            "a.hl7".into(),
        );
        let shown = message_text(&samples::session().hops[2], Some(&body), &screen);
        crate::output::check_snapshot("trace/message.txt", &shown);
    }
}
