//! The schedules that a production defines under `schedules:`: read here, compiled by `rules`.

use rules::{Schedule, ScheduleDef, ScheduleFinding, Schedules};
use serde_json::{Value, json};

use crate::finding::{Findings, Level};
use crate::items::covered;
use crate::keys::{SCHEDULES, schema_of};
use crate::scalar;
use crate::source::Sources;
use crate::tree::{Entry, Kind, Node};
use crate::walk::{Walk, by_name, shown};

/// The JSON Schema of the whole map.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "additionalProperties": schema_of::<ScheduleDef>() })
}

/// The schedules of the production; what is wrong with them is a finding.
pub(crate) fn read(node: Option<&Node>, sources: &Sources, findings: &mut Findings) -> Schedules {
    let mut schedules = Schedules::default();
    let entries = by_name(node, SCHEDULES.0, "schedules", findings);
    for entry in entries {
        // A schedule that is wrong is there all the same: what asks for it is not told as well.
        schedules = schedules.with(&entry.key, one(entry, sources, findings));
    }
    schedules
}

fn one(entry: &Entry, sources: &Sources, findings: &mut Findings) -> Schedule {
    let node = &entry.value;
    if node.is_unknown() {
        return Schedule::default();
    }
    let is_text = node.text().is_some();
    if !is_text && !matches!(node.kind, Kind::List(_)) {
        let found = if node.is_null() { "nothing".to_owned() } else { shown(node) };
        let message = format!("found {found} here; expected a list of hours");
        let help = "write hours, as in - { days: mon-fri, from: \"08:00\", to: \"18:00\" }";
        findings.error(&node.place, None, message).help(Some(help.to_owned()));
        return Schedule::default();
    }
    let mut walk = Walk::of_keys(findings);
    let value = walk.value(&schema_of::<ScheduleDef>(), node, "", true).unwrap_or_default();
    let set_aside = walk.set_aside;
    let Ok(def) = serde_json::from_value::<ScheduleDef>(value) else { return Schedule::default() };
    let (schedule, found) = Schedule::compile(&def);
    for finding in found.into_iter().filter(|finding| !covered(&set_aside, &finding.place)) {
        tell(entry, finding, sources, findings);
    }
    schedule
}

fn tell(entry: &Entry, finding: ScheduleFinding, sources: &Sources, findings: &mut Findings) {
    let (found, left) = entry.value.at(&finding.place);
    let place = match &finding.range {
        Some(range) if left.is_empty() => scalar::place(sources, found, range),
        // What is said of a whole schedule is said at its name.
        None if finding.place.is_empty() => entry.key_place.clone(),
        _ => found.place.clone(),
    };
    let level = if finding.is_error { Level::Error } else { Level::Warning };
    findings.add(level, &place, None, finding.message).help(finding.help);
}
