//! Sets of rules that a flow asks: what they return, and whom they send to.

use std::sync::Arc;

use model::{EventKind, HostContext, Payload, Sent};
use rules::{Routing, RuleSet, RuleStep, Transform};

use super::super::rule_log::{Account, end_of};
use super::super::transforming::is_same;
use super::instance::Fault;
use super::program::Source;
use super::run::{Go, Run};

/// A set of rules that is asked.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) set: RuleSet,
    /// The message that they are about.
    pub(super) of: String,
    /// The variable for what they return.
    pub(super) name: String,
}

/// The variable for the rule that held.
pub(super) fn rule_of(name: &str) -> String {
    format!("{name}_rule")
}

/// What the rules came to.
#[derive(Default)]
struct Found<'a> {
    /// The rule that held last, or that returned last.
    rule: &'a str,
    returned: Option<String>,
    sends: Vec<(&'a str, &'a str, &'a [Arc<Transform>])>,
}

impl<'a> Found<'a> {
    fn hear(&mut self, step: RuleStep<'a>) {
        match step {
            RuleStep::Holds { rule } if self.returned.is_none() => self.rule = rule,
            RuleStep::Returns { rule, value, .. } => {
                self.rule = rule;
                self.returned = Some(value.text().to_owned());
            }
            RuleStep::Sends(sent) => self.sends.push((sent.target, sent.rule, sent.transforms)),
            RuleStep::Holds { .. }
            | RuleStep::Fails { .. }
            | RuleStep::Delegates { .. }
            | RuleStep::Through => {}
        }
    }
}

impl Run<'_> {
    /// Asks the rules, and sends what they send.
    pub(super) async fn rules(&mut self, rules: &Rules, host: &HostContext) -> Result<Go, Fault> {
        let mut found = Found::default();
        let mut account = Account::new(self.rule_log);
        let view = self.view(&rules.of);
        let routing = rules.set.route(&view.facts(), &mut |step| {
            account.step(&step);
            found.hear(step);
        });
        let asked = view.unless_trouble(());
        drop(view);
        let sends = match asked {
            Ok(()) => self.sent(&found, &rules.of, host).await,
            Err(fault) => Err(fault),
        };
        let said = match &sends {
            Err(fault) => fault.reason.clone(),
            Ok(_) => end_of(routing),
        };
        if let Some(text) = account.close(&said, sends.is_err()) {
            self.say(EventKind::Trace, text);
        }
        self.step.sends.extend(sends?);
        self.instance.context.insert(rule_of(&rules.name), found.rule.to_owned());
        self.instance.context.insert(rules.name.clone(), found.returned.unwrap_or_default());
        if let Routing::Deleted(rule) = routing {
            self.say(EventKind::Info, format!("discarded by rule \"{rule}\""));
            self.instance.threads.clear();
            self.instance.calls.clear();
            return Ok(Go::Ended);
        }
        Ok(Go::Next)
    }

    /// What the rules send: all of it, or nothing where a transform fails.
    async fn sent(&mut self, found: &Found<'_>, of: &str, host: &HostContext) -> Result<Vec<Sent>, Fault> {
        let mut made: Vec<(&[Arc<Transform>], Payload)> = Vec::new();
        let mut sends = Vec::with_capacity(found.sends.len());
        for (target, rule, transforms) in &found.sends {
            // A chain that several targets get is run once.
            let payload = match made.iter().find(|(other, _)| is_same(other, transforms)) {
                Some((_, payload)) => payload.clone(),
                None => {
                    let source = match transforms.is_empty() {
                        true => Source::Message(of.to_owned()),
                        false => Source::Chain { transforms: transforms.to_vec(), of: of.to_owned() },
                    };
                    let (id, body) = self.made(&source, host).await.map_err(|fault| under(rule, fault))?;
                    let payload = Payload { id, body };
                    made.push((transforms, payload.clone()));
                    payload
                }
            };
            let (target, description) = ((*target).to_owned(), (*rule).to_owned());
            sends.push(Sent { target, payload, description, call: None });
        }
        Ok(sends)
    }
}

/// The fault, with the rule that it is of.
fn under(rule: &str, fault: Fault) -> Fault {
    Fault { reason: format!("rule \"{rule}\": {}", fault.reason), ..fault }
}
