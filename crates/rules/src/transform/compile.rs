//! Transforms, compiled: all of them together, since one may use another.

mod branches;
mod groups;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use hl7::FieldPath;
use hl7::schema::{GroupPath, PathContext, Schemas};

use self::groups::Told;
use super::code::{Code, CodeDef, Language};
use super::paths::{Side, TargetGroup, TargetPath, each, has_segment};
use super::{ActionDef, StepDef, Transform, TransformDef, TransformFinding, ValueDef, values};
use crate::suggest::nearest;
use crate::{Expr, ExprError, Names, Scope, Template};

/// A step, compiled.
#[derive(Debug)]
pub(super) struct Step {
    /// Where it stands, as in `steps[2].then[0]`.
    pub(super) place: String,
    pub(super) line: usize,
    pub(super) action: Action,
}

#[derive(Debug)]
pub(super) enum Action {
    Put { how: How, path: TargetPath, value: Source },
    PutGroups { how: How, path: TargetGroup, from: GroupPath },
    RemoveGroups(TargetGroup),
    Remove(TargetPath),
    Clear(TargetPath),
    If { condition: Read<Expr>, then: Vec<Step>, otherwise: Vec<Step> },
    Switch { value: Read<Expr>, cases: Vec<(String, Vec<Step>)>, default: Vec<Step> },
    Choose { cases: Vec<(Read<Expr>, Vec<Step>)>, default: Vec<Step> },
    ForEach { each: Read<FieldPath>, written: String, steps: Vec<Step> },
    Use(Arc<Transform>),
    Trace(Read<Template>),
    Code(Code),
}

/// How a value is put somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Set,
    Append,
    Insert,
}

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// As HL7 writes it, with the usual separators.
    Raw(String),
    /// What stands at a path, with all its parts.
    Copy(Read<FieldPath>),
    Expr(Box<Read<Expr>>),
}

/// Something that reads messages.
#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) what: T,
    /// Whether it reads what has been built, too.
    pub(super) target: bool,
}

impl<T> Read<T> {
    fn new(what: T, text: &str) -> Read<T> {
        Read { what, target: text.contains("target.") }
    }
}

/// Findings about one transform, at a place in it.
pub(super) struct Report<'a> {
    transform: &'a str,
    place: String,
    findings: &'a mut Vec<TransformFinding>,
}

impl Report<'_> {
    /// Says what is wrong at a key of where the report is.
    pub(super) fn error(&mut self, key: &str, error: ExprError) {
        self.add(key, true, error);
    }

    /// Says what is doubtful there.
    pub(super) fn warning(&mut self, key: &str, doubt: ExprError) {
        self.add(key, false, doubt);
    }

    fn add(&mut self, key: &str, is_error: bool, about: ExprError) {
        let place = if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) };
        self.findings.push(TransformFinding::of(self.transform, place, is_error, about));
    }

    /// Says something of a whole key or step.
    fn whole(&mut self, key: &str, is_error: bool, message: impl Into<String>, help: Option<String>) {
        self.add(key, is_error, ExprError { range: 0..0, message: message.into(), help });
        if let Some(last) = self.findings.last_mut() {
            last.range = None;
            if key.is_empty() {
                last.place = self.place.clone();
            }
        }
    }
}

/// Compiles all transforms; those with errors are left out.
pub(super) fn all(
    defs: &[TransformDef],
    schemas: &Schemas,
    scope: &Scope,
    language: Option<&dyn Language>,
    findings: &mut Vec<TransformFinding>,
) -> BTreeMap<String, Option<Arc<Transform>>> {
    let mut all = All { defs, schemas, scope, language, findings, done: BTreeMap::new(), open: Vec::new() };
    for def in defs {
        all.one(&def.name);
    }
    all.done
}

