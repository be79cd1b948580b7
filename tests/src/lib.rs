//! What the end-to-end tests share: the real binary as a child process, and conditions with deadlines.

mod engine;
mod messages;
mod mllp;
mod page;
mod production;
mod program;
mod random;
mod said;

pub use engine::{Engine, Outcome, binary, orris};
pub use messages::{admission, batch};
pub use mllp::{Does, Got, MllpClient, MllpReceiver, acknowledgement, field, framed};
pub use page::{Browser, Page};
pub use production::{free_port, routed_to_file};
pub use program::{Program, test_file};
pub use random::Random;
pub use said::{NAME, Said};

use std::time::{Duration, Instant};

/// Long enough for a loaded machine; reached only when something is really wrong.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `condition` is some, looking again every few milliseconds, and returns what it found.
///
/// # Panics
/// After [`DEADLINE`], naming what was waited for.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "not seen within {DEADLINE:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A value of an SQL answer as text; empty for nothing.
pub fn text(value: &store::SqlValue) -> String {
    use store::SqlValue::{Blob, Integer, Null, Real, Text};
    match value {
        Null => String::new(),
        Integer(number) => number.to_string(),
        Real(number) => number.to_string(),
        Text(text) => text.clone(),
        Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
