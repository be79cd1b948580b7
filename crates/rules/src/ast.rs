//! The checked form of an expression, and how it is written.

use std::fmt::{self, Display, Formatter, Write};

use crate::facts::Fact;

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
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

/// What can be compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Path(hl7::FieldPath),
    Fact(Fact),
    Literal(Literal),
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
}

impl Op {
    /// Every operator under its sign.
    pub(crate) const ALL: [(&'static str, Op); 7] = [
        ("=", Op::Eq),
        ("!=", Op::Ne),
        ("<", Op::Lt),
        ("<=", Op::Le),
        (">", Op::Gt),
        (">=", Op::Ge),
        ("contains", Op::Contains),
    ];

    pub(crate) fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("", |(sign, _)| sign)
    }
}

impl Display for Ast {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Ast::Condition(condition) => condition.fmt(f),
            Ast::Value(operand) => operand.fmt(f),
        }
    }
}

impl Condition {
    /// How tightly it holds together: what binds no tighter than its surroundings needs brackets.
    fn binding(&self) -> u8 {
        match self {
            Condition::Or(_) => 1,
            Condition::And(_) => 2,
            Condition::Not(_) => 3,
            Condition::Constant(_) | Condition::Compare { .. } | Condition::In { .. } => 4,
        }
    }

    fn fmt_all(&self, word: &str, all: &[Condition], f: &mut Formatter<'_>) -> fmt::Result {
        for (i, condition) in all.iter().enumerate() {
            if i > 0 {
                f.write_str(word)?;
            }
            if condition.binding() <= self.binding() {
                write!(f, "({condition})")?;
            } else {
                condition.fmt(f)?;
            }
        }
        Ok(())
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Constant(value) => value.fmt(f),
            Condition::Compare { left, op, right } => write!(f, "{left} {} {right}", op.sign()),
            Condition::In { left, list } => {
                write!(f, "{left} in (")?;
                for (i, literal) in list.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    literal.fmt(f)?;
                }
                f.write_char(')')
            }
            // Brackets although `not` binds less than a comparison: people read it the other way.
            Condition::Not(inner) => match **inner {
                Condition::Constant(_) | Condition::Not(_) => write!(f, "not {inner}"),
                _ => write!(f, "not ({inner})"),
            },
            Condition::And(all) => self.fmt_all(" and ", all, f),
            Condition::Or(all) => self.fmt_all(" or ", all, f),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Path(path) => path.fmt(f),
            Operand::Fact(fact) => f.write_str(fact.word()),
            Operand::Literal(literal) => literal.fmt(f),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => quote(text, f),
            Literal::Number(number) => f.write_str(number),
            Literal::Null => f.write_str("null"),
        }
    }
}

/// The escapes within quotes: the letter behind the backslash, and what it stands for.
pub(crate) const ESCAPES: [(char, char); 5] =
    [('"', '"'), ('\\', '\\'), ('n', '\n'), ('r', '\r'), ('t', '\t')];

/// Writes `text` as a literal.
pub(crate) fn quote(text: &str, f: &mut impl Write) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match ESCAPES.iter().find(|(_, stands_for)| *stands_for == c) {
            Some((letter, _)) => write!(f, "\\{letter}")?,
            None => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
