//! The rule log: why each message went where it went, as the text of one event of kind Trace for each
//! message.

use rules::{Refusal, Routing, RuleStep};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How every event of the rule log begins.
pub const BEGINS: &str = "rules: ";
/// How long one may be; a hundred rules with their conditions would be a page.
const LONGEST: usize = 2000;

/// What the rule log tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleLog {
    /// Nothing.
    None,
    /// What went wrong: a lookup or transform that failed, and messages that no rule wanted.
    #[default]
    Errors,
    /// Which rules held, and where they sent each message.
    Results,
    /// The same, and why each of the other rules did not hold.
    Conditions,
}

/// What rules came to that sent a message nowhere, or set it aside; empty where they sent it somewhere.
pub(super) fn end_of(routing: Routing<'_>) -> String {
    match routing {
        Routing::Unmatched => "no rule matched".to_owned(),
        Routing::Deleted(rule) => format!("rule \"{rule}\" deletes it"),
        Routing::Matched(_) => String::new(),
    }
}

/// Why a rule did not hold.
pub(super) fn why_not(why: Refusal) -> String {
    match why {
        Refusal::Disabled => "it is disabled".to_owned(),
        Refusal::Constraint(constraint) => format!("not of its {}", constraint.key()),
        Refusal::NotInForce => "not in force".to_owned(),
        Refusal::Wanted => "a rule before it wanted the message".to_owned(),
        Refusal::Condition(at) => format!("condition {} does not hold", at + 1),
        Refusal::NoneOfEach => "its conditions hold together for none".to_owned(),
    }
}

/// The account of one message.
pub(super) struct Account {
    level: RuleLog,
    text: String,
    /// How many steps did not fit.
    left_out: usize,
}

impl Account {
    pub(super) fn new(level: RuleLog) -> Self {
        Account { level, text: String::new(), left_out: 0 }
    }

    /// Tells a step, where the level wants it.
    pub(super) fn step(&mut self, step: &RuleStep<'_>) {
        match step {
            _ if self.level < RuleLog::Results => {}
            RuleStep::Holds { rule } => self.add(&format!("\"{rule}\" holds")),
            RuleStep::Sends(sent) => {
                let by: Vec<&str> = sent.transforms.iter().map(|transform| transform.name()).collect();
                let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
                self.add(&format!("\"{}\" sends to \"{}\"{by}", sent.rule, sent.target));
            }
            // A value that is not written in the rule may be of the message.
            RuleStep::Returns { rule, written: Some(value), .. } => {
                self.add(&format!("\"{rule}\" returns \"{value}\""));
            }
            RuleStep::Returns { rule, .. } => self.add(&format!("\"{rule}\" returns")),
            RuleStep::Fails { rule, why: Refusal::Disabled, .. } if self.level == RuleLog::Conditions => {
                self.add(&format!("\"{rule}\" is disabled"));
            }
            RuleStep::Fails { rule, why, .. } if self.level == RuleLog::Conditions => {
                let why = why_not(*why);
                self.add(&format!("\"{rule}\" does not: {why}"));
            }
            RuleStep::Fails { .. } | RuleStep::Delegates { .. } | RuleStep::Through => {}
        }
    }

    fn add(&mut self, what: &str) {
        if self.text.len() + what.len() > LONGEST {
            self.left_out += 1;
            return;
        }
        self.text += if self.text.is_empty() { "" } else { "; " };
        self.text += what;
    }

    /// Tells what came of it; the account, where the level wants it.
    pub(super) fn close(mut self, end: &str, went_wrong: bool) -> Option<String> {
        let wanted = match self.level {
            RuleLog::None => false,
            RuleLog::Errors => went_wrong,
            RuleLog::Results | RuleLog::Conditions => true,
        };
        if !wanted {
            return None;
        }
        if self.left_out > 0 {
            self.text += &format!("; and {} more", self.left_out);
        }
        let mut text = format!("{BEGINS}{}", self.text);
        if !end.is_empty() {
            text += if self.text.is_empty() { "" } else { "; " };
            text += end;
        }
        Some(text)
    }
}
