//! `orris hl7 ack`: the acknowledgement of a message, as an engine would send it.

use std::path::PathBuf;

use hl7::Path;
use hl7::ack::{AckCode, AckText, ErrSegment, ErrorCode, Severity, build};

use super::input::{self, Reading};
use super::rewrite;
use crate::output::{Exit, Screen};

/// Print the acknowledgement of a message: sender and receiver swapped, MSA-2 its control id
///
/// Of several messages, one after the other. Into a pipe or file, segments end in CR, as they are sent.
#[derive(Debug, clap::Args)]
pub(super) struct Ack {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it says: AA, AE, AR, CA, CE or CR
    #[arg(long, value_name = "CODE", default_value = "AA")]
    code: AckCode,
    /// Why, in MSA-3; from 2.7 on in ERR-8
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,
    /// Add a segment ERR with this code of HL7 table 0357, 207 where none is given
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "207", value_parser = error_code)]
    error: Option<ErrorCode>,
    /// Where the error is, as in PID-3
    #[arg(long, value_name = "PATH", requires = "error")]
    at: Option<Path>,
    /// Who answers, as in FACILITY:APPLICATION; otherwise whom the message was sent to
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    sender: String,
    /// MSH-10 of the acknowledgement; otherwise made of the time
    #[arg(long, value_name = "ID")]
    control_id: Option<String>,
    /// MSH-7 of the acknowledgement; otherwise now
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

impl Ack {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let mut bytes = Vec::new();
        for (number, (_, found)) in
            input::each(std::slice::from_ref(&self.file), &self.reading)?.iter().enumerate()
        {
            let now = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC);
            let made = || now.strftime("%Y%m%d%H%M%S").to_string() + &format!("{:06}", number + 1);
            let time = self.time.clone().unwrap_or_else(|| now.strftime("%Y%m%d%H%M%S+0000").to_string());
            let ack = AckText {
                code: self.code,
                text: &self.text,
                error: self.error.map(|code| self.segment(code)),
                sender: &self.sender,
                control_id: &self.control_id.clone().unwrap_or_else(made),
                time: &time,
            };
            bytes.extend_from_slice(&build(Some(&found.message), &ack));
        }
        rewrite::write(screen, None, &bytes)
    }

    fn segment(&self, code: ErrorCode) -> ErrSegment {
        let severity = if self.code.is_positive() { Severity::Warning } else { Severity::Error };
        ErrSegment {
            location: self.at,
            code,
            severity,
            diagnostic: String::new(),
            user_message: String::new(),
        }
    }
}

fn error_code(text: &str) -> Result<ErrorCode, String> {
    let known = ErrorCode::ALL.into_iter().find(|code| code.entry().0 == text);
    known.ok_or_else(|| {
        let all = ErrorCode::ALL.map(ErrorCode::entry).map(|(code, meaning)| format!("{code} {meaning}"));
        format!("expected one of {}", all.join(", "))
    })
}
