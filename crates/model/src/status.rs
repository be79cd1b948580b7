//! Where a message stands.

named_number!(
    /// The status of one header. Numbers and names are those that users of such engines know.
    #[serde(rename_all = "lowercase")]
    MessageStatus {
        /// Made, not yet on a queue.
        Created = 1 => "Created",
        /// Waits on its target's queue.
        Queued = 2 => "Queued",
        /// In the hands of its target (written when it stays there longer than a second).
        Delivered = 3 => "Delivered",
        /// Set aside on purpose: nobody wanted it.
        Discarded = 4 => "Discarded",
        /// Parked for a person.
        Suspended = 5 => "Suspended",
        /// Its answer will come later.
        Deferred = 6 => "Deferred",
        /// Ended by a person.
        Aborted = 7 => "Aborted",
        /// Ended by a failure; `ErrorStatus` says why.
        Error = 8 => "Error",
        /// Done.
        Completed = 9 => "Completed",
    }
);

impl MessageStatus {
    /// Whether nothing more will happen to the message by itself.
    pub fn is_final(self) -> bool {
        use MessageStatus::*;
        matches!(self, Discarded | Aborted | Error | Completed)
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
            assert_eq!(serde_json::json!(status), status.name().to_lowercase());
        }
        assert_eq!(MessageStatus::from_number(0), None);
        assert!("done".parse::<MessageStatus>().is_err());
    }
}
