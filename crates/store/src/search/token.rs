//! One value of one field as one word of a full-text index, so that only the very same value is found.
//!
//! The index folds capitals and breaks words at everything that is no letter or digit. So: a digit
//! or capital letter stays (capitals are common in HL7, and become small by folding), every other
//! byte becomes a character of its own above those, and the field is a character above these.

/// The first of 256 characters, one for each byte that cannot stand for itself.
const BYTES: u32 = 0x100;
/// The first of the characters that begin a word and say the field.
const FIELDS: u32 = 0x200;
/// How many fields there can be while their characters take two bytes.
pub(crate) const MOST_FIELDS: u32 = 0x800 - FIELDS;
/// Longer values are cut, and their hash tells them apart.
const LONGEST: usize = 128;

/// Adds the word to `out`.
pub(crate) fn push(out: &mut String, field: u32, value: &str) {
    out.extend(char::from_u32(FIELDS + field % MOST_FIELDS));
    let bytes = value.as_bytes();
    bytes.iter().take(LONGEST).for_each(|byte| push_byte(out, *byte));
    if bytes.len() > LONGEST {
        // Different from every short value, which has no such many bytes.
        out.push_str(&format!("{:016x}", hash(bytes)));
    }
}

fn push_byte(out: &mut String, byte: u8) {
    match byte {
        b'0'..=b'9' => out.push(byte as char),
        b'A'..=b'Z' => out.push(byte.to_ascii_lowercase() as char),
        other => out.extend(char::from_u32(BYTES + u32::from(other))),
    }
}

/// FNV-1a: the same in every version of every program, which the standard library's is not.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn word(field: u32, value: &str) -> String {
        let mut out = String::new();
        push(&mut out, field, value);
        out
    }

    #[test]
    fn different_values_are_different_words() {
        let long = "x".repeat(LONGEST);
        let values = [
            "",
            "a",
            "A",
            "aa",
            "a a",
            "a-a",
            "Ärzte",
            "ärzte",
            "\"",
            "*",
            "AND",
            "1",
            "ā",
            "\u{200}",
            "\0",
            &long,
            &format!("{long}1"),
            &format!("{long}2"),
        ];
        let words: HashSet<String> =
            values.iter().flat_map(|value| [word(0, value), word(1, value)]).collect();
        assert_eq!(words.len(), 2 * values.len());
    }

    #[test]
    fn a_word_is_not_broken_or_folded_by_the_index() {
        let all: String = (1..0x300).filter_map(char::from_u32).collect();
        let word = word(7, &all);
        assert!(
            word.chars().all(|c| !c.is_ascii() || c.is_ascii_lowercase() || c.is_ascii_digit()),
            "{word}"
        );
    }
}
