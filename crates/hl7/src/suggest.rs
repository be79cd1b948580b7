//! The nearest known word to one that is not known.

/// The one of `known` that is nearest to `found`, whatever their case: at most as many letters may be wrong
/// as `allowed` says for a word of that many, and not all of them.
pub fn nearest_within<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
    allowed: impl Fn(usize) -> usize,
) -> Option<&'a str> {
    let found = found.to_lowercase();
    let allowed = allowed(found.chars().count());
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&found, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= allowed && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The one of `known` that `found` was most likely meant to be, if any is near enough.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within(found, known, |length| match length {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    })
}

/// The nearest one as a question.
pub(crate) fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(found, known).map(|word| format!("did you mean \"{word}\"?"))
}
