//! Rules as they are written to rules that run, and what is wrong with them.

use std::sync::Arc;

use hl7::FieldPath;
use hl7::schema::compile_path;

use super::reach::Reach;
use super::{Compiled, Constraint, Rule, RuleContext, RuleFinding, RuleSet, Texts, force::Force, kinds};
use crate::suggest::nearest;
use crate::{Expr, ExprError, Transform};

/// How deep sets of rules may hand on to each other.
const DEEPEST: usize = 16;

/// Rules that are being compiled.
pub(super) struct Rules<'a> {
    context: &'a RuleContext,
    /// Where they stand, as in `rules`.
    place: String,
    findings: Vec<RuleFinding>,
    /// The sets that led here.
    within: Vec<&'a str>,
}

/// The compiled rules, as far as they are right, and what is wrong with them.
pub(super) fn compile(rules: &[Rule], context: &RuleContext) -> (RuleSet, Vec<RuleFinding>) {
    let mut all = Rules { context, place: "rules".to_owned(), findings: Vec::new(), within: Vec::new() };
    let set = all.set(rules);
    (set, all.findings)
}

/// The set of that name, for who asks for one by its name.
pub(super) fn named(name: &str, context: &RuleContext) -> Result<RuleSet, Vec<RuleFinding>> {
    let mut all = Rules { context, place: String::new(), findings: Vec::new(), within: Vec::new() };
    let set = all.delegate(0, name);
    match all.findings.is_empty() {
        true => Ok(set.map(Arc::unwrap_or_clone).unwrap_or_default()),
        false => Err(all.findings),
    }
}

/// What is wrong with the set of that name.
pub(super) fn set(name: &str, rules: &[Rule], context: &RuleContext) -> Vec<RuleFinding> {
    let mut all = Rules { context, place: String::new(), findings: Vec::new(), within: vec![name] };
    all.set(rules);
    all.findings
}

impl<'a> Rules<'a> {
    /// Says that something is wrong with rule `i`, at `below` it.
    pub(super) fn error(&mut self, i: usize, below: &str, message: impl Into<String>, help: &str) {
        self.tell(format!("{}[{i}]{below}", self.place), true, message, help);
    }

    pub(super) fn warning(&mut self, i: usize, below: &str, message: impl Into<String>, help: &str) {
        self.tell(format!("{}[{i}]{below}", self.place), false, message, help);
    }

    fn tell(&mut self, place: String, is_error: bool, message: impl Into<String>, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.findings.push(RuleFinding { place, is_error, range: None, message: message.into(), help });
    }

    /// Whether nothing wrong was found in rule `i`.
    pub(super) fn is_sound(&self, i: usize) -> bool {
        let place = format!("{}[{i}]", self.place);
        !self.findings.iter().any(|finding| finding.is_error && finding.place.starts_with(&place))
    }

    fn set(&mut self, rules: &[Rule]) -> RuleSet {
        let mut compiled = Vec::with_capacity(rules.len());
        if rules.iter().all(|rule| rule.disabled) {
            let message = "there is no rule that is not disabled; every message would be discarded";
            self.tell(self.place.clone(), false, message, "write a rule with \"otherwise: true\"");
        }
        let mut reach = Reach::default();
        for (i, rule) in rules.iter().enumerate() {
            let one = self.rule(i, rule);
            let same = rules[..i].iter().position(|other| !rule.name.is_empty() && other.name == rule.name);
            if let Some(same) = same {
                let message = format!("name \"{}\" is that of rule {} already", one.name, same + 1);
                self.warning(i, ".name", message, "traces could not tell them apart");
            }
            if !rule.disabled {
                reach.look_at(i, rule, &one, self);
            }
            compiled.push(one);
        }
        RuleSet(compiled)
    }

