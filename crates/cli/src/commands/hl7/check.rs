//! `orris hl7 check`: what is not as the schema wants it. Values are shown only when asked for.

use std::path::PathBuf;

use hl7::validate::{Finding, Level, ZSegments, validate};
use hl7::{FaultKind, Message};
use serde_json::{Value, json};

use super::draw::visible;
use super::input::{Found, Input, Lines, Reading};
use super::parts::labels;
use super::words::{Choice, Words};
use crate::output::{Exit, Screen, colour, count};

/// Check messages against their schema; exit code 1 when there are errors
///
/// An error is what a sender that knows the version would not send, a warning what receivers put up
/// with. Findings say where and what, and never show what stands there unless --values asks for it.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How much is checked: each level includes those before it
    #[arg(long, value_enum, default_value = "fields")]
    level: Depth,
    /// Take Z segments that the schema does not know as errors
    #[arg(long)]
    reject_z_segments: bool,
    /// Leave warnings out
    #[arg(long)]
    errors_only: bool,
    /// Show the segments, with what is wrong underlined; they may hold patients' data
    #[arg(long)]
    values: bool,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Depth {
    /// Segments: their order, how many there are, and which
    Structure,
    /// Fields: required, repeated, too long, not of their data type
    Fields,
    /// Codes, by HL7's tables
    Tables,
}

/// One finding, wherever it comes from.
struct Report {
    error: bool,
    rule: &'static str,
    text: String,
    file: String,
    message: usize,
    line: usize,
    /// As in `OBX[2]-5.1`, and what stands there is called.
    path: String,
    name: String,
    /// The segment, and where in it the wrong value stands, in characters.
    shown: Option<(String, usize, usize)>,
}

impl Check {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let book = self.choice.book()?;
        let (mut reports, mut checked) = (Vec::new(), 0);
        for file in &self.files {
            let input = Input::read(file)?;
            let messages = input.find(&self.reading)?;
            checked += messages.len();
            let unreadable = |(line, _, reason)| Report::unreadable(&input.label, line, reason);
            let mut of_file: Vec<_> = input.unreadable().map(unreadable).collect();
            for found in &messages {
                of_file.extend(self.check(&input.label, found, &book.words(&found.message)));
            }
            of_file.sort_by_key(|report| report.line);
            reports.extend(of_file);
        }
        reports.retain(|report| report.error || !self.errors_only);
        let errors = reports.iter().filter(|report| report.error).count();
        if self.json {
            let findings: Vec<_> = reports.iter().map(Report::object).collect();
            screen.json(&json!({ "ok": errors == 0, "messages": checked, "findings": findings }))?;
        } else {
            let drawn: String = reports.iter().map(|report| report.draw(screen)).collect();
            let (messages, files) = (count(checked, "message"), count(self.files.len(), "file"));
            let errors_said = count(errors, "error") + ", " + &count(reports.len() - errors, "warning");
            let verdict = match errors {
                0 => screen.paint(colour::RESPONSE, "ok"),
                _ => screen.paint(colour::ERROR, "not ok"),
            };
            screen.print(&format!("{drawn}{verdict}  {messages} in {files}: {errors_said}\n"))?;
        }
        if errors == 0 { Ok(()) } else { Err(Exit::Found) }
    }

    fn check(&self, file: &str, found: &Found, words: &Words) -> Vec<Report> {
        let message = &found.message;
        let schema = words.schema();
        let report = |error, rule, text: String, offset: usize| Report {
            line: line_of(found, offset),
            ..Report::new(error, rule, text, file, found.number)
        };
        let mut reports: Vec<_> = message
            .faults()
            .into_iter()
            // The schema's rules find these, too.
            .filter(|fault| schema.is_none() || fault.kind != FaultKind::NotASegment)
            .map(|fault| {
                report(true, "form", format!("segment {}: {}", fault.segment, fault.text), fault.offset)
            })
            .collect();
        reports.extend(words.doubt().map(|doubt| report(false, "version", doubt, 0)));
        let Some(schema) = schema else { return reports };
        let level = match self.level {
            Depth::Structure => Level::Structure,
            Depth::Fields => Level::Fields,
            Depth::Tables => Level::Tables,
        };
        let z_segments = if self.reject_z_segments { ZSegments::Reject } else { ZSegments::Tolerate };
        let labels = labels(message);
        for finding in validate(message, schema, &words.structure, level, z_segments) {
            let place = place(&finding);
            let label = labels.get(finding.segment.saturating_sub(1)).cloned().unwrap_or_default();
            let segment = message.segments().nth(finding.segment.saturating_sub(1));
            let name = segment.filter(|_| !place.is_empty()).map(|segment| words.at(&segment, &place));
            reports.push(Report {
                path: if place.is_empty() { label } else { format!("{label}-{place}") },
                name: name.unwrap_or_else(|| words.segment(&finding.id)),
                shown: self.values.then(|| shown(message, &finding)).flatten(),
                ..report(finding.is_error(), finding.rule.name(), finding.to_string(), finding.offset)
            });
        }
        reports
    }
}

