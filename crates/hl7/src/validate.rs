//! Whether a message is as its schema wants it.
//!
//! ```
//! # use orris_hl7 as hl7;
//! use hl7::validate::{Level, ZSegments, validate};
//! let message = hl7::Message::read("MSH|^~\\&|A||||2026||ADT^A01|7|P|2.5\rEVN||2026\rPID|1\rPV1||I".into(), "")?;
//! let schema = hl7::schema::Schemas::default().get("2.5").unwrap();
//! let findings = validate(&message, &schema, "ADT_A01", Level::Fields, ZSegments::Tolerate);
//! let first = findings.iter().find(|finding| finding.is_error()).unwrap();
//! assert_eq!(first.to_string(), "segment 3 (PID) has no field 3, required by 2.5:ADT_A01");
//! # Ok::<(), hl7::ReadError>(())
//! ```
//!
//! An error is what a sender that knows the version would not send. A warning is what receivers put up
//! with, since HL7 is made to grow: what a later version knows (fields, components, repetitions, codes,
//! longer times, fields that need not be there), withdrawn fields and components, codes that are not in a table which sites extend, values of composite
//! types that are too long, components that are missing, and everything where the data of the schema is
//! in doubt. The HL7 null, `""`, is a value: it satisfies what is required, and is of every type.
//!
//! A finding says where and what is wrong, and never what stands there.

mod fields;
mod format;
mod later;
mod segments;
mod values;

use std::borrow::Cow;
use std::collections::HashMap;

pub(crate) use fields::FieldPlans;

use crate::schema::{Schema, Text};
use crate::{Message, Segment};

/// How much of a message is checked. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// Segments: their order, how many there are, and which.
    Structure,
    /// Fields: required, repeated, too long, not of their data type, beyond the segment.
    Fields,
    /// Codes, by HL7's tables.
    Tables,
}

/// What is said about segments that begin with Z and are not in the structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ZSegments {
    /// Nothing: they may stand anywhere.
    #[default]
    Tolerate,
    /// They are errors.
    Reject,
}

/// Whether a message is wrong, or merely not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is wrong.
    Error,
    /// Receivers put up with it.
    Warning,
}

/// What is held against a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The schema has no such structure.
    Structure,
    /// A segment is needed.
    SegmentMissing,
    /// Segments have an order.
    SegmentOrder,
    /// There are at most so many of a segment.
    SegmentCount,
    /// A segment is in the structure.
    SegmentUnknown,
    /// A field or component is needed.
    Required,
    /// A field has at most so many repetitions.
    Repetition,
    /// A value has at most so many characters.
    Length,
    /// A value is of its data type.
    DataType,
    /// A segment has so many fields, a data type so many components.
    Beyond,
    /// A field is no longer used.
    Withdrawn,
    /// A code is in its table.
    Table,
}

impl Rule {
    /// Its name, which stays.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Structure => "structure",
            Rule::SegmentMissing => "segment.missing",
            Rule::SegmentOrder => "segment.order",
            Rule::SegmentCount => "segment.count",
            Rule::SegmentUnknown => "segment.unknown",
            Rule::Required => "required",
            Rule::Repetition => "repetition",
            Rule::Length => "length",
            Rule::DataType => "datatype",
            Rule::Beyond => "beyond",
            Rule::Withdrawn => "withdrawn",
            Rule::Table => "table",
        }
    }
}

/// One thing that is not as the schema wants it. Displays as a sentence without the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is held against.
    pub rule: Rule,
    /// Whether the message is wrong.
    pub severity: Severity,
    /// The segment, counted from 1; where one is missing, the one that its group begins with.
    pub segment: usize,
    /// The id of that segment, as in `PID`; empty where the line is no segment.
    pub id: Text,
    /// Which one of the segments of that id it is, counted from 1.
    pub occurrence: usize,
    /// The field; 0 for the segment as a whole.
    pub field: u16,
    /// The repetition; 0 for the field as a whole.
    pub repetition: u16,
    /// The component; 0 for the repetition as a whole.
    pub component: u16,
    /// The subcomponent; 0 for the component as a whole.
    pub subcomponent: u16,
    /// Where the value begins in the message's text.
    pub offset: usize,
    /// How long it is in bytes; 0 for what is missing.
    pub len: usize,
    /// What is wrong.
    text: Cow<'static, str>,
}

