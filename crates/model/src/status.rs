//! Where a message stands.

use serde::{Deserialize, Serialize};

/// The status of one header. Numbers and names are those that users of such engines know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum MessageStatus {
    /// Made, not yet on a queue.
    Created = 1,
    /// Waits on its target's queue.
    Queued = 2,
    /// In the hands of its target (written when it stays there longer than a second).
    Delivered = 3,
    /// Set aside on purpose: nobody wanted it.
    Discarded = 4,
    /// Parked for a person.
    Suspended = 5,
    /// Its answer will come later.
    Deferred = 6,
    /// Ended by a person.
    Aborted = 7,
    /// Ended by a failure; `ErrorStatus` says why.
    Error = 8,
    /// Done.
    Completed = 9,
}

impl MessageStatus {
    /// All statuses, in the order of their numbers.
    pub const ALL: [MessageStatus; 9] = {
        use MessageStatus::*;
        [Created, Queued, Delivered, Discarded, Suspended, Deferred, Aborted, Error, Completed]
    };

    /// The status with that number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| *status as u8 == number)
    }

    /// The name shown to people, as in `Completed`.
    pub fn name(self) -> &'static str {
        use MessageStatus::*;
        match self {
            Created => "Created",
            Queued => "Queued",
            Delivered => "Delivered",
            Discarded => "Discarded",
            Suspended => "Suspended",
            Deferred => "Deferred",
            Aborted => "Aborted",
            Error => "Error",
            Completed => "Completed",
        }
    }

    /// Whether nothing more will happen to the message by itself.
    pub fn is_final(self) -> bool {
        use MessageStatus::*;
        matches!(self, Discarded | Aborted | Error | Completed)
    }
}

impl std::fmt::Display for MessageStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for MessageStatus {
    type Err = String;
    /// Reads a name in any case.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|status| status.name().to_lowercase()).collect();
            format!("status is \"{text}\"; expected one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_inverses() {
        for status in MessageStatus::ALL {
            assert_eq!(status.name().to_uppercase().parse(), Ok(status));
            assert_eq!(MessageStatus::from_number(status as u8), Some(status));
        }
        assert_eq!(MessageStatus::from_number(0), None);
        assert!("done".parse::<MessageStatus>().is_err());
    }
}
