//! Whole segments: set, removed, inserted.

use std::ops::Range;

use super::{Change, Done, EditError, Editor, Splice, error};
use crate::{Path, lines};

impl Editor {
    /// Puts a raw segment, as in `PV1|1|I`, on a line of its own before the one at the path.
    ///
    /// # Errors
    /// When the path is no segment or the first one, there is none, or what is inserted is no segment.
    pub fn insert_before(&mut self, path: &Path, raw: &str) -> Result<(), EditError> {
        let line = self.anchor(path, raw)?;
        if line == 0 {
            return Err(error(path, "is the first segment; expected one behind it, or to insert after it"));
        }
        let at = self.line_start(line);
        let end = self.line_end();
        self.text.insert_str(at, &format!("{raw}{end}"));
        self.shift(line, (raw.len() + end.len()) as i64);
        self.lines.insert(line, (at as u32, (at + raw.len()) as u32));
        Ok(())
    }

    /// Puts a raw segment on a line of its own after the one at the path.
    ///
    /// # Errors
    /// As [`insert_before`](Self::insert_before).
    pub fn insert_after(&mut self, path: &Path, raw: &str) -> Result<(), EditError> {
        let line = self.anchor(path, raw)?;
        self.insert_behind(line, raw);
        Ok(())
    }

    /// Puts a raw segment on a line of its own after the last one.
    ///
    /// # Errors
    /// When what is appended is no segment.
    pub fn append_segment(&mut self, raw: &str) -> Result<(), EditError> {
        let path = Path::of(&raw.as_bytes().first_chunk().copied().unwrap_or(*b"???"), 0);
        self.check_segment(&path, raw)?;
        self.insert_behind(self.lines.len() - 1, raw);
        Ok(())
    }

    pub(super) fn insert_behind(&mut self, line: usize, raw: &str) {
        let at = self.lines[line].1 as usize;
        let end = self.line_end();
        self.text.insert_str(at, &format!("{end}{raw}"));
        self.shift(line + 1, (raw.len() + end.len()) as i64);
        let start = at + end.len();
        self.lines.insert(line + 1, (start as u32, (start + raw.len()) as u32));
    }

    /// The one line that something is inserted beside.
    fn anchor(&self, path: &Path, raw: &str) -> Result<usize, EditError> {
        self.check_segment(path, raw)?;
        if path.field > 0 {
            return Err(error(path, "is a field; expected a whole segment to insert beside"));
        }
        match self.targets(path, Change::Insert)?[..] {
            [line] => Ok(line),
            _ => Err(error(path, "is each segment; expected one of them")),
        }
    }

    /// Refuses what is no segment of a message.
    pub(super) fn check_segment(&self, path: &Path, raw: &str) -> Result<(), EditError> {
        let (id, rest) = raw.as_bytes().split_at_checked(3).unwrap_or_default();
        let named = id.first().is_some_and(u8::is_ascii_uppercase)
            && id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && rest.first().is_none_or(|byte| *byte == self.separators.field);
        let why = if !named {
            "the new segment does not begin with three capital letters or digits and a field separator"
        } else if [b"MSH", b"FHS", b"BHS", b"BTS", b"FTS"].iter().any(|begins| id == *begins) {
            "the new segment begins a message or belongs to a batch; expected any other"
        } else if raw.bytes().any(|byte| matches!(byte, b'\r' | b'\n')) {
            "the new segment holds a line end; expected one segment"
        } else {
            return self.check_room(path, raw.len());
        };
        Err(error(path, why))
    }

    pub(super) fn set_segment(&mut self, path: &Path, raw: &str) -> Done {
        self.check_segment(path, raw)?;
        let lines = self.targets(path, Change::Set)?;
        if lines.first() == Some(&0) {
            return Err(error(path, "is the first segment, which must stay; expected its fields to be set"));
        }
        let splice = |line: &usize| {
            let (start, end) = self.lines[*line];
            Splice { line: *line, range: start as usize..end as usize, new: raw.to_owned() }
        };
        let splices: Vec<Splice> = lines.iter().map(splice).collect();
        let longer: usize = splices.iter().map(|splice| splice.new.len()).sum();
        self.check_room(path, longer)?;
        let count = splices.len();
        self.apply(splices);
        Ok(count)
    }

    pub(super) fn remove_segments(&mut self, path: &Path) -> Done {
        let removed = self.targets(path, Change::Remove)?;
        if removed.first() == Some(&0) {
            return Err(error(path, "is the first segment, which must stay; expected any other"));
        }
        if let [line] = removed[..] {
            let range = self.line_of(line);
            self.shift(line + 1, -(range.len() as i64));
            self.lines.remove(line);
            self.text.replace_range(range, "");
        } else if !removed.is_empty() {
            let mut text = String::with_capacity(self.text.len());
            let mut copied = 0;
            for line in &removed {
                let range = self.line_of(*line);
                if range.start < copied {
                    // The last one takes the line end before it along, but that has gone already.
                    let end = text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\r', '\n']));
                    text.truncate(end.map_or(text.len(), str::len));
                } else {
                    text.push_str(&self.text[copied..range.start]);
                }
                copied = range.end;
            }
            text.push_str(&self.text[copied..]);
            self.text = text;
            self.lines.clear();
            lines::all(self.text.as_bytes(), |start, end| self.lines.push((start as u32, end as u32)));
        }
        Ok(removed.len())
    }

    /// Where the line of a segment begins, with its indentation.
    fn line_start(&self, line: usize) -> usize {
        let start = self.lines[line].0 as usize;
        let before = self.text.as_bytes()[..start].iter().rev();
        start - before.take_while(|byte| lines::is_blank(**byte)).count()
    }

    /// The whole line of a segment: with its indentation and its line end. The last one of a text that
    /// ends without a line end takes the one before it along.
    fn line_of(&self, line: usize) -> Range<usize> {
        let (start, end) = (self.line_start(line), self.lines[line].1 as usize);
        let bytes = self.text.as_bytes();
        match &bytes[end..] {
            [b'\r', b'\n', ..] => start..end + 2,
            [_, ..] => start..end + 1,
            [] => match &bytes[..start] {
                [.., b'\r', b'\n'] => start - 2..end,
                _ => start.saturating_sub(1)..end,
            },
        }
    }

    /// The line end of the message: the first one; CR if there is none.
    fn line_end(&self) -> &'static str {
        let end = self.lines.first().map_or(0, |(_, end)| *end as usize);
        match &self.text.as_bytes()[end..] {
            [b'\r', b'\n', ..] => "\r\n",
            [b'\n', ..] => "\n",
            _ => "\r",
        }
    }
}
