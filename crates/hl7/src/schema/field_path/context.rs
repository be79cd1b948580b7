//! The schemas that paths are read by.

use std::sync::Arc;

use crate::schema::{CategoryChoice, Schema, Schemas};

/// The schemas that a path is read by: those that a message may have.
#[derive(Debug, Clone, Default)]
pub struct PathContext {
    pub(super) schemas: Schemas,
    pub(super) choice: CategoryChoice,
    /// What paths with `target.` are read by, where something is built.
    target: Option<Arc<PathContext>>,
}

/// What a path through the message that is being built begins with.
pub(super) const TARGET: &str = "target.";

impl PathContext {
    /// Paths of messages whose schema is chosen so. [`PathContext::default`] is for messages of all
    /// versions.
    pub fn new(schemas: &Schemas, choice: &CategoryChoice) -> PathContext {
        PathContext { schemas: schemas.clone(), choice: choice.clone(), target: None }
    }

    /// The same, where paths that begin with `target.` lead through another message, which is being built:
    /// see [`Scope::target`](crate::Scope::target).
    #[must_use]
    pub fn with_target(self, target: PathContext) -> PathContext {
        PathContext { target: Some(Arc::new(target)), ..self }
    }

    /// What a path is read by, and how much of it says so.
    pub(super) fn of<'c>(&'c self, text: &str) -> Option<(&'c PathContext, usize)> {
        self.target.as_deref().filter(|_| text.starts_with(TARGET)).map(|target| (target, TARGET.len()))
    }

    /// The schemas that there are.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// Whether all messages have a schema that is known beforehand.
    pub fn is_set(&self) -> bool {
        self.choice.covers_all()
    }

    /// The names of the schemas that a message may have: those that the choice names, then the versions,
    /// the newest first, then the custom ones, which MSH-12 may name as well.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let others = self.schemas.names().filter(|_| !self.is_set());
        let (versions, custom): (Vec<&str>, Vec<&str>) = others.partition(|name| Schemas::is_version(name));
        for name in self.choice.categories().chain(versions.into_iter().rev()).chain(custom) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Arc<Schema>> + '_ {
        self.names().into_iter().filter_map(|name| self.schemas.get(&name))
    }

    /// What is said of the schemas: `2.5.1`, or `any version`.
    pub(super) fn said(&self) -> String {
        match self.is_set() {
            true => self.names().join(" or "),
            false => "any version".to_owned(),
        }
    }
}
