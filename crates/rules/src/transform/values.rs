//! What is put somewhere, held against the field that it is put into.

use hl7::schema::{FieldDef, Schema, Schemas};
use hl7::{FieldPath, Path};

use super::compile::{Report, Source};
use super::paths::{Side, TargetPath, schema};
use crate::ExprError;
use crate::functions::{FOREIGN, Function};

/// Tells what cannot fit: values that are no number or date where one belongs, codes that are not in the
/// table, values with parts where there are none.
pub(super) fn check(
    path: &TargetPath,
    value: &Source,
    sides: [&Side; 2],
    schemas: &Schemas,
    report: &mut Report<'_>,
) {
    let target = schema(sides[1], schemas);
    let field = target.as_deref().and_then(|schema| definition(schema, &path.path));
    match value {
        Source::Raw(text) => literal(path, text, target.as_deref(), field.as_ref(), report),
        Source::Copy(from) => {
            let from = &from.what;
            let source = schema(sides[0], schemas);
            let found =
                source.as_deref().filter(|_| !from.is_target()).and_then(|schema| definition(schema, from));
            copy(
                path,
                from,
                (source.as_deref(), found.as_ref()),
                (target.as_deref(), field.as_ref()),
                report,
            );
        }
        Source::Expr(_) if path.is_segment() => {
            let message = format!(
                "\"{}\" is a whole segment; expected a value as in \"{}|1\", or a segment",
                path.written, path.written
            );
            report.error("from", ExprError::new(0..0, message));
        }
        Source::Expr(_) => {}
    }
}

/// The field or part of one that a path leads to, where the schema knows it.
fn definition(schema: &Schema, path: &FieldPath) -> Option<FieldDef> {
    let path = path.within_segment()?;
    let [component, subcomponent] = path.parts();
    let field = schema.segment(path.segment())?.field(path.field()?.into())?;
    let mut found = field;
    for number in [component, subcomponent].into_iter().filter(|number| *number > 0) {
        match schema.datatype(&found.datatype) {
            // The first part of what has none is the value itself.
            Some(datatype) if !datatype.is_primitive() => found = datatype.component(number.into())?,
            _ if number == 1 => {}
            _ => return None,
        }
    }
    Some(found.clone())
}

/// The part that a value without separators is.
fn first_part(schema: &Schema, field: &FieldDef) -> FieldDef {
    let mut found = field;
    // No value has more levels than that; a type of a site could be its own first part.
    for _level in 0..3 {
        let datatype = schema.datatype(&found.datatype);
        let Some(first) = datatype.and_then(|datatype| datatype.component(1)) else { break };
        // A table of the field is that of its first part.
        if found.table.is_some() && first.table.is_none() {
            return FieldDef { table: found.table.clone(), ..first.clone() };
        }
        found = first;
    }
    found.clone()
}

/// How deep a path leads: 0 to a segment, 1 to a field, 2 to a repetition, 3 and 4 to its parts.
fn depth(path: &Path) -> u8 {
    let [component, subcomponent] = path.parts();
    match (path.field(), component, subcomponent) {
        (None, ..) => 0,
        (_, 0, _) if path.has_repetition() => 2,
        (_, 0, _) => 1,
        (_, _, 0) => 3,
        _ => 4,
    }
}

fn literal(
    path: &TargetPath,
    text: &str,
    schema: Option<&Schema>,
    field: Option<&FieldDef>,
    report: &mut Report<'_>,
) {
    let Some(numbers) = path.path.within_segment() else { return };
    let depth = depth(numbers);
    let forbidden: &[char] = match depth {
        0 => &['\r', '\n'],
        1 => &['\r', '\n', '|'],
        2 => &['\r', '\n', '|', '~'],
        3 => &['\r', '\n', '|', '~', '^'],
        _ => &['\r', '\n', '|', '~', '^', '&'],
    };
    if let Some((at, found)) = text.char_indices().find(|(_, char)| forbidden.contains(char)) {
        let message = format!("{found:?} separates more than \"{}\" holds", path.written);
        let help = "value is written as HL7 writes it; for the character itself write from: '\"…\"'";
        report.error("value", ExprError::new(at..at + found.len_utf8(), message).help(help));
        return;
    }
    if depth == 0 && text.get(..3).is_none_or(|id| id != numbers.segment()) {
        let message = format!("a segment {} is needed here", numbers.segment());
        let help = format!("write it as HL7 does, as in \"{}|1\"", numbers.segment());
        report.error("value", ExprError::new(0..text.len(), message).help(help));
        return;
    }
    if depth > 0 && is_expression(text, schema) {
        let message = format!("\"{text}\" is put there as it is written");
        let help = format!("for what it comes to, write from: {}", text.trim_start_matches("source."));
        report.warning("value", ExprError::new(0..text.len(), message).help(help));
        return;
    }
    if let (Some(schema), Some(field)) = (schema, field) {
        content(path, text, schema, field, report);
    }
}

