//! Routing rules: which messages go where.
//!
//! All rules are looked at in order. Each that holds sends; one that holds and says `stop` is the
//! last. `otherwise`, which can only be the last rule, sends what no rule before it wanted. A message
//! that two rules send to one item goes there twice, each time under the rule's name. A rule may hand
//! on to another set of rules, which then stand in its place.

mod check;
mod force;
mod kinds;
mod reach;
mod rule;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::sync::Arc;

use hl7::FieldPath;

pub use self::rule::{Effective, Rule, Texts};
use crate::facts::Fact;
use crate::{Expr, Facts, Scope, Transform, Transforms, Value};

/// One thing that is wrong with, or doubtful in, rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFinding {
    /// Where, as in `rules[0].when`.
    pub place: String,
    /// Whether the rules cannot run; else they hardly run as meant.
    pub is_error: bool,
    /// The bytes of the text there, where it is about a part of one.
    pub range: Option<Range<usize>>,
    /// What was found and what was wanted.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// The sets of rules that a production defines beside its items, by name; none for one that is wrong, which
/// was told where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleSets(pub BTreeMap<String, Option<Vec<Rule>>>);

/// What rules may name.
#[derive(Debug, Clone, Default)]
pub struct RuleContext {
    /// What their conditions may name.
    pub scope: Scope,
    /// The transforms of the production.
    pub transforms: Arc<Transforms>,
    /// The sets that rules may delegate to.
    pub sets: Arc<RuleSets>,
}

/// Rules, compiled.
#[derive(Debug, Clone, Default)]
pub struct RuleSet(Vec<Compiled>);

#[derive(Debug, Clone)]
struct Compiled {
    name: String,
    /// Whether it holds for nothing, as if it were not there.
    disabled: bool,
    constraints: Vec<(Constraint, Vec<String>)>,
    force: force::Force,
    /// None holds of everything.
    when: Vec<Expr>,
    otherwise: bool,
    each: Option<FieldPath>,
    send: Vec<String>,
    transforms: Vec<Arc<Transform>>,
    /// The set that goes on here, with its name.
    delegate: Option<(String, Arc<RuleSet>)>,
    delete: bool,
    /// What it gives to whoever asked.
    returns: Option<Expr>,
    /// Whether it ends its set.
    stop: bool,
}

/// What a message has to be before the conditions of a rule are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// From whom it came.
    Source,
    /// Its type.
    DocType,
    /// Its schema.
    DocCategory,
}

/// Why a rule did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The rule is disabled.
    Disabled,
    /// The message is not of the kind that the rule is for.
    Constraint(Constraint),
    /// The rule is not in force now.
    NotInForce,
    /// A rule before this `otherwise` wanted the message.
    Wanted,
    /// This condition, counted from 0, does not hold.
    Condition(usize),
    /// The conditions hold together for no segment or group.
    NoneOfEach,
}

/// One thing that happens while rules are looked at.
#[derive(Debug, Clone)]
pub enum RuleStep<'a> {
    /// A rule holds.
    Holds {
        /// The rule.
        rule: &'a str,
    },
    /// A rule does not hold.
    Fails {
        /// The rule.
        rule: &'a str,
        /// Why.
        why: Refusal,
        /// What it asks for there, as it is written.
        asked: Asked<'a>,
    },
    /// A rule hands on to a set: what follows is of that set, until it is through.
    Delegates {
        /// The set, by its name.
        set: &'a str,
        /// Its rules.
        rules: &'a RuleSet,
    },
    /// A set that was handed on to is through.
    Through,
    /// A rule sends the message.
    Sends(Routed<'a>),
    /// A rule gives a value, and ends its set.
    Returns {
        /// The rule.
        rule: &'a str,
        /// The value.
        value: Value<'a>,
        /// The same, where the rule says it in so many words: then it is nothing of a message.
        written: Option<&'a str>,
    },
}

/// What a rule asks for that a message is not, as text: the condition, or the kinds of messages; nothing
/// where there is no more to say. It is made when it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a>(&'a Compiled, Refusal);

