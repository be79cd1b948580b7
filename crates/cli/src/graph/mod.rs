//! The diagram of a production: services left, processes in the middle, operations right.

pub(crate) mod layers;
pub(crate) mod svg;
pub(crate) mod text;
pub(crate) mod words;

use std::path::Path;

use config::{ItemDef, ProductionDef};
use model::{BusinessType, Checks, Claim};

/// One item of the diagram.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Its config name.
    pub(crate) name: String,
    /// What kind of host it is.
    pub(crate) kind: BusinessType,
    /// The type of its component.
    pub(crate) component: String,
    /// Where it listens, reads, writes or connects to; empty when nowhere.
    pub(crate) place: String,
    /// Whether it runs.
    pub(crate) enabled: bool,
}

/// A production as it is drawn, in any form.
#[derive(Debug, Clone)]
pub(crate) struct Graph {
    /// The production's name.
    pub(crate) name: String,
    /// Its items, in the order written.
    pub(crate) nodes: Vec<Node>,
    /// Who may send to whom.
    pub(crate) sends: Vec<(usize, usize)>,
    /// Who makes use of whom without sending to it, as a process of a server's sockets.
    pub(crate) uses: Vec<(usize, usize)>,
}

impl Graph {
    /// The diagram of a checked production.
    pub(crate) fn of(def: &ProductionDef) -> Self {
        let find = |name: &str| def.items.iter().position(|item| &*item.name == name);
        let mut graph =
            Graph { name: def.name.clone(), nodes: Vec::new(), sends: Vec::new(), uses: Vec::new() };
        for (i, item) in def.items.iter().enumerate() {
            let checks = checks(item);
            graph.sends.extend(item.sends_to.iter().filter_map(|name| find(name)).map(|to| (i, to)));
            let used = checks.references.iter().filter(|reference| reference.component.is_some());
            graph.uses.extend(used.filter_map(|reference| find(&reference.name)).map(|to| (i, to)));
            graph.nodes.push(Node {
                name: item.name.to_string(),
                kind: item.business_type(),
                component: item.component.type_name.to_owned(),
                place: places(item, &checks, Path::new("")),
                enabled: item.enabled,
            });
        }
        graph.sends.dedup();
        let uses = std::mem::take(&mut graph.uses);
        graph.uses = uses.into_iter().filter(|edge| !graph.sends.contains(edge)).collect();
        graph
    }
}

/// What the item's component says about its settings. Secrets stay in the settings: a claim is an
/// address or a folder.
fn checks(item: &ItemDef) -> Checks {
    let mut checks = Checks::default();
    item.component.check(item.settings.clone(), &mut checks);
    checks
}

/// Where an item listens, reads and writes, with its folders as they are found from here.
pub(crate) fn places_of(item: &ItemDef, data_dir: &Path) -> String {
    places(item, &checks(item), data_dir)
}

fn places(item: &ItemDef, checks: &Checks, base: &Path) -> String {
    let folder = |folder: &str| base.join(folder).display().to_string().trim_end_matches('/').to_owned();
    let place = |claim: &Claim| match claim {
        Claim::Listen(address, path) => format!("{address}{path}"),
        Claim::TakeFrom(from, pattern) => format!("{}/{pattern}", folder(from)),
        Claim::WriteTo(to) => format!("{}/", folder(to)),
    };
    let mut places: Vec<_> = checks.claims.iter().map(|(_, claim)| place(claim)).collect();
    places.extend(destination(&item.settings));
    places.join(", ")
}

/// Where an operation connects to. Of a URL only the host: a user, a password, a path and a query may
/// be secrets.
fn destination(settings: &serde_json::Value) -> Option<String> {
    let text = |name| settings.get(name).and_then(serde_json::Value::as_str);
    if let Some(address) = text("address") {
        return Some(address.to_owned());
    }
    let (scheme, rest) = text("url")?.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// The diagram of the article's production.
    pub(crate) fn article() -> Graph {
        use BusinessType::{BusinessOperation, BusinessProcess, BusinessService};
        let node = |name: &str, kind, component: &str, place: &str| Node {
            name: name.into(),
            kind,
            component: component.into(),
            place: place.into(),
            enabled: true,
        };
        Graph {
            name: "Test.Production".into(),
            nodes: vec![
                node("HL7FileService", BusinessService, "hl7.file", "in/*.hl7"),
                node("User.WebSocketServer", BusinessService, "websocket", "127.0.0.1:52774/csp/user"),
                node("MsgRouter", BusinessProcess, "hl7.router", ""),
                node("User.SocketInvocation", BusinessProcess, "socket.invocation", ""),
                node("HL7FileOperation", BusinessOperation, "hl7.file", "out/"),
                node("BadMessageHandler", BusinessOperation, "hl7.file", "bad/"),
            ],
            sends: vec![(0, 2), (0, 3), (2, 4), (2, 5)],
            uses: vec![(3, 1)],
        }
    }

    /// One that has a chain of processes, a way past them and an item that is switched off.
    pub(crate) fn winding() -> Graph {
        let mut graph = article();
        graph.sends.extend([(1, 5), (2, 3), (3, 5)]);
        graph.uses.clear();
        graph.nodes[5].enabled = false;
        graph
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn where_an_operation_connects_to_is_shown_without_what_may_be_secret() {
        for (settings, shown) in [
            (json!({ "address": "lab.example:2575" }), Some("lab.example:2575")),
            (json!({ "url": "https://me:secret@lab.example/hl7?key=secret#x" }), Some("https://lab.example")),
            (json!({ "url": "http://lab.example" }), Some("http://lab.example")),
            (json!({ "url": "lab" }), None),
            (json!({ "address": 7 }), None),
            (json!({}), None),
        ] {
            assert_eq!(destination(&settings).as_deref(), shown, "{settings}");
        }
    }
}
