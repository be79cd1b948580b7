//! The lookup tables that a production defines under `lookup_tables:`, written there or in files of
//! their own, CSV or YAML.

mod csv;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rules::{LookupTable, LookupTables};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::finding::Findings;
use crate::interpolate::why;
use crate::keys::{TABLES, schema_of};
use crate::source::{Place, Sources};
use crate::tree::{self, Entry, Kind, Node};
use crate::walk::{Walk, by_name, shown};

/// How large a file of entries may be, and how many entries a table may have: they all lie in memory.
const LARGEST_FILE: u64 = 64 << 20;
const MOST_ENTRIES: usize = 1_000_000;

/// A lookup table: entries, here or in a file.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableKeys {
    /// What stands for each key.
    #[serde(default)]
    entries: BTreeMap<String, String>,
    /// A file of entries, .csv or .yaml, beside the production.
    #[serde(default)]
    file: Option<String>,
    /// The column of a CSV file with the keys: its name, or its number where there is no header; the
    /// first when left out.
    #[serde(default)]
    key: Option<String>,
    /// The column of a CSV file with what stands for them; the second when left out.
    #[serde(default)]
    value: Option<String>,
    /// Whether the first line of a CSV file names the columns.
    #[serde(default = "yes")]
    header: bool,
    /// The character between the columns of a CSV file.
    #[serde(default = "comma")]
    separator: String,
    /// What stands for a key that is not there, unless the expression says it.
    #[serde(default)]
    default: Option<String>,
    /// What becomes of a message whose key is not there, where nothing stands for it.
    #[serde(default)]
    missing: Missing,
}

/// What a key that is not there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Missing {
    /// Nothing, as a field that is missing.
    #[default]
    Empty,
    /// An error: the message ends as one.
    Error,
}

fn yes() -> bool {
    true
}

fn comma() -> String {
    ",".to_owned()
}

/// The JSON Schema of the whole map.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "additionalProperties": schema_of::<TableKeys>() })
}

/// What reading tables needs and adds to.
struct Reader<'a> {
    /// The folder of the production.
    base: &'a Path,
    sources: &'a mut Sources,
    findings: &'a mut Findings,
}

/// The lookup tables of the production; what is wrong with them is a finding.
pub(crate) fn read(
    node: Option<&Node>,
    base: &Path,
    sources: &mut Sources,
    findings: &mut Findings,
) -> LookupTables {
    let mut tables = LookupTables::default();
    let entries = by_name(node, TABLES.0, "tables", findings);
    let mut reader = Reader { base, sources, findings };
    for entry in entries {
        // A table that is wrong is there all the same: what asks for it is not told as well.
        tables = tables.with(&entry.key, reader.table(entry));
    }
    tables
}

