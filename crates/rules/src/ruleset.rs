//! Routing rules: which messages go where.
//!
//! All rules are looked at in order. Each that holds sends; one that holds and says `stop` is the
//! last. `otherwise`, which can only be the last rule, sends what no rule before it wanted. A message
//! that two rules send to one item goes there twice, each time under the rule's name.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use hl7::schema::PathContext;

use crate::{Expr, ExprError, Facts, Scope};

/// A rule as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// What it is called in traces; when empty, `rule` and its number.
    pub name: String,
    /// The condition. Needed unless `otherwise`.
    pub when: Option<String>,
    /// Whether it is for what no rule before it wanted.
    pub otherwise: bool,
    /// The items that get the message; none to set it aside knowingly.
    pub send: Vec<String>,
    /// Whether no rule behind it is looked at when it holds.
    pub stop: bool,
    /// Whether it is left out.
    pub disabled: bool,
}

/// Where something about the rules stands. Displays as `rules[0].when`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulePlace {
    /// All of them.
    All,
    /// One rule.
    Rule(usize),
    /// Its name.
    Name(usize),
    /// Its condition.
    When(usize),
    /// Its `otherwise`.
    Otherwise(usize),
    /// One of the items that it sends to.
    Send(usize, usize),
}

impl Display for RulePlace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            RulePlace::All => f.write_str("rules"),
            RulePlace::Rule(i) => write!(f, "rules[{i}]"),
            RulePlace::Name(i) => write!(f, "rules[{i}].name"),
            RulePlace::When(i) => write!(f, "rules[{i}].when"),
            RulePlace::Otherwise(i) => write!(f, "rules[{i}].otherwise"),
            RulePlace::Send(i, j) => write!(f, "rules[{i}].send[{j}]"),
        }
    }
}

/// One thing that is wrong with, or doubtful in, rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFinding {
    /// Where.
    pub place: RulePlace,
    /// Whether the rules cannot run; else they hardly run as meant.
    pub is_error: bool,
    /// The bytes of the condition, where it is about a part of one.
    pub range: Option<Range<usize>>,
    /// What was found and what was wanted.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl RuleFinding {
    fn new(place: RulePlace, is_error: bool, message: impl Into<String>, help: &str) -> Self {
        let help = (!help.is_empty()).then(|| help.to_owned());
        RuleFinding { place, is_error, range: None, message: message.into(), help }
    }

    fn of_condition(rule: usize, is_error: bool, about: &ExprError) -> Self {
        RuleFinding {
            place: RulePlace::When(rule),
            is_error,
            range: Some(about.range.clone()),
            message: about.message.clone(),
            help: about.help.clone(),
        }
    }
}

/// Rules, compiled.
#[derive(Debug, Clone)]
pub struct RuleSet(Vec<Compiled>);

#[derive(Debug, Clone)]
struct Compiled {
    name: String,
    /// None for `otherwise`.
    when: Option<Expr>,
    send: Vec<String>,
    stop: bool,
}

/// One message that a rule sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed<'a> {
    /// The item it is for.
    pub target: &'a str,
    /// The rule that sends it.
    pub rule: &'a str,
}

/// What the rules made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing<'a> {
    /// No rule wanted it.
    Unmatched,
    /// Rules wanted it; this is the first one's name.
    Matched(&'a str),
}

impl RuleSet {
    /// Compiles rules.
    ///
    /// # Errors
    /// Everything that keeps them from running.
    pub fn compile(rules: &[Rule]) -> Result<RuleSet, Vec<RuleFinding>> {
        Self::compile_with(rules, &PathContext::default())
    }

    /// Compiles rules whose paths are read by the schemas of `context`.
    ///
    /// # Errors
    /// Everything that keeps them from running.
    pub fn compile_with(rules: &[Rule], context: &PathContext) -> Result<RuleSet, Vec<RuleFinding>> {
        let (compiled, findings) = compile(rules, context);
        let errors: Vec<_> = findings.into_iter().filter(|finding| finding.is_error).collect();
        if errors.is_empty() { Ok(RuleSet(compiled)) } else { Err(errors) }
    }

    /// Everything that is wrong with, or doubtful in, rules.
    pub fn findings(rules: &[Rule]) -> Vec<RuleFinding> {
        Self::findings_with(rules, &PathContext::default())
    }

    /// The same of rules whose paths are read by the schemas of `context`.
    pub fn findings_with(rules: &[Rule], context: &PathContext) -> Vec<RuleFinding> {
        compile(rules, context).1
    }

    /// Hands what the rules send to `send`, in order.
    pub fn route<'a>(&'a self, facts: &Facts<'_>, mut send: impl FnMut(Routed<'a>)) -> Routing<'a> {
        let mut routing = Routing::Unmatched;
        for rule in &self.0 {
            let holds = match &rule.when {
                Some(when) => when.is_true(facts),
                None => routing == Routing::Unmatched,
            };
            if !holds {
                continue;
            }
            if routing == Routing::Unmatched {
                routing = Routing::Matched(&rule.name);
            }
            for target in &rule.send {
                send(Routed { target, rule: &rule.name });
            }
            if rule.stop {
                break;
            }
        }
        routing
    }
}

