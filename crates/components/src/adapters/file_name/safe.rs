//! What makes a file name safe, whatever it was made of.
//!
//! A name never leads out of its folder, is never hidden, never empty, never special to a shell or
//! to Windows shares, and always leaves room for the temporary name that it is written under.

use std::hash::{DefaultHasher, Hash, Hasher};

/// What a file system takes as a name, in bytes.
const MOST_BYTES: usize = 255;
/// The longest name in bytes: file systems allow 255, the temporary name and a suffix need some.
pub(crate) const LONGEST: usize = 200;
/// Stands for a name that nothing is left of.
const NAMELESS: &str = "message";

/// Adds a value from outside to a name: space to `_`, `/` to `-`, `:` to `.`, as users of such
/// engines know it; what is illegal in names is left out.
pub(crate) fn push_value(name: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '/' | '\\' => name.push('-'),
            ':' => name.push('.'),
            letter if letter.is_whitespace() => name.push('_'),
            '*' | '?' | '"' | '<' | '>' | '|' | '\u{fffd}' => {}
            letter if letter.is_control() || is_invisible(letter) => {}
            letter => name.push(letter),
        }
    }
}

/// Letters that are not seen or turn the direction of what is: a name would not be what it seems.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The whole name, made safe.
pub(crate) fn file_name(name: String) -> String {
    let mut safe = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '/' | '\0' => safe.push('-'),
            letter if letter.is_control() => safe.push('_'),
            letter => safe.push(letter),
        }
    }
    // A leading dot would hide it, a trailing one is lost on Windows shares; `..` is both.
    let kept = safe.trim_end_matches(['.', ' ']);
    let kept = if kept.is_empty() { NAMELESS } else { kept };
    let unhidden = match kept.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => kept.to_owned(),
    };
    shortened(unhidden)
}

/// Shortens a name that is too long, keeping its ending and telling it apart by a number made of all
/// of it.
fn shortened(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let (stem, ending) = split_ending(&name);
    let mark = format!("~{:016x}{ending}", hasher.finish());
    let cut = stem.floor_char_boundary(LONGEST - mark.len());
    format!("{}{mark}", &stem[..cut])
}

/// The name up to its ending, and the ending: from the last dot, with a letter first, not longer than
/// endings are. The milliseconds at the end of `%Q` are none.
fn split_ending(name: &str) -> (&str, &str) {
    let Some(dot) = name.rfind('.').filter(|dot| *dot > 0) else { return (name, "") };
    let ending = &name.as_bytes()[dot + 1..];
    match ending.len() < 16
        && ending.first().is_some_and(u8::is_ascii_alphabetic)
        && ending.iter().all(u8::is_ascii_alphanumeric)
    {
        true => name.split_at(dot),
        false => (name, ""),
    }
}

/// The name with `suffix` before its ending; shortened where a file system would refuse it.
pub(crate) fn with_suffix(name: &str, suffix: &str) -> String {
    let (stem, ending) = split_ending(name);
    let cut = stem.floor_char_boundary(MOST_BYTES.saturating_sub(suffix.len() + ending.len()));
    format!("{}{suffix}{ending}", &stem[..cut])
}

/// The name with `ending` behind it; shortened as before.
pub(crate) fn with_ending(name: &str, ending: &str) -> String {
    format!("{}{ending}", &name[..name.floor_char_boundary(MOST_BYTES - ending.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_value(value: &str) -> String {
        let mut name = String::new();
        push_value(&mut name, value);
        file_name(name)
    }

    #[test]
    fn a_hostile_value_never_leaves_the_folder() {
        for (value, wanted) in [
            ("../../etc/passwd", "_.-..-etc-passwd"),
            ("..", "message"),
            (".", "message"),
            ("...", "message"),
            ("", "message"),
            (" ", "_"),
            ("/", "-"),
            ("/etc/passwd", "-etc-passwd"),
            ("..\\..\\boot.ini", "_.-..-boot.ini"),
            (".bashrc", "_bashrc"),
            ("a\0b", "ab"),
            ("a\r\nb", "a__b"),
            ("a\x1b[31mb", "a[31mb"),
            ("C:file.txt:stream", "C.file.txt.stream"),
            ("a\u{202e}gpj.exe", "agpj.exe"),
            ("what?*<>|\"", "what"),
            ("name. .", "name._"),
            ("müller.hl7", "müller.hl7"),
        ] {
            let name = of_value(value);
            assert_eq!(name, wanted, "{value:?}");
            assert!(!name.contains('/') && !name.starts_with('.') && name != "..", "{name}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_keeps_its_ending_and_stays_distinct() {
        let (one, two) = ("ä".repeat(300) + "1.hl7", "ä".repeat(300) + "2.hl7");
        let (short_one, short_two) = (of_value(&one), of_value(&two));
        assert!(short_one.len() <= LONGEST && short_one.ends_with(".hl7"), "{short_one}");
        assert_ne!(short_one, short_two);
        assert_eq!(short_one, of_value(&one));
        assert!(of_value(&("a.".to_owned() + &"b".repeat(400))).len() <= LONGEST);
    }

    #[test]
    fn a_suffix_goes_before_the_ending() {
        assert_eq!(with_suffix("a.hl7", "_7"), "a_7.hl7");
        assert_eq!(with_suffix("a", "_7"), "a_7");
        assert_eq!(with_suffix("a.hl7_2023-11-14_22.13.20.123", "_7"), "a.hl7_2023-11-14_22.13.20.123_7");
        let long = with_suffix(&("ä".repeat(125) + ".hl7"), "_123");
        assert!(long.len() <= 255 && long.ends_with("ä_123.hl7"), "{long}");
    }
}
