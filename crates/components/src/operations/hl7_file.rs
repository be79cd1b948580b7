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

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use model::{
    BuildError, Built, BusinessOperation, BusinessType, Checks, Claim, Component, Decision, Failure,
    HostContext, Library, Message, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::disk::{blocking, folder};
use crate::adapters::file_name::{Facts, NameTemplate};
use crate::adapters::file_outbound::{Job, Written, append, each};
use crate::hl7::doc_type;

/// Failed messages that are remembered as perhaps written already.
const MOST_TRIED: usize = 4_096;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder to write files into. A relative path lies in the data directory and is made when it is
    /// missing; an absolute one has to be there.
    pub file_path: String,
    /// The file's name, made of codes such as `%f` (the source's name) and `%Q` (the time), and of fields
    /// in braces such as `{MSH-10}`.
    #[serde(default = "usual_name")]
    pub file_name: String,
    /// What happens when a file of that name is there.
    #[serde(default)]
    pub mode: Mode,
    /// Whether the file is a batch with headers and trailers. Only with `mode: append`.
    #[serde(default)]
    pub batch: Batch,
    /// Whether a file is on the disk, and not only in the system's memory, before its message is
    /// completed. Without it more files are written in a second, and a power failure may lose the last
    /// ones.
    #[serde(default = "yes")]
    pub sync: bool,
}

/// What happens when a file of that name is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The new file gets the message's id added to its name.
    #[default]
    Unique,
    /// The new file takes its place.
    Overwrite,
    /// The message is added to it.
    Append,
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

fn usual_name() -> String {
    "%f_%Q".into()
}

const fn yes() -> bool {
    true
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
        if settings.file_path.is_empty() {
            checks.error("file_path", "file_path is empty; expected a folder");
        }
        checks.claim("file_path", Claim::WriteTo(settings.file_path.clone()));
        if let Err(error) = settings.file_name.parse::<NameTemplate>() {
            error.report("file_name", checks);
        }
        if settings.batch == Batch::Wrap && settings.mode != Mode::Append {
            checks.error("batch", "batch is \"wrap\", and mode is not \"append\"; expected none");
            checks.help("a file with one message is no batch; set mode: append, or leave batch out");
        }
    }

    fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
        let name = settings
            .file_name
            .parse()
            .map_err(|error| BuildError { path: "file_name".into(), message: format!("{error}") })?;
        Ok(Built::Operation(Box::new(FileOperation {
            settings,
            name,
            started: Timestamp::default(),
            tried: HashSet::new(),
            appending: Arc::default(),
        })))
    }
}

struct FileOperation {
    settings: Settings,
    name: NameTemplate,
    /// Messages older than this may have been written by an earlier life.
    started: Timestamp,
    /// Messages that may have been written by this one, though it could not say so.
    tried: HashSet<u64>,
    /// Shared by all workers of the item.
    appending: Arc<SharedAppending>,
}

/// The files that the workers of one item append to; one writes at a time.
#[derive(Default)]
struct SharedAppending(Mutex<append::Appending>);

#[async_trait]
impl BusinessOperation for FileOperation {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.started = host.clock().now();
        if self.settings.mode == Mode::Append {
            self.appending = host.shared().get::<SharedAppending>(host.name());
            let rows = host.remembered(append::PREFIX).await?;
            let mut appending = self.appending.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !appending.is_loaded() {
                appending.load(rows);
            }
        }
        Ok(())
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        let mut decisions = self.on_messages(std::slice::from_ref(request), host).await;
        decisions.pop().unwrap_or_else(|| Decision::retry("the item is stopping"))
    }

    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        let jobs: Vec<Job> = requests.iter().map(|request| self.job(request)).collect();
        let ids: Vec<u64> = jobs.iter().map(|job| job.id).collect();
        let data_dir = host.data_dir().to_owned();
        let written = match self.settings.mode {
            Mode::Append => self.append(data_dir, jobs, host).await,
            mode => {
                let way = each::Way {
                    overwrite: mode == Mode::Overwrite,
                    sync: self.settings.sync,
                    now: host.clock().now().0,
                };
                let path = self.settings.file_path.clone();
                blocking(move || in_folder(&data_dir, &path, |folder| each::write(folder, &jobs, way))).await
            }
        };
        self.decide(&ids, written)
    }
}

impl FileOperation {
    fn job(&self, request: &Message) -> Job {
        let (header, body) = (&request.header, &request.body);
        let message = match self.name.needs_message() {
            true => body.parsed(|body| hl7::Message::read(body.content().clone(), body.charset())).ok(),
            false => None,
        };
        let facts = Facts {
            source: if body.name().is_empty() { &header.source } else { body.name() },
            time: header.time_created,
            id: header.id.0,
            session: header.session.0,
            doc_type: doc_type::structure(body.doc_type()),
            message: message.as_ref(),
        };
        Job {
            name: self.name.render(&facts),
            private: self.name.needs_message(),
            id: header.id.0,
            created: header.time_created.0,
            repeat: header.time_created <= self.started || self.tried.contains(&header.id.0),
            bytes: body.content().clone(),
        }
    }

    async fn append(&self, data_dir: PathBuf, jobs: Vec<Job>, host: &HostContext) -> Written {
        let way = append::Way { wrap: self.settings.batch == Batch::Wrap, sync: self.settings.sync };
        let (path, appending) = (self.settings.file_path.clone(), self.appending.clone());
        let ledger = host.clone();
        let written = blocking(move || {
            in_folder(&data_dir, &path, |folder| {
                let mut appending = appending.0.lock().unwrap_or_else(PoisonError::into_inner);
                let (written, state) = appending.append(folder, &jobs, way);
                // Before the decisions, so that the note is in the ledger before the completions; and
                // before another worker writes, so that the notes are in the order of the file.
                ledger.remember(state);
                written
            })
        })
        .await;
        model::fault::point("operation.renamed");
        written
    }

    fn decide(&mut self, ids: &[u64], written: Written) -> Vec<Decision> {
        let mut decisions: Vec<_> = std::iter::repeat_with(Decision::completed).take(written.count).collect();
        if !self.tried.is_empty() {
            ids[..written.count].iter().for_each(|id| {
                self.tried.remove(id);
            });
        }
        if let Some(reason) = written.failure {
            if self.tried.len() < MOST_TRIED {
                self.tried.extend(&ids[written.count..]);
            }
            decisions.push(Decision::retry(reason));
        }
        decisions
    }
}

/// Does something in the folder of the setting, which is looked for each time: it may come and go.
fn in_folder(data_dir: &Path, path: &str, work: impl FnOnce(&Path) -> Written) -> Written {
    match folder(data_dir, "file_path", path) {
        Ok((folder, _)) => work(&folder),
        Err(reason) => Written { count: 0, failure: Some(reason) },
    }
}

#[cfg(test)]
#[path = "hl7_file/tests.rs"]
mod tests;
