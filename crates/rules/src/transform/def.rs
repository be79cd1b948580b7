//! Transforms as plain data, as they were written.

use super::CodeDef;

/// How the target begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Create {
    /// As a copy of the source.
    #[default]
    Copy,
    /// As a header alone: MSH of the source, with the version and structure of the target.
    New,
}

/// One transform.
#[derive(Debug, Clone)]
pub struct TransformDef {
    /// Its name.
    pub name: String,
    /// The doc type that it expects, as in `2.3:ADT_A01`, or a schema alone.
    pub source: Option<String>,
    /// The doc type that it makes, as in `2.5.1:ADT_A01`, or a schema alone.
    pub target: Option<String>,
    /// How the target begins.
    pub create: Create,
    /// Whether what a missing segment of the source should have given is empty, or an error.
    pub ignore_missing_source: bool,
    /// What is done, in order.
    pub steps: Vec<StepDef>,
}

impl TransformDef {
    /// A transform without steps, with the defaults.
    pub fn named(name: &str) -> TransformDef {
        TransformDef {
            name: name.to_owned(),
            source: None,
            target: None,
            create: Create::Copy,
            ignore_missing_source: true,
            steps: Vec::new(),
        }
    }
}

/// One step.
#[derive(Debug, Clone)]
pub struct StepDef {
    /// The line of its file, counted from 1; 0 where it has none.
    pub line: usize,
    /// Whether it is left out.
    pub disabled: bool,
    /// What it does.
    pub action: ActionDef,
}

impl From<ActionDef> for StepDef {
    fn from(action: ActionDef) -> StepDef {
        StepDef { line: 0, disabled: false, action }
    }
}

/// What is put somewhere.
#[derive(Debug, Clone)]
pub enum ValueDef {
    /// This text, `value`.
    Text(String),
    /// What an expression comes to, `from`.
    From(String),
}

/// A case of [`ActionDef::Choose`].
#[derive(Debug, Clone)]
pub struct CaseDef {
    /// The condition.
    pub when: String,
    /// The steps if it is the first that holds.
    pub steps: Vec<StepDef>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum ActionDef {
    /// Puts a value in the place of what is there.
    Set {
        /// Where.
        path: String,
        /// What.
        value: ValueDef,
    },
    /// Puts a value behind all that is there.
    Append {
        /// Where: a field for one more repetition, a segment for one more segment.
        path: String,
        /// What.
        value: ValueDef,
    },
    /// Puts a value before what is there.
    Insert {
        /// Where.
        path: String,
        /// What.
        value: ValueDef,
    },
    /// Takes out what is there.
    Remove {
        /// Where.
        path: String,
    },
    /// Empties what is there; it keeps its place.
    Clear {
        /// Where.
        path: String,
    },
    /// Does steps if a condition holds, and others if not.
    If {
        /// The condition.
        condition: String,
        /// The steps if it holds.
        then: Vec<StepDef>,
        /// The steps if not.
        otherwise: Vec<StepDef>,
    },
    /// Does the steps of the first case that a value is equal to.
    Switch {
        /// The value, an expression.
        value: String,
        /// Texts with their steps.
        cases: Vec<(String, Vec<StepDef>)>,
        /// The steps where no case fits.
        default: Vec<StepDef>,
    },
    /// Does the steps of the first case whose condition holds.
    Choose {
        /// The cases, in order.
        cases: Vec<CaseDef>,
        /// The steps where no condition holds.
        default: Vec<StepDef>,
    },
    /// Does steps for each segment, group or repetition of the source.
    ForEach {
        /// What, as in `OBX`, `ORDER_OBSERVATION` or `PID-3`.
        each: String,
        /// The steps.
        steps: Vec<StepDef>,
    },
    /// Does the steps of another transform.
    Use {
        /// Its name.
        name: String,
    },
    /// Says something in a trace.
    Trace {
        /// A text with values in it, `{{ PID-3 }}`.
        text: String,
    },
    /// JavaScript.
    Code(CodeDef),
    /// Nothing: a step that is a comment alone.
    Comment,
}
