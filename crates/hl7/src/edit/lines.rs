//! Segments by their number in the message: for whoever keeps account of which one is which.

use super::{Change, Done, EditError, Editor, error};
use crate::{Message, Path};

impl Editor {
    /// Makes the changes that follow in this segment alone, by its number counted from 0; none for all
    /// that a path means. What a path says of the segment has no meaning then, but for its id.
    pub fn on(&mut self, line: Option<usize>) -> &mut Editor {
        self.line = line;
        self
    }

    /// How many segments there are.
    pub fn segment_count(&self) -> usize {
        self.lines.len()
    }

    /// A segment by its number, counted from 0: as it stands there.
    pub fn segment(&self, line: usize) -> Option<&str> {
        let (start, end) = *self.lines.get(line)?;
        self.text.get(start as usize..end as usize)
    }

    /// Whether a segment has that id, by its number.
    pub fn is_segment(&self, line: usize, id: &str) -> bool {
        id.as_bytes().try_into().is_ok_and(|id: [u8; 3]| line < self.lines.len() && self.has_id(line, &id))
    }

    /// The message as it is now, to be looked at: a copy.
    pub fn message(&self) -> Message {
        Message::of_parts(self.text.clone(), self.lines.clone(), self.separators, self.original.charset())
    }

    /// Puts a raw segment on a line of its own behind segment `line`, counted from 0.
    ///
    /// # Errors
    /// When what is inserted is no segment, or there is no such line.
    pub fn insert_behind_line(&mut self, line: usize, raw: &str) -> Result<(), EditError> {
        let path = Path::of(&raw.as_bytes().first_chunk().copied().unwrap_or(*b"???"), 0);
        self.check_segment(&path, raw)?;
        if line >= self.lines.len() {
            return Err(error(
                &path,
                format!("message has {} segments; expected one of them", self.lines.len()),
            ));
        }
        self.insert_behind(line, raw);
        Ok(())
    }

    /// Removes segment `line`, counted from 0, with its line.
    ///
    /// # Errors
    /// When it is the first one.
    pub fn remove_line(&mut self, line: usize) -> Done {
        let id = self.segment(line).and_then(|raw| raw.as_bytes().first_chunk().copied());
        let path = Path::of(&id.unwrap_or(*b"???"), 0);
        let before = self.line.replace(line);
        let done = self.remove_segments(&path);
        self.line = before;
        done
    }
}

/// Beginning with less than a whole message, and values as they stand in one.
impl Editor {
    /// Begins with the header of a message alone.
    pub fn of_header(message: &Message) -> Editor {
        let end = message.lines().first().map_or(0, |(_, end)| *end as usize);
        let after = &message.text()[end..];
        let line_end = if after.starts_with("\r\n") {
            "\r\n"
        } else if after.starts_with('\n') {
            "\n"
        } else {
            "\r"
        };
        let mut text = String::with_capacity(message.text().len() + 256);
        text.push_str(&message.text()[..end]);
        text.push_str(line_end);
        Editor::begin(message, text, vec![(0, end as u32)])
    }

    /// As [`insert`](Self::insert), with a value as it stands in a message.
    ///
    /// # Errors
    /// As [`insert`](Self::insert) and [`set_raw`](Self::set_raw).
    pub fn insert_raw(&mut self, path: &Path, raw: &str) -> Done {
        self.check_raw(path, raw)?;
        self.change(path, Change::Insert, raw)
    }

    /// As [`append`](Self::append), with a value as it stands in a message.
    ///
    /// # Errors
    /// As [`append`](Self::append) and [`set_raw`](Self::set_raw).
    pub fn append_raw(&mut self, path: &Path, raw: &str) -> Done {
        if path.subcomponent > 0 {
            return Err(error(path, "is a subcomponent, which has no parts; expected a component or more"));
        }
        self.check_raw(path, raw)?;
        self.change(path, Change::Append, raw)
    }
}