struct All<'a> {
    defs: &'a [TransformDef],
    schemas: &'a Schemas,
    scope: &'a Scope,
    language: Option<&'a dyn Language>,
    findings: &'a mut Vec<TransformFinding>,
    /// What has been compiled; none for what has errors.
    done: BTreeMap<String, Option<Arc<Transform>>>,
    /// What is being compiled, each used by the one before it.
    open: Vec<String>,
}

impl All<'_> {
    /// The transform of that name, which there is; none where it has errors.
    fn one(&mut self, name: &str) -> Option<Arc<Transform>> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let def = self.defs.iter().find(|def| def.name == name)?;
        let before = self.errors();
        self.open.push(name.to_owned());
        let transform = self.compile(def);
        self.open.pop();
        let transform = (self.errors() == before).then(|| Arc::new(transform));
        self.done.insert(name.to_owned(), transform.clone());
        transform
    }

    fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_error).count()
    }

    fn compile(&mut self, def: &TransformDef) -> Transform {
        let mut report = Report { transform: &def.name, place: String::new(), findings: self.findings };
        let source = Side::read(def.source.as_deref(), "source", self.schemas, &mut report);
        let target = Side::read(def.target.as_deref(), "target", self.schemas, &mut report);
        // Without a target it is of the type of the source.
        let target = if def.target.is_none() { source.clone() } else { target };
        if def.steps.is_empty() {
            let message = format!("transform \"{}\" has no steps", def.name);
            report.whole(
                "steps",
                false,
                message,
                Some("write steps, as in [{ set: PV1-2, value: I }]".to_owned()),
            );
        }
        let writes = target.context(self.schemas);
        let paths = source.context(self.schemas).with_target(writes.clone());
        // Which variables there are, who applies it knows: a flow has some, a router none.
        let reads = Scope { paths, context: Names::Any, ..self.scope.clone() };
        let mut steps = Steps { all: self, def, sides: [&source, &target], reads, writes };
        let steps = steps.list(&def.steps, "steps");
        Transform {
            name: def.name.clone(),
            source,
            target,
            create: def.create,
            ignore_missing_source: def.ignore_missing_source,
            schemas: self.schemas.clone(),
            has_code: has_code(&steps),
            variables: variables::of(&steps),
            steps,
        }
    }
}

/// Whether there is code in the steps, in those within them, or in a transform that they use.
fn has_code(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Code(_) => true,
        Action::Use(transform) => transform.has_code,
        action => action.within().into_iter().any(has_code),
    })
}

/// How many steps there are, with those within others.
pub(super) fn count(steps: &[Step]) -> usize {
    steps.iter().map(|step| 1 + step.action.within().into_iter().map(count).sum::<usize>()).sum()
}

impl Action {
    /// The steps within it.
    fn within(&self) -> Vec<&[Step]> {
        match self {
            Action::If { then, otherwise, .. } => vec![then, otherwise],
            Action::Switch { cases, default, .. } => {
                cases.iter().map(|(_, steps)| &**steps).chain([&**default]).collect()
            }
            Action::Choose { cases, default } => {
                cases.iter().map(|(_, steps)| &**steps).chain([&**default]).collect()
            }
            Action::ForEach { steps, .. } => vec![steps],
            _ => Vec::new(),
        }
    }
}

/// The steps of one transform, being compiled.
struct Steps<'s, 'a> {
    all: &'s mut All<'a>,
    def: &'s TransformDef,
    sides: [&'s Side; 2],
    reads: Scope,
    writes: PathContext,
}

impl Steps<'_, '_> {
    fn report(&mut self, place: &str) -> Report<'_> {
        Report { transform: &self.def.name, place: place.to_owned(), findings: self.all.findings }
    }

    fn list(&mut self, defs: &[StepDef], place: &str) -> Vec<Step> {
        let mut one = |(at, def): (usize, &StepDef)| {
            let place = format!("{place}[{at}]");
            let action = self.action(&def.action, &place)?;
            (!def.disabled).then_some(Step { place, line: def.line, action })
        };
        defs.iter().enumerate().filter_map(&mut one).collect()
    }

