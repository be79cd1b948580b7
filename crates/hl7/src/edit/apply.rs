//! Making changes in the text and in the index of its lines.

use std::ops::Range;

use super::Editor;

/// Other text in the place of some bytes of a line.
pub(super) struct Splice {
    pub(super) line: usize,
    pub(super) range: Range<usize>,
    pub(super) new: String,
}

impl Splice {
    fn longer(&self) -> i64 {
        self.new.len() as i64 - self.range.len() as i64
    }
}

impl Editor {
    /// Makes the changes, which are in the order of their places and do not touch each other.
    ///
    /// One is made in place. Many are made at once, in a new text: one after the other, each would move
    /// all that is behind it.
    pub(super) fn apply(&mut self, splices: Vec<Splice>) {
        if let [splice] = &splices[..] {
            self.text.replace_range(splice.range.clone(), &splice.new);
        } else if !splices.is_empty() {
            let mut text = String::with_capacity(self.text.len() + 256);
            let mut copied = 0;
            for splice in &splices {
                text.push_str(&self.text[copied..splice.range.start]);
                text.push_str(&splice.new);
                copied = splice.range.end;
            }
            text.push_str(&self.text[copied..]);
            self.text = text;
        }
        let Some(first) = splices.first() else { return };
        let mut splices = splices.iter().peekable();
        let mut moved = 0;
        for (line, (start, end)) in self.lines.iter_mut().enumerate().skip(first.line) {
            *start = shifted(*start, moved);
            while let Some(splice) = splices.next_if(|splice| splice.line == line) {
                moved += splice.longer();
            }
            *end = shifted(*end, moved);
        }
    }

    /// Moves the lines from this one on.
    pub(super) fn shift(&mut self, from: usize, by: i64) {
        for (start, end) in self.lines.iter_mut().skip(from) {
            (*start, *end) = (shifted(*start, by), shifted(*end, by));
        }
    }
}

fn shifted(place: u32, by: i64) -> u32 {
    // Never below 0, and never above the limit for a message.
    (i64::from(place) + by) as u32
}
