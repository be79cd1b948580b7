//! The whole production: its own keys, its items, and then what is between them.

use std::path::Path;
use std::sync::Arc;

use hl7::schema::Schemas;
use model::{ByteSize, Catalogue, Library};
use rules::Scope;
use serde_json::Value;

use crate::finding::Findings;
use crate::interpolate::Filler;
use crate::items::{Item, Reader, component, later, with_words};
use crate::keys::{
    CONNECTIONS, DEFINITIONS, ItemKeys, PRODUCTION_LATER, ProductionKeys, RULES, SCHEDULES, SCHEMAS,
    SECTIONS, TABLES, TRANSFORMS, maps_by_name, schema_of,
};
use crate::secret::Secrets;
use crate::source::Sources;
use crate::tree::{Kind, Node};
use crate::walk::{Walk, by_name};
use crate::{
    ItemDef, OrderBy, ProductionDef, claims, connections, links, resolved, rule_sets, schedules, schemas,
    shape, tables, transforms, unused,
};

/// What a production is checked against.
pub(crate) struct Ground<'a> {
    pub(crate) catalogue: Catalogue,
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    /// The folder of its file.
    pub(crate) base: &'a Path,
    /// What its library begins with.
    pub(crate) library: Library,
}

/// The checked definition of a merged production; none where anything is wrong with it.
pub(crate) fn check(
    mut root: Node,
    ground: Ground<'_>,
    sources: &mut Sources,
    findings: &mut Findings,
    secrets: &mut Secrets,
) -> Option<ProductionDef> {
    let Ground { catalogue, env, base, library } = ground;
    fill(&mut root, catalogue, &mut Filler { env, sources, findings, secrets });
    let keys = keys(&root, findings);
    let library = definitions(&root, base, library, sources, findings);
    let (items, whole) = items(&root, &mut Reader { catalogue, library: &library, sources, findings });
    let empty = SECTIONS.iter().all(|section| root.get(section.key).is_none_or(Node::is_null));
    if empty || (items.is_empty() && !findings.any_error()) {
        let place = root.get("production").map_or(&root.place, |node| &node.place);
        let help = "add at least one under services, processes or operations";
        findings.error(place, None, "the production has no items").help(Some(help.to_owned()));
    }
    links::check(&items, whole, sources, findings);
    if whole {
        rule_sets::origins(root.get(RULES.0), &library, &items, findings);
    }
    claims::check(&items, sources, findings);
    pool(&keys, &items, &root, findings);
    limits(&keys, &root, findings);
    if findings.any_error() {
        return None;
    }
    // With errors it is not known what is used.
    unused::check(&root, findings);
    Some(ProductionDef {
        name: keys.production,
        description: keys.description,
        actor_pool_size: keys.actor_pool_size as usize,
        intake_memory: usize::try_from(keys.limits.intake_memory.0).unwrap_or(usize::MAX),
        grace_period: keys.grace_period.0,
        items: items.into_iter().filter_map(|item| definition(item, &library.get::<Schemas>())).collect(),
        library,
        resolved: resolved::yaml(&root),
    })
}

/// What the production defines beside its items, with what `library` has already.
fn definitions(
    root: &Node,
    base: &Path,
    library: Library,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Library {
    let schemas = schemas::read(root.get(SCHEMAS.0), sources, findings);
    let tables = tables::read(root.get(TABLES.0), base, sources, findings);
    let schedules = schedules::read(root.get(SCHEDULES.0), sources, findings);
    let scope = Scope { tables: tables.clone(), schedules: schedules.clone(), ..Scope::default() };
    let transforms = transforms::read(root.get(TRANSFORMS.0), &schemas, &scope, sources, findings);
    let library = library.with(schemas).with(tables).with(schedules).with(transforms);
    let sets = rule_sets::read(root.get(RULES.0), &library, sources, findings);
    library.with(sets).with(connections::read(root.get(CONNECTIONS.0), base, findings))
}

/// The items of all sections, and whether every section is a map of them.
fn items<'a>(root: &'a Node, reader: &mut Reader<'_>) -> (Vec<Item<'a>>, bool) {
    let mut items = Vec::new();
    let mut whole = true;
    for section in SECTIONS {
        let node = root.get(section.key);
        let entries = by_name(node, section.key, "items", reader.findings);
        whole &= node.is_none_or(|node| node.is_null() || matches!(node.kind, Kind::Map(_)));
        items.extend(entries.iter().map(|entry| reader.item(section, entry)));
    }
    (items, whole)
}