impl Finding {
    /// Whether the message is wrong, and not merely doubtful.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// More findings than this are of no use to anybody.
const MOST: usize = 1_000;

/// Everything that is not as the schema wants it, in the order of the message; at most 1,000 findings.
///
/// `structure` is the id of the structure that the message has, as in `ADT_A01`.
pub fn validate(
    message: &Message,
    schema: &Schema,
    structure: &str,
    level: Level,
    z_segments: ZSegments,
) -> Vec<Finding> {
    let mut report = Report { message, schema, structure, findings: Vec::new(), occurrences: Vec::new() };
    if level >= Level::Structure {
        segments::check(&mut report, z_segments);
    }
    if level >= Level::Fields {
        let ordered = report.findings.is_empty();
        fields::check(&mut report, level);
        if !ordered {
            report.findings.sort_by_key(|finding| (finding.segment, finding.field > 0));
        }
    }
    report.findings
}

/// What was found so far.
struct Report<'m> {
    message: &'m Message,
    schema: &'m Schema,
    structure: &'m str,
    findings: Vec<Finding>,
    /// Which one of the segments of its id each segment is; made for the first finding.
    occurrences: Vec<usize>,
}

/// Where something is, below its segment.
#[derive(Debug, Clone, Copy, Default)]
struct At<'m> {
    /// The segment, counted from 0.
    segment: usize,
    field: u16,
    repetition: u16,
    component: u16,
    subcomponent: u16,
    /// The value itself, a part of the message's text; none where it is missing.
    value: Option<&'m str>,
}

impl<'m> Report<'m> {
    fn is_full(&self) -> bool {
        self.findings.len() >= MOST
    }

    /// Which one of the segments of its id a segment is.
    fn occurrence(&mut self, segment: usize) -> usize {
        if self.occurrences.is_empty() {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            let count = |segment: Segment<'m>| {
                let count = counts.entry(segment.id()).or_default();
                *count += 1;
                *count
            };
            self.occurrences = self.message.segments().map(count).collect();
        }
        self.occurrences.get(segment).copied().unwrap_or(1)
    }

    /// The type of the message, as in `2.5.1:ADT_A01`.
    fn doc_type(&self) -> String {
        match self.schema.structure(self.structure) {
            Some(_) => format!("{}:{}", self.schema.name(), self.structure),
            // What it calls itself is content.
            None => self.schema.name().to_string(),
        }
    }

    /// Adds a finding; `text` follows on the name of the place.
    fn add(&mut self, rule: Rule, severity: Severity, at: At<'m>, text: impl FnOnce(&Self) -> String) {
        if self.is_full() {
            return;
        }
        let Some(segment) = self.message.segment_at(at.segment) else { return };
        let id = if segment.is_well_formed() { segment.id() } else { "" };
        let start = self.message.text().as_ptr() as usize;
        let value = at.value.filter(|value| !value.is_empty());
        let place = if id.is_empty() { String::new() } else { format!(" ({id})") };
        let text = format!("segment {}{place}{}", at.segment + 1, text(self));
        let occurrence = self.occurrence(at.segment);
        self.findings.push(Finding {
            rule,
            severity,
            segment: at.segment + 1,
            id: id.into(),
            occurrence,
            field: at.field,
            repetition: at.repetition,
            component: at.component,
            subcomponent: at.subcomponent,
            offset: at.value.map_or(segment.offset(), |value| value.as_ptr() as usize - start),
            len: value.map_or(0, str::len),
            text: text.into(),
        });
    }
}

impl At<'_> {
    /// The place below the segment, as in `, field 3[2].1`.
    fn place(&self) -> String {
        let mut place = format!(", field {}", self.field);
        if self.repetition > 1 {
            place.push_str(&format!("[{}]", self.repetition));
        }
        for part in [self.component, self.subcomponent].into_iter().take_while(|part| *part > 0) {
            place.push_str(&format!(".{part}"));
        }
        place
    }
}

#[cfg(test)]
mod tests;
