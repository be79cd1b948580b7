//! Makes a name of a template and the facts about one message or file.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Zoned;
use model::Timestamp;

use super::codes::{Piece, SourcePart};
use super::{NameTemplate, safe};

/// What a name is made of.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// Where the content came from, such as a file name or `IP_port`.
    pub(crate) source: &'a str,
    /// The time that the codes show.
    pub(crate) time: Timestamp,
    /// The id of the message's header.
    pub(crate) id: u64,
    /// The id of its session.
    pub(crate) session: u64,
    /// What the body is.
    pub(crate) doc_type: &'a str,
    /// The message, where it could be read.
    pub(crate) message: Option<&'a hl7::Message>,
}

impl NameTemplate {
    /// The name: never empty, never a path, never hidden, never too long. The same facts make the
    /// same name.
    pub(crate) fn render(&self, facts: &Facts<'_>) -> String {
        let mut name = String::with_capacity(64);
        let mut zoned = None;
        for piece in &self.pieces {
            let mut time = || zoned.get_or_insert_with(|| self.zoned(facts.time)).clone();
            match piece {
                Piece::Literal(text) => name.push_str(text),
                Piece::Source(part, upper) => source(&mut name, facts.source, *part, *upper),
                Piece::Time(format) => safe::push_value(&mut name, &time().strftime(format).to_string()),
                Piece::Horolog { utc } => name.push_str(&horolog(facts.time, &time(), *utc)),
                Piece::Guid => name.push_str(&guid(facts)),
                Piece::Id => push_number(&mut name, facts.id),
                Piece::Session => push_number(&mut name, facts.session),
                Piece::DocType => safe::push_value(&mut name, facts.doc_type),
                Piece::Field(path) => {
                    if let Some(value) = facts.message.and_then(|message| message.value(path)) {
                        safe::push_value(&mut name, &value);
                    }
                }
            }
        }
        safe::file_name(name)
    }

    fn zoned(&self, time: Timestamp) -> Zoned {
        jiff::Timestamp::from_millisecond(time.0).unwrap_or_default().to_zoned(self.zone.zone())
    }
}

fn push_number(name: &mut String, number: u64) {
    write!(name, "{number}").expect("text takes what is written to it");
}

fn source(name: &mut String, source: &str, part: SourcePart, upper: bool) {
    let dot = source.rfind('.').unwrap_or(source.len());
    let text = match part {
        SourcePart::Whole => source,
        SourcePart::BeforeLastDot => &source[..dot],
        SourcePart::FromLastDot => &source[dot..],
    };
    match upper {
        true => safe::push_value(name, &text.to_uppercase()),
        false => safe::push_value(name, text),
    }
}

/// Days since 1840-12-31 and seconds of the day, as MUMPS counts them.
fn horolog(time: Timestamp, local: &Zoned, utc: bool) -> String {
    const DAYS_TO_1970: i64 = 47_117;
    let offset = if utc { 0 } else { i64::from(local.offset().seconds()) * 1_000 };
    let millis = time.0 + offset;
    let (days, of_day) = (millis.div_euclid(86_400_000) + DAYS_TO_1970, millis.rem_euclid(86_400_000));
    match utc {
        true => format!("{days},{}.{:03}", of_day / 1_000, of_day % 1_000),
        false => format!("{days},{}", of_day / 1_000),
    }
}

