//! A first case, written from what came of a message: for an engineer to go on with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use config::{CaseDef, Given, GivenMessage, ItemDef, ProductionDef};
use model::BusinessType;

use super::folder;
use crate::cases::{Output, Played, play, said};
use crate::commands::production::Production;
use crate::output::{Exit, failed};

/// How far the clock goes.
const LIMIT: Duration = Duration::from_secs(3_600);

/// Plays a message as it comes to an item, and writes the case of that name. Returns where it is.
///
/// Values of the message are not written: the case names its file.
pub(super) fn write(
    name: &str,
    production: &Production,
    def: &ProductionDef,
    to: Option<&str>,
    file: &Path,
) -> Result<PathBuf, Exit> {
    let folder = folder(production);
    let path = folder.join(format!("{name}.yaml"));
    if path.exists() {
        return Err(Exit::Failed(format!("\"{}\" is there already; expected another name", path.display())));
    }
    let to = addressee(def, to)?;
    let content = std::fs::read(file)
        .map_err(|error| Exit::Usage(format!("cannot read \"{}\" ({error})", file.display())))?;
    let file_name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let message =
        GivenMessage { to: to.to_string(), name: file_name, content: Bytes::from(content), line: 0 };
    let case = CaseDef {
        name: name.to_owned(),
        now: None,
        limit: LIMIT,
        given: vec![Given::Message(message)],
        edges: Vec::new(),
        sockets: Vec::new(),
        expect: Vec::new(),
    };
    let played = play(def, &case).map_err(Exit::Failed)?;
    let text = text(def, &played, name, to, &named_from(&folder, file));
    std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text)).map_err(failed)?;
    Ok(path)
}

/// The item that the message comes to: the only service that takes HL7, where none is named.
fn addressee<'a>(def: &'a ProductionDef, named: Option<&str>) -> Result<&'a str, Exit> {
    if let Some(name) = named {
        let missing =
            || Exit::Usage(format!("there is no item \"{name}\" in the production \"{}\"", def.name));
        return def.item(name).map(|item| &*item.name).ok_or_else(missing);
    }
    let takes = |item: &&ItemDef| {
        let is_service = item.business_type() == BusinessType::BusinessService;
        is_service && item.component.type_name.starts_with("hl7.") && !item.targets.is_empty()
    };
    let services: Vec<&str> = def.items.iter().filter(takes).map(|item| &*item.name).collect();
    match services[..] {
        [one] => Ok(one),
        _ => {
            let known = if services.is_empty() { "an item".to_owned() } else { services.join(", ") };
            Err(Exit::Usage(format!("--to is missing: the item that the message comes to; expected {known}")))
        }
    }
}

/// A file as it is named from a folder of cases.
fn named_from(cases: &Path, file: &Path) -> String {
    let home = cases.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (home, whole) = (home.canonicalize(), file.canonicalize());
    let below = match (&home, &whole) {
        (Ok(home), Ok(whole)) => whole.strip_prefix(home).ok(),
        _ => None,
    };
    match below {
        Some(below) => format!("../{}", below.display()),
        None => whole.as_deref().unwrap_or(file).display().to_string(),
    }
}

fn text(def: &ProductionDef, played: &Played, name: &str, to: &str, file: &str) -> String {
    let mut text = format!(
        "# Written from what came out; say what it shows, and keep what has to hold.\n\
         case: {}\ngiven:\n  - {{ to: {}, file: {} }}\nexpect:\n",
        quoted(name),
        quoted(to),
        quoted(file)
    );
    for (code, _) in played.told.iter().flatten().map(said) {
        text += &format!("  - {{ ack: {code}, for: 1 }}\n");
    }
    let mut came: BTreeMap<&str, Vec<&Output>> = BTreeMap::new();
    for output in &played.outputs {
        came.entry(&output.operation).or_default().push(output);
    }
    for item in &def.items {
        if item.business_type() != BusinessType::BusinessOperation {
            continue;
        }
        let at = quoted(&item.name);
        match came.get(&*item.name) {
            None => text += &format!("  - {{ at: {at}, none: true }}\n"),
            Some(outputs) => text += &output(&at, outputs),
        }
    }
    let mut heard: Vec<_> = played.heard.iter().filter(|(_, heard)| !heard.is_empty()).collect();
    heard.sort();
    for (server, heard) in heard {
        text += &format!("  - {{ broadcast: {}, count: {} }}\n", quoted(server), heard.len());
    }
    text
}

/// How many come out at an operation, and of each why, and what kind of message it is.
fn output(at: &str, outputs: &[&Output]) -> String {
    let mut text = format!("  - {{ at: {at}, count: {} }}\n", outputs.len());
    for (index, output) in outputs.iter().enumerate() {
        let mut said = Vec::new();
        if !output.rule.is_empty() {
            said.push(format!("rule: {}", quoted(&output.rule)));
        }
        let path = "MSH-9".parse::<hl7::Path>().ok();
        let message = components::message::hl7(&output.body).ok();
        if let Some(kind) =
            path.zip(message).and_then(|(path, message)| message.get(&path).map(str::to_owned))
        {
            said.push(format!("values: {{ MSH-9: {} }}", quoted(&kind)));
        }
        if !said.is_empty() {
            text += &format!("  - {{ at: {at}, number: {}, {} }}\n", index + 1, said.join(", "));
        }
    }
    text
}

/// A text as YAML has it: as it stands where it can be nothing else.
fn quoted(text: &str) -> String {
    let is_plain = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./^".contains(&byte);
        text.bytes().all(plain) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let word = ["null", "true", "false", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    if is_plain(text) && !word { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_where_it_could_be_something_else() {
        let all = ["ADT^A01", "2.5", "no", "a b", "../messages/a.hl7", "", "User.Socket"].map(quoted);
        let wanted = ["ADT^A01", "\"2.5\"", "\"no\"", "\"a b\"", "../messages/a.hl7", "\"\"", "User.Socket"];
        assert_eq!(all, wanted);
    }
}
