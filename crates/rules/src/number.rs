//! Decimal numbers as HL7 writes them (data type NM), compared exactly.
//!
//! Identifiers of 20 digits are compared too, so nothing goes through a binary floating point number,
//! and nothing is copied.

use std::cmp::Ordering;

/// A number within a text: an optional sign, digits, and digits behind a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// Digits before the point, without leading zeros.
    whole: &'a str,
    /// Digits behind the point, without trailing zeros.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// The number that `text` is, spaces around it aside; none when it is something else.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(' ');
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Decimal { negative: negative && !zero, whole, fraction })
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.negative
    }

    /// Digits before the point, without leading zeros.
    pub(crate) fn whole(&self) -> &'a str {
        self.whole
    }

    /// Digits behind the point, without trailing zeros.
    pub(crate) fn fraction(&self) -> &'a str {
        self.fraction
    }

    fn cmp_size(&self, other: &Self) -> Ordering {
        let by_length = self.whole.len().cmp(&other.whole.len());
        by_length.then_with(|| self.whole.cmp(other.whole)).then_with(|| self.fraction.cmp(other.fraction))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.cmp_size(other),
            (true, true) => other.cmp_size(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_number() {
        for text in ["0", "7", "-7", "+7.", ".5", "007.10", " 12 ", "12345678901234567890.5"] {
            assert!(Decimal::read(text).is_some(), "{text}");
        }
        for text in ["", " ", "-", ".", "1e3", "1,5", ">5", "1.2.3", "0x1", "1 2", "٣"] {
            assert!(Decimal::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let growing = [
            "-12345678901234567890.5",
            "-12345678901234567890",
            "-10",
            "-9.75",
            "-0.05",
            "0",
            "0.05",
            "0.5",
            "9",
            "10",
            "12345678901234567890",
            "12345678901234567891",
        ];
        for (i, left) in growing.iter().enumerate() {
            for (j, right) in growing.iter().enumerate() {
                let (a, b) = (Decimal::read(left).unwrap(), Decimal::read(right).unwrap());
                assert_eq!(a.cmp(&b), i.cmp(&j), "{left} {right}");
            }
        }
        for (left, right) in [("7", "7.0"), ("007", "+7"), ("-0", "0.00"), (".5", "0.50")] {
            assert_eq!(Decimal::read(left), Decimal::read(right), "{left} {right}");
        }
    }
}
