//! What a production defines beside its items, such as schemas: by type, made by whoever reads the
//! production, and looked at by components when they are checked and built.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// What a production defines beside its items: one thing of each type. Cheap to clone.
#[derive(Clone, Default)]
pub struct Library(Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Library {
    /// The same library with `thing` in it, in place of what it had of that type.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, thing: T) -> Self {
        Arc::make_mut(&mut self.0).insert(TypeId::of::<T>(), Arc::new(thing));
        self
    }

    /// The thing of that type; an empty one when the production defines none.
    pub fn get<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let known = self.0.get(&TypeId::of::<T>()).cloned();
        known.and_then(|thing| thing.downcast().ok()).unwrap_or_default()
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("things", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_thing_of_each_type() {
        let library = Library::default().with(7_u32).with("seven");
        let other = library.clone().with(8_u32);
        assert_eq!((*library.get::<u32>(), *other.get::<u32>()), (7, 8));
        assert_eq!(*other.get::<&str>(), "seven");
        assert_eq!(*library.get::<u64>(), 0, "what nobody defined is empty");
    }
}