    fn action(&mut self, def: &ActionDef, place: &str) -> Option<Action> {
        match def {
            ActionDef::Set { path, value } => self.put(How::Set, "set", path, value, place),
            ActionDef::Append { path, value } => self.put(How::Append, "append", path, value, place),
            ActionDef::Insert { path, value } => self.put(How::Insert, "insert", path, value, place),
            ActionDef::Remove { path } => match self.remove_groups(path, place) {
                Some(action) => action.ok(),
                None => self.header_stays("remove", path, place).map(Action::Remove),
            },
            ActionDef::Clear { path } => match self.clear_groups(path, place) {
                Some(Told) => None,
                None => self.header_stays("clear", path, place).map(Action::Clear),
            },
            ActionDef::If { condition, then, otherwise } => self.branches(condition, then, otherwise, place),
            ActionDef::Switch { value, cases, default } => self.switch(value, cases, default, place),
            ActionDef::Choose { cases, default } => self.choose(cases, default, place),
            ActionDef::ForEach { each: path, steps } => {
                let reads = self.reads.paths.clone();
                let path_at = each(path, "for_each", &reads, &mut self.report(place));
                if let Some(path) = &path_at {
                    self.in_source(path, "for_each", place);
                }
                let steps = self.list(steps, &format!("{place}.do"));
                Some(Action::ForEach { each: Read::new(path_at?, path), written: path.clone(), steps })
            }
            ActionDef::Use { name } => self.other(name, place),
            ActionDef::Trace { text } => self.trace(text, place),
            ActionDef::Code(def) => self.code(def, place),
            ActionDef::Comment => None,
        }
    }

    fn target_path(&mut self, key: &str, text: &str, place: &str) -> Option<TargetPath> {
        let writes = self.writes.clone();
        let path = TargetPath::read(text, key, &writes, &mut self.report(place))?;
        let id = path.path.segment().unwrap_or_default().to_owned();
        if !has_segment(self.sides[1], self.all.schemas, &id) {
            let doc_type = self.sides[1].doc_type.clone().unwrap_or_default();
            let message = format!("{doc_type} has no segment {id}");
            let help = "name another target, or a schema of yours that has it";
            // What is there all the same may be removed.
            let error = ExprError::new(0..3.min(text.len()), message).help(help);
            match key {
                "remove" | "clear" => self.report(place).warning(key, error),
                _ => self.report(place).error(key, error),
            }
        }
        Some(path)
    }

    /// A path that something is taken from, which cannot be the header.
    fn header_stays(&mut self, key: &str, text: &str, place: &str) -> Option<TargetPath> {
        let path = self.target_path(key, text, place)?;
        if path.is_segment() && path.path.segment() == Some("MSH") {
            self.report(place).error(key, header_is_there(text));
            return None;
        }
        Some(path)
    }

    fn put(&mut self, how: How, key: &str, path: &str, value: &ValueDef, place: &str) -> Option<Action> {
        if let Some(action) = self.put_groups(how, key, path, value, place) {
            return action.ok();
        }
        let path_at = self.target_path(key, path, place);
        let value = self.value(value, place);
        let (path_at, value) = (path_at?, value?);
        let several = match &value {
            Source::Copy(path) => path.what.is_plural(),
            Source::Expr(expr) => expr.what.is_many(),
            Source::Raw(_) => false,
        };
        let mut report = self.report(place);
        if several && how != How::Append && !path_at.path.is_plural() {
            let message = format!("this gives several values, and \"{path}\" is one place");
            let help = "choose one, as in [1], write [*] on both sides, or use for_each";
            report.error("from", ExprError::new(0..0, message).help(help));
        }
        if path_at.is_segment() && path_at.path.segment() == Some("MSH") {
            report.error(key, header_is_there(path));
        }
        values::check(&path_at, &value, self.sides, self.all.schemas, &mut self.report(place));
        Some(Action::Put { how, path: path_at, value })
    }

