//! Whether a value is of its data type, down to the subcomponents.

use super::fields::{FieldPlans, Kind, Part, Type};
use super::format::{Fit, Format};
use super::{At, Level, Report, Rule, Severity, later};
use crate::schema::{FieldDef, Schema};
use crate::{Path, Segment, charset, escape};

/// The type of a message.
pub(super) const MSH_9: Path =
    Path { segment: *b"MSH", occurrence: None, field: 9, repetition: None, component: 0, subcomponent: 0 };

/// The HL7 null, of every type.
const NULL: &str = "\"\"";

/// The check of one field.
pub(super) struct Values<'r, 'm, 'p> {
    pub(super) report: &'r mut Report<'m>,
    pub(super) plans: &'p FieldPlans,
    pub(super) level: Level,
    pub(super) segment: &'r Segment<'m>,
    /// The type whose component is looked at.
    pub(super) within: Option<&'p Type>,
}

impl<'m, 'p> Values<'_, 'm, 'p> {
    /// Checks a field that is not empty.
    pub(super) fn field(&mut self, part: &Part, datatype: Option<usize>, at: At<'m>, value: &'m str) {
        if part.withdrawn {
            let text =
                |report: &Report<'_>| format!("{} is not used in {}", at.place(), report.schema.name());
            self.report.add(Rule::Withdrawn, Severity::Warning, at, text);
            return;
        }
        let separator = self.segment.separators.repetition.filter(|separator| contains(value, *separator));
        let Some(separator) = separator else {
            return self.repetition(part, datatype, At { repetition: 1, ..at }, value);
        };
        let mut count = 0;
        for (index, value) in value.split(char::from(separator)).enumerate() {
            if !value.is_empty() {
                count = index + 1;
                let repetition = u16::try_from(count).unwrap_or(u16::MAX);
                self.repetition(part, datatype, At { repetition, value: Some(value), ..at }, value);
            }
            if self.report.is_full() {
                return;
            }
        }
        if part.max.is_some_and(|max| count > max.into()) {
            self.too_many(part, at, count);
        }
    }

    fn too_many(&mut self, part: &Part, at: At<'m>, count: usize) {
        let schema = self.report.schema;
        let repeats = |field: &FieldDef| field.max.is_none_or(|max| usize::from(max) >= count);
        let later = || later::has_field(schema, self.segment.id(), part.number, |_, field| repeats(field));
        let severity = if part.doubtful || later() { Severity::Warning } else { Severity::Error };
        let most = part.max.unwrap_or_default();
        self.report.add(Rule::Repetition, severity, at, |report| {
            format!("{} stands there {count} times, at most {most} in {}", at.place(), report.schema.name())
        });
    }

    fn repetition(&mut self, part: &Part, datatype: Option<usize>, at: At<'m>, value: &'m str) {
        let datatype = datatype.map(|datatype| &self.plans.types[datatype]);
        self.length(part, datatype, at, value);
        if let Some(datatype) = datatype {
            self.value(part, datatype, at, value);
        }
    }

    /// Whether a value is too long. Bytes are at least as many as characters.
    fn length(&mut self, part: &Part, datatype: Option<&Type>, at: At<'m>, value: &str) {
        let Some(most) = part.length.filter(|most| value.len() > *most as usize) else { return };
        let count = escape::decode(value, self.segment.separators).chars().count();
        if count <= most as usize {
            return;
        }
        let may = |field: &FieldDef| field.length.is_none_or(|most| count <= most as usize);
        let is_plain = |datatype: &Type| matches!(datatype.kind, Kind::Text | Kind::Code);
        let (schema, id) = (self.report.schema, self.segment.id());
        let is_wrong = at.component == 0
            && !part.doubtful
            && datatype.is_some_and(is_plain)
            && !later::has_field(schema, id, part.number, |_, field| may(field));
        let severity = if is_wrong { Severity::Error } else { Severity::Warning };
        self.report.add(Rule::Length, severity, at, |report| {
            let schema = report.schema.name();
            format!("{} has {count} characters, at most {most} in {schema}", at.place())
        });
    }

    /// Checks a repetition, component or subcomponent that is not empty.
    fn value(&mut self, part: &Part, datatype: &'p Type, at: At<'m>, value: &'m str) {
        if value == NULL {
            return;
        }
        match &datatype.kind {
            Kind::Any => {}
            Kind::Composite(parts, required) if at.subcomponent == 0 => {
                self.composite(part, datatype, (parts, *required), at, value);
            }
            // HL7 has no fourth level: the value is that of the type's first part.
            Kind::Composite(parts, _) => {
                let first = parts.first().and_then(|part| Some((part, part.datatype?)));
                if let Some((part, first)) = first {
                    let first = &self.plans.types[first];
                    if !first.is_composite() {
                        self.value(part, first, at, value);
                    }
                }
            }
            Kind::Text | Kind::Code | Kind::Written(_) => self.primitive(part, datatype, at, value),
        }
    }

    fn composite(
        &mut self,
        part: &Part,
        datatype: &'p Type,
        (parts, required): (&[Part], bool),
        at: At<'m>,
        value: &'m str,
    ) {
        let Some(separator) = self.separator(at) else {
            return;
        };
        let outer = self.within.replace(datatype);
        let mut parts = parts.iter().peekable();
        let mut system = "";
        let mut first = "";
        for (index, value) in value.split(char::from(separator)).enumerate() {
            let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
            while parts.next_if(|part| part.number < number).is_some() {}
            match index {
                0 => first = value,
                2 => system = value,
                _ => {}
            }
            let at = at.below(number, value);
            let part = parts.next_if(|part| part.number == number);
            match part {
                _ if value.is_empty() => {
                    if let Some(part) = part.filter(|part| part.required) {
                        self.missing(part, datatype, at);
                    }
                }
                None => {
                    self.beyond(datatype, at);
                    if parts.peek().is_none() {
                        break;
                    }
                }
                Some(part) => {
                    let datatype = part.datatype.map(|datatype| &self.plans.types[datatype]);
                    self.length(part, datatype, at, value);
                    if let Some(datatype) = datatype {
                        self.value(part, datatype, at, value);
                    }
                }
            }
        }
        if required {
            for part in parts.filter(|part| part.required) {
                self.missing(part, datatype, at.below(part.number, ""));
            }
        }
        self.within = outer;
        self.coded(part, datatype, at, (first, system));
    }

    /// Checks the code of a coded value, its first component, where its coding system, the third one, is
    /// HL7's and the component has no table of its own.
    fn coded(&mut self, part: &Part, datatype: &Type, at: At<'m>, (code, system): (&'m str, &str)) {
        let has_own = match &datatype.kind {
            Kind::Composite(parts, _) => parts.first().is_some_and(|part| part.table.is_some()),
            _ => false,
        };
        let is_coded = self.level == Level::Tables && part.table.is_some() && !has_own;
        if is_coded && !code.is_empty() && (system.is_empty() || system.starts_with("HL7")) {
            self.code(part, at.below(1, code), code, true);
        }
    }

    fn missing(&mut self, part: &Part, datatype: &Type, at: At<'m>) {
        let at = At { value: None, ..at };
        let number = part.number;
        self.report.add(Rule::Required, Severity::Warning, at, |report| {
            let schema = report.schema.name();
            format!(
                "{} is missing, component {number} of {} is required in {schema}",
                at.place(),
                datatype.id
            )
        });
    }

    fn beyond(&mut self, datatype: &Type, at: At<'m>) {
        let number = if at.subcomponent > 0 { at.subcomponent } else { at.component };
        let last = match &datatype.kind {
            Kind::Composite(parts, _) => parts.last().map_or(0, |part| part.number),
            _ => 1,
        };
        if number <= last {
            self.report.add(Rule::Withdrawn, Severity::Warning, at, |report| {
                format!("{} is not used in {}", at.place(), report.schema.name())
            });
            return;
        }
        let (schema, id) = (self.report.schema, self.segment.id());
        let is_known = |schema: &Schema, datatype: &str| {
            schema.datatype(datatype).is_some_and(|it| it.component(number.into()).is_some())
        };
        let later = later::has_component(schema, &datatype.id, number)
            || at.subcomponent == 0
                && later::has_field(schema, id, at.field, |later, field| is_known(later, &field.datatype));
        // A separator that was not escaped is all too common in texts.
        let is_text = matches!(datatype.kind, Kind::Text) || !datatype.is_composite() && at.subcomponent > 0;
        let severity = if later || is_text { Severity::Warning } else { Severity::Error };
        self.report.add(Rule::Beyond, severity, at, |report| {
            let parts = if last == 1 { "component" } else { "components" };
            let schema = report.schema.name();
            format!("{} is beyond the {last} {parts} of {} in {schema}", at.place(), datatype.id)
        });
    }

    fn primitive(&mut self, part: &Part, datatype: &Type, at: At<'m>, value: &'m str) {
        let separators = self.segment.separators;
        let mut value = value;
        if at.component == 0
            && let Some((first, rest)) = value.split_once(char::from(separators.component))
        {
            self.no_more(datatype, at, rest, separators.component);
            value = first;
        }
        if let Some(separator) = separators.subcomponent
            && at.subcomponent == 0
            && let Some((first, rest)) = value.split_once(char::from(separator))
        {
            let at = if at.component == 0 { at.below(1, value) } else { at };
            self.no_more(datatype, at, rest, separator);
            value = first;
        }
        let at = At { value: Some(value), ..at };
        match datatype.kind {
            Kind::Written(format) if !value.is_empty() => self.written(part, format, at, value),
            Kind::Code if self.level == Level::Tables && !value.is_empty() => {
                self.code(part, at, value, false);
            }
            _ => {}
        }
    }

    /// What stands behind the only component that a type has.
    fn no_more(&mut self, datatype: &Type, at: At<'m>, rest: &'m str, separator: u8) {
        let pieces = rest.split(char::from(separator)).enumerate();
        if let Some((index, piece)) = pieces.into_iter().find(|(_, piece)| !piece.is_empty()) {
            let number = u16::try_from(index + 2).unwrap_or(u16::MAX);
            self.beyond(datatype, at.below(number, piece));
        }
    }

    fn written(&mut self, part: &Part, format: Format, at: At<'m>, value: &str) {
        let severity = match format.fit(value) {
            Fit::Fits => return,
            Fit::Nearly => Severity::Warning,
            Fit::Not => part.severity(),
        };
        let wanted = format.wanted();
        self.report.add(Rule::DataType, severity, at, |_| format!("{} is not {wanted}", at.place()));
    }

    /// Whether a code is in its table; `loose` where another one could be meant.
    fn code(&mut self, part: &Part, at: At<'m>, value: &str, loose: bool) {
        // The type of the message is held against the structures, which a site may add to, and the charset
        // against those that can be read, which have many names.
        let is_known = match at.field {
            9 => true,
            18 => charset::by_name(value).is_some(),
            _ => false,
        };
        if is_known && self.segment.is_header() {
            return;
        }
        let schema = self.report.schema;
        let Some(table) = part.table.as_ref().and_then(|table| schema.table(table)) else { return };
        if table.codes.is_empty() || value == NULL || table.meaning(value).is_some() {
            return;
        }
        let value = escape::decode(value, self.segment.separators);
        // A row such as `...` stands for codes that are not listed: nothing can be said.
        if table.meaning(&value).is_some() || table.is_open() {
            return;
        }
        let is_wrong =
            !loose && !part.doubtful && !table.user_defined && !self.is_code_later(at, &table.id, &value);
        let severity = if is_wrong { Severity::Error } else { Severity::Warning };
        self.report.add(Rule::Table, severity, at, |report| {
            let schema = report.schema.name();
            format!("{} is no code of table {} ({}) in {schema}", at.place(), table.id, table.name)
        });
    }

    /// Whether a later version knows the code, in the same table or in another one for the same place.
    fn is_code_later(&self, at: At<'_>, table: &str, code: &str) -> bool {
        let (schema, number) = (self.report.schema, at.subcomponent.max(at.component));
        let knows = |later: &Schema, field: &FieldDef| {
            let other = field.table.as_ref().filter(|other| **other != *table);
            let other = other.and_then(|other| later.table(other));
            other.is_some_and(|other| other.user_defined || other.meaning(code).is_some())
        };
        later::has_code(schema, table, code)
            || match self.within {
                // A component that has no table any more takes any code.
                Some(within) => later::has_component_of(schema, &within.id, number, |later, part| {
                    part.table.is_none() || knows(later, part)
                }),
                None => later::has_field(schema, self.segment.id(), at.field, knows),
            }
    }

    /// What separates the parts of the value at `at`.
    fn separator(&self, at: At<'_>) -> Option<u8> {
        let separators = self.segment.separators;
        // Where a message has no subcomponents, a component is its own first one.
        if at.component == 0 { Some(separators.component) } else { separators.subcomponent.or(Some(0)) }
    }
}

impl<'m> At<'m> {
    /// The place of a part of the value.
    fn below(self, number: u16, value: &'m str) -> At<'m> {
        match self.component {
            0 => At { component: number, value: Some(value), ..self },
            _ => At { subcomponent: number, value: Some(value), ..self },
        }
    }
}

fn contains(value: &str, separator: u8) -> bool {
    memchr::memchr(separator, value.as_bytes()).is_some()
}
