//! The two sides of a transform, source and target: their doc types, and paths held against them.

use hl7::FieldPath;
use hl7::schema::{CategoryChoice, DocType, GroupPath, PathContext, Schema, Schemas, check_path};

use super::compile::Report;
use crate::ExprError;
use crate::token::right_path;

/// The source or the target.
#[derive(Debug, Clone, Default)]
pub(super) struct Side {
    /// The schema, and the structure or an empty one; none where nothing is said.
    pub(super) doc_type: Option<DocType>,
    /// How the schema of a message is chosen.
    pub(super) choice: CategoryChoice,
}

/// Stands before a doc type, so that it is a choice for all messages.
const ALL: &str = "*=";

impl Side {
    /// Reads a doc type, as in `2.5.1:ADT_A01`, or a schema alone.
    pub(super) fn read(text: Option<&str>, key: &str, schemas: &Schemas, report: &mut Report<'_>) -> Side {
        let Some(text) = text else { return Side::default() };
        let errors = match format!("{ALL}{text}").parse::<CategoryChoice>() {
            Ok(choice) => {
                let errors = choice.check(schemas);
                if errors.is_empty() {
                    let (category, structure) = text.split_once(':').unwrap_or((text, ""));
                    let doc_type =
                        DocType { category: category.trim().into(), structure: structure.trim().into() };
                    return Side { doc_type: Some(doc_type), choice };
                }
                errors
            }
            Err(error) => vec![error],
        };
        for error in errors {
            let range =
                error.range.start.saturating_sub(ALL.len())..error.range.end.saturating_sub(ALL.len());
            report.error(key, ExprError { range, message: error.message, help: error.help });
        }
        Side::default()
    }

    pub(super) fn context(&self, schemas: &Schemas) -> PathContext {
        PathContext::new(schemas, &self.choice)
    }

    /// Of what type a message of this side is.
    pub(super) fn doc_type_of(&self, message: &hl7::Message, schemas: &Schemas) -> DocType {
        schemas.doc_type(message, &self.choice)
    }
}

/// A path of the target, which is written to.
#[derive(Debug, Clone)]
pub(super) struct TargetPath {
    pub(super) path: FieldPath,
    /// As it was written.
    pub(super) written: String,
}

/// Groups of the target, which are written to as a whole.
#[derive(Debug, Clone)]
pub(super) struct TargetGroup {
    pub(super) path: GroupPath,
    /// As it was written.
    pub(super) written: String,
}

/// A path, and what is wrong with it, told.
pub(super) fn checked(
    text: &str,
    key: &str,
    context: &PathContext,
    report: &mut Report<'_>,
) -> Option<FieldPath> {
    match check_path(text.trim(), context) {
        Ok(checked) => {
            checked.doubts.into_iter().for_each(|doubt| report.warning(key, said(doubt)));
            Some(checked.path)
        }
        Err(error) => {
            report.error(key, said(error));
            None
        }
    }
}

pub(super) fn said(error: hl7::PathError) -> ExprError {
    ExprError { range: error.range, message: error.message, help: error.help }
}

/// What a loop goes over: segments, repetitions, or groups by their name.
pub(super) fn each(
    text: &str,
    key: &str,
    context: &PathContext,
    report: &mut Report<'_>,
) -> Option<FieldPath> {
    let text = text.trim();
    // A group has no value, but a number; that path knows its groups.
    let groups = || {
        check_path(&format!("{text}.count"), context).ok().filter(|checked| checked.path.segment().is_none())
    };
    match check_path(text, context) {
        Ok(checked) if checked.path.is_count() => {
            let message = format!("\"{text}\" is a number; expected segments, groups or repetitions");
            report.error(key, ExprError::new(0..text.len(), message));
            None
        }
        Ok(checked) => {
            checked.doubts.into_iter().for_each(|doubt| report.warning(key, said(doubt)));
            let part = checked.path.within_segment().is_some_and(|path| path.is_part());
            if part {
                let message = format!("\"{text}\" is a part of a repetition, which does not repeat");
                let help = "loop over a segment, a group or a field, as in OBX or PID-3";
                report.error(key, ExprError::new(0..text.len(), message).help(help));
            }
            (!part).then_some(checked.path)
        }
        Err(error) => match groups() {
            Some(checked) => Some(checked.path),
            None => {
                let group =
                    !text.contains('-') && text.split(['.', '[']).next().is_some_and(|word| word.len() != 3);
                let counted = check_path(&format!("{text}.count"), context).err().filter(|_| group);
                let mut error = counted.unwrap_or(error);
                error.range.end = error.range.end.min(text.len());
                error.range.start = error.range.start.min(error.range.end);
                error.message = error.message.replacen(".count\"", "\"", 1);
                report.error(key, said(error));
                None
            }
        },
    }
}

impl TargetPath {
    /// Reads a path that is written to.
    pub(super) fn read(
        text: &str,
        key: &str,
        context: &PathContext,
        report: &mut Report<'_>,
    ) -> Option<TargetPath> {
        let text = text.trim();
        if let Some((_, inside)) = text.strip_suffix('}').and_then(|text| text.split_once('{')) {
            let error = ExprError::new(0..text.len(), "a path in braces is not of this language");
            let path = right_path(inside.trim(), context);
            let path = path.unwrap_or_else(|| "paths without braces, as in PID-5.1".to_owned());
            report.error(key, error.help(format!("write {path}")));
            return None;
        }
        if let Some(rest) = text.strip_prefix("target.") {
            let error = ExprError::new(0..text.len(), format!("\"{text}\" is for reading"));
            report.error(key, error.help(format!("a step writes to the target anyway: write {rest}")));
            return None;
        }
        let path = checked(text, key, context, report)?;
        let wrong = if path.is_count() {
            "is a number; expected a place in the message"
        } else if path.segment() == Some("MSH") && matches!(path.field(), Some(1 | 2)) {
            "holds the separators, which stay as they are"
        } else {
            return Some(TargetPath { path, written: text.to_owned() });
        };
        report.error(key, ExprError::new(0..text.len(), format!("\"{text}\" {wrong}")));
        None
    }

    pub(super) fn is_segment(&self) -> bool {
        self.path.within_segment().is_some_and(|path| path.field().is_none())
    }
}

/// Whether a structure of a schema can have a segment; what is not known can be anything.
pub(super) fn has_segment(side: &Side, schemas: &Schemas, id: &str) -> bool {
    let Some(doc_type) = &side.doc_type else { return true };
    let Some(schema) = schemas.get(&doc_type.category) else { return true };
    let Some(structure) = schema.structure(&doc_type.structure) else { return true };
    id.starts_with('Z') || structure.has_segment(hl7::schema::ANY_SEGMENT) || structure.has_segment(id)
}

/// Whether a structure of a schema has groups, one in the other; what is not known can be anything.
pub(super) fn has_groups(side: &Side, schemas: &Schemas, path: &GroupPath) -> bool {
    let Some(doc_type) = &side.doc_type else { return true };
    let Some(schema) = schemas.get(&doc_type.category) else { return true };
    schema.structure(&doc_type.structure).is_none_or(|structure| path.is_in(structure))
}

/// The schema of a side, where one is known.
pub(super) fn schema(side: &Side, schemas: &Schemas) -> Option<std::sync::Arc<Schema>> {
    schemas.get(&side.doc_type.as_ref()?.category)
}
