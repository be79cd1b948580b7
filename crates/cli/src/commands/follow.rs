//! Looking again and again, as `--follow` does.

use std::time::Duration;

use crate::output::Exit;

/// How many rows are taken at a time.
pub(crate) const STEP: usize = 1_000;
/// The pause between two looks: short for a person, long for a store.
const PAUSE: Duration = Duration::from_millis(200);

/// Looks until the reader has gone or something fails; Ctrl-C ends the process.
pub(crate) fn each(mut look: impl FnMut() -> Result<(), Exit>) -> Result<(), Exit> {
    loop {
        look()?;
        std::thread::sleep(PAUSE);
    }
}
