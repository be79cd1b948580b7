//! The nearest known word to one that is not known.

use std::ops::Range;

use crate::ExprError;

/// The one of `known` that `found` was most likely meant to be, if any is near enough: words of expressions
/// are told apart by less than those of HL7.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    hl7::suggest::nearest_within(found, known, |length| match length {
        0..=2 => 1,
        3..=6 => 2,
        _ => 3,
    })
}

/// What is said of a name that is none of the `known` ones: `what` with its name, and `none` where there is
/// nothing at all that it could be.
pub(crate) fn unknown(
    range: Range<usize>,
    what: &str,
    name: &str,
    known: &[&str],
    none: impl Into<String>,
) -> ExprError {
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => none.into(),
        None => format!("expected one of {}", known.iter().take(10).copied().collect::<Vec<_>>().join(", ")),
    };
    ExprError::new(range, format!("{what} is not known")).help(help)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["source", "doc.type", "contains", "in"];
        for (found, wanted) in [
            ("sorce", Some("source")),
            ("Source", Some("source")),
            ("contians", Some("contains")),
            ("doctype", Some("doc.type")),
            ("IN", Some("in")),
            ("weather", None),
            ("x", None),
        ] {
            assert_eq!(nearest(found, known), wanted, "{found}");
        }
    }
}
