//! A trial of rules: what they would make of a message, told rule by rule, with nothing sent and nothing
//! stored. It is the router itself that decides.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use model::{
    BuildError, BusinessType, EventKind, Library, Message, MessageHeader, MessageId, Outgoing, Timestamp,
};
use rules::{Names, Routing, RuleSet, RuleStep, Variables};
use script::{Bench, Limits};
use serde_json::Value;

use super::super::rule_log::{RuleLog, why_not};
use super::routes::{Asking, Verdict};
use super::{ALL_THE_SAME, INVALID, Router, Routes, Settings, Validity, context};
use crate::hl7::doc_type::DocTypes;
use crate::hl7::settings::{Validation, ZSegments};

/// Rules that messages are tried on.
pub struct Trial {
    router: Router,
    /// Of what type messages are where they come from.
    types: DocTypes,
    source: Arc<str>,
    /// Whom the rules belong to.
    target: Arc<str>,
    context: Option<BTreeMap<String, String>>,
    bench: Bench,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The rules in the order in which they were looked at; none where the message is no matter for them.
    pub rules: Vec<Looked>,
    /// What is doubtful about the message.
    pub doubts: Vec<String>,
    /// What became of it.
    pub end: End,
}

/// A rule that was looked at, or would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Its name.
    pub rule: String,
    /// How many sets it stands in that were handed on to.
    pub depth: usize,
    /// Whether it holds; none where it was not looked at.
    pub holds: Option<bool>,
    /// Why it does not, as the rule log says it.
    pub why: String,
    /// What it asks for there, as it is written.
    pub asked: String,
    /// What it does, in order.
    pub did: Vec<Did>,
}

/// One thing that a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// It sends to this item what these transforms make.
    Sends(String, Vec<String>),
    /// It hands on to this set.
    Delegates(String),
    /// It gives a value; which, where the rule says it in so many words: else it may be of the message.
    Returns(Option<String>),
    /// It lets the message go no further.
    Deletes,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It would be sent to these items.
    Sent(Vec<String>),
    /// A rule wanted it, and it goes nowhere: why.
    SetAside(String),
    /// No rule wanted it: it would be discarded.
    Unwanted,
    /// It would end as an error: why, and who would get it.
    Refused(String, Option<String>),
}

impl Trial {
    /// Of the rules of a router, by its name and settings.
    ///
    /// # Errors
    /// When the settings are wrong.
    pub fn of_router(name: &str, settings: &Value, library: &Library) -> Result<Trial, BuildError> {
        let settings: Settings = serde_json::from_value(settings.clone())
            .map_err(|error| BuildError { path: String::new(), message: error.to_string() })?;
        Trial::new(name, Router::new(settings, library)?, None, library)
    }

    /// Of a set of rules that a production defines, with what is known as `context`.
    ///
    /// # Errors
    /// When there is no such set, or it asks for what is not known.
    pub fn of_set(
        name: &str,
        known: BTreeMap<String, String>,
        library: &Library,
    ) -> Result<Trial, BuildError> {
        let types = DocTypes::new("", library)?;
        let mut may_name = context(&types, library);
        if !known.is_empty() {
            may_name.scope.context = Names::These(known.keys().cloned().collect());
        }
        let rules = RuleSet::named(name, &may_name).map_err(|findings| {
            let said = findings.iter().map(|finding| finding.message.as_str());
            BuildError { path: String::new(), message: said.collect::<Vec<_>>().join("\n") }
        })?;
        let routes = Routes {
            rules,
            bad_message_handler: None,
            response_from: Vec::new(),
            types: None,
            made_types: types.clone(),
            rule_log: RuleLog::None,
        };
        let validity = Validity::new(Validation::default(), ZSegments::default(), types);
        let router = Router { routes: Arc::new(routes), validity, doubts: HashSet::new() };
        Trial::new("", router, Some(known), library)
    }

    fn new(
        target: &str,
        router: Router,
        context: Option<BTreeMap<String, String>>,
        library: &Library,
    ) -> Result<Trial, BuildError> {
        let types = DocTypes::new("", library)?;
        let bench = Bench::default();
        Ok(Trial { router, types, source: "".into(), target: target.into(), context, bench })
    }

    /// As if the messages came from an item of that name, which reads them by this schema.
    ///
    /// # Errors
    /// When there is no such schema.
    pub fn from(mut self, source: &str, schema: &str, library: &Library) -> Result<Trial, BuildError> {
        self.types = DocTypes::new(schema, library)?;
        self.source = source.into();
        Ok(self)
    }

    /// Everybody that may get something.
    pub fn targets(&self) -> Vec<&str> {
        self.router.routes.rules.targets()
    }

