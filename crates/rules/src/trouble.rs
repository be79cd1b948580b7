//! What goes wrong while an expression runs.

use std::sync::OnceLock;

/// Where an expression says what went wrong while it ran; the first thing stays. Never holds content.
#[derive(Debug, Default)]
pub struct Trouble(OnceLock<String>);

impl Trouble {
    /// What went wrong first, if anything.
    pub fn first(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    pub(crate) fn tell(&self, what: impl FnOnce() -> String) {
        self.0.get_or_init(what);
    }
}
