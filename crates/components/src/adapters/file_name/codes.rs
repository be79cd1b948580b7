//! The codes of a file name, as users of such engines know them.

use jiff::tz::{Offset, TimeZone};

/// What to say beside every wrong code.
pub(super) const HELP: &str = "codes are %f %F (%#f before, %$f from the last dot), %Q %q %q(0..5) %c, %Y %y %m %d %D %H \
     %I %M %S %N %j %a %A %b %B %h %u %w %U %W %p %P %r %R %T %z %Z %t %% and, first of all, %K(zone); \
     {MSH-10} is a field, {id} the message's id";

/// One part of a name.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// As it stands.
    Literal(String),
    /// The source's name, or a part of it, perhaps in upper case.
    Source(SourcePart, bool),
    /// A time, in the form of `strftime`.
    Time(&'static str),
    /// Days since 1840-12-31 and seconds of the day; local, or UTC with milliseconds.
    Horolog { utc: bool },
    /// A GUID, the same one each time for one message.
    Guid,
    /// A field of the message.
    Field(hl7::Path),
    /// The id of the message's header.
    Id,
    /// The id of the message's session.
    Session,
    /// What the body is, as in `ADT_A01`.
    DocType,
}

/// Which part of the source's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourcePart {
    Whole,
    BeforeLastDot,
    FromLastDot,
}

/// The zone that times are shown in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TimeZoneName {
    /// The machine's own.
    Server,
    /// So many seconds east of UTC.
    Fixed(i32),
}

impl TimeZoneName {
    /// Reads `Server`, `UTC`, `+1` or `-0330`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("zone is \"{text}\"; expected Server, UTC, +n or +hhmm");
        match text.to_ascii_lowercase().as_str() {
            "" | "server" | "local" => return Ok(TimeZoneName::Server),
            "utc" | "gmt" | "z" => return Ok(TimeZoneName::Fixed(0)),
            _ => {}
        }
        let digits = text.strip_prefix(['+', '-']).ok_or_else(wrong)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: i32 = digits.parse().map_err(|_| wrong())?;
        let (hours, minutes) = if digits.len() <= 2 { (number, 0) } else { (number / 100, number % 100) };
        if hours > 14 || minutes > 59 || digits.len() > 4 {
            return Err(wrong());
        }
        let seconds = (hours * 60 + minutes) * 60;
        Ok(TimeZoneName::Fixed(if text.starts_with('-') { -seconds } else { seconds }))
    }

    /// The zone itself.
    pub(super) fn zone(&self) -> TimeZone {
        match self {
            TimeZoneName::Server => TimeZone::system(),
            TimeZoneName::Fixed(seconds) => {
                Offset::from_seconds(*seconds).map_or(TimeZone::UTC, TimeZone::fixed)
            }
        }
    }
}

/// Whether a bracket behind this letter belongs to the code.
pub(super) fn takes_argument(letter: char) -> bool {
    matches!(letter, 'Q' | 'q' | 'K' | 'c')
}

/// The part that `%` with an optional mark, a letter and an optional argument stands for.
pub(super) fn piece(mark: Option<char>, letter: char, argument: Option<&str>) -> Result<Piece, String> {
    use SourcePart::{BeforeLastDot, FromLastDot, Whole};
    Ok(match (mark, letter) {
        (None, 'f') => Piece::Source(Whole, false),
        (Some('#'), 'f') => Piece::Source(BeforeLastDot, false),
        (Some('$'), 'f') => Piece::Source(FromLastDot, false),
        (None, 'F') => Piece::Source(Whole, true),
        (Some('#'), 'F') => Piece::Source(BeforeLastDot, true),
        (Some('$'), 'F') => Piece::Source(FromLastDot, true),
        (None, 'Q') if argument.is_none() => Piece::Time("%Y-%m-%d %H:%M:%S.%3f"),
        (None, 'q' | 'Q') => numbered(letter, argument.unwrap_or("0"))?,
        (None, 'c') if argument.is_none() => Piece::Time("%m-%d-%y_%H.%M.%S"),
        (None, '%') => Piece::Literal("%".into()),
        (None, 't') => Piece::Literal("\t".into()),
        (None, letter) => Piece::Time(plain(letter).ok_or_else(|| unknown(mark, letter))?),
        (Some('#'), letter) => Piece::Time(marked(letter).ok_or_else(|| unknown(mark, letter))?),
        (Some(_), letter) => return Err(unknown(mark, letter)),
    })
}

fn unknown(mark: Option<char>, letter: char) -> String {
    format!("code is \"%{}{letter}\"; expected one that is known", mark.map(String::from).unwrap_or_default())
}

/// `%q(n)`.
fn numbered(letter: char, argument: &str) -> Result<Piece, String> {
    Ok(match argument {
        "0" => Piece::Time("%Y%m%d%H%M%S"),
        "1" => Piece::Time("%Y-%m-%d %H:%M:%S"),
        "2" => Piece::Time("%Y-%m-%dT%H:%M:%S"),
        "3" => Piece::Horolog { utc: false },
        "4" => Piece::Horolog { utc: true },
        "5" => Piece::Guid,
        other => return Err(format!("form of \"%{letter}\" is \"{other}\"; expected 0 to 5")),
    })
}

/// Codes without a mark, as `strftime` has them.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'Y' => "%Y",
        'y' => "%y",
        'm' => "%m",
        'd' => "%d",
        'D' => "%m/%d/%y",
        'H' => "%H",
        'I' => "%I",
        'M' => "%M",
        'S' => "%S",
        'N' => "%3f",
        'j' => "%j",
        'a' => "%a",
        'A' => "%A",
        'b' | 'h' => "%b",
        'B' => "%B",
        'u' => "%u",
        'w' => "%w",
        'U' => "%U",
        'W' => "%W",
        'p' => "%p",
        'P' => "%P",
        'r' => "%I:%M:%S %p",
        'R' => "%H:%M",
        'T' => "%H:%M:%S",
        'z' => "%z",
        'Z' => "%Z",
        _ => return None,
    })
}

/// Codes with `#`: without leading zeros, or in their other form.
fn marked(letter: char) -> Option<&'static str> {
    Some(match letter {
        'm' => "%-m",
        'd' => "%-d",
        'D' => "%A, %B %-d, %Y",
        'H' => "%-H",
        'I' => "%-I",
        'M' => "%-M",
        'S' => "%-S",
        'j' => "%-j",
        'p' | 'P' => "%P",
        'r' => "%-I:%M:%S %P",
        'z' => "%:z",
        _ => return None,
    })
}
