//! What all operations that write files have in common: their settings, and the host itself.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use model::{
    BuildError, BusinessOperation, Checks, Claim, Decision, Failure, HostContext, Message, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::Separator;
use super::{Job, Written, append, each};
use crate::adapters::disk::{blocking, folder};
use crate::adapters::file_name::{Facts, NameTemplate};
use crate::hl7::doc_type;

/// Failed messages that are remembered as perhaps written already.
const MOST_TRIED: usize = 4_096;

/// The settings that the file operations share. They stand beside those of the operation itself, as if
/// they were its own: `#[serde(flatten)]`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
pub struct FileOutboundSettings {
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

fn usual_name() -> String {
    "%f_%Q".into()
}

const fn yes() -> bool {
    true
}

impl FileOutboundSettings {
    /// Reports what is wrong with them.
    pub(crate) fn check(&self, checks: &mut Checks) {
        if self.file_path.is_empty() {
            checks.error("file_path", "file_path is empty; expected a folder");
        }
        checks.claim("file_path", Claim::WriteTo(self.file_path.clone()));
        if let Err(error) = self.file_name.parse::<NameTemplate>() {
            error.report("file_name", checks);
        }
    }
}

/// What stands between the messages of a file that they are appended to.
pub(crate) enum Between {
    /// Line ends.
    Lines,
    /// Line ends, and the segments FHS, BHS, BTS and FTS around them all.
    Batch,
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Between {
    fn each(&self) -> Separator<'_> {
        match self {
            Between::Lines | Between::Batch => Separator::Line,
            Between::Bytes(bytes) => Separator::Bytes(bytes),
        }
    }
}

/// The host.
pub(crate) struct FileOutbound {
    settings: FileOutboundSettings,
    between: Arc<Between>,
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
impl BusinessOperation for FileOutbound {
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

impl FileOutbound {
    /// As the settings say; nothing is opened yet.
    pub(crate) fn new(settings: FileOutboundSettings, between: Between) -> Result<Self, BuildError> {
        let name = settings
            .file_name
            .parse()
            .map_err(|error| BuildError { path: "file_name".into(), message: format!("{error}") })?;
        Ok(FileOutbound {
            settings,
            between: Arc::new(between),
            name,
            started: Timestamp::default(),
            tried: HashSet::new(),
            appending: Arc::default(),
        })
    }

    fn job(&self, request: &Message) -> Job {
        let (header, body) = (&request.header, &request.body);
        let message = match self.name.needs_message() {
            true => crate::message::hl7(body).ok(),
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
        let (path, appending) = (self.settings.file_path.clone(), self.appending.clone());
        let (between, sync, ledger) = (self.between.clone(), self.settings.sync, host.clone());
        let written = blocking(move || {
            let way =
                append::Way { wrap: matches!(*between, Between::Batch), separator: between.each(), sync };
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
