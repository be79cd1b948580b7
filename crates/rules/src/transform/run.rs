//! A transform at work.

mod turns;

use std::borrow::Cow;
use std::sync::Arc;

use hl7::edit::Editor;
use hl7::{Index, Message, Path, Round, Scope, Separators, escape};

use self::turns::Gone;
use super::compile::{Action, How, Read, Source, Step};
use super::paths::TargetPath;
use super::target::{Done, Target};
use super::{Create, Traced, Transform, TransformError, header};
use crate::{Facts, Trouble, Value};

/// What HL7 writes for "delete what you know".
const NULL: &str = "\"\"";

/// Makes the message.
pub(super) fn run(
    transform: &Transform,
    source: &Message,
    facts: &Facts<'_>,
    traced: Option<&mut Vec<Traced>>,
) -> Result<Message, TransformError> {
    let editor = match transform.create {
        Create::Copy => Editor::of(source),
        Create::New => header::of(source, transform),
    };
    let target = Target::new(editor, &transform.target, &transform.schemas);
    let trouble = Trouble::default();
    let mut work = Work {
        source,
        facts,
        target,
        rounds: Vec::new(),
        gone: Vec::new(),
        view: None,
        traced,
        depth: 0,
        trouble: &trouble,
    };
    work.steps(transform, &transform.steps)?;
    Ok(work.target.finish())
}

/// A transform at work on one message.
struct Work<'w> {
    source: &'w Message,
    facts: &'w Facts<'w>,
    target: Target<'w>,
    /// The rounds of the loops around, as the source has them.
    rounds: Vec<Round>,
    /// What the loops around have removed.
    gone: Vec<Gone>,
    /// The source as paths within the loops around see it.
    view: Option<Message>,
    traced: Option<&'w mut Vec<Traced>>,
    depth: usize,
    /// What went wrong in an expression.
    trouble: &'w Trouble,
}

impl<'w> Work<'w> {
    fn steps(&mut self, transform: &Transform, steps: &[Step]) -> Result<(), TransformError> {
        steps.iter().try_for_each(|step| {
            self.step(transform, step)?;
            match self.trouble.first() {
                None => Ok(()),
                Some(why) => Err(error(transform, step, "", why.to_owned())),
            }
        })
    }

    fn step(&mut self, transform: &Transform, step: &Step) -> Result<(), TransformError> {
        let failed = |path: &TargetPath, why: String| error(transform, step, &path.written, why);
        match &step.action {
            Action::Put { how, path, value } => {
                let before = self.seen(path);
                let values =
                    self.values(value, transform.ignore_missing_source).map_err(|why| failed(path, why))?;
                let count = self.put(*how, path, &values).map_err(|why| failed(path, why))?;
                self.tell_change(transform, step, how.word(), path, before, count);
            }
            Action::Remove(path) => {
                let before = self.seen(path);
                let count = self.remove(path).map_err(|why| failed(path, why))?;
                self.tell_change(transform, step, "remove", path, before, count);
            }
            Action::Clear(path) => {
                let before = self.seen(path);
                let count = self.clear(path).map_err(|why| failed(path, why))?;
                self.tell_change(transform, step, "clear", path, before, count);
            }
            Action::If { condition, then, otherwise } => {
                let view = self.view(condition.target);
                let holds = condition.what.is_true(&self.facts(&view));
                self.tell(transform, step, || format!("if: {holds}"));
                self.within(transform, if holds { then } else { otherwise })?;
            }
            Action::Switch { value, cases, default } => {
                let view = self.view(value.target);
                let found = value.what.eval(&self.facts(&view));
                let case = cases.iter().find(|(case, _)| case == found.text());
                self.tell(transform, step, || match case {
                    Some((case, _)) => format!("switch: case \"{case}\""),
                    None => format!("switch: \"{}\" is no case", found.text()),
                });
                self.within(transform, case.map_or(default, |(_, steps)| steps))?;
            }
            Action::ForEach { each, written, steps } => {
                self.for_each(transform, step, each, written, steps)?
            }
            Action::Use(other) => {
                self.tell(transform, step, || format!("use {}", other.name));
                self.within(other, &other.steps)?;
            }
            Action::Trace(text) => {
                if self.traced.is_some() {
                    let view = self.view(text.target);
                    let said = text.what.render(&self.facts(&view));
                    self.tell(transform, step, || format!("trace: {said}"));
                }
            }
        }
        Ok(())
    }

    fn within(&mut self, transform: &Transform, steps: &[Step]) -> Result<(), TransformError> {
        self.depth += 1;
        let done = self.steps(transform, steps);
        self.depth -= 1;
        done
    }

    fn for_each(
        &mut self,
        transform: &Transform,
        step: &Step,
        each: &Read<hl7::FieldPath>,
        written: &str,
        steps: &[Step],
    ) -> Result<(), TransformError> {
        let rounds = each.what.rounds(&self.view(each.target));
        let count = rounds.len();
        self.gone.push(Gone::default());
        let mut done = Ok(());
        for (at, round) in rounds.into_iter().enumerate() {
            self.tell(transform, step, || format!("for_each {written}: {} of {count}", at + 1));
            if let Some(gone) = self.gone.last_mut() {
                gone.before += u32::from(std::mem::take(&mut gone.now));
            }
            self.rounds.push(round);
            self.view = None;
            done = self.within(transform, steps);
            self.rounds.pop();
            if done.is_err() {
                break;
            }
        }
        self.gone.pop();
        self.view = None;
        done
    }

