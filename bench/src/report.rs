//! One figure a line: what was measured, its limit from the same run, the ratio, the goal.

use std::time::Duration;

/// Prints a section's title.
pub(crate) fn section(title: &str) {
    println!("\n{title}");
}

/// A figure with the limit that the same run measured, and the share of it that was reached.
pub(crate) fn against(what: &str, figure: f64, unit: &str, limit_name: &str, limit: f64, wanted: &str) {
    println!(
        "  {what:<46} {:>12} {unit:<6} {:>5.0} % of {limit_name} ({} {unit})   wanted {wanted}",
        count(figure),
        100.0 * figure / limit,
        count(limit),
    );
}

/// A figure that stands alone.
pub(crate) fn figure(what: &str, figure: &str, wanted: &str) {
    println!("  {what:<46} {figure:>19}   wanted {wanted}");
}

/// A number with thousands separated.
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many a second.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// The value below which that share of the sorted values lies.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// A duration in milliseconds with three digits behind the point.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
