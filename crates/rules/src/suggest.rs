//! The nearest known word to one that is not known.

/// The one of `known` that `found` was most likely meant to be, if any is near enough.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase();
    let allowed = match found.chars().count() {
        0..=2 => 1,
        3..=6 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&found, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= allowed && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
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
