//! When a file is complete.

use std::time::Duration;

use model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a file is known to be complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmComplete {
    /// Its size and its time have not changed for the settle time. A file that comes by rename is
    /// complete at once, and so is one that was last written longer ago than the settle time.
    #[default]
    Size,
    /// It has come by rename. A file that is written in place waits until it is renamed.
    Rename,
    /// It is there. For folders into which files only ever come by rename.
    None,
}

/// A file as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Its length in bytes.
    pub(crate) size: u64,
    /// When it was last written to, in nanoseconds since 1970.
    pub(crate) modified: i64,
    /// When anything about it was last changed, its name too, in nanoseconds since 1970.
    pub(crate) changed: i64,
    /// Whether it was seen coming by rename.
    pub(crate) moved_in: bool,
}

/// A file that was found incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending {
    size: u64,
    modified: i64,
    /// Since when it has been as it is.
    pub(crate) since: Timestamp,
}

/// What is known about a file that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It came whole.
    Complete,
    /// It seems whole: so it is, unless a process is seen holding it open for writing.
    Settled,
    /// Not yet: it is to be looked at again, at the latest at that time.
    Wait(Pending),
}

/// The rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settling {
    /// How a file is known to be complete.
    pub(crate) confirm: ConfirmComplete,
    /// How long it has to be unchanged.
    pub(crate) time: Duration,
}

impl Settling {
    /// What this look says, with what was seen before.
    pub(crate) fn judge(&self, look: &Look, before: Option<&Pending>, now: Timestamp) -> Verdict {
        let same = before.filter(|seen| (seen.size, seen.modified) == (look.size, look.modified));
        let pending =
            same.copied().unwrap_or(Pending { size: look.size, modified: look.modified, since: now });
        match self.confirm {
            ConfirmComplete::None => Verdict::Complete,
            _ if look.moved_in => Verdict::Complete,
            // A rename changes the file's entry after the last byte was written; writing changes both.
            ConfirmComplete::Rename if look.changed > look.modified => Verdict::Complete,
            ConfirmComplete::Rename => Verdict::Wait(pending),
            ConfirmComplete::Size => {
                let age = now.0.saturating_sub(look.modified.div_euclid(1_000_000));
                let old = age >= self.time.as_millis() as i64;
                match old || now.since(pending.since) >= self.time {
                    true => Verdict::Settled,
                    false => Verdict::Wait(pending),
                }
            }
        }
    }

    /// When a pending file is to be looked at again; none when only a rename can help it.
    pub(crate) fn due(&self, pending: &Pending) -> Option<Timestamp> {
        match self.confirm {
            ConfirmComplete::Size => Some(Timestamp(pending.since.0 + self.time.as_millis() as i64)),
            _ => None,
        }
    }
}

/// A file that a process holds open for writing begins to wait anew.
pub(crate) fn still_written(look: &Look, now: Timestamp) -> Pending {
    Pending { size: look.size, modified: look.modified, since: now }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn look(age_ms: i64, size: u64) -> Look {
        let modified = (NOW.0 - age_ms) * 1_000_000;
        Look { size, modified, changed: modified, moved_in: false }
    }

    fn rule(confirm: ConfirmComplete) -> Settling {
        Settling { confirm, time: Duration::from_secs(2) }
    }

    fn later(ms: i64) -> Timestamp {
        Timestamp(NOW.0 + ms)
    }

    #[test]
    fn a_file_is_complete_when_it_has_not_changed_for_the_settle_time() {
        let size = rule(ConfirmComplete::Size);
        let Verdict::Wait(first) = size.judge(&look(0, 10), None, NOW) else { panic!("taken at once") };
        assert_eq!(size.due(&first), Some(later(2_000)));
        assert_eq!(size.judge(&look(0, 10), Some(&first), later(1_999)), Verdict::Wait(first));
        assert_eq!(size.judge(&look(0, 10), Some(&first), later(2_000)), Verdict::Settled);
        // One more byte, and the wait begins anew.
        let grown = Look { modified: look(-1_500, 0).modified, ..look(0, 11) };
        let Verdict::Wait(second) = size.judge(&grown, Some(&first), later(1_500)) else { panic!("taken") };
        assert_eq!(second.since, later(1_500));
    }

    #[test]
    fn a_file_that_comes_whole_or_has_long_been_there_is_complete_at_once() {
        let size = rule(ConfirmComplete::Size);
        assert_eq!(size.judge(&look(2_000, 10), None, NOW), Verdict::Settled);
        assert_eq!(size.judge(&Look { moved_in: true, ..look(0, 10) }, None, NOW), Verdict::Complete);
    }

    #[test]
    fn a_time_in_the_future_is_settled_by_our_own_watching() {
        let size = rule(ConfirmComplete::Size);
        let Verdict::Wait(first) = size.judge(&look(-60_000, 10), None, NOW) else { panic!("taken") };
        assert_eq!(size.judge(&look(-60_000, 10), Some(&first), later(2_000)), Verdict::Settled);
    }

    #[test]
    fn rename_takes_what_was_renamed_after_its_last_byte() {
        let rename = rule(ConfirmComplete::Rename);
        let Verdict::Wait(waiting) = rename.judge(&look(99_000, 10), None, NOW) else { panic!("taken") };
        assert_eq!(rename.due(&waiting), None);
        let renamed = Look { changed: NOW.0 * 1_000_000, ..look(99_000, 10) };
        assert_eq!(rename.judge(&renamed, Some(&waiting), NOW), Verdict::Complete);
        assert_eq!(rename.judge(&Look { moved_in: true, ..look(0, 10) }, None, NOW), Verdict::Complete);
    }

    #[test]
    fn none_takes_what_is_there() {
        assert_eq!(rule(ConfirmComplete::None).judge(&look(0, 0), None, NOW), Verdict::Complete);
    }
}
