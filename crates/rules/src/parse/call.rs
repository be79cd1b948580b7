//! Functions: which one it is, and whether it can be applied to what stands in its brackets.

use std::ops::Range;
use std::sync::Arc;

use super::{Node, Parser, quote};
use crate::ast::{Arg, Ast, Call, Condition, Literal, Nature, Op, Operand};
use crate::date::{Format, Span};
use crate::functions::{FOREIGN, FUNCTIONS, Function, Gives, Id, OPERATORS, OPPOSITES, Param, What};
use crate::pattern::PatternKind;
use crate::suggest::{nearest, unknown};
use crate::test::test;
use crate::token::Kind;
use crate::{LookupTable, Schedule};

/// What was looked up while a call was checked.
#[derive(Default)]
struct Found {
    table: Option<Arc<LookupTable>>,
    schedule: Option<Arc<Schedule>>,
    formats: Vec<Format>,
}

impl Parser<'_> {
    /// Whether the token is a word.
    pub(super) fn is_word(&self) -> bool {
        self.found().starts_with(|c: char| c.is_ascii_alphabetic())
    }

    /// `lower(PID-5)`.
    pub(super) fn function(&mut self) -> Node {
        let (name_range, name) = (self.range(), self.found().to_owned());
        self.next();
        let args = self.args();
        let range = name_range.start..self.tokens[self.at.saturating_sub(1)].range.end;
        let opposite = OPPOSITES.iter().find(|(known, _)| *known == name).map(|(_, of)| *of);
        let own = opposite.unwrap_or(&name);
        let operator = OPERATORS.iter().find(|(known, _)| *known == own).map(|(_, operator)| *operator);
        let function = Function::named(own);
        if operator.is_none() && function.is_none() {
            self.unknown_function(name_range, &name);
            return Node { ast: None, range };
        }
        let Some(args) = args else { return Node { ast: None, range } };
        let ast = match (operator, function) {
            (Some(operator), _) => self.as_operator(&name, operator, args, name_range),
            (None, Some(function)) => self.call(function, args, name_range),
            (None, None) => None,
        };
        let ast = match (ast, opposite) {
            (Some(Ast::Condition(condition)), Some(_)) => {
                Some(Ast::Condition(Condition::Not(Box::new(condition))))
            }
            (ast, _) => ast,
        };
        Node { ast, range }
    }

    /// What stands between the brackets; none where they are not closed.
    fn args(&mut self) -> Option<Vec<Node>> {
        let open = self.next().range;
        let mut args = Vec::new();
        if self.takes(&Kind::Close) {
            return Some(args);
        }
        loop {
            if matches!(self.kind(), Kind::Comma | Kind::Close) {
                let message = format!("a value is missing before {}", quote(self.found()));
                self.error(self.range(), message, "write it, or take the comma away");
                args.push(Node { ast: None, range: self.range() });
            } else {
                args.push(self.nested(Self::or));
            }
            if self.takes(&Kind::Comma) {
                continue;
            }
            if self.takes(&Kind::Close) {
                return Some(args);
            }
            match self.kind() {
                Kind::End if self.gave_up => {}
                Kind::End => self.error(open, "this bracket is never closed", "close it with \")\""),
                _ => {
                    self.end();
                    self.pass_over();
                    self.takes(&Kind::Close);
                }
            }
            return None;
        }
    }

    fn unknown_function(&mut self, range: Range<usize>, name: &str) {
        let plain = name.to_lowercase().replace('_', "");
        let foreign = FOREIGN.iter().find(|(known, _)| *known == plain).map(|(_, help)| (*help).to_owned());
        let known = FUNCTIONS.iter().map(|function| function.name);
        let known: Vec<_> = known.chain(OPERATORS.iter().chain(&OPPOSITES).map(|(name, _)| *name)).collect();
        // Other engines write them together and in capitals.
        let together = || known.iter().find(|known| known.replace('_', "") == plain).copied();
        let help =
            foreign.unwrap_or_else(|| match together().or_else(|| nearest(name, known.iter().copied())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "expected one of the functions that the guide lists, as in upper(PID-5.1)".to_owned(),
            });
        self.error(range, format!("function \"{name}\" is not known"), help);
    }

    fn wrong_count(
        &mut self,
        range: Range<usize>,
        name: &str,
        wanted: (usize, usize),
        found: usize,
        usage: &str,
    ) {
        let values = |count: usize| if count == 1 { "1 value".to_owned() } else { format!("{count} values") };
        let wanted = match wanted {
            (least, most) if least == most => values(most),
            (least, most) => format!("{least} to {most} values"),
        };
        let message = format!("\"{name}\" has {}; expected {wanted}", values(found));
        self.error(range, message, format!("write {usage}"));
    }

    /// `contains(PID-5, "x")`: the operator between both.
    fn as_operator(
        &mut self,
        name: &str,
        operator: &str,
        args: Vec<Node>,
        range: Range<usize>,
    ) -> Option<Ast> {
        let args: Result<[Node; 2], Vec<Node>> = args.try_into();
        let [left, right] = match args {
            Ok(args) => args,
            Err(args) => {
                let second = if operator == "matches" || operator == "like" { "pattern" } else { "text" };
                let usage = format!("{name}(value, {second})");
                self.wrong_count(range, name, (2, 2), args.len(), &usage);
                return None;
            }
        };
        let whole = left.range.start..right.range.end;
        let left = self.operand(left);
        let kind = [PatternKind::Matches, PatternKind::Like].into_iter().find(|kind| kind.sign() == operator);
        let condition = match kind {
            Some(kind) => {
                let pattern = self.pattern(kind, right);
                Condition::Match { left: left?, pattern: pattern? }
            }
            None => {
                let right = self.operand(right);
                let op = Op::ALL.iter().find(|(sign, _)| *sign == operator).map(|(_, op)| *op)?;
                Condition::Compare { left: left?, op, right: right? }
            }
        };
        self.doubt(&condition, whole);
        Some(Ast::Condition(condition))
    }

    fn call(&mut self, function: &'static Function, nodes: Vec<Node>, range: Range<usize>) -> Option<Ast> {
        let (least, most) = function.counts();
        if nodes.len() < least || nodes.len() > most {
            self.wrong_count(range, function.name, (least, most), nodes.len(), &function.usage());
            return None;
        }
        let mut found = Found::default();
        let args: Vec<_> = nodes
            .into_iter()
            .enumerate()
            .map(|(at, node)| {
                function.param(at).and_then(|param| self.arg(function, param, node, &mut found))
            })
            .collect();
        let args = args.into_iter().collect::<Option<Vec<_>>>()?;
        let Found { table, schedule, formats } = found;
        let call = Box::new(Call { function, args, table, schedule, formats });
        Some(match function.gives {
            Gives::Condition => Ast::Condition(Condition::Call(call)),
            _ => Ast::Value(Operand::Call(call)),
        })
    }

    /// `node` as what is wanted there.
    fn arg(&mut self, function: &Function, param: &Param, node: Node, found: &mut Found) -> Option<Arg> {
        if param.what == What::Condition {
            let condition = self.condition(node)?;
            let test = test(&condition);
            return Some(Arg::Condition(condition, test));
        }
        let range = node.range.clone();
        let operand = self.operand(node)?;
        let text = match &operand {
            Operand::Literal(Literal::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let name = format!("{} of \"{}\"", param.name, function.name);
        let said = quote(&self.text[range.clone()]);
        match param.what {
            What::Number if operand.nature() == Nature::Text => {
                let help = "a number is written without quotes";
                self.error(range, format!("{name} is a number; found the text {said}"), help);
                return None;
            }
            What::Span if operand.nature() == Nature::Number => {
                self.error(range, format!("{name} needs a unit; found {said}"), "write it as in \"30d\"");
                return None;
            }
            What::Table | What::Schedule | What::Format | What::Word(_) if text.is_none() => {
                let message = format!("{name} has to be written out; found {said}");
                self.error(range, message, "write a text in quotes");
                return None;
            }
            What::Table => found.table = Some(self.table(range, &text?)?),
            What::Schedule => found.schedule = Some(self.schedule(range, &text?)?),
            What::Span => self.span(range, &name, text.as_deref())?,
            What::Format => {
                found.formats.push(self.format(range, &text?, function, found.formats.is_empty())?)
            }
            What::Word(words) => self.word(range, &name, &text?, words)?,
            _ => {}
        }
        Some(Arg::Value(operand))
    }

    fn table(&mut self, range: Range<usize>, name: &str) -> Option<Arc<LookupTable>> {
        let tables = &self.scope.tables;
        if let Some(table) = tables.get(name) {
            return Some(table.clone());
        }
        let what = format!("lookup table \"{name}\"");
        let error = unknown(range, &what, name, &tables.names(), self.where_defined("lookup_tables"));
        self.errors.push(error);
        None
    }

    fn schedule(&mut self, range: Range<usize>, name: &str) -> Option<Arc<Schedule>> {
        let schedules = &self.scope.schedules;
        if let Some(schedule) = schedules.get(name) {
            return Some(schedule.clone());
        }
        let what = format!("schedule \"{name}\"");
        // Elsewhere schedules are named with an @.
        let plain = name.trim_start_matches('@');
        let error = unknown(range, &what, plain, &schedules.names(), self.where_defined("schedules"));
        self.errors.push(error);
        None
    }

    /// What to do where nothing at all is defined under that key of the production.
    fn where_defined(&self, key: &str) -> String {
        self.scope.hint.map_or_else(|| format!("define it under {key}"), str::to_owned)
    }

    /// A span of time that is written out is one.
    fn span(&mut self, range: Range<usize>, name: &str, text: Option<&str>) -> Option<()> {
        let Some(text) = text.filter(|text| Span::read(text).is_none()) else { return Some(()) };
        let help = "write a whole number with its unit: ms, s, m, h, d, mo or y, as in \"30d\" or \"-2h\"";
        self.error(range, format!("{name} is \"{text}\", which is no span of time"), help);
        None
    }

    fn format(
        &mut self,
        range: Range<usize>,
        text: &str,
        function: &Function,
        first: bool,
    ) -> Option<Format> {
        let is_read = first && function.id == Id::ConvertDatetime;
        match Format::read(text) {
            Ok(Format::Coded(_)) if is_read && !text.contains("%Y") => {
                let message = format!("a date cannot be read by \"{text}\", which says no year");
                self.error(range, message, "write hl7, or codes as in %Y-%m-%d");
                None
            }
            Ok(format) => Some(format),
            Err(wrong) => {
                let help =
                    "write hl7, or codes as in %Y-%m-%d %H:%M:%S; also %f for fractions, %z for the zone";
                self.error(range, format!("\"{wrong}\" is no format of dates"), help);
                None
            }
        }
    }

    fn word(&mut self, range: Range<usize>, name: &str, found: &str, words: &[&str]) -> Option<()> {
        if words.contains(&found) {
            return Some(());
        }
        let help = match nearest(found, words.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("expected one of {}", words.join(", ")),
        };
        self.error(range, format!("{name} is \"{found}\""), help);
        None
    }
}
