//! The time as HL7 writes it.

use jiff::tz::TimeZone;
use model::HostContext;

/// Tells the time of a host's clock; makes the text anew only when the second has changed.
pub(crate) struct Time {
    host: HostContext,
    second: i64,
    text: String,
}

impl Time {
    /// Of the clock of `host`.
    pub(crate) fn new(host: &HostContext) -> Self {
        Time { host: host.clone(), second: i64::MIN, text: String::new() }
    }

    /// Now, in the machine's zone, as in `20261123160938+0100`.
    pub(crate) fn now(&mut self) -> &str {
        let second = self.host.clock().now().0.div_euclid(1000);
        if second != self.second {
            let time = jiff::Timestamp::from_second(second).unwrap_or_default();
            self.text = time.to_zoned(TimeZone::system()).strftime("%Y%m%d%H%M%S%z").to_string();
            self.second = second;
        }
        &self.text
    }
}
