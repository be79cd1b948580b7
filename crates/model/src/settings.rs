//! Values with units, and what a component's check says about its settings.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::Library;

/// A duration written with its unit: `250ms`, `5s`, `10m`, `2h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

impl Span {
    /// That many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Span(Duration::from_millis(millis))
    }

    /// That many seconds.
    pub const fn secs(secs: u64) -> Self {
        Span(Duration::from_secs(secs))
    }
}

/// Units of a duration, in milliseconds, the largest first.
const TIME_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// Units of a size, in bytes, the largest first.
const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

fn read_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let (_, factor) = units.iter().find(|(unit, _)| *unit == text[digits..].trim_start())?;
    number.checked_mul(*factor)
}

fn write_with_unit(value: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().find(|(_, factor)| value >= *factor && value.is_multiple_of(*factor));
    let (unit, factor) = whole.unwrap_or(&units[units.len() - 1]);
    format!("{}{unit}", value / factor)
}

impl TryFrom<String> for Span {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        read_with_unit(&text, &TIME_UNITS).map(Span::millis).ok_or_else(|| {
            format!("duration is \"{text}\"; expected a number with a unit, as in 250ms, 5s, 10m, 2h or 1d")
        })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&write_with_unit(self.0.as_millis() as u64, &TIME_UNITS))
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+ *(ms|s|m|h|d)$",
            "description": "a duration with its unit, as in 250ms, 5s, 10m, 2h or 1d"
        })
    }
}

/// A duration, or `forever`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timeout(pub Option<Duration>);

impl TryFrom<String> for Timeout {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Timeout(None));
        }
        Span::try_from(text).map(|span| Timeout(Some(span.0)))
    }
}

impl From<Timeout> for String {
    fn from(timeout: Timeout) -> String {
        timeout.0.map_or_else(|| "forever".to_owned(), |duration| Span(duration).to_string())
    }
}

impl JsonSchema for Timeout {
    fn schema_name() -> Cow<'static, str> {
        "Timeout".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(forever|[0-9]+ *(ms|s|m|h|d))$",
            "description": "a duration with its unit, or forever"
        })
    }
}

/// A size written with its unit: `512B`, `64KiB`, `4MiB`, `1GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// That many KiB.
    pub const fn kib(kib: u64) -> Self {
        ByteSize(kib << 10)
    }

    /// That many MiB.
    pub const fn mib(mib: u64) -> Self {
        ByteSize(mib << 20)
    }
}

impl TryFrom<String> for ByteSize {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        read_with_unit(&text, &SIZE_UNITS).map(ByteSize).ok_or_else(|| {
            format!("size is \"{text}\"; expected a number with a unit, as in 512B, 64KiB, 4MiB or 1GiB")
        })
    }
}

impl std::fmt::Display for ByteSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&write_with_unit(self.0, &SIZE_UNITS))
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> String {
        size.to_string()
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)$",
            "description": "a size with its unit, as in 512B, 64KiB, 4MiB or 1GiB"
        })
    }
}

/// What a component's `check` found out about its settings.
///
/// Places are paths below `settings`, as in `rules[0].when`.
#[derive(Debug, Default)]
pub struct Checks {
    /// What is wrong or doubtful.
    pub notes: Vec<Note>,
    /// Items that the settings name.
    pub references: Vec<Reference>,
    /// What the item wants of the machine.
    pub claims: Vec<(String, Claim)>,
    /// How long the item waits for the answer of its first target; none where it does not.
    pub patience: Option<Duration>,
    /// By path, how long the item may wait for something before it answers.
    pub waits: Vec<(String, Duration)>,
    /// By path, the items that messages have to come from, as names or patterns such as `From*`.
    pub origins: Vec<(String, String)>,
    /// What the production defines beside its items.
    pub library: Library,
}

/// How bad a note is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// The production cannot run.
    Error,
    /// The production can run, but hardly as meant.
    Warning,
}

/// One thing that is wrong or doubtful in a component's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How bad it is.
    pub kind: NoteKind,
    /// The path below `settings`.
    pub path: String,
    /// The bytes within that value's text, where the place is finer than the value.
    pub range: Option<Range<usize>>,
    /// What was found and what was wanted.
    pub message: String,
    /// What to do, as in `did you mean "MsgRouter"?`.
    pub help: Option<String>,
}

/// An item that the settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The path below `settings`.
    pub path: String,
    /// The bytes within that value's text, where the place is finer than the value.
    pub range: Option<Range<usize>>,
    /// The name found there.
    pub name: String,
    /// None when messages are sent there (it must be a process or operation); else the component
    /// type that the item must have.
    pub component: Option<&'static str>,
}

/// What an item wants of the machine. Two items cannot want the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Claim {
    /// To listen on an address (`host:port`) under a path; several paths may share an address.
    Listen(String, String),
    /// To take files out of a folder; the pattern tells two items on one folder apart.
    TakeFrom(String, String),
    /// To write files into a folder; several may.
    WriteTo(String),
}

