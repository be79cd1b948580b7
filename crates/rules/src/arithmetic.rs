//! Arithmetic on decimal numbers: exact, but for division.
//!
//! A number of more than 38 digits, and a result that would be one, is none: arithmetic comes to
//! nothing there, as it does where a value is no number.

use std::fmt::{self, Display, Formatter};

use crate::number::Decimal;

/// Digits behind the point that are kept at most.
const MOST_DECIMALS: u32 = 18;
/// Digits behind the point of a quotient.
const QUOTIENT_DECIMALS: u32 = 12;

/// A decimal number: `units` with the point `decimals` digits from the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact {
    units: i128,
    decimals: u32,
}

impl Exact {
    /// The number that `text` is, as [`Decimal::read`] reads it.
    pub(crate) fn read(text: &str) -> Option<Exact> {
        let number = Decimal::read(text)?;
        let decimals = u32::try_from(number.fraction().len()).ok()?;
        let mut units: i128 = 0;
        for digit in number.whole().bytes().chain(number.fraction().bytes()) {
            units = units.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        let sign = if number.is_negative() { -1 } else { 1 };
        Some(Exact { units: sign * units, decimals }.at_most(MOST_DECIMALS))
    }

    /// A whole number.
    pub(crate) fn whole(number: usize) -> Exact {
        Exact { units: number as i128, decimals: 0 }
    }

    /// So many units, with the point so many digits from the right.
    pub(crate) fn of(units: i128, decimals: u32) -> Exact {
        Exact { units, decimals }
    }

    /// The part before the point, where it is not too large.
    pub(crate) fn to_whole(self) -> Option<i64> {
        i64::try_from(self.units / 10_i128.checked_pow(self.decimals)?).ok()
    }

    pub(crate) fn negative(self) -> Exact {
        Exact { units: -self.units, ..self }
    }

    pub(crate) fn plus(self, other: Exact) -> Option<Exact> {
        let (a, b, decimals) = aligned(self, other)?;
        Some(Exact { units: a.checked_add(b)?, decimals })
    }

    pub(crate) fn times(self, other: Exact) -> Option<Exact> {
        let units = self.units.checked_mul(other.units)?;
        Some(Exact { units, decimals: self.decimals + other.decimals }.at_most(MOST_DECIMALS))
    }

    /// Rounded to 12 digits behind the point; none for division by zero.
    pub(crate) fn divided_by(self, other: Exact) -> Option<Exact> {
        let (a, b, _) = aligned(self, other)?;
        let units = halved_up(a.checked_mul(10_i128.pow(QUOTIENT_DECIMALS))?, b)?;
        Some(Exact { units, decimals: QUOTIENT_DECIMALS })
    }

    /// With at most so many digits behind the point; a half is rounded away from zero.
    pub(crate) fn at_most(self, decimals: u32) -> Exact {
        let Some(surplus) = self.decimals.checked_sub(decimals) else { return self };
        // Nothing is left of a number with that many more digits than any can have.
        let units = 10_i128.checked_pow(surplus).and_then(|by| halved_up(self.units, by)).unwrap_or(0);
        Exact { units, decimals }
    }

    pub(crate) fn compare(self, other: Exact) -> Option<std::cmp::Ordering> {
        aligned(self, other).map(|(a, b, _)| a.cmp(&b))
    }
}

/// Both with as many digits behind the point.
fn aligned(a: Exact, b: Exact) -> Option<(i128, i128, u32)> {
    let decimals = a.decimals.max(b.decimals);
    let widened = |it: Exact| it.units.checked_mul(10_i128.checked_pow(decimals - it.decimals)?);
    Some((widened(a)?, widened(b)?, decimals))
}

/// `a / b`, a half rounded away from zero.
fn halved_up(a: i128, b: i128) -> Option<i128> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    let is_half = rest.unsigned_abs() >= b.unsigned_abs().div_ceil(2);
    let away = if (a < 0) == (b < 0) { 1 } else { -1 };
    Some(if is_half && rest != 0 { quotient + away } else { quotient })
}

impl Display for Exact {
    /// Without zeros at the end, and without a point where nothing is behind it.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Exact { mut units, mut decimals } = *self;
        while decimals > 0 && units % 10 == 0 {
            (units, decimals) = (units / 10, decimals - 1);
        }
        let sign = if units < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", units.unsigned_abs(), width = decimals as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::Exact;

    fn said(number: Option<Exact>) -> String {
        number.map(|number| number.to_string()).unwrap_or_default()
    }

    #[test]
    fn numbers_are_calculated_exactly() {
        let read = |text: &str| Exact::read(text).unwrap();
        for (a, b, sum, product, quotient) in [
            ("0.1", "0.2", "0.3", "0.02", "0.5"),
            ("7", "-2", "5", "-14", "-3.5"),
            ("1", "3", "4", "3", "0.333333333333"),
            ("2", "3", "5", "6", "0.666666666667"),
            ("-2", "3", "1", "-6", "-0.666666666667"),
            (
                "12345678901234567890",
                "1",
                "12345678901234567891",
                "12345678901234567890",
                "12345678901234567890",
            ),
            ("5", "0", "5", "0", ""),
            ("-0.50", "+.5", "0", "-0.25", "-1"),
        ] {
            let (a, b) = (read(a), read(b));
            let found = (said(a.plus(b)), said(a.times(b)), said(a.divided_by(b)));
            assert_eq!(found, (sum.to_owned(), product.to_owned(), quotient.to_owned()), "{a} {b}");
        }
        let large = read(&"9".repeat(38));
        assert_eq!((said(large.plus(large)), said(large.times(large))), (String::new(), String::new()));
        assert_eq!(said(Exact::read(&"9".repeat(40))), "");
    }

    #[test]
    fn a_half_is_rounded_away_from_zero() {
        for (number, decimals, rounded) in [
            ("2.5", 0, "3"),
            ("-2.5", 0, "-3"),
            ("2.45", 1, "2.5"),
            ("2.44", 1, "2.4"),
            ("0.04", 1, "0"),
            ("7", 3, "7"),
        ] {
            assert_eq!(Exact::read(number).unwrap().at_most(decimals).to_string(), rounded, "{number}");
        }
    }
}
