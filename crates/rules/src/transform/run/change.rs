//! Changes of the target: values and segments put, emptied and taken out.

use std::borrow::Cow;

use hl7::{Index, Path};

use super::Work;
use crate::transform::compile::How;
use crate::transform::paths::TargetPath;
use crate::transform::target::Done;

impl Work<'_> {
    pub(super) fn put(&mut self, how: How, path: &TargetPath, values: &[Cow<'_, str>]) -> Done {
        // A segment of a group that was taken out in its turn would come to stand in the one beside it.
        if path.is_segment() && path.path.within_segment().is_some_and(|own| self.is_group_gone(own)) {
            return Ok(0);
        }
        match (path.is_segment(), how) {
            (true, How::Set) => self.set_segments(path, values),
            (true, How::Append) => self.append_segments(path, values),
            (true, How::Insert) => self.insert_segments(path, values),
            (false, How::Set) => self.set(path, values),
            (false, _) => self.add(how, path, values),
        }
    }

    /// Sets fields or parts of them.
    fn set(&mut self, path: &TargetPath, values: &[Cow<'_, str>]) -> Done {
        let Some(numbers) = path.path.within_segment() else { return Ok(0) };
        if self.is_gone(numbers) {
            return Ok(0);
        }
        let numbers = self.narrowed(numbers);
        let mut lines = self.target.lines(&path.path, &self.rounds);
        if values.iter().all(|value| value.is_empty()) {
            return self.empty(&lines, &numbers);
        }
        if lines.is_empty() {
            lines.extend(self.target.make(&path.path, None, &self.rounds, self.source)?);
        }
        if let [value] = values {
            let set = |line| self.target.change(line, |editor| editor.set_raw(&numbers, value));
            return lines.into_iter().map(set).sum();
        }
        self.set_each(&lines, &numbers, values)
    }

    /// Sets the places one after the other to the values; what is more than there are places becomes
    /// further repetitions of the last one.
    fn set_each(&mut self, lines: &[usize], numbers: &Path, values: &[Cow<'_, str>]) -> Done {
        let mut values = values.iter();
        let mut count = 0;
        for (at, line) in lines.iter().enumerate() {
            let places = match numbers.repetition() {
                Some(Index::All) if at + 1 == lines.len() => values.len(),
                Some(Index::All) => self.target.values_in(*line, numbers).len(),
                _ => 1,
            };
            for number in 1..=places as u32 {
                let Some(value) = values.next() else { return Ok(count) };
                let one = match numbers.repetition() {
                    Some(Index::All) => numbers.at_repetition(number),
                    _ => *numbers,
                };
                count += self.target.change(*line, |editor| editor.set_raw(&one, value))?;
            }
        }
        Ok(count)
    }

    /// Empties what is there; nothing becomes longer for it.
    fn empty(&mut self, lines: &[usize], numbers: &Path) -> Done {
        let mut count = 0;
        for line in lines {
            // A repetition keeps its place, where removing it would move those behind it.
            let keeps = numbers.has_repetition() && !numbers.is_part();
            count += match keeps {
                true if self.target.values_in(*line, numbers).is_empty() => 0,
                true => self.target.change(*line, |editor| editor.set_raw(numbers, ""))?,
                false => self.target.change(*line, |editor| editor.remove(numbers))?,
            };
        }
        Ok(count)
    }

    /// Appends to, or inserts at, fields or parts of them.
    fn add(&mut self, how: How, path: &TargetPath, values: &[Cow<'_, str>]) -> Done {
        let Some(numbers) = path.path.within_segment().copied() else { return Ok(0) };
        if self.is_gone(&numbers) {
            return Ok(0);
        }
        let numbers = if how == How::Insert { self.narrowed(&numbers) } else { numbers };
        let mut lines = self.target.lines(&path.path, &self.rounds);
        let mut count = 0;
        for value in values.iter().filter(|value| !value.is_empty()) {
            if lines.is_empty() {
                lines.extend(self.target.make(&path.path, None, &self.rounds, self.source)?);
            }
            for line in &lines {
                count += self.target.change(*line, |editor| match how {
                    How::Insert => editor.insert_raw(&numbers, value),
                    _ => editor.append_raw(&numbers, value),
                })?;
            }
        }
        Ok(count)
    }

    fn set_segments(&mut self, path: &TargetPath, values: &[Cow<'_, str>]) -> Done {
        let lines = self.target.lines(&path.path, &self.rounds);
        let Some(numbers) = path.path.within_segment() else { return Ok(0) };
        if values.is_empty() {
            // What the source does not have is not in the target.
            return self.remove_lines(&lines);
        }
        let mut count = 0;
        for (at, value) in values.iter().enumerate() {
            is_segment(value, numbers.segment())?;
            match lines.get(at) {
                Some(line) => count += self.target.change(*line, |editor| editor.set_raw(numbers, value))?,
                None if path.path.is_plural() => {
                    self.target.add(numbers.segment(), Some(value), &self.rounds, self.source)?;
                    count += 1;
                }
                None => {
                    let made = self.target.make(&path.path, Some(value), &self.rounds, self.source)?;
                    count += usize::from(made.is_some());
                }
            }
        }
        Ok(count)
    }

    fn append_segments(&mut self, path: &TargetPath, values: &[Cow<'_, str>]) -> Done {
        let id = path.path.segment().unwrap_or_default();
        for value in values {
            is_segment(value, id)?;
            self.target.add(id, Some(value), &self.rounds, self.source)?;
        }
        Ok(values.len())
    }

    fn insert_segments(&mut self, path: &TargetPath, values: &[Cow<'_, str>]) -> Done {
        let id = path.path.segment().unwrap_or_default();
        let lines = self.target.lines(&path.path, &self.rounds);
        let Some(first) = lines.first() else { return self.append_segments(path, values) };
        for (at, value) in values.iter().enumerate() {
            is_segment(value, id)?;
            self.target.insert_before(first + at, value, &self.rounds, self.source)?;
        }
        Ok(values.len())
    }

    pub(super) fn remove(&mut self, path: &TargetPath) -> Done {
        let lines = self.target.lines(&path.path, &self.rounds);
        let Some(numbers) = path.path.within_segment().copied() else { return Ok(0) };
        if path.is_segment() {
            let own = self.segment_round(&numbers).filter(|_| !lines.is_empty());
            if let Some(at) = own {
                self.gone[at].now = true;
            }
            return self.remove_lines(&lines);
        }
        if self.is_gone(&numbers) {
            return Ok(0);
        }
        let narrowed = self.narrowed(&numbers);
        let mut count = 0;
        for line in lines {
            count += self.target.change(line, |editor| editor.remove(&narrowed))?;
        }
        if count > 0
            && !numbers.is_part()
            && let Some(at) = self.repetition(&numbers)
        {
            self.gone[at].now = true;
        }
        Ok(count)
    }

    fn remove_lines(&mut self, lines: &[usize]) -> Done {
        lines.iter().rev().map(|line| self.target.remove_line(*line)).sum()
    }

    pub(super) fn clear(&mut self, path: &TargetPath) -> Done {
        let lines = self.target.lines(&path.path, &self.rounds);
        let Some(numbers) = path.path.within_segment().copied() else { return Ok(0) };
        if path.is_segment() {
            let clear = |line| self.target.change(line, |editor| editor.set_raw(&numbers, numbers.segment()));
            return lines.into_iter().map(clear).sum();
        }
        if self.is_gone(&numbers) {
            return Ok(0);
        }
        let narrowed = self.narrowed(&numbers);
        self.empty(&lines, &narrowed)
    }
}

/// Refuses what is another segment.
fn is_segment(raw: &str, id: &str) -> Result<(), String> {
    match raw.starts_with(id) {
        true => Ok(()),
        false => Err(format!("the value is no segment {id}")),
    }
}