    fn rule(&mut self, i: usize, rule: &Rule) -> Compiled {
        let name = match (rule.name.as_str(), rule.otherwise) {
            ("", true) => "otherwise".to_owned(),
            ("", false) => format!("rule {}", i + 1),
            (name, _) => name.to_owned(),
        };
        let constraints = [
            (Constraint::Source, &rule.source),
            (Constraint::DocType, &rule.doc_type),
            (Constraint::DocCategory, &rule.doc_category),
        ];
        self.kinds(i, rule);
        let constraints: Vec<_> = constraints
            .into_iter()
            .filter(|(_, texts)| !texts.all().is_empty())
            .map(|(constraint, texts)| (constraint, texts.all().to_vec()))
            .collect();
        let when = self.conditions(i, rule, !constraints.is_empty());
        let force = Force::read(rule.effective.as_ref()).unwrap_or_else(|(key, message)| {
            self.error(i, &format!(".effective.{key}"), message, "");
            Force::default()
        });
        let each = rule.for_each.as_deref().and_then(|each| self.each(i, each));
        self.actions(i, rule);
        Compiled {
            name,
            disabled: rule.disabled,
            constraints,
            force,
            when,
            otherwise: rule.otherwise,
            each,
            send: rule.send.iter().flat_map(Texts::all).cloned().collect(),
            transforms: self.transforms(i, rule),
            delegate: rule
                .delegate
                .as_deref()
                .and_then(|name| Some((name.to_owned(), self.delegate(i, name)?))),
            delete: rule.delete,
            returns: rule.returns.as_deref().and_then(|text| self.returns(i, text)),
            stop: rule.stop || rule.returns.is_some(),
        }
    }

