//! A transform at work.

mod branches;
mod change;
mod coded;
mod groups;
mod raw;
mod tell;
mod turns;

use std::borrow::Cow;
use std::sync::Arc;

use hl7::edit::Editor;
use hl7::{Message, Round, Scope, escape};

use self::raw::with_separators;
use self::turns::Gone;
use super::compile::{Action, Read, Source, Step};
use super::paths::TargetPath;
use super::target::Target;
use super::{Create, Runner, Traced, Transform, TransformError, header};
use crate::{Facts, Trouble, Value};

/// What HL7 writes for "delete what you know".
const NULL: &str = "\"\"";

/// Makes the message.
pub(super) fn run(
    transform: &Transform,
    source: &Message,
    facts: &Facts<'_>,
    aids: Aids<'_>,
) -> Result<Message, TransformError> {
    let editor = match transform.create {
        Create::Copy => Editor::of(source),
        Create::New => header::of(source, transform),
    };
    let target = Target::new(editor, source, &transform.target, &transform.schemas);
    let trouble = Trouble::default();
    // For no longer than the message takes.
    let aids = Aids { traced: aids.traced, runner: aids.runner.map(|runner| runner as &mut dyn Runner) };
    let mut work = Work {
        source,
        facts,
        target,
        rounds: Vec::new(),
        gone: Vec::new(),
        view: None,
        aids,
        depth: 0,
        trouble: &trouble,
    };
    work.steps(transform, &transform.steps)?;
    Ok(work.target.finish())
}

/// Who helps with one message.
#[derive(Default)]
pub(super) struct Aids<'a> {
    /// Where is told what was done, where somebody asked for it.
    pub(super) traced: Option<&'a mut Vec<Traced>>,
    /// Who runs the code of steps.
    pub(super) runner: Option<&'a mut dyn Runner>,
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
    aids: Aids<'w>,
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
            Action::PutGroups { how, path, from } => self.put_groups(transform, step, *how, path, from)?,
            Action::RemoveGroups(path) => self.remove_groups(transform, step, path)?,
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
                let holds = self.holds(condition);
                self.tell(transform, step, || format!("if: {holds}"));
                self.within(transform, if holds { then } else { otherwise })?;
            }
            Action::Switch { value, cases, default } => {
                self.switch(transform, step, value, cases, default)?
            }
            Action::Choose { cases, default } => self.choose(transform, step, cases, default)?,
            Action::ForEach { each, written, steps } => {
                self.for_each(transform, step, each, written, steps)?
            }
            Action::Use(other) => {
                self.tell(transform, step, || format!("use {}", other.name));
                self.within(other, &other.steps)?;
            }
            Action::Trace(text) => self.trace(transform, step, text),
            Action::Code(code) => self.code(transform, step, code)?,
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
}

fn error(transform: &Transform, step: &Step, path: &str, why: String) -> TransformError {
    TransformError {
        transform: transform.name.clone(),
        step: step.place.clone(),
        line: step.line,
        column: 0,
        path: path.to_owned(),
        why,
    }
}
