//! The account of messages that rules were tried on, for people and for programs.

use anstyle::Style;
use components::processes::hl7_router::{Did, End, Looked};
use serde_json::{Value, json};

use super::super::draw::visible;
use super::{Outcome, Subject};
use crate::output::{Screen, colour, count};

/// All of it, each rule on a line, aligned over all messages.
pub(super) fn all(screen: &Screen, subject: &Subject, outcomes: &[Outcome]) -> String {
    let rules = outcomes.iter().flat_map(|outcome| &outcome.tried.rules);
    let width = rules.map(|rule| name(rule).chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for outcome in outcomes {
        text += &one(screen, subject, outcome, width);
    }
    let of = |wanted: fn(&End) -> bool| outcomes.iter().filter(|outcome| wanted(&outcome.tried.end)).count();
    let parts = [
        (of(|end| matches!(end, End::Sent(_))), "sent", colour::RESPONSE),
        (of(|end| matches!(end, End::SetAside(_))), "set aside", colour::DIM),
        (of(|end| matches!(end, End::Unwanted)), "wanted by no rule", colour::WARNING),
        (of(|end| matches!(end, End::Refused(..))), "refused", colour::ERROR),
    ];
    let parts = parts.into_iter().filter(|(number, ..)| *number > 0);
    let parts: Vec<_> =
        parts.map(|(number, what, style)| screen.paint(style, &format!("{number} {what}"))).collect();
    let what = if subject.is_set { "set" } else { "router" };
    text + &format!(
        "{what} \"{}\"  {}: {}\n",
        subject.name,
        count(outcomes.len(), "message"),
        parts.join(", ")
    )
}

fn one(screen: &Screen, subject: &Subject, outcome: &Outcome, width: usize) -> String {
    let heading = format!("{}:{} message {}", outcome.label, outcome.line, outcome.number);
    let from = subject.source.as_ref().map_or(String::new(), |source| format!(" from \"{source}\""));
    let mut text = format!("{}{from}\n", screen.paint(colour::BOLD, &heading));
    for doubt in &outcome.tried.doubts {
        text += &format!("  {}\n", screen.paint(colour::WARNING, &visible(doubt)));
    }
    for rule in &outcome.tried.rules {
        text += &line(screen, rule, width);
    }
    let (style, end) = ended(&outcome.tried.end, subject.is_set);
    text + &format!("  {} {}\n", screen.paint(colour::DIM, "->"), screen.paint(style, &visible(&end)))
}

/// What becomes of a message; of one that a flow asks a set about, the flow decides.
fn ended(end: &End, of_set: bool) -> (Style, String) {
    match end {
        End::Sent(targets) => (colour::RESPONSE, format!("sent to {}", targets.join(", "))),
        End::SetAside(reason) if of_set => (colour::DIM, reason.clone()),
        End::SetAside(reason) => (colour::DIM, format!("discarded: {reason}")),
        End::Unwanted if of_set => (colour::WARNING, "no rule of the set holds".to_owned()),
        End::Unwanted => (colour::WARNING, "discarded: no rule matched".to_owned()),
        End::Refused(reason, _) if of_set => (colour::ERROR, format!("an error: {reason}")),
        End::Refused(reason, Some(handler)) => {
            (colour::ERROR, format!("an error, sent to {handler}: {reason}"))
        }
        End::Refused(reason, None) => (colour::ERROR, format!("an error, kept in the ledger: {reason}")),
    }
}

/// The name as it stands in the account: a rule of a set below the rule that hands on to it.
fn name(rule: &Looked) -> String {
    format!("{}{}", "  ".repeat(rule.depth), visible(&rule.rule))
}

fn line(screen: &Screen, rule: &Looked, width: usize) -> String {
    let name = format!("{:width$}", name(rule));
    let (style, holds) = match rule.holds {
        Some(true) => (colour::RESPONSE, "holds   "),
        Some(false) => (colour::DIM, "does not"),
        None => (colour::DIM, "not looked at"),
    };
    let name = if rule.holds == Some(true) { name } else { screen.paint(colour::DIM, &name) };
    let more = match rule.holds {
        Some(true) => rule.did.iter().map(|did| doing(screen, did)).collect::<Vec<_>>().join(", "),
        _ if rule.asked.is_empty() => rule.why.clone(),
        _ => format!("{}: {}", rule.why, screen.paint(colour::PLACE, &visible(&rule.asked))),
    };
    let line = format!("  {name}  {}  {more}", screen.paint(style, holds));
    line.trim_end().to_owned() + "\n"
}

fn doing(screen: &Screen, did: &Did) -> String {
    match did {
        Did::Sends(target, by) => {
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            format!("sends to {}{by}", screen.paint(colour::REQUEST, target))
        }
        Did::Delegates(set) => format!("hands on to set {set}"),
        Did::Returns(Some(value)) => format!("returns \"{}\"", visible(value)),
        Did::Returns(None) => "returns a value that is not written in it".to_owned(),
        Did::Deletes => screen.paint(colour::WARNING, "deletes the message"),
    }
}

/// A message, for programs.
pub(super) fn object(outcome: &Outcome) -> Value {
    let (became, reason, targets, handler) = match &outcome.tried.end {
        End::Sent(targets) => ("sent", None, targets.clone(), None),
        End::SetAside(reason) => ("set aside", Some(reason.clone()), Vec::new(), None),
        End::Unwanted => ("unwanted", Some("no rule matched".to_owned()), Vec::new(), None),
        End::Refused(reason, handler) => ("refused", Some(reason.clone()), Vec::new(), handler.clone()),
    };
    json!({
        "file": outcome.label,
        "line": outcome.line,
        "message": outcome.number,
        "doubts": outcome.tried.doubts,
        "rules": outcome.tried.rules.iter().map(rule).collect::<Vec<_>>(),
        "became": became,
        "reason": reason,
        "sent_to": targets,
        "handler": handler,
    })
}

/// `holds` is null where the rule was not looked at.
fn rule(rule: &Looked) -> Value {
    let mut object =
        json!({ "rule": rule.rule, "depth": rule.depth, "holds": rule.holds, "sends": [], "deletes": false });
    if rule.holds == Some(false) {
        object["why"] = json!(rule.why);
        object["asked"] = json!(rule.asked);
    }
    let mut sends = Vec::new();
    for did in &rule.did {
        match did {
            Did::Sends(target, by) => sends.push(json!({ "target": target, "transforms": by })),
            Did::Delegates(set) => object["delegates"] = json!(set),
            Did::Returns(value) => object["returns"] = json!(value),
            Did::Deletes => object["deletes"] = json!(true),
        }
    }
    object["sends"] = sends.into();
    object
}
