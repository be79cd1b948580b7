//! What a flow would have set, for a transform that reads it.

use std::collections::BTreeMap;

use rules::{Names, Transform};

use super::super::context;
use crate::output::{Exit, print_note};

/// Reads `NAME=VALUE`s for a transform, and hints at what it reads that is not among them.
pub(super) fn read(given: &[String], transform: &Transform) -> Result<BTreeMap<String, String>, Exit> {
    let read = Names::These(transform.variables().map(str::to_owned).collect());
    let all = context::read(given)?;
    for name in all.keys() {
        // What code reads is not known.
        if let (false, Some(help)) = (transform.has_code(), read.instead_of(name)) {
            return Err(Exit::Usage(unread(name, transform, &help)));
        }
    }
    for name in transform.variables().filter(|name| !all.contains_key(*name)) {
        print_note(&format!("context.{name} is empty; --context {name}=VALUE gives what a flow would have"));
    }
    Ok(all)
}

fn unread(name: &str, transform: &Transform, help: &str) -> String {
    let help = if transform.variables().len() == 0 { "it reads nothing of a flow" } else { help };
    format!("transform \"{}\" does not read context.{name}; {help}", transform.name())
}
