//! Which messages rules send where, and what is wrong with rules.

use super::{Routed, Routing, Rule, RuleSet, RuleStep, Texts};
use crate::Facts;

fn when(name: &str, when: &str, send: &[&str]) -> Rule {
    Rule { name: name.to_owned(), when: when.into(), send: Some(send.into()), ..Rule::default() }
}

fn otherwise(send: &[&str]) -> Rule {
    Rule { when: Texts::default(), otherwise: true, ..when("", "", send) }
}

/// What the rules send for a message from `source`, as `target (rule)`.
fn route(rules: &[Rule], source: &str) -> (Vec<String>, bool) {
    let rules = RuleSet::compile(rules).unwrap();
    let mut sent = Vec::new();
    let facts = Facts { source, ..Facts::default() };
    let routing = rules.route(&facts, &mut |step| {
        if let RuleStep::Sends(Routed { target, rule, .. }) = step {
            sent.push(format!("{target} ({rule})"));
        }
    });
    (sent, routing != Routing::Unmatched)
}

#[test]
fn every_rule_that_holds_sends() {
    let rules = [
        when("a", "source = \"A\"", &["X", "Y"]),
        when("", "source in (\"A\", \"B\")", &["X"]),
        otherwise(&["Z"]),
    ];
    assert_eq!(route(&rules, "A").0, ["X (a)", "Y (a)", "X (rule 2)"]);
    assert_eq!(route(&rules, "B").0, ["X (rule 2)"]);
    assert_eq!(route(&rules, "C").0, ["Z (otherwise)"]);
}

#[test]
fn a_rule_that_stops_is_the_last() {
    let rules = [Rule { stop: true, ..when("a", "source = \"A\"", &["X"]) }, when("all", "true", &["Y"])];
    assert_eq!(route(&rules, "A").0, ["X (a)"]);
    assert_eq!(route(&rules, "B").0, ["Y (all)"]);
}

#[test]
fn a_disabled_rule_is_not_there() {
    let rules = [Rule { disabled: true, ..when("a", "true", &["X"]) }, otherwise(&["Z"])];
    assert_eq!(route(&rules, "A").0, ["Z (otherwise)"]);
}

#[test]
fn what_nothing_wants_and_what_is_set_aside_are_told_apart() {
    let rules = [when("noise", "source = \"A\"", &[])];
    assert_eq!(route(&rules, "A"), (vec![], true));
    assert_eq!(route(&rules, "B"), (vec![], false));
}

/// Each finding as `place: message`, errors in capitals.
fn findings(rules: &[Rule]) -> Vec<String> {
    let found = RuleSet::findings(rules);
    let errors = found.iter().any(|finding| finding.is_error);
    assert_eq!(RuleSet::compile(rules).is_err(), errors);
    let line = |finding: &super::RuleFinding| {
        let level = if finding.is_error { "error" } else { "warning" };
        format!("{level}: {}: {}", finding.place, finding.message)
    };
    found.iter().map(line).collect()
}

#[test]
fn good_rules_have_no_findings() {
    assert_eq!(findings(&[when("a", "MSH-9.1 = \"ADT\"", &["X"]), otherwise(&["X"])]), [""; 0]);
}

#[test]
fn conditions_are_checked_where_they_stand() {
    let rules = [when("a", "true", &["X"]), when("b", "MSH-9.1 == \"ADT\" and sorce = \"x\"", &["X"])];
    let found = RuleSet::findings(&rules);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!((found[0].place.as_str(), found[0].range.clone()), ("rules[1].when", Some(8..10)));
    assert_eq!(found[0].help.as_deref(), Some("write \"=\""));
    let doubtful = findings(&[when("a", "MSH-9.1 = \"A\" and MSH-9.1 = \"B\"", &["X"])]);
    assert_eq!(doubtful, ["warning: rules[0].when: this is never true, whatever the message says"]);
}

#[test]
fn a_rule_has_when_or_otherwise() {
    let neither = Rule { when: Texts::default(), ..when("", "", &["X"]) };
    assert_eq!(
        findings(&[neither]),
        ["error: rules[0]: the rule has neither \"when\" nor \"otherwise: true\""]
    );
    let both = Rule { otherwise: true, ..when("", "true", &["X"]) };
    assert_eq!(
        findings(&[both]),
        ["error: rules[0].otherwise: a rule has either \"when\" or \"otherwise: true\", not both"]
    );
}

#[test]
fn rules_that_can_never_be_reached_are_found() {
    let all = || when("all", "true", &["X"]);
    assert_eq!(
        findings(&[otherwise(&["Z"]), all()]),
        ["error: rules[1]: this rule stands behind \"otherwise\" (rule 1)"]
    );
    assert_eq!(
        findings(&[Rule { stop: true, ..all() }, when("b", "source = \"B\"", &["Y"]), otherwise(&["Z"])]),
        [
            "warning: rules[1]: this rule can never be reached: \"all\" takes every message and stops",
            "warning: rules[2]: this rule can never be reached: \"all\" takes every message and stops",
        ]
    );
    assert_eq!(
        findings(&[all(), otherwise(&["Z"])]),
        ["warning: rules[1].otherwise: \"otherwise\" can never be reached: \"all\" takes every message"]
    );
    let disabled = Rule { disabled: true, stop: true, ..all() };
    assert_eq!(findings(&[disabled, otherwise(&["Z"])]), [""; 0]);
}

#[test]
fn doubtful_names_and_targets_are_found() {
    assert_eq!(
        findings(&[when("a", "source = \"A\"", &["X", "X"]), when("a", "source = \"B\"", &["X"])]),
        [
            "warning: rules[0].send[1]: \"X\" is sent to twice; it would get every message twice",
            "warning: rules[1].name: name \"a\" is that of rule 1 already",
        ]
    );
    let none = "warning: rules: there is no rule that is not disabled; every message would be discarded";
    assert_eq!(findings(&[]), [none]);
}
