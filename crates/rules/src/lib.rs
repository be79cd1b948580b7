//! The expression language, routing rules and text templates.
//!
//! An expression asks something of one message, as in `MSH-9.1 = "ADT" and PV1-2 in ("I", "E")`.
//! It is compiled once, when a production is checked or built, and then run on the lazy view of each
//! message. What is wrong with it is found while compiling, with the bytes it stands at: an
//! expression that compiled cannot fail on a message. `docs/guide/expressions.md` is the language's
//! reference, and `compare` holds its rules of comparison.
//!
//! This crate knows no file, clock, socket, thread or database.

mod ast;
mod compare;
mod error;
mod expr;
mod facts;
mod folding;
mod number;
mod parse;
mod ruleset;
mod suggest;
mod template;
mod token;
mod value;

pub use error::ExprError;
pub use expr::Expr;
pub use facts::Facts;
pub use ruleset::{Routed, Routing, Rule, RuleFinding, RulePlace, RuleSet};
pub use template::Template;
pub use value::Value;
