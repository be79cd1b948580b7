//! The machine that a production is checked for, as far as a check may look at it.

use std::sync::Arc;

use crate::Timestamp;

/// What is found where a setting names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// What the file holds.
    Found(Vec<u8>),
    /// Not even the folder is there: the production is for another machine, or not set up yet.
    Elsewhere,
    /// The file cannot be read, for this reason.
    Unreadable(String),
}

type Reads = dyn Fn(&str) -> Look + Send + Sync;

/// The machine that a production is checked for, found in [`Checks::library`](crate::Checks::library).
/// Without one, as when a production is only loaded, checks look at no file and at no clock.
#[derive(Clone, Default)]
pub struct Machine(Option<(Arc<Reads>, Timestamp)>);

impl Machine {
    /// One on which `read` looks at files as settings name them, and where it is `now`.
    pub fn new(now: Timestamp, read: impl Fn(&str) -> Look + Send + Sync + 'static) -> Self {
        Machine(Some((Arc::new(read), now)))
    }

    /// What is in that file, and what time it is; none where nothing may be looked at.
    pub fn look(&self, file: &str) -> Option<(Look, Timestamp)> {
        self.0.as_ref().map(|(read, now)| (read(file), *now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_machine_nothing_is_looked_at() {
        assert_eq!(Machine::default().look("a.pem"), None);
        let machine = Machine::new(Timestamp(7), |name| Look::Unreadable(name.to_owned()));
        assert_eq!(machine.look("a.pem"), Some((Look::Unreadable("a.pem".to_owned()), Timestamp(7))));
    }
}