    fn value(&mut self, value: &ValueDef, place: &str) -> Option<Source> {
        match value {
            ValueDef::Text(text) => Some(Source::Raw(text.clone())),
            ValueDef::From(text) => {
                let expr = self.expr(text, false, "from", place)?;
                match hl7::schema::compile_path(text.trim(), &self.reads.paths) {
                    Ok(path) if !path.is_count() => {
                        self.in_source(&path, "from", place);
                        Some(Source::Copy(Read::new(path, text)))
                    }
                    _ => Some(Source::Expr(Box::new(Read::new(expr, text)))),
                }
            }
        }
    }

    /// Warns of what the source does not have.
    fn in_source(&mut self, path: &FieldPath, key: &str, place: &str) {
        let Some(id) = path.segment().filter(|_| !path.is_target()) else { return };
        if !has_segment(self.sides[0], self.all.schemas, id) {
            let doc_type = self.sides[0].doc_type.clone().unwrap_or_default();
            let message = format!("{doc_type} has no segment {id}");
            self.report(place).warning(key, ExprError::new(0..0, message));
        }
    }

    fn expr(&mut self, text: &str, condition: bool, key: &str, place: &str) -> Option<Expr> {
        let expr = match condition {
            true => Expr::condition(text, &self.reads),
            false => Expr::value(text, &self.reads),
        };
        match expr {
            Ok(expr) => {
                let warnings = expr.warnings().to_vec();
                warnings.into_iter().for_each(|doubt| self.report(place).warning(key, doubt));
                Some(expr)
            }
            Err(errors) => {
                errors.into_iter().for_each(|error| self.report(place).error(key, error));
                None
            }
        }
    }

    fn other(&mut self, name: &str, place: &str) -> Option<Action> {
        if self.all.open.iter().any(|open| open == name) {
            let mut round = self.all.open.clone();
            round.push(name.to_owned());
            let message = format!("transform \"{name}\" comes round to itself: {}", round.join(", "));
            self.report(place).whole("use", true, message, Some("a transform cannot use itself".to_owned()));
            return None;
        }
        let names: Vec<&str> = self.all.defs.iter().map(|def| def.name.as_str()).collect();
        if !names.contains(&name) {
            let others = names.iter().copied().filter(|other| *other != self.def.name);
            let help = match nearest(name, others.clone()) {
                Some(near) => Some(format!("did you mean \"{near}\"?")),
                None => (names.len() > 1).then(|| format!("there are {}", Vec::from_iter(others).join(", "))),
            };
            self.report(place).whole("use", true, format!("unknown transform \"{name}\""), help);
            return None;
        }
        let transform = self.all.one(name)?;
        let is = &self.sides[1].doc_type;
        if let (Some(is), Some(wanted)) = (is, transform.target())
            && is.category != wanted.category
        {
            let message = format!("transform \"{name}\" makes {wanted}, and this one {is}");
            self.report(place).whole("use", false, message, None);
        }
        Some(Action::Use(transform))
    }

    fn code(&mut self, def: &CodeDef, place: &str) -> Option<Action> {
        let Some(language) = self.all.language else {
            self.report(place).whole("code", true, "there is nobody here who knows code", None);
            return None;
        };
        match language.compile(&def.text, &self.all.scope.tables) {
            Ok(compiled) => Some(Action::Code(Code { def: def.clone(), compiled })),
            Err(errors) => {
                errors.into_iter().for_each(|error| self.report(place).error("code", error));
                None
            }
        }
    }

    fn trace(&mut self, text: &str, place: &str) -> Option<Action> {
        match Template::compile_in(text, &self.reads) {
            Ok(template) => Some(Action::Trace(Read::new(template, text))),
            Err(errors) => {
                errors.into_iter().for_each(|error| self.report(place).error("trace", error));
                None
            }
        }
    }
}

/// The header is neither made nor taken away.
fn header_is_there(text: &str) -> ExprError {
    ExprError::new(0..text.len(), "segment MSH stays; expected a field of it")
        .help("it is there from the beginning, as the source has it")
}