fn compile(rules: &[Rule], context: &PathContext) -> (Vec<Compiled>, Vec<RuleFinding>) {
    let mut compiled: Vec<Compiled> = Vec::with_capacity(rules.len());
    let mut findings = Vec::new();
    if rules.iter().all(|rule| rule.disabled) {
        let message = "there is no rule that is not disabled; every message would be discarded";
        findings.push(RuleFinding::new(
            RulePlace::All,
            false,
            message,
            "write a rule with \"otherwise: true\"",
        ));
    }
    let mut reach = Reach::default();
    for (i, rule) in rules.iter().enumerate() {
        let when = condition(i, rule, context, &mut findings);
        sends(i, rule, &mut findings);
        let name = match (rule.name.as_str(), rule.otherwise) {
            ("", true) => "otherwise".to_owned(),
            ("", false) => format!("rule {}", i + 1),
            (name, _) => name.to_owned(),
        };
        if let Some(same) =
            rules[..i].iter().position(|other| !rule.name.is_empty() && other.name == rule.name)
        {
            let message = format!("name \"{name}\" is that of rule {} already", same + 1);
            findings.push(RuleFinding::new(
                RulePlace::Name(i),
                false,
                message,
                "traces could not tell them apart",
            ));
        }
        if rule.disabled {
            continue;
        }
        reach.look_at(i, rule, when.as_ref(), &name, &mut findings);
        compiled.push(Compiled { name, when, send: rule.send.clone(), stop: rule.stop });
    }
    (compiled, findings)
}

/// The rule's condition; none for `otherwise`, and where there is none to speak of.
fn condition(i: usize, rule: &Rule, context: &PathContext, findings: &mut Vec<RuleFinding>) -> Option<Expr> {
    let text = match (&rule.when, rule.otherwise) {
        (Some(text), false) => text,
        (None, true) => return None,
        (Some(_), true) => {
            let message = "a rule has either \"when\" or \"otherwise: true\", not both";
            findings.push(RuleFinding::new(RulePlace::Otherwise(i), true, message, "make two rules of it"));
            return None;
        }
        (None, false) => {
            let help = "write when: MSH-9.1 = \"ADT\"; for every message write when: \"true\"";
            let message = "the rule has neither \"when\" nor \"otherwise: true\"";
            findings.push(RuleFinding::new(RulePlace::Rule(i), true, message, help));
            return None;
        }
    };
    match Expr::condition(text, &Scope::from(context)) {
        Ok(expr) => {
            let warnings = expr.warnings().iter();
            findings.extend(warnings.map(|doubt| RuleFinding::of_condition(i, false, doubt)));
            Some(expr)
        }
        Err(errors) => {
            findings.extend(errors.iter().map(|error| RuleFinding::of_condition(i, true, error)));
            None
        }
    }
}

fn sends(i: usize, rule: &Rule, findings: &mut Vec<RuleFinding>) {
    for (j, target) in rule.send.iter().enumerate() {
        if rule.send[..j].contains(target) {
            let message = format!("\"{target}\" is sent to twice; it would get every message twice");
            findings.push(RuleFinding::new(RulePlace::Send(i, j), false, message, "take one away"));
        }
    }
}

/// Which rules can still be reached.
#[derive(Default)]
struct Reach {
    /// The rule that takes everything and stops.
    ended: Option<String>,
    /// The rule that is true of everything.
    taken: Option<String>,
    /// Where `otherwise` was.
    otherwise: Option<usize>,
}

impl Reach {
    fn look_at(
        &mut self,
        i: usize,
        rule: &Rule,
        when: Option<&Expr>,
        name: &str,
        findings: &mut Vec<RuleFinding>,
    ) {
        if let Some(otherwise) = self.otherwise {
            let message = format!("this rule stands behind \"otherwise\" (rule {})", otherwise + 1);
            let help = "\"otherwise\" is for what no rule wanted; make it the last rule";
            findings.push(RuleFinding::new(RulePlace::Rule(i), true, message, help));
        } else if let Some(ended) = &self.ended {
            let message =
                format!("this rule can never be reached: \"{ended}\" takes every message and stops");
            findings.push(RuleFinding::new(RulePlace::Rule(i), false, message, "put it before that rule"));
        } else if let (true, Some(taken)) = (rule.otherwise, &self.taken) {
            let message = format!("\"otherwise\" can never be reached: \"{taken}\" takes every message");
            findings.push(RuleFinding::new(RulePlace::Otherwise(i), false, message, "take it away"));
        }
        if rule.otherwise {
            self.otherwise.get_or_insert(i);
        } else if when.and_then(Expr::constant) == Some(true) {
            self.taken.get_or_insert_with(|| name.to_owned());
            if rule.stop {
                self.ended.get_or_insert_with(|| name.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests;
