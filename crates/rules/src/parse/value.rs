//! Values, and lists of them: the smallest parts of an expression.

use std::ops::Range;

use super::{Node, Parser, is_segment, quote};
use crate::ast::{Ast, Condition, Literal, Operand};
use crate::facts::Fact;
use crate::suggest::nearest;
use crate::token::{Kind, right_path};

impl Parser<'_> {
    pub(super) fn list(&mut self, word: Range<usize>) -> Option<Vec<Literal>> {
        const HELP: &str = "write a list, as in PV1-2 in (\"I\", \"E\")";
        let open = self.range();
        match self.kind() {
            Kind::Open => {}
            Kind::OpenSquare => self.error(open.clone(), "a list stands in round brackets", HELP),
            _ => {
                let help = match (self.literal(), self.found()) {
                    (Some(_), found) => format!("write in ({found})"),
                    (None, _) => HELP.to_owned(),
                };
                self.error(word, "\"in\" is not followed by a list", help);
                self.primary(true);
                return None;
            }
        }
        self.next();
        let mut list = Vec::new();
        let mut whole = true;
        loop {
            match self.literal() {
                Some(literal) => {
                    self.next();
                    list.push(literal);
                }
                None => whole &= self.no_literal(),
            }
            if self.takes(&Kind::Comma) {
                continue;
            }
            if self.takes(&Kind::Close) || self.takes(&Kind::CloseSquare) {
                return Some(list).filter(|_| whole);
            }
            if self.literal().is_some() {
                let range = self.range();
                self.error(range, "a comma is missing before this", HELP);
                continue;
            }
            if *self.kind() == Kind::Bad {
                self.next();
                whole = false;
                continue;
            }
            self.error(open, "this bracket is never closed", HELP);
            return None;
        }
    }

    pub(super) fn literal(&self) -> Option<Literal> {
        match self.kind() {
            Kind::Text(text) => Some(Literal::Text(text.clone())),
            Kind::Number(number) => Some(Literal::Number(number.clone())),
            Kind::Null => Some(Literal::Null),
            _ => None,
        }
    }

    /// Reports what stands in a list without being a literal, and goes past it. False when it did.
    fn no_literal(&mut self) -> bool {
        let (range, found) = (self.range(), self.found().to_owned());
        match self.kind() {
            Kind::Bad => {
                self.next();
            }
            Kind::Path(path) if !is_segment(path) => {
                let message = format!("{found} is a path; a list holds texts and numbers");
                self.error(range, message, format!("compare with it: … = {found}"));
                self.next();
            }
            Kind::Path(_) | Kind::Unknown | Kind::Fact(_) | Kind::Variable(_) | Kind::True | Kind::False => {
                let message = format!("\"{found}\" is not a text or number");
                self.error(range, message, format!("a text is written in quotes: \"{found}\""));
                self.next();
            }
            Kind::Close | Kind::CloseSquare => {
                let help = "write the values, as in (\"I\", \"E\")";
                self.error(range, "a value is missing before this bracket", help);
            }
            Kind::Comma => {
                self.error(range, "a value is missing before this comma", "take the comma away");
            }
            // What else stands here ends the list, and is reported as such.
            _ => {}
        }
        false
    }

    /// A value, or something in brackets. `behind` an operator, an unknown word is most likely a text.
    pub(super) fn primary(&mut self, behind: bool) -> Node {
        let range = self.range();
        let value = |operand| Some(Ast::Value(operand));
        let ast = match self.kind().clone() {
            Kind::Open => return self.brackets(),
            Kind::Path(path) => value(Operand::Path(path)),
            Kind::Fact(fact) => value(Operand::Fact(fact)),
            Kind::Variable(name) => {
                self.variables.insert(name.clone());
                value(Operand::Variable(name))
            }
            Kind::Text(text) => value(Operand::Literal(Literal::Text(text))),
            Kind::Number(number) => value(Operand::Literal(Literal::Number(number))),
            Kind::Null => value(Operand::Literal(Literal::Null)),
            Kind::True => Some(Ast::Condition(Condition::Constant(true))),
            Kind::False => Some(Ast::Condition(Condition::Constant(false))),
            Kind::Bad => None,
            Kind::Op(_) | Kind::Match(_) | Kind::Unknown | Kind::In
                if self.tokens[self.at + 1].kind == Kind::Open && self.is_word() =>
            {
                return self.function();
            }
            Kind::Unknown => {
                self.unknown(behind);
                None
            }
            _ => {
                self.missing_operand();
                return Node { ast: None, range };
            }
        };
        self.next();
        Node { ast, range }
    }

    /// Something else stands where a value or condition should.
    fn missing_operand(&mut self) {
        let range = self.range();
        let found = quote(self.found());
        let message = match self.kind() {
            Kind::End => "the condition ends here; expected a value".to_owned(),
            _ => format!("expected a value before {found}"),
        };
        let help = "a value is a path (PID-8), a text (\"F\"), a number, null, or a word such as source";
        self.error(range, message, help);
        // An operator without a left side is gone past, so that what follows it is looked at.
        if matches!(self.kind(), Kind::OpenSquare | Kind::CloseSquare | Kind::Comma) {
            self.next();
        }
    }

    fn unknown(&mut self, behind: bool) {
        let (range, found) = (self.range(), self.found().to_owned());
        let known = Fact::ALL.map(|(word, _)| word).into_iter().chain(["null", "not", "true", "false"]);
        let help = if let Some(path) = right_path(&found, &self.scope.paths) {
            format!("did you mean \"{path}\"?")
        } else if let Some(word) = nearest(&found, known) {
            format!("did you mean \"{word}\"?")
        } else if behind {
            format!("a text is written in quotes: \"{found}\"")
        } else if found == self.text.trim() && !found.contains(['.', '-']) {
            // In YAML quotes around the whole of a value are not part of it.
            format!(
                "a text has double quotes of its own: '\"{found}\"'; else a path such as PID-3.1 is expected"
            )
        } else {
            "expected a path such as PID-3.1, or source, doc.type, doc.name, session.id, header.…".to_owned()
        };
        self.error(range, format!("\"{found}\" is not known"), help);
    }
}
