//! Production YAML to a checked definition: every finding at once, each with its place.
//!
//! The way of a production: its files are read into one tree that knows where everything stands
//! (`files`, `tree`), `${…}` is filled in, each map of keys is held against its schema, each
//! component checks its settings, and what items say about each other is checked last.
//!
//! Besides the production's own files, its lookup tables and what `${file:…}` names, nothing is touched.

mod cases;
mod claims;
mod connections;
mod def;
mod files;
mod finding;
mod fit;
mod forms;
mod interpolate;
mod items;
mod json_schema;
mod keys;
mod links;
mod order;
mod production;
mod render;
mod resolved;
mod rule_sets;
mod scalar;
mod schedules;
mod schemas;
mod secret;
mod shape;
mod source;
mod suggest;
mod syntax;
mod tables;
mod transforms;
mod tree;
mod unused;
mod walk;

use std::path::{Path, PathBuf};

use model::{Catalogue, Library};

use crate::files::Files;
use crate::production::Ground;

pub use cases::{
    CaseDef, CaseReport, EdgeDef, Expectation, Given, GivenMessage, OutputDef, SocketDef, ValueDef, Wanted,
    case_schema, load_case,
};
pub use def::{ItemDef, ProductionDef};
pub use finding::{Finding, Level, Report};
pub use json_schema::json_schema;
pub use order::OrderBy;
pub use source::{Source, Sources};

/// Reads and checks the production at `path`, with `overlays` laid over it in order. `env` gives
/// the values of environment variables.
pub fn load(
    path: &Path,
    overlays: &[PathBuf],
    catalogue: Catalogue,
    env: &dyn Fn(&str) -> Option<String>,
) -> Report {
    load_with(path, overlays, catalogue, env, Library::default())
}

/// The same, with a library that holds more than the production defines, such as a [`model::Machine`]
/// that checks may look at.
pub fn load_with(
    path: &Path,
    overlays: &[PathBuf],
    catalogue: Catalogue,
    env: &dyn Fn(&str) -> Option<String>,
    library: Library,
) -> Report {
    let mut files = Files::new(env);
    let production = files.read(path, overlays).and_then(|root| {
        let base = path.parent().unwrap_or(Path::new(""));
        let Files { sources, findings, secrets, .. } = &mut files;
        let ground = Ground { catalogue, env, base, library };
        production::check(root, ground, sources, findings, secrets)
    });
    let findings = files.findings.finish(&files.sources, &files.secrets);
    Report { production, findings, sources: files.sources }
}
