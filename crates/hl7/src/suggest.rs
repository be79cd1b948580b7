//! The nearest known word to one that is not known.

/// The one of `known` that is nearest to `found`, whatever their case: at most as many letters may be wrong
/// as `allowed` says for a word of that many, and not all of them. Of two that are as near, it is the one
/// with the same letters and digits: 2.5.1 for 2.51.
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
        .min_by_key(|(distance, word)| (*distance, bare(word) != bare(&found)))
        .map(|(_, word)| word)
}

/// A word as it is compared whatever its marks: letters and digits alone, small.
pub(crate) fn bare(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect()
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

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn versions_are_told_by_their_digits() {
        let known = ["2.1", "2.3.1", "2.5", "2.5.1", "2.8.2"];
        assert_eq!(nearest("2.51", known), Some("2.5.1"));
        assert_eq!(nearest("2.5.l", known), Some("2.5.1"));
        assert_eq!(nearest("2,5", known), Some("2.5"));
        assert_eq!(nearest("3", known), None);
    }
}