    /// What would become of a message.
    pub fn run(&mut self, bytes: Bytes, charset: &str, name: &str, now: Timestamp) -> Tried {
        let read = hl7::Message::read(bytes.clone(), charset);
        let body = self.types.body(bytes, read, charset.to_owned(), name.to_owned());
        let (from, to) = (BusinessType::BusinessService, BusinessType::BusinessProcess);
        let header =
            MessageHeader::request(MessageId(1), None, &self.source, from, &self.target, to, None, now);
        let request = Message { header, body };
        let mut told = Vec::new();
        let mut tell = |kind, text| told.extend((kind == EventKind::Warning).then_some(text));
        self.router.doubts.clear();
        let begun = self.router.begin(&request, &mut tell);
        let routes = &self.router.routes;
        let message = match begun {
            Ok(message) => message,
            Err(reason) => {
                // At length, where it was told so.
                let reason = told.pop_if(|text| text.starts_with(INVALID)).unwrap_or(reason);
                let end = End::Refused(reason, routes.bad_message_handler.clone());
                return Tried { rules: Vec::new(), doubts: doubts(told), end };
            }
        };
        let context = self.context.as_ref().map(|known| known as &dyn Variables);
        let asking = Asking { request: &request, message: &message, now, context };
        let mut desk = self.bench.desk(Limits::default());
        let mut account = Account::of(&routes.rules);
        let verdict = routes.judge(asking, Some(&mut desk), &mut |step| account.hear(step), &mut |_, _| {});
        let rules = account.close(matches!(verdict.routing, Routing::Deleted(_)));
        let end = ended(verdict, routes.bad_message_handler.clone(), &rules);
        Tried { rules, doubts: doubts(told), end }
    }
}

fn doubts(told: Vec<String>) -> Vec<String> {
    let short = |text: String| text.split(ALL_THE_SAME).next().unwrap_or_default().to_owned();
    told.into_iter().map(short).collect()
}

fn ended(verdict: Verdict<'_>, handler: Option<String>, rules: &[Looked]) -> End {
    let returns = |rule: &&Looked| rule.did.iter().any(|did| matches!(did, Did::Returns(_)));
    match (verdict.wrong, verdict.routing) {
        (Some(reason), _) => End::Refused(reason, handler),
        (None, Routing::Unmatched) => End::Unwanted,
        (None, _) if verdict.sends.is_empty() => match rules.iter().rfind(returns) {
            Some(rule) => End::SetAside(format!("rule \"{}\" returns and sends it nowhere", rule.rule)),
            None => End::SetAside(verdict.said),
        },
        (None, _) => End::Sent(verdict.sends.into_iter().map(target).collect()),
    }
}

fn target(sent: Outgoing) -> String {
    sent.target.to_string()
}

/// The account of one message, rule by rule.
struct Account<'a> {
    looked: Vec<Looked>,
    /// The sets that are being looked at, the innermost last.
    within: Vec<Within<'a>>,
}

struct Within<'a> {
    rules: &'a RuleSet,
    /// How many of them were looked at.
    seen: usize,
    /// The one that holds and acts now, of all that were looked at.
    holds: Option<usize>,
}

impl<'a> Account<'a> {
    fn of(rules: &'a RuleSet) -> Self {
        let mut account = Account { looked: Vec::new(), within: Vec::new() };
        account.enter(rules);
        account
    }

    fn hear(&mut self, step: &RuleStep<'a>) {
        match step {
            RuleStep::Holds { rule } => self.look(rule, true, String::new(), String::new()),
            RuleStep::Fails { rule, why, asked } => {
                self.look(rule, false, why_not(*why), asked.to_string());
            }
            RuleStep::Sends(sent) => {
                let by = sent.transforms.iter().map(|transform| transform.name().to_owned());
                self.did(Did::Sends(sent.target.to_owned(), by.collect()));
            }
            RuleStep::Returns { written, .. } => self.did(Did::Returns(written.map(str::to_owned))),
            RuleStep::Delegates { set, rules } => {
                self.did(Did::Delegates((*set).to_owned()));
                self.enter(rules);
            }
            RuleStep::Through => self.leave(),
        }
    }

    fn enter(&mut self, rules: &'a RuleSet) {
        self.within.push(Within { rules, seen: 0, holds: None });
    }

    /// Lists the rules behind the one that ended the set.
    fn leave(&mut self) {
        let Some(Within { rules, seen, .. }) = self.within.pop() else { return };
        let depth = self.within.len();
        let behind = rules.names().skip(seen).map(|rule| Looked {
            rule: rule.to_owned(),
            depth,
            holds: None,
            why: String::new(),
            asked: String::new(),
            did: Vec::new(),
        });
        self.looked.extend(behind);
    }

    fn look(&mut self, rule: &str, holds: bool, why: String, asked: String) {
        let (at, depth) = (self.looked.len(), self.within.len().saturating_sub(1));
        if let Some(within) = self.within.last_mut() {
            within.seen += 1;
            within.holds = holds.then_some(at);
        }
        let rule = rule.to_owned();
        self.looked.push(Looked { rule, depth, holds: Some(holds), why, asked, did: Vec::new() });
    }

    /// The rule that holds does that.
    fn did(&mut self, did: Did) {
        let holds = self.within.last().and_then(|within| within.holds);
        if let Some(looked) = holds.and_then(|at| self.looked.get_mut(at)) {
            looked.did.push(did);
        }
    }

    /// All of it. Where the message was let go, it was by the rule that was looked at last, whatever set it
    /// stands in.
    fn close(mut self, deleted: bool) -> Vec<Looked> {
        self.leave();
        let last = self.looked.iter_mut().rfind(|rule| rule.holds.is_some());
        if let (true, Some(last)) = (deleted, last) {
            last.did.push(Did::Deletes);
        }
        self.looked
    }
}
