//! Steps that ask databases: their statements are looked at, and not run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::{Connections, Library};
use serde_json::{Map, Value};

use super::super::program::Op;
use super::super::reading::{is_name, join, meant};
use super::super::sql::{ROWS, Sql, USUAL, variable};
use super::{At, Compiler, text};
use crate::connections::{Database, Looked, Wrong, look};

/// The statements of a flow, by what they ask and where; empty where they are not looked at.
#[derive(Default)]
pub(super) struct Statements(BTreeMap<(String, String), Result<Looked, Wrong>>);

impl Statements {
    /// Looks at all statements, wherever they are, where that is wanted; and tells what they set.
    pub(super) fn of(steps: &Value, library: &Library, wanted: bool, sets: &mut BTreeSet<String>) -> Self {
        let mut statements = Statements::default();
        let mut open = BTreeSet::new();
        statements.look(steps, library, wanted, sets, &mut open);
        for begins in open {
            // What cannot be looked at sets what is asked for.
            asked_for(steps, &begins, sets);
        }
        statements
    }

    fn look(
        &mut self,
        value: &Value,
        library: &Library,
        wanted: bool,
        sets: &mut BTreeSet<String>,
        open: &mut BTreeSet<String>,
    ) {
        match value {
            Value::Array(all) => all.iter().for_each(|value| self.look(value, library, wanted, sets, open)),
            Value::Object(map) => {
                if let (Some(sql), Some(name)) = (text(map, "sql"), text(map, "as")) {
                    sets.insert(variable(name, ROWS));
                    let connection = text(map, "connection").unwrap_or_default();
                    let key = (connection.to_owned(), sql.to_owned());
                    if wanted
                        && !self.0.contains_key(&key)
                        && let Some(database) = database(connection, library)
                    {
                        self.0.insert(key.clone(), look(&database, sql));
                    }
                    match self.0.get(&key) {
                        Some(Ok(looked)) => {
                            sets.extend(looked.columns.iter().map(|column| variable(name, column)));
                        }
                        _ => drop(open.insert(variable(name, ""))),
                    }
                }
                map.values().for_each(|value| self.look(value, library, wanted, sets, open));
            }
            _ => {}
        }
    }
}

/// The database of that connection.
fn database(connection: &str, library: &Library) -> Option<Database> {
    match connection {
        "" => Some(Database::Tables((*library.get::<rules::LookupTables>()).clone())),
        name => {
            let all = library.get::<Connections>();
            all.0.get(name).map(|connection| Database::File(connection.file.clone()))
        }
    }
}

/// Every variable in these steps that begins so.
fn asked_for(value: &Value, begins: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| asked_for(value, begins, found)),
        Value::Object(all) => all.values().for_each(|value| asked_for(value, begins, found)),
        Value::String(text) => {
            for rest in text.split("context.").skip(1).filter(|rest| rest.starts_with(begins)) {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                found.insert(rest[..end].to_owned());
            }
        }
        _ => {}
    }
}

impl Compiler {
    pub(super) fn sql(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        let Some(statement) = self.findings.text(at.value, &at.place) else { return };
        let name = match at.map.get("as") {
            Some(name) => self.findings.text(name, &at.under("as")).unwrap_or_default(),
            None => {
                let message = "key \"as\" is missing; expected how the variables begin, as in ward";
                return self.findings.error(at.path, message, None);
            }
        };
        self.findings.name(&name, &at.under("as"));
        let connection = match at.map.get("connection") {
            Some(name) => self.findings.text(name, &at.under("connection")).unwrap_or_default(),
            None => String::new(),
        };
        let Some(database) = database(&connection, &self.library) else {
            return self.no_connection(&connection, &at.under("connection"));
        };
        let none = Map::new();
        let with = match at.map.get("with") {
            Some(with) => self.findings.map(with, &at.under("with")).unwrap_or(&none),
            None => &none,
        };
        let mut values = Vec::new();
        for (parameter, value) in with {
            let value = self.value(value, &join(&at.under("with"), parameter));
            values.extend(value.map(|value| (parameter.clone(), value)));
        }
        match self.statements.0.get(&(connection.clone(), statement.clone())).cloned() {
            Some(Ok(looked)) => self.looked(&looked, with, at),
            Some(Err(wrong)) => self.wrong(wrong, &database, at),
            None => {}
        }
        let limit = self.sql_limit(at);
        let statement: Arc<str> = statement.into();
        self.push(Op::Sql(Sql { statement, connection, database, values, of, name, limit }));
    }

    /// How long the statement may take.
    fn sql_limit(&mut self, at: &At<'_>) -> Duration {
        let limit = at.map.get("timeout").and_then(|value| self.findings.span(value, &at.under("timeout")));
        if limit.is_some_and(|limit| limit.is_zero()) {
            self.findings.error(&at.under("timeout"), "timeout is 0; expected a time, as in 5s", None);
        }
        limit.unwrap_or(USUAL)
    }

    /// Tells what is wrong with a statement.
    fn wrong(&mut self, wrong: Wrong, database: &Database, at: &At<'_>) {
        match wrong {
            Wrong::Statement(range, message) => self.findings.within(&at.place, range, message, None),
            Wrong::Away(reason) if database.is_there() => {
                let message = format!("the statement cannot be checked: {reason}");
                self.findings.warning(&at.place, message, None);
            }
            // That there is no such file is told where it is named.
            Wrong::Away(_) => {}
        }
    }

    /// What a statement that is right and its step say of each other.
    fn looked(&mut self, looked: &Looked, with: &Map<String, Value>, at: &At<'_>) {
        let mut known: BTreeSet<&str> = BTreeSet::from([ROWS]);
        for column in &looked.columns {
            if !is_name(column) {
                let message = format!(
                    "column \"{column}\" has no name for expressions; expected letters, digits and \"_\""
                );
                self.findings.error(&at.place, message, Some(format!("write {column} AS …")));
            } else if !known.insert(column) {
                let message = format!("two variables would be named \"{column}\"");
                self.findings.error(&at.place, message, Some(format!("write {column} AS …")));
            }
        }
        for (name, range) in looked.parameters.iter().filter(|(name, _)| !with.contains_key(name)) {
            let message = format!("parameter \"{name}\" has no value");
            let help = Some(format!("write with: {{ {name}: PV1-3.1 }}"));
            self.findings.within(&at.place, Some(range.clone()), message, help);
        }
        for name in with.keys().filter(|name| !looked.parameters.iter().any(|(known, _)| known == *name)) {
            let place = join(&at.under("with"), name);
            let help = Some(format!("write :{name} where it belongs, or take it away"));
            self.findings.error(&place, format!("the statement has no parameter \"{name}\""), help);
        }
    }

    fn no_connection(&mut self, name: &str, path: &str) {
        let all = self.library.get::<Connections>();
        let known: Vec<&str> = all.0.keys().map(String::as_str).collect();
        let help = meant(name, &known, "define it under \"connections\" of the production");
        self.findings.error(path, format!("connection \"{name}\" is not known"), Some(help));
    }
}