/// Fills `${…}` in, and settles what was filled in by the schema of where it stands.
fn fill(root: &mut Node, catalogue: Catalogue, filler: &mut Filler<'_>) {
    let Kind::Map(entries) = &mut root.kind else { return };
    let item_schema = schema_of::<ItemKeys>();
    let production_schema = schema_of::<ProductionKeys>();
    let (schemas, tables, transforms) = (schemas::schema(), tables::schema(), transforms::schema());
    let (rules, schedules, connections) = (rule_sets::schema(), schedules::schema(), connections::schema());
    for entry in entries {
        let Some(section) = SECTIONS.into_iter().find(|section| section.key == entry.key) else {
            filler.fill(&mut entry.value, None);
            let schema = match entry.key.as_str() {
                key if key == SCHEMAS.0 => &schemas,
                key if key == TABLES.0 => &tables,
                key if key == TRANSFORMS.0 => &transforms,
                key if key == SCHEDULES.0 => &schedules,
                key if key == CONNECTIONS.0 => &connections,
                key if key == RULES.0 => &rules,
                key => production_schema["properties"].get(key).unwrap_or(&Value::Null),
            };
            shape::settle(schema, &mut entry.value, filler.secrets);
            continue;
        };
        let Kind::Map(items) = &mut entry.value.kind else { continue };
        for item in items {
            filler.fill(&mut item.value, Some(&item.key));
            let spec = component(catalogue, section, &item.value);
            let mut schema = item_schema.clone();
            schema["properties"]["settings"] = spec.map(|spec| spec.schema().to_value()).unwrap_or_default();
            shape::settle(&schema, &mut item.value, filler.secrets);
        }
    }
}

fn keys(root: &Node, findings: &mut Findings) -> ProductionKeys {
    let mut own = root.clone();
    if let Kind::Map(entries) = &mut own.kind {
        // Keys that begin with "x-" are a place for anchors.
        entries.retain(|entry| !entry.key.starts_with("x-"));
        entries.retain(|entry| !SECTIONS.iter().any(|section| section.key == entry.key));
        entries.retain(|entry| !DEFINITIONS.contains(&&*entry.key));
        entries.retain(|entry| !later(findings, entry, &PRODUCTION_LATER, None));
    }
    let others = [maps_by_name(), vec!["include"]].concat();
    let schema = with_words(schema_of::<ProductionKeys>(), &[], &others);
    let elsewhere = |key: &str| {
        let of_item =
            schema_of::<ItemKeys>()["properties"].get(key).is_some() || ["type", "settings"].contains(&key);
        of_item.then(|| format!("\"{key}\" belongs to an item"))
    };
    let mut walk = Walk { findings, item: None, noun: "key", elsewhere: &elsewhere, set_aside: Vec::new() };
    let value = walk.value(&schema, &own, "", true).unwrap_or_default();
    let production =
        own.get("production").filter(|name| name.text().is_some_and(|name| name.trim().is_empty()));
    if let Some(name) = production {
        findings.error(&name.place, None, "production is empty; expected the name of the production");
    }
    serde_json::from_value(value).unwrap_or_else(|_| ProductionKeys::named(""))
}

/// Processes that share an actor pool need one with workers in it.
fn pool(keys: &ProductionKeys, items: &[Item<'_>], root: &Node, findings: &mut Findings) {
    let sharing = items.iter().find(|item| item.keys.pool_size == 0 && item.section.key == "processes");
    if let (0, Some(item), Some(size)) = (keys.actor_pool_size, sharing, root.get("actor_pool_size")) {
        let message =
            format!("actor_pool_size is 0; expected 1 or more, since \"{}\" has pool_size 0", item.name);
        findings.error(&size.place, None, message);
    }
}

/// Limits have limits: with less, messages of a usual size would wait for each other.
fn limits(keys: &ProductionKeys, root: &Node, findings: &mut Findings) {
    let found = keys.limits.intake_memory;
    let (least, most) = (ByteSize::mib(1), ByteSize::mib(1 << 20));
    let place = root.get("limits").and_then(|limits| limits.get("intake_memory"));
    if let (Some(place), false) = (place, (least..=most).contains(&found)) {
        let message = format!("intake_memory is {found}; expected {least} to {most}");
        findings.error(&place.place, None, message);
    }
}

fn definition(item: Item<'_>, schemas: &Schemas) -> Option<ItemDef> {
    let keys = item.keys;
    let mut sends_to: Vec<Arc<str>> = Vec::new();
    for link in item.links.iter().filter(|link| link.component.is_none()) {
        if !sends_to.iter().any(|known| **known == *link.to) {
            sends_to.push(link.to.as_str().into());
        }
    }
    Some(ItemDef {
        name: item.name.into(),
        component: item.spec?,
        enabled: keys.enabled,
        pool_size: keys.pool_size as usize,
        targets: keys.targets.iter().map(|name| name.as_str().into()).collect(),
        sends_to,
        category: keys.category,
        comment: keys.comment,
        retry_interval: keys.retry_interval.0,
        failure_timeout: keys.failure_timeout.0,
        throttle: keys.throttle.map(|span| span.0).filter(|least| !least.is_zero()),
        order_by: keys.order_by.and_then(|path| OrderBy::compile(&path, schemas).ok()),
        settings: item.settings,
    })
}
