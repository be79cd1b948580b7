//! The sets of rules that a production defines under `rules:`, for routers to hand messages on to.

use hl7::schema::{CategoryChoice, PathContext, Schemas};
use model::Library;
use rules::{LookupTables, Names, Rule, RuleContext, RuleFinding, RuleSet, RuleSets, Schedules, Scope};
use serde_json::{Value, json};

use crate::finding::{Findings, Level};
use crate::items::{Item, covered};
use crate::keys::{RULES, schema_of};
use crate::links;
use crate::scalar;
use crate::source::Sources;
use crate::tree::Node;
use crate::walk::{Walk, by_name};

/// The JSON Schema of the whole map.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "additionalProperties": schema_of::<Vec<Rule>>() })
}

/// The sets of rules of the production; what is wrong with them is a finding. Their paths are those of all
/// versions of HL7 here; a router reads them by its own schema as well.
pub(crate) fn read(
    node: Option<&Node>,
    library: &Library,
    sources: &Sources,
    findings: &mut Findings,
) -> RuleSets {
    let mut sets = RuleSets::default();
    let entries = by_name(node, RULES.0, "rules", findings);
    let schema = schema_of::<Vec<Rule>>();
    let mut set_aside = Vec::new();
    for entry in entries {
        let before = findings.errors();
        let mut walk = Walk::of_keys(findings);
        let value = walk.value(&schema, &entry.value, "", true).unwrap_or_default();
        set_aside.push((walk.set_aside, findings.errors() > before));
        let rules = serde_json::from_value(value).ok();
        sets.0.insert(entry.key.clone(), rules);
    }
    let (tables, schedules) = (library.get::<LookupTables>(), library.get::<Schedules>());
    let (tables, schedules) = ((*tables).clone(), (*schedules).clone());
    // Which variables there are, who asks for a set knows: a flow has some, a router none.
    let paths = PathContext::new(&library.get::<Schemas>(), &CategoryChoice::default());
    let scope = Scope { paths, tables, schedules, context: Names::Any, ..Scope::default() };
    let context = RuleContext { scope, transforms: library.get(), sets: sets.clone().into() };
    for (entry, (set_aside, unsound)) in entries.iter().zip(set_aside) {
        let Some(Some(rules)) = sets.0.get(&entry.key) else { continue };
        let found = RuleSet::findings_of_set(&entry.key, rules, &context);
        let wrong = unsound || found.iter().any(|finding| finding.is_error);
        for finding in found.into_iter().filter(|finding| !covered(&set_aside, &finding.place)) {
            tell(&entry.value, finding, sources, findings);
        }
        if wrong {
            sets.0.insert(entry.key.clone(), None);
        }
    }
    sets
}

/// Holds the sources that rules of sets are for against the items.
pub(crate) fn origins(node: Option<&Node>, library: &Library, items: &[Item<'_>], findings: &mut Findings) {
    let sets = library.get::<RuleSets>();
    for entry in node.map(Node::entries).unwrap_or_default() {
        let rules = sets.0.get(&entry.key).into_iter().flatten().flatten();
        for (at, rule) in rules.enumerate() {
            for (number, from) in rule.source.all().iter().enumerate() {
                let place = rule.source.place(&format!("[{at}].source"), number);
                let (found, _) = entry.value.at(&place);
                links::origin(items, &found.place, from, None, findings);
            }
        }
    }
}

/// Tells a finding; its place begins behind the name of the set, as in `[0].when`.
fn tell(node: &Node, finding: RuleFinding, sources: &Sources, findings: &mut Findings) {
    let (found, left) = node.at(&finding.place);
    let place = match &finding.range {
        Some(range) if left.is_empty() => scalar::place(sources, found, range),
        _ => found.place.clone(),
    };
    let level = if finding.is_error { Level::Error } else { Level::Warning };
    findings.add(level, &place, None, finding.message).help(finding.help);
}