/// Holds a text against the data type and the table of its field.
fn content(path: &TargetPath, text: &str, schema: &Schema, field: &FieldDef, report: &mut Report<'_>) {
    let field = &first_part(schema, field);
    if text.is_empty() || text == "\"\"" || text.contains(['^', '~', '&', '\\']) {
        return;
    }
    if let Some(wanted) = not_of(&field.datatype, text) {
        let message = format!("\"{}\" is {}; expected {wanted}", path.written, field.datatype);
        report.error("value", ExprError::new(0..text.len(), message));
    }
    let table = field.table.as_ref().and_then(|id| schema.table(id)).filter(|table| table.is_complete());
    if let Some(table) = table.filter(|table| table.meaning(text).is_none()) {
        let codes: Vec<&str> = table.codes.iter().map(|(code, _)| code.as_str()).take(20).collect();
        let message = format!("\"{text}\" is not in table {} ({})", table.id, table.name);
        let help = format!("its codes are {}", codes.join(", "));
        report.warning("value", ExprError::new(0..text.len(), message).help(help));
    }
}

/// Whether a text is most likely an expression, which belongs under `from`: a path to a field, a call,
/// or what a flow has set.
fn is_expression(text: &str, schema: Option<&Schema>) -> bool {
    let path = ["source.", "target."].into_iter().find_map(|side| text.strip_prefix(side)).unwrap_or(text);
    let is_call = text.strip_suffix(')').and_then(|text| text.split_once('(')).is_some_and(|(name, _)| {
        Function::named(name).is_some() || FOREIGN.iter().any(|(known, _)| *known == name.to_lowercase())
    });
    let known = |id: &str| schema.is_some_and(|schema| schema.segment(id).is_some());
    let is_path = || path.parse::<Path>().is_ok_and(|path| path.field().is_some() && known(path.segment()));
    let is_variable = text.strip_prefix("context.").is_some_and(|name| {
        !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
    });
    is_call || is_variable || is_path()
}

/// What a datatype wants, where a text is none of it.
fn not_of(datatype: &str, text: &str) -> Option<&'static str> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match datatype {
        "NM" if crate::number::Decimal::read(text.strip_prefix('+').unwrap_or(text)).is_none() => {
            Some("a number")
        }
        "SI" if !digits(text) => Some("a number of digits alone"),
        "DT" if !digits(text) || !matches!(text.len(), 4 | 6 | 8) => Some("a date as in 20260131"),
        "DTM" | "TS" if !text.get(..4).is_some_and(digits) => Some("a date with time as in 20260131120000"),
        _ => None,
    }
}

type Known<'a> = (Option<&'a Schema>, Option<&'a FieldDef>);

/// Parts go where parts may be, and into a type of the same parts.
fn copy(path: &TargetPath, from: &FieldPath, source: Known<'_>, target: Known<'_>, report: &mut Report<'_>) {
    let (Some(to), Some(at)) = (path.path.within_segment(), from.within_segment()) else { return };
    let written = from.to_string();
    if (depth(to) == 0) != (depth(at) == 0) {
        let (whole, part) =
            if depth(to) == 0 { (&path.written, &written) } else { (&written, &path.written) };
        let message = format!("\"{whole}\" is a whole segment, and \"{part}\" is not");
        report.error("from", ExprError::new(0..0, message));
        return;
    }
    if depth(to) == 0 && to.segment() != at.segment() {
        let message = format!("\"{written}\" is no segment {}", to.segment());
        report.error("from", ExprError::new(0..0, message).help("set the fields of the segment one by one"));
        return;
    }
    let (Some(from_schema), Some(from_field)) = source else { return };
    let parts = from_schema.datatype(&from_field.datatype).is_some_and(|datatype| !datatype.is_primitive());
    if parts && depth(to) > depth(at).max(2) {
        let message = format!("\"{written}\" has components, and \"{}\" has none", path.written);
        let help = format!("choose one, as in {written}.1");
        report.error("from", ExprError::new(0..0, message).help(help));
        return;
    }
    let (Some(to_schema), Some(to_field)) = target else { return };
    let known = |schema: &Schema, id: &str| schema.datatype(id).map(|datatype| datatype.is_primitive());
    let [from_type, to_type] = [&from_field.datatype, &to_field.datatype];
    let differ = known(from_schema, from_type) == Some(false)
        && known(to_schema, to_type) == Some(false)
        && !alike(from_type, to_type);
    if differ {
        let message = format!("\"{written}\" is {from_type}, and \"{}\" is {to_type}", path.written);
        report.warning("from", ExprError::new(0..0, message).help("set its components one by one"));
    }
}

/// Whether types are the same, or grew out of one another from version to version.
fn alike(one: &str, other: &str) -> bool {
    const FAMILIES: [&[&str]; 6] = [
        &["CE", "CWE", "CNE", "CF", "CE_0057"],
        &["CN", "XCN", "PPN", "CNN"],
        &["PN", "XPN"],
        &["AD", "XAD", "SAD"],
        &["CX", "CK", "CM", "EI", "EIP"],
        &["TN", "XTN"],
    ];
    let base = |name: &str| name.split('_').next().map(str::to_owned).unwrap_or_default();
    one == other
        || base(one) == base(other)
        || one.starts_with("CM")
        || other.starts_with("CM")
        || FAMILIES.iter().any(|family| family.contains(&one) && family.contains(&other))
}
