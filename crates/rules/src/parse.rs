//! Tokens to a checked expression, by precedence: `or`, `and`, `not`, comparison, brackets.
//!
//! After an error the parser goes on with the next `and`, `or` or bracket, so that one look at the
//! findings shows all of them.

use std::ops::Range;

use crate::ExprError;
use crate::ast::{Ast, Condition, Literal, Op, Operand};
use crate::facts::Fact;
use crate::folding;
use crate::suggest::nearest;
use crate::token::{Kind, Token, right_path, tokens};

/// How deep brackets and `not` may be nested: far more than is legible, and no strain on the stack.
const MAX_DEPTH: usize = 64;
/// How many errors are of use to anybody.
const MAX_ERRORS: usize = 10;

/// What a text comes to.
pub(crate) struct Parsed {
    pub(crate) ast: Ast,
    /// What is doubtful about it, such as a condition that is always true.
    pub(crate) warnings: Vec<ExprError>,
}

/// Reads `text`; with `wants_condition`, a mere value is an error.
pub(crate) fn parse(text: &str, wants_condition: bool) -> Result<Parsed, Vec<ExprError>> {
    let mut errors = Vec::new();
    let tokens = tokens(text, &mut errors);
    let mut parser = Parser { text, tokens, at: 0, depth: 0, errors, warnings: Vec::new() };
    let ast = parser.whole(wants_condition);
    let Parser { mut errors, warnings, .. } = parser;
    match ast {
        Some(ast) if errors.is_empty() => Ok(Parsed { ast, warnings }),
        _ => {
            errors.sort_by_key(|error| error.range.start);
            errors.dedup();
            errors.truncate(MAX_ERRORS);
            Err(errors)
        }
    }
}

/// A part of an expression, with the bytes it stands at. `None` has been reported already.
struct Node {
    ast: Option<Ast>,
    range: Range<usize>,
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    errors: Vec<ExprError>,
    warnings: Vec<ExprError>,
}

