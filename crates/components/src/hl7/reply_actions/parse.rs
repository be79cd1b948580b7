//! Reads a list of reply code actions, and says which bytes of it are wrong.

use std::ops::Range;
use std::str::FromStr;

use model::{AfterRetries, Checks};

use super::{Action, Code, Ending, Entry, ReplyActions};

const CODES: &str =
    "the codes are :?A :?E :?R :xy (MSA-1 itself) :_ :* :~ :I? :T? X E, and E#no_reply, E#bad_reply, E*text";
const ACTIONS: &str = "the actions are C, W, R, S, F and D, and R with what comes then, as in RF";
/// The names that may stand behind `E#`.
const NAMES: [&str; 2] = ["no_reply", "bad_reply"];
/// The longest MSA-1 that is written out.
const LONGEST_CODE: usize = 8;

/// Why a text is no list of actions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ActionError {
    /// The bytes of the text that are wrong; empty at its end when something is missing.
    pub(crate) range: Range<usize>,
    /// What was found and what was wanted.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: String,
}

impl ActionError {
    fn new(range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        ActionError { range, message: message.into(), help: help.into() }
    }

    /// Says it of the text at `setting`.
    pub(crate) fn report(self, setting: &str, checks: &mut Checks) {
        checks.error_at(setting, self.range, self.message);
        checks.help(self.help);
    }
}

impl ReplyActions {
    /// Reports what is wrong with the text at `setting`, and what in it says nothing.
    pub(crate) fn check(setting: &str, text: &str, checks: &mut Checks) {
        match text.parse::<ReplyActions>() {
            Ok(actions) => actions.check_twice(setting, checks),
            Err(error) => error.report(setting, checks),
        }
    }

    /// Of two entries that are about the same, the first decides.
    fn check_twice(&self, setting: &str, checks: &mut Checks) {
        for (index, entry) in self.entries.iter().enumerate() {
            // Entries that only warn are looked at by themselves.
            let warns = |other: &&Entry| (other.action == Action::Warn) == (entry.action == Action::Warn);
            for code in &entry.codes {
                let mut before = self.entries[..index].iter().filter(warns);
                let Some(first) = before.find(|other| other.codes.contains(code)) else { continue };
                let (first_at, text) = (first.at.start + 1, &first.text);
                let message = format!(
                    "\"{}\" has a code of \"{text}\" at character {first_at}, which goes first",
                    entry.text
                );
                checks.warning_at(setting, entry.at.clone(), message);
                checks.help("leave one of the two out");
                break;
            }
        }
    }
}

impl FromStr for ReplyActions {
    type Err = ActionError;
    fn from_str(text: &str) -> Result<Self, ActionError> {
        let mut entries = Vec::new();
        let mut at = 0;
        loop {
            let (entry, end) = entry(text, at)?;
            entries.push(entry);
            if end == text.len() {
                return Ok(ReplyActions { entries });
            }
            at = end + 1;
        }
    }
}

/// One piece of the text, where it stands, without blanks around it.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Piece<'a> {
    fn of(text: &'a str, range: Range<usize>) -> Self {
        let whole = &text[range.clone()];
        let blanks = whole.len() - whole.trim_start().len();
        Piece { text: whole.trim(), at: range.start + blanks }
    }

    fn wrong(self, message: String, help: impl Into<String>) -> ActionError {
        ActionError::new(self.at..self.at + self.text.len(), message, help)
    }
}

/// The entry at `at`, and the byte where it ends: a comma, or the end of the text.
fn entry(text: &str, at: usize) -> Result<(Entry, usize), ActionError> {
    let (codes, rest) = codes(text, at)?;
    let end = text[rest..].find(',').map_or(text.len(), |comma| rest + comma);
    let action = action(Piece::of(text, rest..end))?;
    let whole = Piece::of(text, at..end);
    let at = whole.at..whole.at + whole.text.len();
    Ok((Entry { codes, action, text: whole.text.to_owned(), at }, end))
}

