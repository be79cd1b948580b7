//! Questions of a flow to databases: the first row stands in the context, as texts.

use std::sync::Arc;
use std::time::Duration;

use model::HostContext;

use super::expression::Value;
use super::instance::Fault;
use super::run::{Go, Run};
use crate::connections::{Asked, Database, Found, Question};

/// How long a statement may take where nothing is said.
pub(super) const USUAL: Duration = Duration::from_secs(5);

/// A statement that is run.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) statement: Arc<str>,
    /// The connection; empty for the lookup tables.
    pub(super) connection: String,
    pub(super) database: Database,
    /// A value for each parameter.
    pub(super) values: Vec<(String, Value)>,
    /// The message that they are about.
    pub(super) of: String,
    /// How the variables begin.
    pub(super) name: String,
    pub(super) limit: Duration,
}

/// The variable for a column.
pub(super) fn variable(name: &str, column: &str) -> String {
    format!("{name}_{column}")
}

/// The variable for the number of rows.
pub(super) const ROWS: &str = "rows";

impl Run<'_> {
    /// Asks, and keeps what was found.
    pub(super) async fn sql(&mut self, sql: &Sql, host: &HostContext) -> Result<Go, Fault> {
        let view = self.view(&sql.of);
        let values = sql.values.iter().map(|(name, value)| Ok((name.clone(), value.text(&view)?)));
        let values = values.collect::<Result<_, Fault>>()?;
        drop(view);
        let question = Question { sql: sql.statement.clone(), values, limit: sql.limit };
        let asked = host.shared().get::<Asked>(&sql.connection);
        let found = asked.ask(sql.database.clone(), question, host).await;
        let Found { first, rows } = found.map_err(|reason| {
            let at = match sql.connection.as_str() {
                "" => "the lookup tables".to_owned(),
                name => format!("connection \"{name}\""),
            };
            Fault { name: "sql".to_owned(), reason: format!("{at}: {reason}") }
        })?;
        let context = &mut self.instance.context;
        context.extend(first.into_iter().map(|(column, value)| (variable(&sql.name, &column), value)));
        context.insert(variable(&sql.name, ROWS), rows.to_string());
        Ok(Go::Next)
    }
}