/// The line of a file that a byte of a message's text stands on.
fn line_of(found: &Found, offset: usize) -> usize {
    let mut lines = Lines::default();
    lines.pass(found.message.text().get(..offset).unwrap_or_default().as_bytes());
    found.line + lines.number() - 1
}

/// As in `3[2].1`.
pub(super) fn place(finding: &Finding) -> String {
    let mut text = String::new();
    if finding.field > 0 {
        text = finding.field.to_string();
        if finding.repetition > 1 {
            text += &format!("[{}]", finding.repetition);
        }
        let below = [finding.component, finding.subcomponent];
        text.extend(below.into_iter().take_while(|number| *number > 0).map(|number| format!(".{number}")));
    }
    text
}

/// The segment with the place of the value in it.
fn shown(message: &Message, finding: &Finding) -> Option<(String, usize, usize)> {
    let segment = message.segments().nth(finding.segment.checked_sub(1)?)?;
    if finding.len == 0 {
        return None;
    }
    let start = finding.offset.checked_sub(segment.offset())?;
    let before = segment.raw().get(..start)?.chars().count();
    let value = segment.raw().get(start..start + finding.len)?.chars().count();
    Some((segment.raw().to_owned(), before, value.max(1)))
}

impl Report {
    fn new(error: bool, rule: &'static str, text: String, file: &str, message: usize) -> Report {
        let (path, name) = (String::new(), String::new());
        Report { error, rule, text, file: file.to_owned(), message, line: 0, path, name, shown: None }
    }

    fn unreadable(file: &str, line: usize, reason: &str) -> Report {
        Report { line, ..Report::new(true, "unreadable", reason.to_owned(), file, 0) }
    }

    fn object(&self) -> Value {
        json!({ "severity": if self.error { "error" } else { "warning" }, "rule": self.rule, "text": self.text,
            "file": self.file, "message": self.message, "line": self.line, "path": self.path, "name": self.name })
    }

    /// As a compiler says it.
    fn draw(&self, screen: &Screen) -> String {
        let (style, word) = if self.error { (colour::ERROR, "error") } else { (colour::WARNING, "warning") };
        let head = screen.paint(style.bold(), &format!("{word}[{}]", self.rule));
        let message = if self.message > 0 { format!("  message {}", self.message) } else { String::new() };
        let mut text = format!(
            "{head}: {}\n  {} {}:{}{message}  {}  {}",
            self.text,
            screen.paint(colour::DIM, "-->"),
            self.file,
            self.line,
            screen.paint(colour::PLACE, &self.path),
            self.name
        );
        text.truncate(text.trim_end().len());
        text.push('\n');
        if let Some((segment, before, length)) = &self.shown {
            let marks = screen.paint(style, &"^".repeat(*length));
            text += &format!("      {}\n      {}{marks}\n", visible(segment), " ".repeat(*before));
        }
        text
    }
}
