//! Transforms: a message made of another one, step by step, as a production says it.
//!
//! What a production writes is read into [`TransformDef`]s, plain data. [`Transforms::compile`] compiles
//! all of them together, since one may use another, and tells everything that is wrong with them. What
//! compiled is run by [`Transform::apply`]: paths and expressions refer to the source, `target.…` to
//! what is being built, and every change is made in one copy of the text.

mod code;
mod compile;
mod def;
mod error;
mod header;
mod paths;
mod run;
mod target;
mod trace;
mod values;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hl7::schema::{DocType, Schemas};

use crate::{Facts, Names, Scope};

pub use code::{CodeDef, CodeError, CodePlace, Compiled, Language, Left, Rebuilt, Runner, Task, Turn};
pub use def::{ActionDef, CaseDef, Create, StepDef, TransformDef, ValueDef};
pub use error::{TransformError, TransformFinding};
pub use trace::Traced;

/// All transforms of a production, by name.
#[derive(Debug, Clone, Default)]
pub struct Transforms(BTreeMap<String, Option<Arc<Transform>>>);

impl Transforms {
    /// Compiles transforms, whose doc types are looked up in `schemas` and whose expressions know the tables
    /// and schedules of `scope`. Everything that is wrong or doubtful is among the findings.
    pub fn compile(
        defs: &[TransformDef],
        schemas: &Schemas,
        scope: &Scope,
    ) -> (Transforms, Vec<TransformFinding>) {
        Self::compile_with(defs, schemas, scope, None)
    }

    /// The same, with a language for steps in code; without one such a step is an error.
    pub fn compile_with(
        defs: &[TransformDef],
        schemas: &Schemas,
        scope: &Scope,
        language: Option<&dyn Language>,
    ) -> (Transforms, Vec<TransformFinding>) {
        let mut findings = Vec::new();
        let all = compile::all(defs, schemas, scope, language, &mut findings);
        (Transforms(all), findings)
    }

    /// The transform of that name; none where there is none, or one with errors.
    pub fn get(&self, name: &str) -> Option<Arc<Transform>> {
        self.0.get(name).cloned().flatten()
    }

    /// Whether there is one of that name, with errors or without.
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names of all, also of those with errors, ordered.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// One transform, compiled.
#[derive(Debug)]
pub struct Transform {
    name: String,
    source: paths::Side,
    target: paths::Side,
    create: Create,
    /// Whether what a missing segment of the source should have given is empty, or an error.
    ignore_missing_source: bool,
    schemas: Schemas,
    steps: Vec<compile::Step>,
    has_code: bool,
    /// The variables that it reads, those that it uses included.
    variables: BTreeSet<String>,
}

impl Transform {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it expects to be given; none for any type.
    pub fn source(&self) -> Option<&DocType> {
        self.source.doc_type.as_ref()
    }

    /// What it makes; none where it is of the type of the source.
    pub fn target(&self) -> Option<&DocType> {
        self.target.doc_type.as_ref()
    }

    /// Of what type a message is that it made: of its target, or as the message says where that is left open.
    pub fn type_of(&self, made: &hl7::Message) -> DocType {
        self.target.doc_type_of(made, &self.schemas)
    }

    /// How many steps it has, with those within others; those that are left out do not count.
    pub fn step_count(&self) -> usize {
        compile::count(&self.steps)
    }

    /// Whether there is a step in code in it, or in a transform that it uses: then it takes a runner, and
    /// as long as the code does.
    pub fn has_code(&self) -> bool {
        self.has_code
    }

    /// The NAMEs of all `context.NAME` in its expressions, and in those of transforms that it uses; code may
    /// read others.
    pub fn variables(&self) -> impl ExactSizeIterator<Item = &str> {
        self.variables.iter().map(String::as_str)
    }

    /// What is wrong with the variables that it reads where there are these `names`: what was found, and what
    /// to do. Whoever applies it has to ask, since it may be applied wherever there are some.
    pub fn unknown_variables(&self, names: &Names) -> Vec<(String, String)> {
        let unknown = |name: &str| {
            let help = names.instead_of(name)?;
            let reads = format!("transform \"{}\" reads context.{name}, which", self.name);
            Some(match names {
                Names::None => {
                    let help = "apply it in a flow, with a step \"transform\"".to_owned();
                    (format!("{reads} only a flow has"), help)
                }
                _ => (format!("{reads} is not known here"), help),
            })
        };
        self.variables().filter_map(unknown).collect()
    }

    /// The message that it makes of `source`, with nobody to run code. `facts` says what is known beside it;
    /// their message is not looked at.
    ///
    /// # Errors
    /// When a step cannot be done. The error names the step and the path, and no value.
    pub fn apply(&self, source: &hl7::Message, facts: &Facts<'_>) -> Result<hl7::Message, TransformError> {
        run::run(self, source, facts, run::Aids::default())
    }

    /// The same, and what each step did, with the values: for people who asked for the content.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); what was done until then is in `traced`.
    pub fn apply_traced(
        &self,
        source: &hl7::Message,
        facts: &Facts<'_>,
        traced: &mut Vec<Traced>,
    ) -> Result<hl7::Message, TransformError> {
        run::run(self, source, facts, run::Aids { traced: Some(traced), runner: None })
    }

    /// The same with `runner` to run the code of steps.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), and when a step's code fails.
    pub fn apply_with(
        &self,
        source: &hl7::Message,
        facts: &Facts<'_>,
        runner: &mut dyn Runner,
        traced: Option<&mut Vec<Traced>>,
    ) -> Result<hl7::Message, TransformError> {
        run::run(self, source, facts, run::Aids { traced, runner: Some(runner) })
    }
}