impl Checks {
    /// Nothing said yet, of settings that stand beside `library`.
    pub fn beside(library: &Library) -> Self {
        Checks { library: library.clone(), ..Checks::default() }
    }

    /// Says that the value at `path` is wrong.
    pub fn error(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.note(NoteKind::Error, path, None, message);
    }

    /// Says that bytes of the text at `path` are wrong.
    pub fn error_at(&mut self, path: impl Into<String>, range: Range<usize>, message: impl Into<String>) {
        self.note(NoteKind::Error, path, Some(range), message);
    }

    /// Says that the value at `path` is doubtful.
    pub fn warning(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.note(NoteKind::Warning, path, None, message);
    }

    /// Says that the value at `path` is out of its range, where it is.
    pub fn within<T: PartialOrd + Display>(&mut self, path: &str, found: T, range: RangeInclusive<T>) {
        if !range.contains(&found) {
            let name = path.rsplit('.').next().unwrap_or(path);
            let (least, most) = range.into_inner();
            self.error(path, format!("{name} is {found}; expected {least} to {most}"));
        }
    }

    /// Says that bytes of the text at `path` are doubtful.
    pub fn warning_at(&mut self, path: impl Into<String>, range: Range<usize>, message: impl Into<String>) {
        self.note(NoteKind::Warning, path, Some(range), message);
    }

    fn note(
        &mut self,
        kind: NoteKind,
        path: impl Into<String>,
        range: Option<Range<usize>>,
        message: impl Into<String>,
    ) {
        self.notes.push(Note { kind, path: path.into(), range, message: message.into(), help: None });
    }

    /// Adds the next step to what was said last.
    pub fn help(&mut self, help: impl Into<String>) {
        if let Some(note) = self.notes.last_mut() {
            note.help = Some(help.into());
        }
    }

    /// Says that messages are sent to the item named at `path`.
    pub fn sends_to(&mut self, path: impl Into<String>, name: impl Into<String>) {
        self.references.push(Reference {
            path: path.into(),
            range: None,
            name: name.into(),
            component: None,
        });
    }

    /// Says that messages are sent to the item named at bytes of the text at `path`.
    pub fn sends_to_at(&mut self, path: impl Into<String>, range: Range<usize>, name: impl Into<String>) {
        self.sends_to(path, name);
        if let Some(reference) = self.references.last_mut() {
            reference.range = Some(range);
        }
    }

    /// Says that the item named at `path` is used, and has to be of the type `component`.
    pub fn uses(&mut self, path: impl Into<String>, name: impl Into<String>, component: &'static str) {
        self.sends_to(path, name);
        if let Some(reference) = self.references.last_mut() {
            reference.component = Some(component);
        }
    }

    /// Says that the text at `path` is for messages from items of that name or pattern, as in `From*`.
    pub fn comes_from(&mut self, path: impl Into<String>, pattern: impl Into<String>) {
        self.origins.push((path.into(), pattern.into()));
    }

    /// Says what the item wants of the machine.
    pub fn claim(&mut self, path: impl Into<String>, claim: Claim) {
        self.claims.push((path.into(), claim));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_with_their_unit() {
        for (text, millis) in
            [("250ms", 250), ("5s", 5_000), ("90s", 90_000), ("10 m", 600_000), ("1d", 86_400_000)]
        {
            assert_eq!(Span::try_from(text.to_owned()), Ok(Span::millis(millis)), "{text}");
        }
        assert_eq!(Span::secs(90).to_string(), "90s");
        assert_eq!(Span::secs(120).to_string(), "2m");
        assert_eq!(Span::millis(0).to_string(), "0ms");
        for wrong in ["5", "s", "-1s", "5 parsecs", "1.5s", "", "99999999999999999999s", "9999999999999999d"]
        {
            let error = Span::try_from(wrong.to_owned()).unwrap_err();
            assert!(error.contains(&format!("\"{wrong}\"")), "{error}");
        }
    }

    #[test]
    fn a_value_out_of_its_range_is_told_with_the_range() {
        let mut checks = Checks::default();
        let range = || Span::millis(100)..=Span::secs(3_600);
        for found in [Span::millis(99), Span::millis(100), Span::secs(3_600), Span::secs(3_601)] {
            checks.within("limits.time", found, range());
        }
        let said: Vec<_> = checks.notes.iter().map(|note| (&*note.path, &*note.message)).collect();
        let path = "limits.time";
        assert_eq!(
            said,
            [(path, "time is 99ms; expected 100ms to 1h"), (path, "time is 3601s; expected 100ms to 1h")]
        );
    }

    #[test]
    fn sizes_are_read_and_written_with_their_unit() {
        assert_eq!(ByteSize::try_from("4MiB".to_owned()), Ok(ByteSize::mib(4)));
        assert_eq!(ByteSize(1536).to_string(), "1536B");
        assert_eq!(ByteSize::kib(64).to_string(), "64KiB");
        assert!(ByteSize::try_from("4MB".to_owned()).is_err());
    }
}