impl Parser<'_> {
    fn kind(&self) -> &Kind {
        &self.tokens[self.at].kind
    }

    fn range(&self) -> Range<usize> {
        self.tokens[self.at].range.clone()
    }

    fn found(&self) -> &str {
        &self.text[self.range()]
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn takes(&mut self, kind: &Kind) -> bool {
        let takes = self.kind() == kind;
        if takes {
            self.next();
        }
        takes
    }

    fn error(&mut self, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(ExprError::new(range, message).help(help));
    }

    fn whole(&mut self, wants_condition: bool) -> Option<Ast> {
        if *self.kind() == Kind::End && self.errors.is_empty() {
            let help = "write a condition such as MSH-9.1 = \"ADT\"";
            self.error(0..self.text.len(), "there is nothing here", help);
            return None;
        }
        let node = self.or();
        let ast = match node {
            Node { ast: Some(ast @ Ast::Value(_)), .. } if !wants_condition => Some(ast),
            node => self.condition(node).map(Ast::Condition),
        };
        self.end();
        ast
    }

    /// What is left over: reported once, with what was most likely meant.
    fn end(&mut self) {
        let (range, found) = (self.range(), self.found().to_owned());
        match self.kind() {
            Kind::End | Kind::Bad => {}
            Kind::Close => self.error(range, "this bracket was never opened", "take it away"),
            Kind::CloseSquare => self.error(range, "\"]\" has no meaning here", "take it away"),
            Kind::Unknown => {
                let words = Op::ALL.map(|(sign, _)| sign).into_iter().chain(["and", "or", "not", "in"]);
                let help = match nearest(&found, words) {
                    Some(word) => format!("did you mean \"{word}\"?"),
                    None => "expected an operator (= != < <= > >= in contains), and, or".to_owned(),
                };
                self.error(range, format!("\"{found}\" is not an operator"), help);
            }
            Kind::Open if self.follows_path() => {
                let help = "a repetition is written in square brackets, as in PID-3[2].1";
                self.error(range, "a bracket cannot follow a path", help);
            }
            Kind::Op(_) | Kind::In => {
                let help = "join two comparisons with \"and\", as in A < B and B < C";
                self.error(range, format!("\"{found}\" follows a finished comparison"), help);
            }
            Kind::Comma => self.error(range, "\",\" has no meaning here", "write \"and\" or \"or\""),
            _ => {
                let help = "join two conditions with \"and\" or \"or\"";
                self.error(range, format!("{} follows a finished condition", quote(&found)), help);
            }
        }
    }

    fn follows_path(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| &self.tokens[at]);
        before
            .is_some_and(|token| matches!(token.kind, Kind::Path(_)) && token.range.end == self.range().start)
    }

    fn or(&mut self) -> Node {
        self.chain(&Kind::Or, Self::and, Condition::Or)
    }

    fn and(&mut self) -> Node {
        self.chain(&Kind::And, Self::not, Condition::And)
    }

    /// Parts joined by one word.
    fn chain(
        &mut self,
        word: &Kind,
        part: fn(&mut Self) -> Node,
        join: fn(Vec<Condition>) -> Condition,
    ) -> Node {
        let first = part(self);
        if self.kind() != word {
            return first;
        }
        let start = first.range.start;
        let mut end = first.range.end;
        let mut parts = vec![self.condition(first)];
        while self.takes(word) {
            let next = part(self);
            end = next.range.end;
            parts.push(self.condition(next));
        }
        let range = start..end;
        let Some(parts) = parts.into_iter().collect::<Option<Vec<_>>>() else {
            return Node { ast: None, range };
        };
        let all = join(parts);
        if let Some(doubt) = folding::doubt_about_chain(&all) {
            self.warnings.push(ExprError::new(range.clone(), doubt));
        }
        Node { ast: Some(Ast::Condition(all)), range }
    }

    fn not(&mut self) -> Node {
        if *self.kind() != Kind::Not {
            return self.comparison();
        }
        let start = self.next().range.start;
        let node = self.nested(Self::not);
        let range = start..node.range.end;
        let inner = self.condition(node);
        let ast = inner.map(|inner| Ast::Condition(Condition::Not(Box::new(inner))));
        Node { ast, range }
    }

    /// One level down, unless that is too deep.
    fn nested(&mut self, part: fn(&mut Self) -> Node) -> Node {
        if self.depth >= MAX_DEPTH {
            let range = self.range();
            let message = format!("more than {MAX_DEPTH} brackets within each other");
            self.error(range.clone(), message, "split the condition into several rules");
            self.at = self.tokens.len() - 1;
            return Node { ast: None, range };
        }
        self.depth += 1;
        let node = part(self);
        self.depth -= 1;
        node
    }

    /// `node` as a condition; a value where a condition is wanted is reported.
    fn condition(&mut self, node: Node) -> Option<Condition> {
        match node.ast? {
            Ast::Condition(condition) => Some(condition),
            Ast::Value(value) => {
                let help = match &value {
                    Operand::Literal(literal) => self.compare_or_list(literal),
                    value => format!("to ask whether it has a value, write {value} != \"\""),
                };
                let found = quote(&self.text[node.range.clone()]);
                self.error(node.range, format!("{found} is a value; expected a condition"), help);
                None
            }
        }
    }

    /// The help for `PV1-2 = "I" or "E"`.
    fn compare_or_list(&self, literal: &Literal) -> String {
        format!("compare it with something; for one of several values write PV1-2 in (\"I\", {literal})")
    }

    fn comparison(&mut self) -> Node {
        let left = self.primary(false);
        let negated = *self.kind() == Kind::Not
            && matches!(self.tokens[self.at + 1].kind, Kind::In | Kind::Op(Op::Contains));
        if negated {
            self.next();
        }
        let node = match *self.kind() {
            Kind::Op(op) => self.compare(left, op),
            Kind::In => self.is_in(left),
            _ => return left,
        };
        let wrap = |ast| match ast {
            Ast::Condition(condition) if negated => Ast::Condition(Condition::Not(Box::new(condition))),
            other => other,
        };
        Node { ast: node.ast.map(wrap), range: node.range }
    }

    fn compare(&mut self, left: Node, op: Op) -> Node {
        self.next();
        let right = self.primary(true);
        let range = left.range.start..right.range.end;
        let (left, right) = (self.operand(left), self.operand(right));
        let ast = left.zip(right).and_then(|(left, right)| {
            self.segment_is_compared_with_text(&left, &right, range.clone())?;
            let compare = Condition::Compare { left, op, right };
            self.doubt(&compare, range.clone());
            Some(Ast::Condition(compare))
        });
        Node { ast, range }
    }

    /// `MSH-9.1 = ADT` is a slip for `"ADT"`, although `ADT` could be a segment.
    fn segment_is_compared_with_text(
        &mut self,
        left: &Operand,
        right: &Operand,
        range: Range<usize>,
    ) -> Option<()> {
        let segment = |operand: &Operand| match operand {
            Operand::Path(path) if path.field().is_none() => Some(path.to_string()),
            _ => None,
        };
        let segment = match (segment(left), segment(right)) {
            (Some(_), None) if matches!(right, Operand::Literal(_)) => return Some(()),
            (None, None) => return Some(()),
            (Some(segment), _) | (None, Some(segment)) => segment,
        };
        let within = self.text[range.clone()].rfind(&segment).map_or(range.clone(), |at| {
            let start = range.start + at;
            start..start + segment.len()
        });
        let message = format!("{segment} without quotes is a whole segment; expected a text, number or path");
        self.error(within, message, format!("write \"{segment}\" for the text, {segment}-1 for a field"));
        None
    }

    fn doubt(&mut self, condition: &Condition, range: Range<usize>) {
        if let Some(doubt) = folding::doubt(condition) {
            self.warnings.push(ExprError::new(range, doubt));
        }
    }

    /// `node` as something that can be compared; a condition is reported.
    fn operand(&mut self, node: Node) -> Option<Operand> {
        match node.ast? {
            Ast::Value(operand) => Some(operand),
            Ast::Condition(_) => {
                let help = "join conditions with \"and\", \"or\" and \"not\"";
                self.error(node.range, "a condition cannot be compared", help);
                None
            }
        }
    }

    fn is_in(&mut self, left: Node) -> Node {
        let word = self.next().range;
        let start = left.range.start;
        let left = self.operand(left);
        let list = self.list(word);
        let range = start..self.tokens[self.at.saturating_sub(1)].range.end;
        let ast = left.zip(list).map(|(left, list)| {
            let condition = Condition::In { left, list };
            self.doubt(&condition, range.clone());
            Ast::Condition(condition)
        });
        Node { ast, range }
    }

    fn list(&mut self, word: Range<usize>) -> Option<Vec<Literal>> {
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

    fn literal(&self) -> Option<Literal> {
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
            Kind::Path(path) if path.field().is_some() => {
                let message = format!("{found} is a path; a list holds texts and numbers");
                self.error(range, message, format!("compare with it: … = {found}"));
                self.next();
            }
            Kind::Path(_) | Kind::Unknown | Kind::Fact(_) | Kind::True | Kind::False => {
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
    fn primary(&mut self, behind: bool) -> Node {
        let range = self.range();
        let value = |operand| Some(Ast::Value(operand));
        let ast = match self.kind().clone() {
            Kind::Open => return self.brackets(),
            Kind::Path(path) => value(Operand::Path(path)),
            Kind::Fact(fact) => value(Operand::Fact(fact)),
            Kind::Text(text) => value(Operand::Literal(Literal::Text(text))),
            Kind::Number(number) => value(Operand::Literal(Literal::Number(number))),
            Kind::Null => value(Operand::Literal(Literal::Null)),
            Kind::True => Some(Ast::Condition(Condition::Constant(true))),
            Kind::False => Some(Ast::Condition(Condition::Constant(false))),
            Kind::Bad => None,
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
        let help = if let Some(path) = right_path(&found) {
            format!("did you mean {path}?")
        } else if let Some(word) = nearest(&found, known) {
            format!("did you mean \"{word}\"?")
        } else if behind {
            format!("a text is written in quotes: \"{found}\"")
        } else {
            "expected a path such as PID-3.1, or source, doc.type, doc.name, session.id, header.…".to_owned()
        };
        self.error(range, format!("\"{found}\" is not known"), help);
    }

    fn brackets(&mut self) -> Node {
        let open = self.next().range;
        let node = self.nested(Self::or);
        let close = self.range();
        if self.takes(&Kind::Close) {
            return Node { ast: node.ast, range: open.start..close.end };
        }
        match self.kind() {
            Kind::Comma => {
                let help = "a list stands behind \"in\", as in PV1-2 in (\"I\", \"E\")";
                self.error(close.clone(), "there is no list here", help);
                while !matches!(self.kind(), Kind::End | Kind::Close) {
                    self.next();
                }
                self.takes(&Kind::Close);
            }
            Kind::End => self.error(open.clone(), "this bracket is never closed", "close it with \")\""),
            // Reported by whoever comes to it.
            _ => self.end(),
        }
        Node { ast: None, range: open.start..close.end }
    }
}

/// `found` in quotes, unless it brings its own.
fn quote(found: &str) -> String {
    match found {
        "" => "the end".to_owned(),
        found if found.starts_with('"') => found.to_owned(),
        found => format!("\"{found}\""),
    }
}

#[cfg(test)]
mod tests;
