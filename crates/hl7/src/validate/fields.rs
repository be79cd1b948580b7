//! The fields of segments, made ready to be checked, and the check of each segment's fields.

use std::collections::HashMap;

use super::format::Format;
use super::values::Values;
use super::{At, Level, Report, Rule, Severity, later};
use crate::Segment;
use crate::schema::{DataType, FieldDef, Schema, Text, Usage};

/// The segments and data types of a schema, ready to be checked.
pub(crate) struct FieldPlans {
    segments: HashMap<Text, Vec<Part>>,
    pub(super) types: Vec<Type>,
    by_id: HashMap<Text, usize>,
}

/// A field or component.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) number: u16,
    pub(super) required: bool,
    pub(super) withdrawn: bool,
    pub(super) doubtful: bool,
    pub(super) max: Option<u16>,
    pub(super) length: Option<u32>,
    pub(super) table: Option<Text>,
    /// Its type, by its number; none where it varies or is not known.
    pub(super) datatype: Option<usize>,
}

/// A data type.
#[derive(Debug)]
pub(super) struct Type {
    pub(super) id: Text,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Text: anything is of it.
    Text,
    /// A code of a table.
    Code,
    /// Written in a way of its own.
    Written(Format),
    /// With components; the second says whether one is required.
    Composite(Vec<Part>, bool),
    /// Nothing is known about it.
    Any,
}

impl FieldPlans {
    pub(crate) fn of(schema: &Schema) -> FieldPlans {
        let ids = schema.datatypes().map(|datatype| datatype.id.clone());
        let mut by_id: HashMap<Text, usize> = ids.enumerate().map(|(at, id)| (id, at)).collect();
        // Before 2.5 the time of a TS is a mere text in the data.
        let time = by_id.len();
        let date_time = *by_id.entry("DTM".into()).or_insert(time);
        let mut types: Vec<_> = schema.datatypes().map(|it| Type::of(it, &by_id, date_time)).collect();
        if types.len() == date_time {
            types.push(Type { id: "DTM".into(), kind: Kind::Written(Format::DateTime) });
        }
        let fields = |fields: &[FieldDef]| fields.iter().map(|field| Part::of(field, &by_id)).collect();
        let segments =
            schema.segments().map(|segment| (segment.id.clone(), fields(&segment.fields))).collect();
        FieldPlans { segments, types, by_id }
    }
}

impl Type {
    fn of(datatype: &DataType, by_id: &HashMap<Text, usize>, date_time: usize) -> Type {
        let id = datatype.id.clone();
        let kind = match (&*id, Format::of(&id)) {
            ("TS", _) if !datatype.is_primitive() => {
                let mut parts: Vec<_> =
                    datatype.components.iter().map(|part| Part::of(part, by_id)).collect();
                parts[0].datatype = Some(date_time);
                Kind::Composite(parts, false)
            }
            _ if !datatype.is_primitive() => {
                let parts: Vec<_> = datatype.components.iter().map(|part| Part::of(part, by_id)).collect();
                let required = parts.iter().any(|part| part.required);
                Kind::Composite(parts, required)
            }
            (_, Some(format)) => Kind::Written(format),
            ("ID" | "IS", None) => Kind::Code,
            ("ST" | "TX" | "FT" | "TN" | "GTS" | "SNM", None) => Kind::Text,
            _ => Kind::Any,
        };
        Type { id, kind }
    }

    pub(super) fn is_composite(&self) -> bool {
        matches!(self.kind, Kind::Composite(..))
    }
}

impl Part {
    fn of(field: &FieldDef, by_id: &HashMap<Text, usize>) -> Part {
        Part {
            number: field.number,
            required: field.usage == Usage::Required && field.min > 0,
            withdrawn: field.usage == Usage::Withdrawn
                || field.max == Some(0)
                || matches!(&*field.datatype, "NUL" | "WD"),
            doubtful: field.doubtful,
            max: field.max,
            length: field.length,
            table: field.table.clone(),
            datatype: by_id.get(&field.datatype).copied(),
        }
    }

    pub(super) fn severity(&self) -> Severity {
        if self.doubtful { Severity::Warning } else { Severity::Error }
    }
}

/// Checks the fields of all segments.
pub(super) fn check(report: &mut Report<'_>, level: Level) {
    let plans = report.schema.field_plans();
    let message = report.message;
    for (number, segment) in message.segments().enumerate() {
        if report.is_full() {
            return;
        }
        let Some(fields) = plans.segments.get(segment.id()).filter(|fields| !fields.is_empty()) else {
            continue;
        };
        let at = At { segment: number, ..At::default() };
        check_segment(report, plans, level, &segment, fields, at);
    }
}

fn check_segment<'m>(
    report: &mut Report<'m>,
    plans: &FieldPlans,
    level: Level,
    segment: &Segment<'m>,
    fields: &[Part],
    at: At<'m>,
) {
    let (is_header, is_result) = (segment.is_header(), segment.id() == "OBX");
    let mut seen = 0;
    let mut varying = None;
    for (index, value) in segment.fields().enumerate() {
        seen = index + 1;
        let Some(part) = fields.get(index) else {
            if value.is_empty() {
                continue;
            }
            beyond(report, segment, fields.len(), At { field: number(index), value: Some(value), ..at });
            return;
        };
        if value.is_empty() {
            required(report, segment, part, at);
            continue;
        }
        if is_header && index < 2 {
            continue;
        }
        if is_result && index == 1 {
            varying = plans.by_id.get(value).copied();
        }
        let datatype = if is_result && index == 4 { varying } else { part.datatype };
        let at = At { field: part.number, value: Some(value), ..at };
        Values { report, plans, level, segment, within: None }.field(part, datatype, at, value);
    }
    for part in fields.get(seen..).unwrap_or_default() {
        required(report, segment, part, at);
    }
}

fn number(index: usize) -> u16 {
    u16::try_from(index + 1).unwrap_or(u16::MAX)
}

/// A field that has to be there. Where a later version does without it, so do its senders, whatever
/// version they name.
fn required<'m>(report: &mut Report<'m>, segment: &Segment<'m>, part: &Part, at: At<'m>) {
    if !part.required {
        return;
    }
    let at = At { field: part.number, ..at };
    let optional = |_: &Schema, field: &FieldDef| field.usage != Usage::Required;
    let is_later = || later::has_field(report.schema, segment.id(), part.number, optional);
    let severity = if part.doubtful || is_later() { Severity::Warning } else { Severity::Error };
    report.add(Rule::Required, severity, at, |report| {
        format!(" has no field {}, required by {}", part.number, report.doc_type())
    });
}

fn beyond<'m>(report: &mut Report<'m>, segment: &Segment<'m>, count: usize, at: At<'m>) {
    let known = later::has_field(report.schema, segment.id(), at.field, |_, _| true);
    let severity = if known { Severity::Warning } else { Severity::Error };
    report.add(Rule::Beyond, severity, at, |report| {
        format!(" has a field {}, beyond the {count} that it has in {}", at.field, report.schema.name())
    });
}
