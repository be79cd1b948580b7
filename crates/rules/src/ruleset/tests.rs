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

fn returns(value: &str) -> Rule {
    Rule { send: None, returns: Some(value.to_owned()), ..when("kind", "source = \"A\"", &[]) }
}

/// What a set gives for a message with these results, from `source`.
fn given(rules: &[Rule], source: &str) -> Vec<(String, Option<String>)> {
    let rules = RuleSet::compile(rules).unwrap();
    let text = "MSH|^~\\&|||||||ORU^R01|1|P|2.5\rOBX|1|NM|K||3\rOBX|2|NM|NA||9\r";
    let message = hl7::Message::read(text.into(), "").unwrap();
    let facts = Facts { source, message: Some(&message), ..Facts::default() };
    let mut given = Vec::new();
    rules.route(&facts, &mut |step| {
        if let RuleStep::Returns { rule, value, written } = step {
            assert!(written.is_none_or(|written| written == value.text()));
            given.push((format!("{rule}: {}", value.text()), written.map(str::to_owned)));
        }
    });
    given
}

#[test]
fn a_rule_that_returns_ends_its_set_with_a_value() {
    let rules = [returns("\"urgent\""), when("all", "true", &["Y"])];
    assert_eq!(route(&rules, "A"), (vec![], true));
    assert_eq!(route(&rules, "B").0, ["Y (all)"]);
    assert_eq!(given(&rules, "A"), [("kind: urgent".to_owned(), Some("urgent".to_owned()))]);
    assert_eq!(given(&rules, "B"), []);
    let sends = Rule { send: Some("X".into()), ..returns("source + \"1\"") };
    assert_eq!(route(std::slice::from_ref(&sends), "A").0, ["X (kind)"]);
    assert_eq!(given(&[sends], "A"), [("kind: A1".to_owned(), None)]);
    // What stands where the conditions hold is what is returned.
    let each = Rule { for_each: Some("OBX".into()), ..returns("OBX-3") };
    let each = Rule { when: "OBX-5 > 5".into(), ..each };
    assert_eq!(given(&[each], "A")[0].0, "kind: NA");
}

#[test]
fn what_is_wrong_with_a_return_is_found() {
    assert_eq!(findings(&[returns("PID-3"), otherwise(&[])]), [""; 0]);
    assert_eq!(
        findings(&[Rule { stop: true, ..returns("PID-3") }]),
        ["warning: rules[0].stop: stop has no effect: a rule that returns ends its set"]
    );
    assert_eq!(
        findings(&[Rule { delete: true, ..returns("PID-3") }]),
        ["error: rules[0].return: a rule that deletes a message returns nothing"]
    );
    let wrong = RuleSet::findings(&[returns("urgnt(")]);
    assert_eq!((wrong[0].place.as_str(), wrong[0].is_error), ("rules[0].return", true), "{wrong:?}");
    assert_eq!(
        findings(&[returns("PID-3"), returns("PID-4")]),
        [
            "warning: rules[1].name: name \"kind\" is that of rule 1 already",
            "warning: rules[1]: this rule can never be reached: \"kind\" asks the same and stops",
        ]
    );
    let nothing = Rule { send: None, ..when("a", "true", &[]) };
    let said =
        "error: rules[0]: the rule says neither \"send\" nor \"delegate\" nor \"delete\" nor \"return\"";
    assert_eq!(findings(&[nothing]), [said]);
}
