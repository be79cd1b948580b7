//! What differs between two messages, for those who compare them within another command.

use hl7::Message;
use hl7::schema::Schemas;
use serde_json::Value;

use super::changes::{self, Change};
use super::diff::compare;
use super::paths::Everywhere;
use super::words::Book;
use crate::output::{Exit, Screen};

/// What differs between two messages.
pub(crate) struct Differences(Vec<Change>);

impl Differences {
    /// Compares them, with the names of these schemas.
    pub(crate) fn between(schemas: &Schemas, old: &Message, new: &Message) -> Result<Self, Exit> {
        let book = Book::of(schemas);
        Ok(Differences(compare(&book, &Everywhere::compile(&[], &book)?, old, new)))
    }

    /// As `orris hl7 diff` shows it; empty where nothing differs.
    pub(crate) fn draw(&self, screen: &Screen) -> String {
        changes::draw(screen, &self.0)
    }

    /// One object for each.
    pub(crate) fn json(&self) -> Value {
        self.0.iter().map(Change::object).collect()
    }
}
