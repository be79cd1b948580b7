//! What a flow would have set, as `--context NAME=VALUE` gives it.

use std::collections::BTreeMap;

use crate::output::Exit;

/// The values by name. `context.ward=W4` and `ward=W4` are the same.
pub(super) fn read(given: &[String]) -> Result<BTreeMap<String, String>, Exit> {
    let mut all = BTreeMap::new();
    for one in given {
        let Some((name, value)) = one.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Exit::Usage(format!("context is \"{one}\"; expected NAME=VALUE, as in ward=W4")));
        };
        let name = name.strip_prefix("context.").unwrap_or(name);
        if all.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Exit::Usage(format!("context.{name} is given twice; expected one value")));
        }
    }
    Ok(all)
}
