//! Named places where a crash test ends the process, to show that nothing is lost there.
//!
//! Unarmed, a place costs one relaxed load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

static ARMED: AtomicBool = AtomicBool::new(false);
static PLACE: OnceLock<(String, AtomicI64)> = OnceLock::new();

/// Every place, in the order in which a message passes them.
pub const PLACES: [&str; 18] = [
    "file.claimed",
    "file.read",
    "intake.submitted",
    "ledger.before_commit",
    "ledger.after_commit",
    "intake.durable",
    "tcp.before_answer",
    "tcp.answered",
    "file.archived",
    "file.forgotten",
    "host.before_message",
    "tcp.sent",
    "tcp.heard",
    "host.after_message",
    "operation.written_aside",
    "operation.renamed",
    "socket.accepted",
    "shutdown.begun",
];

/// Arms `spec`, `PLACE` or `PLACE:N`: the process ends when that place is passed for the Nth time.
///
/// # Errors
/// When the place is not one of [`PLACES`] or N is no number.
pub fn arm(spec: &str) -> Result<(), String> {
    let (place, count) = spec.split_once(':').unwrap_or((spec, "1"));
    if !PLACES.contains(&place) {
        return Err(format!("fault place is \"{place}\"; expected one of {}", PLACES.join(", ")));
    }
    let count = count.parse().map_err(|_| format!("fault count is \"{count}\"; expected a number"))?;
    let _first_wins = PLACE.set((place.to_owned(), AtomicI64::new(count)));
    ARMED.store(true, Ordering::Relaxed);
    Ok(())
}

/// Ends the process at once, without any cleaning up, if this place is armed and its count is up.
#[inline]
pub fn point(place: &str) {
    if ARMED.load(Ordering::Relaxed) {
        pass(place);
    }
}

#[cold]
fn pass(place: &str) {
    if let Some((armed, left)) = PLACE.get()
        && armed == place
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_unknown_place_is_refused_with_the_list() {
        let error = super::arm("nowhere").unwrap_err();
        assert!(error.contains("\"nowhere\"") && error.contains("ledger.before_commit"));
    }
}
