//! Invented values in the form of the real ones: letters for letters, digits for digits, the same
//! length and case. The same value becomes the same within one run, and different ones stay different
//! as far as their length allows, so that messages still belong together.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hl7::Separators;
use jiff::civil::Date;

use super::personal::Kind;

const FAMILIES: &str = "Li Orr Fox Ash Hale Rowe Lund Vane Marsh Ashby Thorn Linde Walden Harrow Merrin Sorrel \
    Fenwick Halstad Corvane Birkett Aldridge Wexcombe Thornley Marlowen Quillmore Ravenholt Fairweath Summerlee \
    Winterbourn Featherlyn Hollowmere Brackenford";
const GIVEN: &str = "Jo Al Ivo Una Ned Fay Otto Mara Enid Lars Robin Wanda Oscar Freya Sylvan Odette Marlon Ingrid \
    Rosalyn Emeline Leopold Quentin Marigold Clarence Florence Theodora Ferdinand Josephine Bartholo Wilhelmina Evangeline";
const TOWNS: &str = "Ely Nore Hyde Alden Brook Corby Dunmere Eastham Fernley Galdor Harwick Norfield Oldbridge Penhaven \
    Quarryton Riverbend Saltmarsh Westerford Millstream Kingsbarrow Thistledown Candlebridge";

/// Letters that take each other's place, so that a script stays itself and words can be spoken.
const LETTERS: [&str; 14] = [
    "aeiou",
    "bcdfghjklmnpqrstvwxyz",
    "AEIOU",
    "BCDFGHJKLMNPQRSTVWXYZ",
    "абвгдежзиклмнопрстуфхцчшщыэюя",
    "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЫЭЮЯ",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "あいうえおかきくけこさしすせそたちつてとなにぬねの",
    "アイウエオカキクケコサシスセソタチツテトナニヌネノ",
    "가나다라마바사아자차하",
    "山川田中木林石村本東西南北大小上下",
];

/// How often another invention is tried when one is taken.
const TRIES: u64 = 64;

/// Makes inventions, and remembers them.
pub(super) struct Inventor {
    seed: u64,
    days: i32,
    known: HashMap<(Kind, String), String>,
    taken: HashSet<(Kind, String)>,
}

impl Inventor {
    pub(super) fn new(seed: u64) -> Self {
        // One to ten years back, never by whole weeks only: the weekday is no clue either.
        let days = 365 + (mixed(seed) % 3285) as i32;
        Inventor { seed, days, known: HashMap::new(), taken: HashSet::new() }
    }

    /// What stands instead of a raw value; separators and escape sequences stay where they are.
    pub(super) fn instead(&mut self, raw: &str, kind: Kind, separators: &Separators) -> String {
        if raw == "\"\"" {
            return raw.to_owned();
        }
        let Some(escape) = separators.escape.map(char::from) else { return self.plain(raw, kind) };
        if !raw.contains(escape) {
            return self.plain(raw, kind);
        }
        let mut text = String::with_capacity(raw.len());
        let mut parts = raw.split(escape).peekable();
        let mut inside = false;
        while let Some(part) = parts.next() {
            // Every second part stands between two escape characters.
            let closed = inside && parts.peek().is_some();
            text += &if closed { self.sequence(part, kind) } else { self.plain(part, Kind::Text).into() };
            if parts.peek().is_some() {
                text.push(escape);
            }
            inside = !inside;
        }
        text
    }