/// The codes at `at`, and the byte behind their `=`.
fn codes(text: &str, at: usize) -> Result<(Vec<Code>, usize), ActionError> {
    let open = at + text[at..].len() - text[at..].trim_start().len();
    if !text[open..].starts_with('(') {
        let end = text[at..].find(['=', ',']).map_or(text.len(), |end| at + end);
        let piece = Piece::of(text, at..end);
        if !text[end..].starts_with('=') {
            let found = piece.text;
            let message = match found {
                "" => "an entry is empty; expected code=action".to_owned(),
                _ => format!("\"{found}\" has no \"=\"; expected code=action, as in :?E=S"),
            };
            return Err(piece.wrong(message, CODES));
        }
        return Ok((vec![code(piece)?], end + 1));
    }
    let Some(close) = text[open..].find(')').map(|close| open + close) else {
        let message = "\"(\" is not closed; expected (code,code)=action";
        return Err(ActionError::new(open..open + 1, message, "write \")\" before the \"=\""));
    };
    let mut codes = Vec::new();
    let mut start = open + 1;
    for inner in text[start..close].split(',') {
        codes.push(code(Piece::of(text, start..start + inner.len()))?);
        start += inner.len() + 1;
    }
    let rest = text[close + 1..].trim_start();
    let behind = text.len() - rest.len();
    if !rest.starts_with('=') {
        let message = "no \"=\" behind \")\"; expected (code,code)=action";
        return Err(ActionError::new(behind..behind + rest.len().min(1), message, ACTIONS));
    }
    Ok((codes, behind + 1))
}

fn code(piece: Piece<'_>) -> Result<Code, ActionError> {
    Ok(match piece.text {
        ":?A" => Code::Kind(b'A'),
        ":?E" => Code::Kind(b'E'),
        ":?R" => Code::Kind(b'R'),
        ":_" => Code::Empty,
        ":*" => Code::Other,
        ":~" => Code::NoMsa,
        ":I?" => Code::OtherId,
        ":T?" => Code::OtherType,
        "E" => Code::Failed,
        "X" => Code::NoReply,
        text => return other_code(text).ok_or_else(|| wrong_code(piece)),
    })
}

/// The codes that have a text of their own.
fn other_code(text: &str) -> Option<Code> {
    if let Some(name) = text.strip_prefix("E#") {
        return NAMES.contains(&name).then(|| Code::FailedNamed(name.to_owned()));
    }
    if let Some(words) = text.strip_prefix("E*") {
        return (!words.is_empty()).then(|| Code::FailedSaying(words.to_owned()));
    }
    let literal = text.strip_prefix(':')?;
    let fits =
        (1..=LONGEST_CODE).contains(&literal.len()) && literal.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| Code::Literal(literal.to_owned()))
}

fn wrong_code(piece: Piece<'_>) -> ActionError {
    let text = piece.text;
    let meant = format!(":{text}");
    let upper = text.to_ascii_uppercase();
    let help = if text.starts_with("E#") {
        format!("expected one of {}", NAMES.map(|name| format!("E#{name}")).join(", "))
    } else if matches!(text.len(), 1 | 2)
        && code(Piece { text: &meant, at: 0 }).is_ok()
        && !text.starts_with(':')
    {
        format!("did you mean \"{meant}\"?")
    } else if upper != text && code(Piece { text: &upper, at: 0 }).is_ok() {
        format!("did you mean \"{upper}\"?")
    } else {
        CODES.to_owned()
    };
    piece.wrong(format!("code is \"{text}\"; expected a reply code"), help)
}

/// A message that is given up is always warned of: `RW` is `RC`.
fn after_retries(ending: Ending) -> AfterRetries {
    match ending {
        Ending::Complete | Ending::Warn => AfterRetries::Complete,
        Ending::Suspend => AfterRetries::Suspend,
        Ending::Fail => AfterRetries::Fail,
        Ending::Disable => AfterRetries::Disable,
    }
}

fn action(piece: Piece<'_>) -> Result<Action, ActionError> {
    let ending = |letter: u8| {
        Some(match letter {
            b'C' => Ending::Complete,
            b'W' => Ending::Warn,
            b'S' => Ending::Suspend,
            b'F' => Ending::Fail,
            b'D' => Ending::Disable,
            _ => return None,
        })
    };
    let found = match piece.text.as_bytes() {
        b"W" => Some(Action::Warn),
        b"R" => Some(Action::Retry(AfterRetries::default())),
        [b'R', then] => ending(*then).map(|ending| Action::Retry(after_retries(ending))),
        [letter] => ending(*letter).map(Action::End),
        // Completing with a warning, said in two letters.
        b"WC" | b"CW" => Some(Action::End(Ending::Warn)),
        _ => None,
    };
    found.ok_or_else(|| {
        let upper = piece.text.to_ascii_uppercase();
        let help = match upper != piece.text && action(Piece { text: &upper, at: 0 }).is_ok() {
            true => format!("did you mean \"{upper}\"?"),
            false => ACTIONS.to_owned(),
        };
        piece.wrong(
            format!("action is \"{}\"; expected C, W, R, S, F, D or a pair as in RF", piece.text),
            help,
        )
    })
}
