//! What somebody meant who wrote a word that does not exist.

/// What people call keys that have another name here; with what it is called.
const SYNONYMS: [(&str, &str); 29] = [
    ("class", "type"),
    ("classname", "type"),
    ("component", "type"),
    ("kind", "type"),
    ("targetconfignames", "targets"),
    ("sendto", "targets"),
    ("workers", "pool_size"),
    ("threads", "pool_size"),
    ("description", "comment"),
    ("config", "settings"),
    ("name", "production"),
    ("otherwise", "default"),
    ("else", "otherwise"),
    ("condition", "when"),
    ("constraint", "when"),
    ("if", "when"),
    ("docname", "doc_type"),
    ("target", "send"),
    ("actions", "send"),
    ("ipaddress", "address"),
    ("port", "listen"),
    ("port", "address"),
    ("allowedipaddresses", "allowed_addresses"),
    ("sslconfig", "tls"),
    ("callinterval", "polling_interval"),
    ("fileaccesstimeout", "settle_time"),
    ("throttledelay", "throttle"),
    ("shutdowntimeout", "grace_period"),
    ("defcharencoding", "charset"),
];

/// The candidate that `word` was most likely meant to be.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = bare(word);
    let limit = (wanted.chars().count() / 3).clamp(1, 4);
    let distance = |candidate: &str| {
        if SYNONYMS.contains(&(wanted.as_str(), candidate)) {
            return 0;
        }
        let bare = bare(candidate);
        // Half a word is as good as one with a mistake: "HL7" for "HL7FileOperation" is not.
        let begins =
            wanted.len() >= 4 && (bare.starts_with(&wanted) || wanted.starts_with(&bare) && bare.len() >= 4);
        strsim::damerau_levenshtein(&wanted, &bare).min(if begins { 1 } else { usize::MAX })
    };
    let all = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    all.filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, found)| found)
}

/// The nearest candidate as a question.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|found| format!("did you mean \"{found}\"?"))
}

/// The nearest candidate as a question, or all of them.
pub(crate) fn did_you_mean_or_all(word: &str, candidates: &[&str]) -> Option<String> {
    did_you_mean(word, candidates.iter().copied()).or_else(|| match candidates {
        [] => Some("expected none".to_owned()),
        [one] => Some(format!("expected {one}")),
        _ => Some(format!("expected one of {}", candidates.join(", "))),
    })
}

/// The word without case and what people put between words: `FilePath` is `file_path`.
fn bare(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found() {
        let words = ["file_path", "file_spec", "targets", "MsgRouter", "hl7.file", "pool_size"];
        assert_eq!(nearest("condition", ["name", "when", "send"]), Some("when"));
        assert_eq!(nearest("Port", ["address", "backup_address"]), Some("address"));
        assert_eq!(nearest("Port", ["listen", "framing"]), Some("listen"));
        for (word, wanted) in [
            ("file_pth", Some("file_path")),
            ("FilePath", Some("file_path")),
            ("MsgRoutr", Some("MsgRouter")),
            ("msgrouter", Some("MsgRouter")),
            ("target", Some("targets")),
            ("TargetConfigNames", Some("targets")),
            ("hl7-file", Some("hl7.file")),
            ("hl7.fiel", Some("hl7.file")),
            ("poolsize", Some("pool_size")),
            ("x", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, words), wanted, "{word}");
        }
    }
}
