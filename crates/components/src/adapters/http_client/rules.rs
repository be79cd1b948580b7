//! What the status of an answer means for the message that was sent.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};
use model::{Decision, MessageBody, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What becomes of a message whose request the server refuses for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpErrorAction {
    /// It is suspended, for a person to look at.
    #[default]
    Suspend,
    /// It fails: its status is Error.
    Fail,
    /// It is tried again, every `retry_interval`, until `failure_timeout`.
    Retry,
    /// The item stops, with the message first in its queue.
    Disable,
}

/// What a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server has taken it.
    Taken,
    /// Not now, or not this way: it may be right the next time.
    Later,
    /// Not this, however often it is sent.
    Refused,
}

/// What a status says.
pub(crate) fn verdict(status: StatusCode) -> Verdict {
    match status.as_u16() {
        200..300 => Verdict::Taken,
        // The first four are about the way, and not about the message: those behind it would fare no better.
        401 | 404 | 405 | 407 | 408 | 425 | 429 | 500.. => Verdict::Later,
        _ => Verdict::Refused,
    }
}

/// What `peer` answered, in words that hold nothing of it.
pub(crate) fn words(peer: &str, status: StatusCode) -> String {
    let more = if status.is_redirection() { "; redirections are not followed" } else { "" };
    format!("{peer} answered {status}{more}")
}

/// The decision about a message that the server has not taken.
pub(crate) fn not_taken(
    verdict: Verdict,
    reason: String,
    after: Option<Duration>,
    action: HttpErrorAction,
    response: Option<MessageBody>,
) -> Decision {
    match (verdict, action) {
        (Verdict::Refused, HttpErrorAction::Suspend) => Decision::Suspend { reason, response },
        (Verdict::Refused, HttpErrorAction::Fail) => Decision::Reject { reason, sends: Vec::new(), response },
        (Verdict::Refused, HttpErrorAction::Disable) => Decision::Fatal(reason),
        _ => Decision::retry_after(reason, after),
    }
}

/// The pause that an answer asks for.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            Timestamp(time.as_millisecond()).since(now)
        }
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_come_again() {
        for (status, expected) in [
            (200, Verdict::Taken),
            (204, Verdict::Taken),
            (302, Verdict::Refused),
            (400, Verdict::Refused),
            (401, Verdict::Later),
            (404, Verdict::Later),
            (413, Verdict::Refused),
            (415, Verdict::Refused),
            (422, Verdict::Refused),
            (429, Verdict::Later),
            (500, Verdict::Later),
            (503, Verdict::Later),
        ] {
            assert_eq!(verdict(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date() {
        let now = Timestamp(1_700_000_000_000);
        for (text, seconds) in [
            ("120", Some(120)),
            ("999999999", Some(3_600)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", Some(30)),
            ("Tue, 14 Nov 2000 22:13:50 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