impl Display for Asked<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Asked(rule, why) = self;
        match why {
            Refusal::Condition(at) => rule.when.get(*at).map_or(Ok(()), |when| when.fmt(f)),
            Refusal::Constraint(constraint) => {
                let of = rule.constraints.iter().find(|(other, _)| other == constraint);
                f.write_str(&of.map_or_else(String::new, |(_, patterns)| patterns.join(", ")))
            }
            Refusal::NoneOfEach => {
                let each = rule.each.iter().map(ToString::to_string);
                let all: Vec<_> = each.chain(rule.when.iter().map(ToString::to_string)).collect();
                f.write_str(&all.join(", "))
            }
            Refusal::Disabled | Refusal::NotInForce | Refusal::Wanted => Ok(()),
        }
    }
}

/// One message that a rule sends.
#[derive(Debug, Clone, Copy)]
pub struct Routed<'a> {
    /// The item it is for.
    pub target: &'a str,
    /// The rule that sends it.
    pub rule: &'a str,
    /// What makes the message that is sent, one after the other.
    pub transforms: &'a [Arc<Transform>],
}

/// What the rules made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing<'a> {
    /// No rule wanted it.
    Unmatched,
    /// Rules wanted it; this is the first one's name.
    Matched(&'a str),
    /// This rule let it go no further.
    Deleted(&'a str),
}

impl RuleSet {
    /// Compiles rules about messages alone.
    ///
    /// # Errors
    /// Everything that keeps them from running.
    pub fn compile(rules: &[Rule]) -> Result<RuleSet, Vec<RuleFinding>> {
        Self::compile_in(rules, &RuleContext::default())
    }

    /// Compiles rules.
    ///
    /// # Errors
    /// Everything that keeps them from running.
    pub fn compile_in(rules: &[Rule], context: &RuleContext) -> Result<RuleSet, Vec<RuleFinding>> {
        let (compiled, findings) = check::compile(rules, context);
        let errors: Vec<_> = findings.into_iter().filter(|finding| finding.is_error).collect();
        if errors.is_empty() { Ok(compiled) } else { Err(errors) }
    }

    /// Everything that is wrong with, or doubtful in, rules about messages alone.
    pub fn findings(rules: &[Rule]) -> Vec<RuleFinding> {
        Self::findings_in(rules, &RuleContext::default())
    }

    /// Everything that is wrong with, or doubtful in, rules.
    pub fn findings_in(rules: &[Rule], context: &RuleContext) -> Vec<RuleFinding> {
        check::compile(rules, context).1
    }

    /// Everything that is wrong with, or doubtful in, a set of rules; places begin behind its name, as in
    /// `[0].when`.
    pub fn findings_of_set(name: &str, rules: &[Rule], context: &RuleContext) -> Vec<RuleFinding> {
        check::set(name, rules, context)
    }

    /// Compiles the set of that name.
    ///
    /// # Errors
    /// Why there is none: a name that is not known, or what is wrong within the set. A set that is wrong
    /// whoever asks for it is an empty one: that is told where it stands.
    pub fn named(name: &str, context: &RuleContext) -> Result<RuleSet, Vec<RuleFinding>> {
        check::named(name, context)
    }

    /// Looks at the rules in order, and tells `tell` what happens.
    pub fn route<'a>(&'a self, facts: &Facts<'_>, tell: &mut dyn FnMut(RuleStep<'a>)) -> Routing<'a> {
        let mut routing = Routing::Unmatched;
        for rule in &self.0 {
            let within = match rule.holds(facts, routing != Routing::Unmatched) {
                Ok(within) => within,
                Err(why) => {
                    let asked = Asked(rule, why);
                    tell(RuleStep::Fails { rule: &rule.name, why, asked });
                    continue;
                }
            };
            tell(RuleStep::Holds { rule: &rule.name });
            if rule.delete {
                return Routing::Deleted(&rule.name);
            }
            let found = match &rule.delegate {
                Some((name, set)) => {
                    tell(RuleStep::Delegates { set: name, rules: set });
                    let found = set.route(facts, tell);
                    tell(RuleStep::Through);
                    found
                }
                None => Routing::Matched(&rule.name),
            };
            if let Routing::Deleted(_) = found {
                return found;
            }
            if routing == Routing::Unmatched {
                routing = found;
            }
            for target in &rule.send {
                tell(RuleStep::Sends(Routed { target, rule: &rule.name, transforms: &rule.transforms }));
            }
            if let Some(returns) = &rule.returns {
                let facts = Facts { message: within.as_ref().or(facts.message), ..*facts };
                let value = Value::of_text(returns.eval(&facts).text().to_owned());
                tell(RuleStep::Returns { rule: &rule.name, value, written: returns.written() });
            }
            if rule.stop {
                break;
            }
        }
        routing
    }

    fn enabled(&self) -> impl Iterator<Item = &Compiled> {
        self.0.iter().filter(|rule| !rule.disabled)
    }

    /// Whether a rule, or one of a set that is delegated to, sends what a transform with code in it makes.
    pub fn has_code(&self) -> bool {
        self.enabled().any(|rule| {
            let others = rule.delegate.as_ref().is_some_and(|(_, set)| set.has_code());
            others || rule.transforms.iter().any(|transform| transform.has_code())
        })
    }

    /// What the rules are called, in their order; those of sets that they delegate to left out.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|rule| rule.name.as_str())
    }

    /// Everybody that the rules may send to, sets that they delegate to included.
    pub fn targets(&self) -> Vec<&str> {
        let own = self.enabled().flat_map(|rule| rule.send.iter().map(String::as_str));
        let others =
            self.enabled().filter_map(|rule| rule.delegate.as_ref()).flat_map(|(_, set)| set.targets());
        own.chain(others).collect()
    }
}

