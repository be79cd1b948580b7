//! Tokens to a checked expression, by precedence: `or`, `and`, `not`, comparison, `+ -`, `* /`, brackets.
//!
//! After an error the parser goes on with the next `and`, `or` or bracket, so that one look at the
//! findings shows all of them.

mod arithmetic;
mod call;
mod pattern;
mod value;

use std::collections::BTreeSet;
use std::ops::Range;

use crate::ast::{Ast, Condition, Literal, Op, Operand};
use crate::suggest::nearest;
use crate::token::{Kind, Report, Token, tokens};
use crate::{ExprError, Scope, folding};

/// How deep brackets and `not` may be nested: far more than is legible, and no strain on the stack.
const MAX_DEPTH: usize = 64;
/// How many errors are of use to anybody.
const MAX_ERRORS: usize = 10;

/// What a text comes to.
pub(crate) struct Parsed {
    pub(crate) ast: Ast,
    /// What is doubtful about it, such as a condition that is always true.
    pub(crate) warnings: Vec<ExprError>,
    /// The variables that it names.
    pub(crate) variables: BTreeSet<String>,
}

/// Reads `text`, whose names are those of `scope`; with `wants_condition`, a mere value is an error.
pub(crate) fn parse(text: &str, wants_condition: bool, scope: &Scope) -> Result<Parsed, Vec<ExprError>> {
    let mut report = Report::default();
    let tokens = tokens(text, scope, &mut report);
    let Report { errors, warnings } = report;
    let variables = BTreeSet::new();
    let mut parser =
        Parser { text, scope, tokens, at: 0, depth: 0, gave_up: false, errors, warnings, variables };
    let ast = parser.whole(wants_condition);
    let Parser { mut errors, warnings, variables, .. } = parser;
    match ast {
        Some(ast) if errors.is_empty() => Ok(Parsed { ast, warnings, variables }),
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
    scope: &'a Scope,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Whether the rest was passed over, so that nothing is said about its end.
    gave_up: bool,
    errors: Vec<ExprError>,
    warnings: Vec<ExprError>,
    variables: BTreeSet<String>,
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
                let help = operator_help(&found);
                self.error(range, format!("\"{found}\" is not an operator"), help);
            }
            Kind::Open if self.follows_path() => {
                let help = "a repetition is written in square brackets, as in PID-3[2].1";
                self.error(range, "a bracket cannot follow a path", help);
            }
            Kind::Op(_) | Kind::In | Kind::Match(_) => {
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
            self.gave_up = true;
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
        if let (Literal::Number(number), 1) = (literal, self.text.trim().len()) {
            let word = if number == "0" { "false" } else { "true" };
            return format!("compare it with something; for what holds always, or never, write \"{word}\"");
        }
        format!("compare it with something; for one of several values write PV1-2 in (\"I\", {literal})")
    }

    fn comparison(&mut self) -> Node {
        let left = self.sum(false);
        self.not_before_operator();
        let negated = *self.kind() == Kind::Not
            && match self.tokens[self.at + 1].kind {
                Kind::In | Kind::Match(_) => true,
                Kind::Op(op) => op.is_word(),
                _ => false,
            };
        if negated {
            self.next();
        }
        let node = match *self.kind() {
            Kind::Op(op) => self.compare(left, op),
            Kind::Match(kind) => self.is_like(left, kind),
            Kind::In => self.is_in(left),
            _ => return self.no_operator(left),
        };
        let wrap = |ast| match ast {
            Ast::Condition(condition) if negated => Ast::Condition(Condition::Not(Box::new(condition))),
            other => other,
        };
        Node { ast: node.ast.map(wrap), range: node.range }
    }

    /// `PID-8 not = "F"`: reported, and read without the `not`.
    fn not_before_operator(&mut self) {
        let op = match (self.kind(), self.tokens.get(self.at + 1).map(|token| &token.kind)) {
            (Kind::Not, Some(Kind::Op(op))) if !op.is_word() => *op,
            _ => return,
        };
        let help = match op {
            Op::Eq => "write \"!=\"",
            _ => "write \"not\" before the whole comparison",
        };
        let message = format!("\"not\" cannot stand before \"{}\"", op.sign());
        self.error(self.range(), message, help);
        self.next();
    }

    /// A value that no operator follows: all is well if nothing follows that it could be compared
    /// with; else that is reported, and passed over up to the next condition.
    fn no_operator(&mut self, left: Node) -> Node {
        use Kind::{Bad, Fact, Null, Number, Open, Path, Text, Unknown, Variable};
        let is_followed = matches!(
            self.kind(),
            Unknown | Bad | Open | Text(_) | Number(_) | Path(_) | Fact(_) | Variable(_) | Null
        );
        if !is_followed || matches!(left.ast, Some(Ast::Condition(_))) {
            return left;
        }
        let range = left.range.start..self.range().end;
        match self.kind() {
            Unknown | Bad | Open => self.end(),
            _ if left.ast.is_some() => {
                let found = quote(self.found());
                let help =
                    "expected one of = != < <= > >= in contains starts_with ends_with matches like + - * /";
                self.error(self.range(), format!("an operator is missing before {found}"), help);
            }
            _ => {}
        }
        self.pass_over();
        Node { ast: None, range }
    }

    /// Goes to the next `and`, `or` or closing bracket.
    fn pass_over(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.kind() {
                Kind::End => return,
                Kind::And | Kind::Or | Kind::Close if open == 0 => return,
                Kind::Open => open += 1,
                Kind::Close => open -= 1,
                _ => {}
            }
            self.next();
        }
    }

    fn compare(&mut self, left: Node, op: Op) -> Node {
        self.next();
        let right = self.sum(true);
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
            Operand::Path(path) if is_segment(path) => Some(path.to_string()),
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
                self.error(node.range, "a condition is no value, and cannot be compared", help);
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
            Kind::End if self.gave_up => {}
            Kind::End => self.error(open.clone(), "this bracket is never closed", "close it with \")\""),
            // Reported by whoever comes to it.
            _ => self.end(),
        }
        Node { ast: None, range: open.start..close.end }
    }
}

/// Whether a path is a whole segment.
fn is_segment(path: &hl7::FieldPath) -> bool {
    path.field().is_none() && !path.is_count()
}

/// What to write instead of `word`, where an operator should stand.
fn operator_help(word: &str) -> String {
    const OTHERS: [(&str, &str); 8] = [
        ("_", "texts are joined with \"+\""),
        ("is", "write \"=\""),
        ("equals", "write \"=\""),
        ("eq", "write \"=\""),
        ("ne", "write \"!=\""),
        ("has", "write \"contains\""),
        ("includes", "write \"contains\""),
        ("exists", "to ask whether there is a value, write != \"\""),
    ];
    let known =
        Op::ALL.map(|(sign, _)| sign).into_iter().chain(["and", "or", "not", "in", "matches", "like"]);
    match (OTHERS.iter().find(|(other, _)| *other == word), nearest(word, known)) {
        (Some((_, help)), _) => (*help).to_owned(),
        (None, Some(near)) => format!("did you mean \"{near}\"?"),
        (None, None) => "expected an operator (= != < <= > >= in contains starts_with ends_with matches like + - * /), and, or".to_owned(),
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
