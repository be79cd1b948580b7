//! The checked form of an expression.

mod print;

use std::sync::Arc;

use crate::date::Format;
use crate::facts::Fact;
use crate::functions::{Function, Gives};
use crate::pattern::Pattern;
use crate::test::Test;
use crate::{LookupTable, Schedule};

pub(crate) use self::print::ESCAPES;

/// An expression: a condition, or (in templates) a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ast {
    Condition(Condition),
    Value(Operand),
}

/// What is true or false about a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Constant(bool),
    Compare { left: Operand, op: Op, right: Operand },
    In { left: Operand, list: Vec<Literal> },
    Match { left: Operand, pattern: Pattern },
    Call(Box<Call>),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

/// What can be compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Path(hl7::FieldPath),
    Fact(Fact),
    /// `context.NAME`.
    Variable(String),
    Literal(Literal),
    Call(Box<Call>),
    Calculation(Box<Calculation>),
    Negative(Box<Operand>),
}

/// `left sign right`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Calculation {
    pub(crate) left: Operand,
    pub(crate) sign: Sign,
    pub(crate) right: Operand,
}

/// The signs of arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Plus,
    Minus,
    Times,
    By,
}

/// A function with what it is applied to, and what of that was looked up beforehand.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    pub(crate) args: Vec<Arg>,
    pub(crate) table: Option<Arc<LookupTable>>,
    pub(crate) schedule: Option<Arc<Schedule>>,
    /// Those that are written out, in order.
    pub(crate) formats: Vec<Format>,
}

impl PartialEq for Call {
    fn eq(&self, other: &Call) -> bool {
        self.function.name == other.function.name && self.args == other.args
    }
}

/// What a function is applied to.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Value(Operand),
    /// With the form that runs.
    Condition(Condition, Test),
}

impl PartialEq for Arg {
    fn eq(&self, other: &Arg) -> bool {
        match (self, other) {
            (Arg::Value(one), Arg::Value(other)) => one == other,
            (Arg::Condition(one, _), Arg::Condition(other, _)) => one == other,
            _ => false,
        }
    }
}

impl Call {
    /// The value at `at`; none where it was left out.
    pub(crate) fn value(&self, at: usize) -> Option<&Operand> {
        match self.args.get(at) {
            Some(Arg::Value(operand)) => Some(operand),
            _ => None,
        }
    }

    /// Whether it stands for several values.
    fn is_plural(&self) -> bool {
        match self.function.gives {
            Gives::One => false,
            Gives::Branches => {
                self.args[1..].iter().any(|arg| matches!(arg, Arg::Value(it) if it.is_plural()))
            }
            _ => self.function.is_of_each() && self.value(0).is_some_and(Operand::is_plural),
        }
    }
}

/// What a value is known to be, whatever the message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Text,
    Number,
    /// It is as it comes.
    Any,
}

impl Operand {
    pub(crate) fn nature(&self) -> Nature {
        match self {
            Operand::Path(path) if path.is_count() => Nature::Number,
            Operand::Literal(Literal::Text(_)) => Nature::Text,
            Operand::Literal(Literal::Number(_)) | Operand::Negative(_) => Nature::Number,
            Operand::Calculation(it) if it.is_of_numbers() => Nature::Number,
            Operand::Calculation(_) => Nature::Text,
            Operand::Call(call) => match call.function.gives {
                Gives::Text => Nature::Text,
                Gives::Number => Nature::Number,
                Gives::Branches => match (call.value(1), call.value(2)) {
                    (Some(one), Some(other)) if one.nature() == other.nature() => one.nature(),
                    _ => Nature::Any,
                },
                Gives::Value | Gives::One | Gives::Condition => Nature::Any,
            },
            _ => Nature::Any,
        }
    }

    /// Whether it stands for several values, as `OBX[*]-5` does.
    pub(crate) fn is_plural(&self) -> bool {
        match self {
            Operand::Path(path) => path.is_plural(),
            Operand::Fact(_) | Operand::Literal(_) | Operand::Variable(_) => false,
            Operand::Call(call) => call.is_plural(),
            Operand::Calculation(it) => it.left.is_plural() || it.right.is_plural(),
            Operand::Negative(inner) => inner.is_plural(),
        }
    }
}

impl Calculation {
    /// Whether it is arithmetic; else it joins texts.
    pub(crate) fn is_of_numbers(&self) -> bool {
        let natures = [self.left.nature(), self.right.nature()];
        self.sign != Sign::Plus || (natures.contains(&Nature::Number) && !natures.contains(&Nature::Text))
    }
}

/// A value that is written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    /// As it was written.
    Number(String),
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Contains,
    StartsWith,
    EndsWith,
}

impl Op {
    /// Every operator under its sign.
    pub(crate) const ALL: [(&'static str, Op); 9] = [
        ("=", Op::Eq),
        ("!=", Op::Ne),
        ("<", Op::Lt),
        ("<=", Op::Le),
        (">", Op::Gt),
        (">=", Op::Ge),
        ("contains", Op::Contains),
        ("starts_with", Op::StartsWith),
        ("ends_with", Op::EndsWith),
    ];

    /// Whether it is a word, which `not` may stand before.
    pub(crate) fn is_word(self) -> bool {
        matches!(self, Op::Contains | Op::StartsWith | Op::EndsWith)
    }

    pub(crate) fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("", |(sign, _)| sign)
    }
}