    /// What stands between two escape characters: commands stay, characters in hexadecimal do not.
    fn sequence<'a>(&mut self, body: &'a str, kind: Kind) -> Cow<'a, str> {
        let known = ["F", "S", "T", "R", "E", "P", "H", "N"].contains(&body) || body.starts_with('.');
        let shift = body.starts_with(['C', 'M']) && body[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
        // A letter alone might become a command.
        if known || shift || body.len() == 1 {
            return body.into();
        }
        let hex = body.strip_prefix('X').filter(|digits| digits.is_ascii() && digits.len().is_multiple_of(2));
        let Some(digits) = hex else { return self.plain(body, kind).into() };
        let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        let Ok(bytes) = bytes.collect::<Result<Vec<u8>, _>>() else { return self.plain(body, kind).into() };
        let text: String =
            bytes.iter().map(|byte| if byte.is_ascii() { *byte as char } else { 'x' }).collect();
        let invented = self.plain(&text, Kind::Text);
        let hex = invented.bytes().map(|byte| format!("{byte:02X}")).collect::<String>();
        format!("X{hex}").into()
    }

    fn plain(&mut self, text: &str, kind: Kind) -> String {
        match kind {
            Kind::Text => self.words(text),
            Kind::Date => shifted(text, self.days).unwrap_or_else(|| self.remembered(text, Kind::Pattern)),
            _ => self.remembered(text, kind),
        }
    }

    /// Word by word, so that a word is the same wherever it stands.
    fn words(&mut self, text: &str) -> String {
        let mut words = String::with_capacity(text.len());
        for part in text.split_inclusive(|char: char| !char.is_alphanumeric()) {
            let word = part.trim_end_matches(|char: char| !char.is_alphanumeric());
            if !word.is_empty() {
                words += &self.remembered(word, Kind::Pattern);
            }
            words += &part[word.len()..];
        }
        words
    }

    fn remembered(&mut self, text: &str, kind: Kind) -> String {
        if let Some(known) = self.known.get(&(kind, text.to_owned())) {
            return known.clone();
        }
        let mut invented = String::new();
        for attempt in 0..TRIES {
            let random = mixed(self.seed ^ hash(text) ^ attempt.wrapping_mul(0x9E37));
            invented = invention(text, kind, random);
            if !self.taken.contains(&(kind, invented.clone())) {
                break;
            }
        }
        self.taken.insert((kind, invented.clone()));
        self.known.insert((kind, text.to_owned()), invented.clone());
        invented
    }
}

fn invention(text: &str, kind: Kind, random: u64) -> String {
    let names = match kind {
        Kind::Family => FAMILIES,
        Kind::Given => GIVEN,
        Kind::Town => TOWNS,
        _ => return pattern(text, random),
    };
    let fitting = |name: &&str| name.len() == text.len() && !name.eq_ignore_ascii_case(text);
    let fitting: Vec<_> = names.split_whitespace().filter(fitting).collect();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if fitting.is_empty() || !plain {
        return pattern(text, random);
    }
    let name = fitting[(random % fitting.len() as u64) as usize];
    let cased = name.chars().zip(text.chars()).map(|(new, old)| match old.is_uppercase() {
        true => new.to_ascii_uppercase(),
        false => new.to_ascii_lowercase(),
    });
    cased.collect()
}

/// Each letter and digit becomes another one of its kind.
fn pattern(text: &str, mut random: u64) -> String {
    let mut next = |below: usize| {
        random = mixed(random);
        (random >> 16) as usize % below.max(1)
    };
    let mut start = true;
    let mut other = |char: char| {
        let first = std::mem::replace(&mut start, !char.is_alphanumeric());
        if let Some(digit) = char.to_digit(10) {
            return match (digit, first) {
                // A number keeps its leading zero, and gets none.
                (0, true) => '0',
                (_, true) => char::from(b'1' + ((digit as usize + next(8)) % 9) as u8),
                _ => char::from(b'0' + ((digit as usize + 1 + next(9)) % 10) as u8),
            };
        }
        other_letter(char, &mut next)
    };
    text.chars().map(&mut other).collect()
}

fn other_letter(char: char, next: &mut dyn FnMut(usize) -> usize) -> char {
    let pools = LETTERS.iter().find_map(|pool| Some((*pool, pool.chars().position(|other| other == char)?)));
    let same_script = |pool: &&&str| pool.chars().next().is_some_and(|first| is_near(first, char));
    let (pool, at) = match pools {
        Some(found) => found,
        None if !char.is_alphabetic() => return char,
        None if char.is_uppercase() && (char as u32) < 0x250 => (LETTERS[3], 0),
        None if (char as u32) < 0x250 => (LETTERS[1], 0),
        None => (LETTERS.iter().skip(4).find(same_script).copied().unwrap_or(LETTERS[1]), 0),
    };
    let all = pool.chars().count();
    pool.chars().nth((at + 1 + next(all - 1)) % all).unwrap_or(char)
}

/// Whether two letters are of one script, roughly.
fn is_near(one: char, other: char) -> bool {
    let block = |char: char| match char as u32 {
        0x4E00..0xA000 | 0x3400..0x4DC0 => 0x4E,
        0xAC00..0xD7B0 => 0xAC,
        code => code >> 8,
    };
    block(one) == block(other)
        && (one.is_lowercase() == other.is_lowercase() || one.is_uppercase() == other.is_uppercase())
}

