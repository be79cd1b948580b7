//! How an expression is written, in its plainest form.

use std::fmt::{self, Display, Formatter, Write};

use super::{Arg, Ast, Call, Condition, Literal, Operand, Sign};

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
            _ => 4,
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
            Condition::Match { left, pattern } => {
                write!(f, "{left} {} {}", pattern.kind.sign(), pattern.literal())
            }
            Condition::Call(call) => call.fmt(f),
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
            Operand::Variable(name) => write!(f, "context.{name}"),
            Operand::Literal(literal) => literal.fmt(f),
            Operand::Call(call) => call.fmt(f),
            Operand::Calculation(it) => {
                it.left.fmt_within(it.sign.binding(), f)?;
                write!(f, " {} ", it.sign.sign())?;
                it.right.fmt_within(it.sign.binding() + 1, f)
            }
            Operand::Negative(inner) => {
                f.write_char('-')?;
                // A minus before a number would be the number's own.
                let binding = if matches!(**inner, Operand::Literal(_)) { u8::MAX } else { 4 };
                inner.fmt_within(binding, f)
            }
        }
    }
}

impl Operand {
    fn binding(&self) -> u8 {
        match self {
            Operand::Calculation(it) => it.sign.binding(),
            Operand::Negative(_) => 3,
            _ => 4,
        }
    }

    /// In brackets, unless it binds at least so tightly.
    fn fmt_within(&self, least: u8, f: &mut Formatter<'_>) -> fmt::Result {
        if self.binding() < least { write!(f, "({self})") } else { self.fmt(f) }
    }
}

impl Sign {
    fn binding(self) -> u8 {
        match self {
            Sign::Plus | Sign::Minus => 1,
            Sign::Times | Sign::By => 2,
        }
    }

    pub(crate) fn sign(self) -> char {
        match self {
            Sign::Plus => '+',
            Sign::Minus => '-',
            Sign::Times => '*',
            Sign::By => '/',
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function.name)?;
        for (i, arg) in self.args.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { "" })?;
            match arg {
                Arg::Value(operand) => operand.fmt(f)?,
                Arg::Condition(condition, _) => condition.fmt(f)?,
            }
        }
        f.write_char(')')
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
