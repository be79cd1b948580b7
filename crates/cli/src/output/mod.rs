//! What the commands print with: the only place that knows the terminal.

pub(crate) mod canvas;
pub(crate) mod colour;
pub(crate) mod svg;
pub(crate) mod table;
pub(crate) mod time;

use std::io::{ErrorKind, IsTerminal, Write};

use anstyle::Style;
use serde_json::Value;

/// How a command ended, when not well.
#[derive(Debug)]
pub(crate) enum Exit {
    /// It could not do what was asked: exit code 1.
    Failed(String),
    /// It was asked wrongly: exit code 2.
    Usage(String),
    /// The production has errors, which have been printed: exit code 64.
    Production,
    /// It looked and found something, which has been printed: exit code 1.
    Found,
    /// Whoever read the output has gone, as `head` does: that is fine.
    Unread,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Exit::Failed(_) | Exit::Found => 1,
            Exit::Usage(_) => 2,
            Exit::Production => 64,
            Exit::Unread => 0,
        }
    }
}

/// A failure with the words of `error`.
pub(crate) fn failed(error: impl std::fmt::Display) -> Exit {
    Exit::Failed(error.to_string())
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the output goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// Columns; none where the output is no terminal and lines may be as long as they are.
    pub(crate) width: Option<usize>,
    /// Whether to colour.
    pub(crate) colour: bool,
}

/// The narrowest terminal that is taken seriously.
const MIN_WIDTH: usize = 40;

impl Screen {
    /// Looks at standard output and the environment.
    pub(crate) fn look(choice: ColourChoice) -> Self {
        let stdout = std::io::stdout();
        let colour = match choice {
            ColourChoice::Auto => anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            ColourChoice::Always => true,
            ColourChoice::Never => false,
        };
        let width = stdout.is_terminal().then(terminal_width).flatten();
        Screen { width: width.map(|width| width.max(MIN_WIDTH)), colour }
    }

    /// `text` in `style`, where there is colour.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Writes `text` as it is.
    pub(crate) fn print(&self, text: &str) -> Result<(), Exit> {
        self.write(text.as_bytes())
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Exit> {
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Exit::Unread,
            _ => Exit::Failed(format!("standard output cannot be written: {error}")),
        })
    }

    /// Writes a message as it is; on a terminal with lines, since segments that end in CR would stand
    /// over each other there.
    pub(crate) fn message(&self, bytes: &[u8]) -> Result<(), Exit> {
        match self.width {
            Some(_) => self.write(&for_eyes(bytes)),
            None => self.write(bytes),
        }
    }

    /// Writes one line.
    pub(crate) fn line(&self, text: &str) -> Result<(), Exit> {
        self.print(&format!("{text}\n"))
    }

    /// Writes a JSON value, spread over lines.
    pub(crate) fn json(&self, value: &Value) -> Result<(), Exit> {
        self.line(&format!("{value:#}"))
    }
}

/// Lines that end in LF, whatever they end in, the last one as well.
fn for_eyes(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len() + 1);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => lines.push(b'\n'),
            b'\r' => {}
            byte => lines.push(*byte),
        }
    }
    if lines.last().is_some_and(|last| *last != b'\n') {
        lines.push(b'\n');
    }
    lines
}

fn terminal_width() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.or_else(|| comfy_table::Table::new().width().map(usize::from))
}

/// Writes an error to standard error, in the one form that errors have.
pub(crate) fn print_error(message: &str) {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let mut stderr = anstream::stderr().lock();
    // Nobody is left to be told when standard error cannot be written.
    let _unheard = writeln!(stderr, "{red}error:{red:#} {message}");
}

/// Writes a hint to standard error: what the reader may want to know beside the output.
pub(crate) fn print_note(message: &str) {
    let dim = Style::new().dimmed();
    let mut stderr = anstream::stderr().lock();
    let _unheard = writeln!(stderr, "{dim}{message}{dim:#}");
}

/// `1 message`, `2 messages`, `12,345 messages`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    let plural = match (number, thing.strip_suffix('y')) {
        (1, _) => thing.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{thing}s"),
    };
    format!("{} {plural}", thousands(number))
}

/// A number with its thousands set apart.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `text`, cut to `width` characters with a mark where something is missing.
pub(crate) fn shortened(text: &str, width: usize, mark: &str) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(mark.chars().count())).collect();
    format!("{}{mark}", kept.trim_end())
}

/// `text` in lines of at most `width` characters, broken at spaces where there are any.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        loop {
            let used = lines.last().map_or(0, |line| line.chars().count());
            let space = usize::from(used > 0);
            if used + space + rest.len() <= width {
                if let Some(line) = lines.last_mut() {
                    line.extend(std::iter::repeat_n(' ', space).chain(rest));
                }
                break;
            }
            if used > 0 {
                lines.push(String::new());
                continue;
            }
            let tail = rest.split_off(width);
            lines.pop();
            lines.extend([rest.into_iter().collect(), String::new()]);
            rest = tail;
        }
    }
    lines
}

/// Compares with the file of that name in `src/snapshots`, or writes it when ORRIS_SNAPSHOTS is set.
#[cfg(test)]
pub(crate) fn check_snapshot(name: &str, found: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/snapshots").join(name);
    if std::env::var_os("ORRIS_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(found == expected, "{} differs; found:\n{found}\nexpected:\n{expected}", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_agree() {
        assert_eq!(count(1, "message"), "1 message");
        assert_eq!(count(0, "reply"), "0 replies");
        assert_eq!(count(1_234_567, "message"), "1,234,567 messages");
    }

    #[test]
    fn segments_are_lines_on_a_terminal() {
        for (bytes, lines) in [
            ("MSH|\rPID|\r", "MSH|\nPID|\n"),
            ("MSH|\r\nPID|\r\n", "MSH|\nPID|\n"),
            ("MSH|\nPID|", "MSH|\nPID|\n"),
            ("MSH|\r\rPID|\r", "MSH|\n\nPID|\n"),
            ("", ""),
        ] {
            assert_eq!(for_eyes(bytes.as_bytes()), lines.as_bytes(), "{bytes:?}");
        }
    }

    #[test]
    fn text_is_cut_and_broken_to_a_width() {
        assert_eq!(shortened("HL7FileOperation", 8, "…"), "HL7File…");
        assert_eq!(shortened("short", 8, "…"), "short");
        assert_eq!(wrapped("connection refused by peer", 12), ["connection", "refused by", "peer"]);
        assert_eq!(wrapped("a abcdefgh", 4), ["a", "abcd", "efgh"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
