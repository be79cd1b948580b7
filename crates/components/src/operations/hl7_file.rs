//! `hl7.file`, the operation: writes HL7 messages into files.
//!
//! ```yaml
//! operations:
//!   HL7FileOperation:
//!     type: hl7.file
//!     settings: { file_path: out, file_name: "%f_%Q" }
//! ```
//!
//! The bytes are written as they came. A message is completed when its file is there under its name and,
//! with `sync`, on the disk. Files are written aside, as `.NAME.ID.tmp`, and renamed, in the order of the
//! queue: nobody ever sees half a file, and a message that is repeated after a crash leaves one file.
//!
//! `file_name` is made of codes: `%f` is the source's name (`%#f` before its last dot, `%$f` from it,
//! capital letters for upper case), `%Q` the time as 2026-11-23_12.59.00.123, `%q` as 20261123125900
//! (`%q(1)` to `%q(5)` other forms, the last a GUID), `%Y %y %m %d %H %I %M %S %N %j %a %A %b %B %u %w %U
//! %W %p %r %R %T %z %Z %c %D` its parts, `%K(UTC)` in the beginning another zone, `%%` a percent sign.
//! `{MSH-10}` is a field of the message, `{id}` and `{session}` the engine's numbers, `{doc_type}` its
//! structure, as in `ADT_A01`. The time is that of the message's header, so that a repeat makes the same name. Whatever a
//! name is made of, it stays in its folder: separators and control characters are replaced, leading dots
//! too, and a name of more than 200 bytes is shortened.
//!
//! `mode` says what happens when a file of that name is there:
//! - `unique`: the message's id is added to the new name: no message is ever lost by its name;
//! - `overwrite`: the new file takes its place (users of other engines know this as the default);
//! - `append`: the message is added to it, exactly once, also over a crash. With `batch: wrap` the file is
//!   at all times a whole batch, FHS BHS ... BTS FTS, with the right count; nobody else may write to it.
//!
//! What may pass by itself (a full disk, a missing folder, missing rights) holds the queue and is tried
//! again. A relative `file_path` lies in the data directory and is made when it is missing.

use model::{BuildError, Built, BusinessType, Checks, Component, Library};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::file_outbound::writing::{Between, FileOutbound, FileOutboundSettings, Mode};

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What all file operations have in common.
    #[serde(flatten)]
    pub files: FileOutboundSettings,
    /// Whether the file is a batch with headers and trailers. Only with `mode: append`.
    #[serde(default)]
    pub batch: Batch,
}

/// What stands around the messages of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Batch {
    /// Nothing.
    #[default]
    None,
    /// The segments FHS, BHS, BTS and FTS.
    Wrap,
}

/// The component.
pub struct HL7FileOperation;

impl Component for HL7FileOperation {
    const TYPE: &'static str = "hl7.file";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessOperation;
    const SUMMARY: &'static str = "writes HL7 messages into files";
    const EXAMPLE: &'static str = "HL7FileOperation:
  type: hl7.file
  settings:
    file_path: out
    file_name: \"%f_%Q\"
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        settings.files.check(checks);
        if settings.batch == Batch::Wrap && settings.files.mode != Mode::Append {
            checks.error("batch", "batch is \"wrap\", and mode is not \"append\"; expected none");
            checks.help("a file with one message is no batch; set mode: append, or leave batch out");
        }
    }

    fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
        let between = match settings.batch {
            Batch::None => Between::Lines,
            Batch::Wrap => Between::Batch,
        };
        Ok(Built::Operation(Box::new(FileOutbound::new(settings.files, between)?)))
    }
}

#[cfg(test)]
#[path = "hl7_file/tests.rs"]
mod tests;