/// A GUID that a repeat of the same message makes again (version 8: made by an own rule).
fn guid(facts: &Facts<'_>) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, facts.id, facts.session, facts.time.0, facts.source).hash(&mut hasher);
        hasher.finish()
    };
    let (high, low) = (half(0), half(1));
    format!(
        "{:08X}-{:04X}-8{:03X}-{:04X}-{:012X}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14 22:13:20.123 UTC, a Tuesday.
    const TIME: Timestamp = Timestamp(1_700_000_000_123);

    fn render(template: &str, source: &str) -> String {
        let template: NameTemplate = template.parse().unwrap();
        template.render(&Facts {
            source,
            time: TIME,
            id: 42,
            session: 40,
            doc_type: "ADT_A01",
            message: None,
        })
    }

    #[test]
    fn every_code_has_its_meaning() {
        for (code, wanted) in [
            ("%f", "adt 1.hl7".replace(' ', "_").as_str()),
            ("%#f", "adt_1"),
            ("%$f", "x.hl7"),
            ("%F", "ADT_1.HL7"),
            ("%#F", "ADT_1"),
            ("%$F", "x.HL7"),
            ("%Q", "2023-11-14_22.13.20.123"),
            ("%Q(0)", "20231114221320"),
            ("%q", "20231114221320"),
            ("%q(0)", "20231114221320"),
            ("%q(1)", "2023-11-14_22.13.20"),
            ("%q(2)", "2023-11-14T22.13.20"),
            ("%q(3)", "66792,80000"),
            ("%q(4)", "66792,80000.123"),
            ("%c", "11-14-23_22.13.20"),
            ("%Y", "2023"),
            ("%y", "23"),
            ("%m", "11"),
            ("%#m", "11"),
            ("%d", "14"),
            ("%#d", "14"),
            ("%D", "11-14-23"),
            ("%#D", "Tuesday,_November_14,_2023"),
            ("%H", "22"),
            ("%#H", "22"),
            ("%I", "10"),
            ("%#I", "10"),
            ("%M", "13"),
            ("%#M", "13"),
            ("%S", "20"),
            ("%#S", "20"),
            ("%N", "123"),
            ("%j", "318"),
            ("%#j", "318"),
            ("%a", "Tue"),
            ("%A", "Tuesday"),
            ("%b", "Nov"),
            ("%h", "Nov"),
            ("%B", "November"),
            ("%u", "2"),
            ("%w", "2"),
            ("%U", "46"),
            ("%W", "46"),
            ("%p", "PM"),
            ("%P", "pm"),
            ("%#p", "pm"),
            ("%#P", "pm"),
            ("%r", "10.13.20_PM"),
            ("%#r", "10.13.20_pm"),
            ("%R", "22.13"),
            ("%T", "22.13.20"),
            ("%z", "+0000"),
            ("%#z", "+00.00"),
            ("%Z", "UTC"),
            ("a%tb", "a_b"),
            ("%%", "%"),
            ("{id}_{session}_{doc_type}", "42_40_ADT_A01"),
            ("lab-%f", "lab-adt_1.hl7"),
        ] {
            // What begins with a dot gets a letter first, so that it is not hidden.
            let code = if code.starts_with("%$") { format!("x{code}") } else { code.to_owned() };
            assert_eq!(render(&format!("%K(UTC){code}"), "adt 1.hl7"), wanted, "{code}");
        }
    }

    #[test]
    fn zones_are_converted_to() {
        for (zone, wanted) in
            [("+2", "2023-11-15_00.13"), ("-0330", "2023-11-14_18.43"), ("UTC", "2023-11-14_22.13")]
        {
            assert_eq!(render(&format!("%K({zone})%Y-%m-%d_%R"), ""), wanted, "{zone}");
        }
    }

    #[test]
    fn a_guid_is_the_same_for_the_same_message() {
        let first = render("%q(5)", "a");
        assert_eq!(first, render("%q(5)", "a"));
        assert_ne!(first, render("%q(5)", "b"));
        assert_eq!((first.len(), &first[14..15]), (36, "8"));
    }

    #[test]
    fn fields_of_the_message_are_filled_in() {
        let bytes = "MSH|^~\\&|A|B|||||ADT^A01|C/1|P|2.5\rPID|||X^^^Y\r";
        let message = hl7::Message::read(bytes.into(), "").unwrap();
        let template: NameTemplate = "{MSH-10}-{MSH-9.2}-{PID-9}.hl7".parse().unwrap();
        let facts =
            Facts { source: "", time: TIME, id: 1, session: 1, doc_type: "", message: Some(&message) };
        assert_eq!(template.render(&facts), "C-1-A01-.hl7");
        assert_eq!(template.render(&Facts { message: None, ..facts }), "--.hl7");
    }
}