/// The date that many days earlier, in the form it has: a year, a month, a day, with or without a time.
fn shifted(text: &str, days: i32) -> Option<String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let length = match digits {
        4 | 6 => digits,
        8.. => 8,
        _ => return None,
    };
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i8>().ok();
    let year = text[..4].parse::<i16>().ok()?;
    let month = if length >= 6 { number(4..6)? } else { 7 };
    let day = if length == 8 { number(6..8)? } else { 1 };
    let date = Date::new(year, month, day).ok()?;
    let moved = date.checked_sub(jiff::Span::new().days(days)).ok()?;
    let written = format!("{:04}{:02}{:02}", moved.year(), moved.month(), moved.day());
    Some(format!("{}{}", &written[..length], &text[length..]))
}

/// FNV-1a: the same in every version of the program.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

/// A step of SplitMix64.
fn mixed(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters as `a` and `A`, digits as `9`, everything else as it is.
    fn shape(text: &str) -> String {
        let shape = |char: char| match char {
            char if char.is_numeric() => '9',
            char if char.is_uppercase() => 'A',
            char if char.is_alphabetic() => 'a',
            char => char,
        };
        text.chars().map(shape).collect()
    }

    #[test]
    fn inventions_have_the_form_of_what_they_replace() {
        let mut inventor = Inventor::new(7);
        for (text, kind) in [
            ("SB-40017", Kind::Pattern),
            ("(020) 7946-0018", Kind::Pattern),
            ("12 Harbour Lane", Kind::Pattern),
            ("Quillfeather", Kind::Family),
            ("LINDQVIST", Kind::Family),
            ("Ada", Kind::Given),
            ("O'Dell", Kind::Family),
            ("Иванов", Kind::Family),
            ("called at 12:30, Mr. Moreau was out", Kind::Text),
            ("Moreau, Moreau", Kind::Text),
        ] {
            let invented = inventor.instead(text, kind, &Separators::default());
            assert_eq!(shape(&invented), shape(text), "{text}: {invented}");
            assert_ne!(invented, text);
            assert_eq!(inventor.instead(text, kind, &Separators::default()), invented);
        }
        let twice = inventor.instead("Moreau, Moreau", Kind::Text, &Separators::default());
        assert_eq!(twice.split(", ").collect::<HashSet<_>>().len(), 1, "{twice}");
        assert_eq!(inventor.instead("\"\"", Kind::Family, &Separators::default()), "\"\"");
    }

    #[test]
    fn the_same_seed_makes_the_same_and_another_another() {
        let one = |seed| Inventor::new(seed).instead("SB-40017", Kind::Pattern, &Separators::default());
        assert_eq!(one(1), one(1));
        assert_ne!(one(1), one(2));
    }

    #[test]
    fn different_identifiers_stay_different() {
        let mut inventor = Inventor::new(3);
        let numbers = 1000..4000;
        let invented: HashSet<_> = numbers
            .map(|number| inventor.instead(&number.to_string(), Kind::Pattern, &Separators::default()))
            .collect();
        assert!(invented.len() > 2990, "{}", invented.len());
    }

    #[test]
    fn escape_sequences_stay_and_what_they_hide_goes() {
        let mut inventor = Inventor::new(7);
        let raw = r"O\T\Dell\.br\at \X48656C6C6F0D0A\ C:\";
        let invented = inventor.instead(raw, Kind::Text, &Separators::default());
        let fixed: Vec<_> = invented.match_indices('\\').map(|(at, _)| at).collect();
        assert_eq!(fixed, raw.match_indices('\\').map(|(at, _)| at).collect::<Vec<_>>(), "{invented}");
        assert!(invented.contains(r"\T\") && invented.contains(r"\.br\") && invented.contains(r"0D0A\"));
        assert!(!invented.contains("Dell") && !invented.contains("48656C6C6F"), "{invented}");
    }

    #[test]
    fn dates_move_by_the_same_days_in_their_own_form() {
        assert_eq!(shifted("20260301", 1).as_deref(), Some("20260228"));
        assert_eq!(shifted("20260301083000.1234+0100", 1).as_deref(), Some("20260228083000.1234+0100"));
        assert_eq!(shifted("202603", 31).as_deref(), Some("202601"));
        assert_eq!(shifted("2026", 365).as_deref(), Some("2025"));
        assert_eq!((shifted("unknown", 1), shifted("20260230", 1), shifted("260", 1)), (None, None, None));
    }
}