impl Reader<'_> {
    fn table(&mut self, entry: &Entry) -> LookupTable {
        let node = &entry.value;
        if !matches!(node.kind, Kind::Map(_)) {
            let found = if node.is_null() { "nothing".to_owned() } else { shown(node) };
            let message = format!("found {found} here; expected a map with entries, or with a file of them");
            self.findings.error(&node.place, None, message);
            return LookupTable::default();
        }
        let keys = self.walked(&schema_of::<TableKeys>(), node);
        let keys: TableKeys = serde_json::from_value(keys).unwrap_or_default();
        let mut entries: HashMap<String, String> = HashMap::new();
        match (node.get("file"), node.get("entries")) {
            (Some(file), None) => entries = self.file(node, file, &keys),
            (None, Some(_)) => self.columns_without_csv(node, "entries"),
            (Some(file), Some(_)) => {
                let message = "a table has either entries or a file, not both";
                self.findings.error(&file.place, None, message);
            }
            (None, None) => {
                let message = format!("table \"{}\" has neither entries nor a file", entry.key);
                let help = "write entries: { A: Surgery }, or file: wards.csv";
                self.findings.error(&entry.key_place, None, message).help(Some(help.to_owned()));
            }
        }
        entries.extend(keys.entries);
        LookupTable { entries, default: keys.default, strict: keys.missing == Missing::Error }
    }

    fn walked(&mut self, schema: &Value, node: &Node) -> Value {
        let mut walk = Walk::of_keys(self.findings);
        walk.value(schema, node, "", true).unwrap_or_default()
    }

    /// What is said of a CSV file means nothing elsewhere.
    fn columns_without_csv(&mut self, node: &Node, found: &str) {
        for key in ["key", "value", "header", "separator"] {
            if let Some(entry) = node.entries().iter().find(|entry| entry.key == key) {
                let message = format!("\"{key}\" is of CSV files; the table has {found}");
                self.findings.warning(&entry.key_place, None, message).help(Some("take it away".to_owned()));
            }
        }
    }

    /// The entries of the file that `at` names.
    fn file(&mut self, node: &Node, at: &Node, keys: &TableKeys) -> HashMap<String, String> {
        let Some(name) = at.text().filter(|_| !at.is_unknown()) else { return HashMap::new() };
        let path = self.base.join(name);
        let text = match text_of(&path) {
            Ok(text) => text,
            Err(reason) => {
                let message = format!("cannot read \"{}\" ({reason})", path.display());
                self.findings.error(&at.place, None, message);
                return HashMap::new();
            }
        };
        match path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase).as_deref() {
            Some("csv" | "tsv" | "txt") => self.csv(&path, text, node, keys),
            Some("yaml" | "yml" | "json") => {
                self.columns_without_csv(node, "a file of YAML");
                self.yaml(&path, text)
            }
            _ => {
                let message =
                    format!("\"{name}\" is no file of entries; expected one that ends in .csv or .yaml");
                self.findings.error(&at.place, None, message);
                HashMap::new()
            }
        }
    }

    fn yaml(&mut self, path: &Path, text: String) -> HashMap<String, String> {
        let file = self.sources.add(path, text);
        let Some(node) = tree::read(self.sources, file, self.findings) else { return HashMap::new() };
        if !matches!(node.kind, Kind::Map(_)) {
            let message = format!("this is {}; expected a map of texts by their keys", shown(&node));
            self.findings.error(&node.place, None, message);
            return HashMap::new();
        }
        let schema = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        serde_json::from_value(self.walked(&schema, &node)).unwrap_or_default()
    }

    fn csv(&mut self, path: &Path, text: String, node: &Node, keys: &TableKeys) -> HashMap<String, String> {
        let separator = match keys.separator.as_str() {
            "\\t" | "tab" => '\t',
            other => {
                let mut characters = other.chars();
                match (characters.next(), characters.next()) {
                    (Some(one), None) if one != '"' && !one.is_control() || one == '\t' => one,
                    _ => {
                        let place = node.get("separator").map_or(&node.place, |node| &node.place);
                        let message = format!("separator is \"{other}\"; expected one character, or tab");
                        self.findings.error(place, None, message);
                        return HashMap::new();
                    }
                }
            }
        };
        let wanted =
            csv::Columns { key: keys.key.as_deref(), value: keys.value.as_deref(), header: keys.header };
        let found = csv::read(&text, separator, &wanted, MOST_ENTRIES);
        if !found.mistakes.is_empty() {
            // Only a file with mistakes is kept, to show the lines.
            let file = self.sources.add(path, text);
            for csv::Mistake { range, message, help } in found.mistakes {
                self.findings.error(&Place { file, range }, None, message).help(help);
            }
        }
        found.entries
    }
}

/// The text of a file that is not too large.
fn text_of(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| why(&error))?.len();
    if length > LARGEST_FILE {
        return Err(format!("it has {} MiB, expected at most {}", length >> 20, LARGEST_FILE >> 20));
    }
    let bytes = std::fs::read(path).map_err(|error| why(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        format!("byte {} is not UTF-8; save it as UTF-8", error.utf8_error().valid_up_to())
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}