    /// The source as it is read here.
    fn view(&mut self, target: bool) -> Message {
        if target {
            let target = Some(self.target.scoped(&self.target_rounds()));
            return self.source.within(Arc::new(Scope { rounds: self.rounds.clone(), target }));
        }
        if self.rounds.is_empty() {
            return self.source.clone();
        }
        let scoped = || self.source.within(Arc::new(Scope { rounds: self.rounds.clone(), target: None }));
        self.view.get_or_insert_with(scoped).clone()
    }

    fn facts<'v>(&self, view: &'v Message) -> Facts<'v>
    where
        'w: 'v,
    {
        Facts { message: Some(view), trouble: Some(self.trouble), ..*self.facts }
    }

    /// The values, raw. None at all where the source has no such segment.
    fn values<'v>(&mut self, value: &'v Source, ignore_missing: bool) -> Result<Vec<Cow<'v, str>>, String> {
        let separators = self.source.separators();
        let expr = match value {
            Source::Raw(text) => return Ok(vec![with_separators(text, &separators)]),
            Source::Copy(path) => {
                let view = self.view(path.target);
                let values: Vec<_> =
                    path.what.values(&view).into_iter().map(|raw| Cow::Owned(raw.to_owned())).collect();
                if values.is_empty() && !ignore_missing && !path.target && path.what.lines(&view).is_empty() {
                    let id = path.what.segment().unwrap_or_default();
                    return Err(format!(
                        "source has no segment {id}, which ignore_missing_source: false wants"
                    ));
                }
                return Ok(values);
            }
            Source::Expr(expr) => expr,
        };
        let view = self.view(expr.target);
        let facts = self.facts(&view);
        let raw = |value: &Value<'_>| match value {
            Value::Null => Cow::Borrowed(NULL),
            value => Cow::Owned(escape::encode(value.text(), &separators).into_owned()),
        };
        Ok(match expr.what.is_many() {
            true => expr.what.eval_all(&facts).iter().map(raw).collect(),
            false => vec![raw(&expr.what.eval(&facts))],
        })
    }

    fn put(&mut self, how: How, path: &TargetPath, values: &[Cow<'_, str>]) -> Done {
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

    fn remove(&mut self, path: &TargetPath) -> Done {
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

    fn clear(&mut self, path: &TargetPath) -> Done {
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

    /// What stands at a path of the target, where somebody asked to be told.
    fn seen(&mut self, path: &TargetPath) -> Option<String> {
        self.traced.as_ref()?;
        let view = self.target.scoped(&self.target_rounds());
        Some(path.path.values(&view).join(", "))
    }

    fn tell(&mut self, transform: &Transform, step: &Step, did: impl FnOnce() -> String) {
        let depth = self.depth;
        if let Some(traced) = &mut self.traced {
            let (transform, step, line) = (transform.name.clone(), step.place.clone(), step.line);
            traced.push(Traced { transform, step, line, depth, did: did() });
        }
    }

    fn tell_change(
        &mut self,
        transform: &Transform,
        step: &Step,
        word: &str,
        path: &TargetPath,
        before: Option<String>,
        count: usize,
    ) {
        let Some(before) = before else { return };
        let after = self.seen(path).unwrap_or_default();
        let did = match count {
            0 => format!("{word} {}: nothing to do", path.written),
            _ => format!("{word} {}: \"{before}\" -> \"{after}\"", path.written),
        };
        self.tell(transform, step, || did);
    }
}

fn error(transform: &Transform, step: &Step, path: &str, why: String) -> TransformError {
    TransformError {
        transform: transform.name.clone(),
        step: step.place.clone(),
        line: step.line,
        path: path.to_owned(),
        why,
    }
}

impl How {
    fn word(self) -> &'static str {
        match self {
            How::Set => "set",
            How::Append => "append",
            How::Insert => "insert",
        }
    }
}

/// Refuses what is another segment.
fn is_segment(raw: &str, id: &str) -> Result<(), String> {
    match raw.starts_with(id) {
        true => Ok(()),
        false => Err(format!("the value is no segment {id}")),
    }
}

/// A text that was written with the usual separators, with those of the message.
fn with_separators<'t>(text: &'t str, own: &Separators) -> Cow<'t, str> {
    let usual = Separators::default();
    let truncation = Separators { truncation: None, ..*own };
    if truncation == usual {
        return Cow::Borrowed(text);
    }
    let roles = [
        (usual.field, Some(own.field)),
        (usual.component, Some(own.component)),
        (b'~', own.repetition),
        (b'\\', own.escape),
        (b'&', own.subcomponent),
    ];
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match roles.iter().find(|(usual, _)| char == *usual as char) {
            Some((_, Some(own))) => out.push(*own as char),
            Some((_, None)) => out.push(char),
            None => out.push_str(&escape::encode(char.encode_utf8(&mut [0; 4]), own)),
        }
    }
    Cow::Owned(out)
}
