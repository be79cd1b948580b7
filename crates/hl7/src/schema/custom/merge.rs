//! Merging a custom schema with its base.

use super::{Custom, Mistake};
use crate::schema::{Schema, Schemas};

pub(super) fn merge(schemas: &Schemas, custom: &Custom) -> Result<Schema, Vec<Mistake>> {
    match schemas.get(&custom.base) {
        Some(base) => Ok(base.derive(custom.name.as_str().into())),
        None => Err(Vec::new()),
    }
}
