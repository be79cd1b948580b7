//! The expression language, routing rules, transforms and text templates.
//!
//! An expression asks something of one message, as in `MSH-9.1 = "ADT" and PV1-2 in ("I", "E")`.
//! It is compiled once, when a production is checked or built, and then run on the lazy view of each
//! message. What is wrong with it is found while compiling, with the bytes it stands at: an
//! expression that compiled cannot fail on a message. `docs/guide/expressions.md` is the language's
//! reference, and `compare` holds its rules of comparison.
//!
//! This crate knows no file, clock, socket, thread or database.

mod arithmetic;
mod ast;
mod calendar;
mod compare;
mod date;
mod error;
mod eval;
mod expr;
mod facts;
mod folding;
mod functions;
mod number;
mod parse;
mod pattern;
mod ruleset;
mod schedule;
mod scope;
mod suggest;
mod tables;
mod template;
mod test;
mod token;
pub mod transform;
mod trouble;
mod value;

pub use date::Moment;
pub use error::ExprError;
pub use expr::{Explained, Expr};
pub use facts::{Facts, Variables};
pub use ruleset::{
    Asked, Constraint, Effective, Refusal, Routed, Routing, Rule, RuleContext, RuleFinding, RuleSet,
    RuleSets, RuleStep, Texts, fits_pattern,
};
pub use schedule::{HoursDef, Schedule, ScheduleDef, ScheduleFinding, Schedules};
pub use scope::{Names, Scope};
pub use tables::{LookupTable, LookupTables};
pub use template::Template;
pub use transform::{Transform, TransformError, Transforms};
pub use trouble::Trouble;
pub use value::Value;