    /// The rule's conditions; none for `otherwise`, and where a constraint says it all.
    fn conditions(&mut self, i: usize, rule: &Rule, constrained: bool) -> Vec<Expr> {
        let texts = rule.when.all();
        if rule.otherwise && !(texts.is_empty() && rule.for_each.is_none()) {
            let message = "a rule has either \"when\" or \"otherwise: true\", not both";
            self.error(i, ".otherwise", message, "make two rules of it");
            return Vec::new();
        }
        if texts.is_empty() && !rule.otherwise && !constrained && rule.for_each.is_none() {
            let help = "write when: MSH-9.1 = \"ADT\"; for every message write when: \"true\"";
            self.error(i, "", "the rule has neither \"when\" nor \"otherwise: true\"", help);
        }
        let mut when = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let place = rule.when.place(&format!("{}[{i}].when", self.place), at);
            let (about, is_error) = match Expr::condition(text, &self.context.scope) {
                Ok(expr) => {
                    let warnings = expr.warnings().to_vec();
                    when.push(expr);
                    (warnings, false)
                }
                Err(errors) => (errors, true),
            };
            self.say(&place, is_error, about);
        }
        let each_is_open = when.iter().all(|when| when.constant().is_none());
        if each_is_open && when.len() > 1 && Expr::constant_of(&when) == Some(false) {
            self.warning(i, ".when", "these are never true together, whatever the message says", "");
        }
        when
    }

    fn returns(&mut self, i: usize, text: &str) -> Option<Expr> {
        let (expr, about, is_error) = match Expr::value(text, &self.context.scope) {
            Ok(expr) => {
                let warnings = expr.warnings().to_vec();
                (Some(expr), warnings, false)
            }
            Err(errors) => (None, errors, true),
        };
        let place = format!("{}[{i}].return", self.place);
        self.say(&place, is_error, about);
        expr
    }

    /// Says what is wrong with the expression at `place`.
    fn say(&mut self, place: &str, is_error: bool, about: Vec<ExprError>) {
        self.findings.extend(about.into_iter().map(|about| RuleFinding {
            place: place.to_owned(),
            is_error,
            range: Some(about.range),
            message: about.message,
            help: about.help,
        }));
    }

    fn each(&mut self, i: usize, text: &str) -> Option<FieldPath> {
        let paths = &self.context.scope.paths;
        // A group is looked at by what counts it.
        match compile_path(text, paths)
            .or_else(|error| compile_path(&format!("{text}.count"), paths).map_err(|_| error))
        {
            Ok(path) => Some(path),
            Err(error) => {
                let place = format!("{}[{i}].for_each", self.place);
                let (range, message, help) = (Some(error.range), error.message, error.help);
                self.findings.push(RuleFinding { place, is_error: true, range, message, help });
                None
            }
        }
    }

    /// What a rule does has to be said, and said once.
    fn actions(&mut self, i: usize, rule: &Rule) {
        let send = rule.send.as_ref();
        if send.is_none() && rule.delegate.is_none() && !rule.delete && rule.returns.is_none() {
            let message = "the rule says neither \"send\" nor \"delegate\" nor \"delete\" nor \"return\"";
            self.error(i, "", message, "write send: [Item]; to set messages aside, send: []");
        }
        if rule.returns.is_some() && rule.delete {
            let message = "a rule that deletes a message returns nothing";
            self.error(i, ".return", message, "take delete away, or return");
        } else if rule.returns.is_some() && rule.stop {
            let message = "stop has no effect: a rule that returns ends its set";
            self.warning(i, ".stop", message, "take it away");
        }
        if rule.delete && (rule.delegate.is_some() || send.is_some_and(|send| !send.all().is_empty())) {
            let message = "a rule that deletes a message sends it nowhere";
            self.error(i, ".delete", message, "take delete away, or what is sent");
        }
        if send.is_none_or(|send| send.all().is_empty()) && !rule.transform.all().is_empty() {
            let message = "the rule sends nothing that could be transformed";
            self.warning(i, ".transform", message, "name the items under send");
        }
        let Some(send) = send else { return };
        for (j, target) in send.all().iter().enumerate() {
            if send.all()[..j].contains(target) {
                let message = format!("\"{target}\" is sent to twice; it would get every message twice");
                self.warning(i, &send.place(".send", j), message, "take one away");
            }
        }
    }

    fn transforms(&mut self, i: usize, rule: &Rule) -> Vec<Arc<Transform>> {
        let mut found = Vec::new();
        for (j, name) in rule.transform.all().iter().enumerate() {
            match self.context.transforms.get(name) {
                Some(transform) => {
                    let place = rule.transform.place(".transform", j);
                    for (message, help) in transform.unknown_variables(&self.context.scope.context) {
                        self.error(i, &place, message, &help);
                    }
                    found.push(transform);
                }
                None => {
                    let names: Vec<&str> = self.context.transforms.names().collect();
                    let place = rule.transform.place(".transform", j);
                    self.unknown(i, &place, "transform", name, &names, "transforms");
                }
            }
        }
        found
    }

    /// What messages the rule is for, as far as there can be none.
    fn kinds(&mut self, i: usize, rule: &Rule) {
        let schemas = self.context.scope.paths.schemas();
        let all = [(&rule.doc_type, ".doc_type"), (&rule.doc_category, ".doc_category")];
        for (texts, key) in all {
            for (j, text) in texts.all().iter().enumerate() {
                let doubt = match key {
                    ".doc_type" => kinds::doc_type(text, schemas),
                    _ => kinds::category(text, schemas),
                };
                if let Some((message, help)) = doubt {
                    self.warning(i, &texts.place(key, j), message, &help);
                }
            }
        }
    }

    fn unknown(&mut self, i: usize, below: &str, what: &str, name: &str, names: &[&str], key: &str) {
        // One that is wrong was told where it stands.
        if names.contains(&name) {
            return;
        }
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if names.is_empty() => format!("define it under {key}"),
            None => {
                format!("expected one of {}", names.iter().take(10).copied().collect::<Vec<_>>().join(", "))
            }
        };
        self.error(i, below, format!("{what} \"{name}\" is not known"), &help);
    }

    fn delegate(&mut self, i: usize, name: &str) -> Option<Arc<RuleSet>> {
        let sets = &self.context.sets.0;
        let Some((own, rules)) = sets.get_key_value(name) else {
            let names: Vec<&str> = sets.keys().map(String::as_str).collect();
            self.unknown(i, ".delegate", "set of rules", name, &names, "rules");
            return None;
        };
        if self.within.contains(&name) || self.within.len() >= DEEPEST {
            let message = format!("set \"{name}\" comes round to itself");
            self.error(i, ".delegate", message, "take one of the delegates away");
            return None;
        }
        let Some(rules) = rules else { return None };
        let within: Vec<&str> = self.within.iter().copied().chain([own.as_str()]).collect();
        let place = format!("rules.{name}");
        let mut inner = Rules { context: self.context, place, findings: Vec::new(), within };
        let set = inner.set(rules);
        // What is wrong within the set is told here, too: its paths are read by this item's schema.
        for finding in inner.findings.into_iter().filter(|finding| finding.is_error) {
            let message = format!("{}: {}", finding.place, finding.message);
            self.error(i, ".delegate", message, finding.help.as_deref().unwrap_or_default());
        }
        Some(Arc::new(set))
    }
}