impl Compiled {
    /// Whether the rule holds: with the message as seen from the segment or group that it holds for, where
    /// it looks at each; else why it does not.
    fn holds(&self, facts: &Facts<'_>, wanted: bool) -> Result<Option<hl7::Message>, Refusal> {
        if self.disabled {
            return Err(Refusal::Disabled);
        }
        if self.otherwise && wanted {
            return Err(Refusal::Wanted);
        }
        let kept = |(constraint, patterns): &&(Constraint, Vec<String>)| !constraint.allows(patterns, facts);
        if let Some((constraint, _)) = self.constraints.iter().find(kept) {
            return Err(Refusal::Constraint(*constraint));
        }
        if !self.force.holds(facts.now) {
            return Err(Refusal::NotInForce);
        }
        match (&self.each, facts.message) {
            (None, _) => match self.when.iter().position(|when| !when.is_true(facts)) {
                None => Ok(None),
                Some(at) => Err(Refusal::Condition(at)),
            },
            (Some(each), Some(message)) => {
                let seen = each.rounds(message).into_iter().find_map(|round| {
                    let within = Arc::new(hl7::Scope { rounds: vec![round], target: None });
                    let message = message.within(within);
                    let facts = Facts { message: Some(&message), ..*facts };
                    self.when.iter().all(|when| when.is_true(&facts)).then_some(message)
                });
                seen.map(Some).ok_or(Refusal::NoneOfEach)
            }
            (Some(_), None) => Err(Refusal::NoneOfEach),
        }
    }
}

impl Constraint {
    /// What is asked for in production files.
    pub fn key(self) -> &'static str {
        match self {
            Constraint::Source => "source",
            Constraint::DocType => "doc_type",
            Constraint::DocCategory => "doc_category",
        }
    }

    fn allows(self, patterns: &[String], facts: &Facts<'_>) -> bool {
        let facts_of: &[Fact] = match self {
            Constraint::Source => &[Fact::Source],
            Constraint::DocType => &[Fact::DocType, Fact::DocStructure, Fact::DocName],
            Constraint::DocCategory => &[Fact::DocCategory],
        };
        facts_of.iter().any(|fact| {
            let found = fact.of(facts);
            patterns.iter().any(|pattern| fits(pattern.as_bytes(), found.as_bytes()))
        })
    }
}

/// Whether a text fits a pattern of `source`, `doc_type` or `doc_category`, in which `*` stands for any
/// characters, and `?` for one.
pub fn fits_pattern(pattern: &str, text: &str) -> bool {
    fits(pattern.as_bytes(), text.as_bytes())
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == b'?' || *wanted == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                // The star takes one character more.
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests;
