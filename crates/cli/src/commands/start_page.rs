//! The page that `orris run` begins with: what runs, and where to look.

use std::path::Path;
use std::time::Duration;

use config::ProductionDef;
use model::BusinessType;
use runtime::{ItemState, ProductionStatus};

use crate::graph;
use crate::output::{Screen, colour, time};

/// An item as the page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    name: String,
    kind: BusinessType,
    component: String,
    /// Where it listens, reads, writes and sends to.
    about: String,
}

/// The items of a production, with their folders as they are found from here.
pub(crate) fn items(def: &ProductionDef, data_dir: &Path) -> Vec<Line> {
    let line = |item: &config::ItemDef| {
        let places = graph::places_of(item, data_dir);
        let targets = item.sends_to.iter().map(|target| &**target).collect::<Vec<_>>().join(", ");
        let sends = if targets.is_empty() { targets } else { format!("→ {targets}") };
        let about: Vec<_> = [places, sends].into_iter().filter(|text| !text.is_empty()).collect();
        Line {
            name: item.name.to_string(),
            kind: item.business_type(),
            component: item.component.type_name.to_owned(),
            about: about.join("  "),
        }
    };
    def.items.iter().map(line).collect()
}

/// The page.
pub(crate) fn text(
    name: &str,
    description: &str,
    items: &[Line],
    status: &ProductionStatus,
    data_dir: &Path,
    took: Duration,
    screen: &Screen,
) -> String {
    let mut text = format!("\n  {}\n", screen.paint(colour::BOLD, name));
    if !description.is_empty() {
        text += &format!("  {}\n", screen.paint(colour::DIM, description.trim()));
    }
    let width = |of: fn(&Line) -> &str| items.iter().map(|item| of(item).chars().count()).max().unwrap_or(0);
    let (names, components) = (width(|item| &item.name), width(|item| &item.component));
    for (kind, title) in [
        (BusinessType::BusinessService, "services"),
        (BusinessType::BusinessProcess, "processes"),
        (BusinessType::BusinessOperation, "operations"),
    ] {
        let of_kind: Vec<_> = items.iter().filter(|item| item.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        text += &format!("\n  {}\n", screen.paint(colour::DIM, title));
        for item in of_kind {
            let component = screen.paint(colour::DIM, &format!("{:components$}", item.component));
            let line =
                format!("  {} {:names$}  {component}  {}", lamp(status, item, screen), item.name, item.about);
            text += &format!("{}\n", line.trim_end());
            if let Some(reason) = status.item(&item.name).and_then(|item| item.waiting.as_deref()) {
                text += &format!("      {}\n", screen.paint(colour::WARNING, reason));
            }
        }
    }
    let (data, look) = (data_dir.display(), look(data_dir));
    text += &format!("\n  data  {data}\n  look  {look}\n");
    let ready = screen.paint(colour::RESPONSE, &format!("ready in {}", time::spoken(took)));
    text + &format!("\n  {ready}, process {}; Ctrl-C stops\n\n", std::process::id())
}

/// How to see what became of a message, from the folder where the engine was started.
fn look(data_dir: &Path) -> String {
    let here = std::env::var_os("ORRIS_DATA_DIR").is_some_and(|told| Path::new(&told) == data_dir);
    if here || data_dir == Path::new("data") {
        "orris trace".to_owned()
    } else {
        format!("orris trace --data-dir {}", data_dir.display())
    }
}

/// Whether an item runs, as a lamp.
fn lamp(status: &ProductionStatus, item: &Line, screen: &Screen) -> String {
    let state = status.item(&item.name).map_or(ItemState::Disabled, |item| item.state);
    match state {
        ItemState::Running => screen.paint(colour::RESPONSE, "●"),
        ItemState::Failed => screen.paint(colour::ERROR, "✕"),
        ItemState::Disabled | ItemState::Stopped => screen.paint(colour::DIM, "○"),
        _ => screen.paint(colour::WARNING, "◌"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;
    use runtime::ItemStatus;

    #[test]
    fn the_page_shows_what_runs_what_waits_and_where_to_look() {
        let item = |name: &str, kind, state, waiting: Option<&str>| ItemStatus {
            name: name.into(),
            business_type: kind,
            component: "hl7.file".into(),
            state,
            waiting: waiting.map(str::to_owned),
            pool_size: 1,
            queue: 0,
            in_hand: 0,
            deferred: 0,
            taken: 0,
            completed: 0,
            errors: 0,
            rate: 0.0,
            last_activity: None,
        };
        let (service, operation) = (BusinessType::BusinessService, BusinessType::BusinessOperation);
        let status = ProductionStatus {
            production: "Test.Production".into(),
            process: 1,
            started: Timestamp(0),
            trouble: None,
            items: vec![
                item("In", service, ItemState::Running, None),
                item("Out", operation, ItemState::Waiting, Some("folder \"out\" is not there")),
            ],
        };
        let line = |name: &str, kind, about: &str| Line {
            name: name.into(),
            kind,
            component: "hl7.file".into(),
            about: about.into(),
        };
        let items = [line("In", service, "x/in/*.hl7  → Out"), line("Out", operation, "x/out/")];
        let screen = Screen { width: None, colour: false };
        let took = Duration::from_millis(12);
        let page = text("Test.Production", "tries it", &items, &status, Path::new("x"), took, &screen);
        let expected = format!(
            "
  Test.Production
  tries it

  services
  ● In   hl7.file  x/in/*.hl7  → Out

  operations
  ◌ Out  hl7.file  x/out/
      folder \"out\" is not there

  data  x
  look  orris trace --data-dir x

  ready in 12 ms, process {}; Ctrl-C stops

",
            std::process::id()
        );
        assert_eq!(page, expected);
    }
}
