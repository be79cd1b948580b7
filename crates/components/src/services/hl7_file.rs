//! `hl7.file`, the service: takes HL7 messages out of the files of a folder.
//!
//! ```yaml
//! services:
//!   HL7FileService:
//!     type: hl7.file
//!     targets: [MsgRouter]
//!     settings: { file_path: in, file_spec: "*.hl7", archive_path: archive }
//! ```
//!
//! A file is archived (without `archive_path`: removed) only after its messages are durably stored, and
//! what has been taken from which file is stored together with them: a kill at any instant, a start,
//! and every message is there exactly once. A file that comes again under the same name is a new file.
//!
//! A file is taken when it is complete (`confirm_complete`); one that comes by rename is taken at once.
//! Files are read in the order of `order`, and their messages stand in every queue in that order.
//!
//! Not taken: hidden files (a leading dot); symbolic links (a warning says so once); files with an
//! ending of partial ones (`.tmp .part .partial .filepart .crdownload .swp ~`), unless `file_spec`
//! itself ends so; files in the service's own work, archive and error folders; subfolders deeper than
//! `subdirectory_levels`.
//!
//! Bytes that are no HL7 are stored as they came, under a header with status Error. A file in which no
//! message can be read stays where it is and is not read again; with `on_error: move` it goes to
//! `error_path`, with the reason in a file beside it. A file that cannot be opened stays and is tried
//! again, after pauses that double up to 5 minutes; the others go on.
//!
//! Where it differs from the engines users know: the archive keeps names as they are (they add a
//! timestamp), and a second file of a name gets the time of its last write added; a work folder is
//! never needed, and must not be the archive.

use std::path::{Component as PathPart, Path};
use std::time::Duration;

use async_trait::async_trait;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use model::{
    BuildError, Built, BusinessService, BusinessType, ByteSize, Checks, Claim, Component, Event, EventKind,
    Failure, HostContext, Library, Span,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::disk::{blocking, folder};
use crate::adapters::file_inbound::Folders;
use crate::adapters::file_inbound::archive::PuttingAway;
use crate::adapters::file_inbound::intake::FileInbound;
use crate::adapters::file_inbound::scan::{Order, Wanted};
use crate::adapters::file_inbound::settle::{ConfirmComplete, Settling};
use crate::adapters::file_inbound::taking::Reading;
use crate::adapters::file_name::NameTemplate;
use crate::hl7::batch::BatchHandling;
use crate::hl7::doc_type::DocTypes;
use crate::hl7::settings::check_charset;

mod values;

pub use values::{AppendTimestamp, OnError, Patterns};

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder to take files out of. A relative path lies in the data directory and is made when it
    /// is missing; an absolute one has to be there.
    pub file_path: String,
    /// The names to take, as patterns: `*` any letters, `?` one letter, `[a-z]` one of these, `{a,b}`
    /// one of these. One pattern, or a list of them.
    #[serde(default)]
    pub file_spec: Patterns,
    /// How many folders below `file_path` are searched as well, from 0 to 32.
    #[serde(default)]
    pub subdirectory_levels: usize,
    /// The folder that taken files are kept in, below the folders they came in; without it they are
    /// removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_path: Option<String>,
    /// A folder on the same disk that files are moved into before they are read, so that several
    /// engines can share `file_path`; without it they are read where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_path: Option<String>,
    /// What becomes of a file in which no message can be read.
    #[serde(default)]
    pub on_error: OnError,
    /// The folder that `on_error: move` moves to, and needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_path: Option<String>,
    /// The pause between two listings of the folder, from 100ms to 1h.
    #[serde(default = "five_seconds")]
    pub polling_interval: Span,
    /// Whether the system's hints are used to take a new file at once. The listings find it anyway.
    #[serde(default = "yes")]
    pub watch: bool,
    /// How a file is known to be complete.
    #[serde(default)]
    pub confirm_complete: ConfirmComplete,
    /// How long a file that is written in place has to be unchanged to be complete, from 0ms to 1h.
    #[serde(default = "two_seconds")]
    pub settle_time: Span,
    /// What is added to names in the archive: `none`, `true` for `%f_%Q`, or a name made of codes
    /// (those of the operation `hl7.file`, without braces). Names in the work folder stay as they are.
    #[serde(default)]
    pub append_timestamp: AppendTimestamp,
    /// The charset that messages are read in, whatever they say themselves; without it MSH-18 says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// The schema that messages are read by, as in `2.5.1` or a name of the production's own, or a list
    /// for kinds of messages, as in `ADT_A01=2.5:ADT_A01,ORU*=Hospital`; empty for MSH-12 to say.
    #[serde(default)]
    pub message_schema_category: String,
    /// What a batch of messages becomes.
    #[serde(default)]
    pub batch_handling: BatchHandling,
    /// In which order files are taken.
    #[serde(default)]
    pub order: Order,
    /// The longest message (with `batch_handling: whole` the longest file) that is taken, from 1KiB to
    /// 1GiB. What is longer is refused.
    #[serde(default = "sixty_four_mib")]
    pub max_message_size: ByteSize,
}

const fn five_seconds() -> Span {
    Span::secs(5)
}

const fn two_seconds() -> Span {
    Span::secs(2)
}

const fn sixty_four_mib() -> ByteSize {
    ByteSize::mib(64)
}

const fn yes() -> bool {
    true
}

/// The component.
pub struct HL7FileService;

impl Component for HL7FileService {
    const TYPE: &'static str = "hl7.file";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessService;
    const SUMMARY: &'static str = "takes HL7 messages out of the files of a folder";
    const EXAMPLE: &'static str = "HL7FileService:
  type: hl7.file
  targets: [MsgRouter]
  settings:
    file_path: in
    file_spec: \"*.hl7\"
    archive_path: archive
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        check_folders(settings, checks);
        if let Some((path, message, help)) = on_error_fault(settings) {
            checks.error(path, message);
            checks.help(help);
        }
        check_patterns(settings, checks);
        check_ranges(settings, checks);
        DocTypes::check(&settings.message_schema_category, checks);
        check_charset(settings.charset.as_deref(), checks);
        match settings.append_timestamp.template() {
            Err(error) => error.report("append_timestamp", checks),
            Ok(Some(template)) if template.is_of_message() => {
                let text = "append_timestamp names a part of a message in braces; expected codes alone";
                checks.error("append_timestamp", text);
            }
            Ok(_) => {}
        }
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let wrong = |path: &str, message: String| BuildError { path: path.into(), message };
        if let Some((path, message, _)) = on_error_fault(&settings) {
            return Err(wrong(path, message.into()));
        }
        let specs = globs(&settings.file_spec).map_err(|error| wrong("file_spec", error))?;
        let stamp = settings
            .append_timestamp
            .template()
            .map_err(|error| wrong("append_timestamp", error.to_string()))?;
        let types = DocTypes::new(&settings.message_schema_category, library)?;
        Ok(Built::Service(Box::new(FileService { settings, specs, stamp, types })))
    }
}

fn check_folders(settings: &Settings, checks: &mut Checks) {
    let named = [
        ("file_path", Some(&settings.file_path)),
        ("work_path", settings.work_path.as_ref()),
        ("archive_path", settings.archive_path.as_ref()),
        ("error_path", settings.error_path.as_ref()),
    ];
    let named: Vec<_> = named.into_iter().filter_map(|(name, path)| Some((name, path?))).collect();
    for (index, (name, path)) in named.iter().enumerate() {
        if path.is_empty() {
            checks.error(*name, format!("{name} is empty; expected a folder"));
        }
        let same = |(_, other): &&(&str, &String)| plain(other).eq(plain(path));
        if let Some((other, _)) = named[..index].iter().find(same) {
            checks.error(*name, format!("{name} is \"{path}\", as {other}; expected another folder"));
        }
        let claim = match *name {
            "file_path" => Claim::TakeFrom((*path).clone(), settings.file_spec.0.join(" ")),
            "work_path" => Claim::TakeFrom((*path).clone(), "*".into()),
            _ => Claim::WriteTo((*path).clone()),
        };
        checks.claim(*name, claim);
    }
}

fn check_ranges(settings: &Settings, checks: &mut Checks) {
    let hour = Span::secs(3600);
    if settings.polling_interval < Span::millis(100) || settings.polling_interval > hour {
        let found = settings.polling_interval;
        checks.error("polling_interval", format!("polling_interval is {found}; expected 100ms to 1h"));
    }
    if settings.settle_time > hour {
        let found = settings.settle_time;
        checks.error("settle_time", format!("settle_time is {found}; expected at most 1h"));
    }
    if settings.subdirectory_levels > 32 {
        let found = settings.subdirectory_levels;
        checks.error("subdirectory_levels", format!("subdirectory_levels is {found}; expected 0 to 32"));
    }
    if settings.max_message_size < ByteSize::kib(1) || settings.max_message_size > ByteSize(1 << 30) {
        let found = settings.max_message_size;
        checks.error("max_message_size", format!("max_message_size is {found}; expected 1KiB to 1GiB"));
    }
}

/// `on_error: move` and `error_path` come together: the setting, what is wrong, and what to do.
fn on_error_fault(settings: &Settings) -> Option<(&'static str, &'static str, &'static str)> {
    match (settings.on_error, &settings.error_path) {
        (OnError::Move, None) => Some((
            "on_error",
            "on_error is \"move\" and there is no error_path; expected the folder to move to",
            "add error_path, such as error_path: error",
        )),
        (OnError::Leave, Some(_)) => Some((
            "error_path",
            "error_path is set and on_error is \"leave\", so that nothing would go there; expected on_error: move",
            "add on_error: move, or take error_path away",
        )),
        _ => None,
    }
}

/// The parts of a path, without those that say nothing.
fn plain(path: &str) -> impl Iterator<Item = PathPart<'_>> {
    Path::new(path).components().filter(|part| *part != PathPart::CurDir)
}

fn check_patterns(settings: &Settings, checks: &mut Checks) {
    if settings.file_spec.0.is_empty() {
        checks.error("file_spec", "file_spec is empty; expected at least one pattern, such as \"*.hl7\"");
    }
    for (index, pattern) in settings.file_spec.0.iter().enumerate() {
        let path = settings.file_spec.path(index);
        if pattern.contains('/') {
            checks.error(path, format!("file_spec is \"{pattern}\"; expected a name without a folder"));
            checks.help("put the folder into file_path, and use subdirectory_levels for those below it");
        } else if let Err(error) = glob(pattern) {
            checks.error(path, error);
        }
    }
}

fn glob(pattern: &str) -> Result<globset::Glob, String> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| format!("file_spec is \"{pattern}\"; {}", error.kind()))
}

fn globs(patterns: &Patterns) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in &patterns.0 {
        set.add(glob(pattern)?);
    }
    set.build().map_err(|error| error.to_string())
}

struct FileService {
    settings: Settings,
    specs: GlobSet,
    stamp: Option<NameTemplate>,
    types: DocTypes,
}

#[async_trait]
impl BusinessService for FileService {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        let folders = self.folders(host).await?;
        let inbound = FileInbound {
            wanted: self.wanted(),
            reading: Reading {
                folders: folders.clone(),
                handling: self.settings.batch_handling,
                charset: self.settings.charset.clone().unwrap_or_default(),
                types: self.types.clone(),
                longest: self.settings.max_message_size.0 as usize,
            },
            putting_away: PuttingAway { folders, stamp: self.stamp.clone() },
            polling: self.settings.polling_interval.0,
            watched: self.settings.watch,
        };
        inbound.run(host).await
    }
}

impl FileService {
    fn wanted(&self) -> Wanted {
        Wanted {
            specs: self.specs.clone(),
            patterns: self.settings.file_spec.0.clone(),
            levels: self.settings.subdirectory_levels,
            order: self.settings.order,
            settling: Settling { confirm: self.settings.confirm_complete, time: self.settings.settle_time.0 },
            first_pause: self.settings.polling_interval.0.max(Duration::from_secs(1)),
        }
    }

    /// Finds the folders, and makes those that may be made.
    async fn folders(&self, host: &HostContext) -> Result<Folders, Failure> {
        let data_dir = host.data_dir().to_owned();
        let settings = self.settings.clone();
        let found = blocking(move || {
            let mut made = Vec::new();
            let mut one = |name: &str, value: &str| {
                let (path, new) = folder(&data_dir, name, value)?;
                made.extend(new.then(|| path.clone()));
                Ok(path)
            };
            let mut maybe = |name: &str, value: &Option<String>| -> Result<_, String> {
                value.as_ref().map(|value| one(name, value)).transpose()
            };
            let work = maybe("work_path", &settings.work_path)?;
            let archive = maybe("archive_path", &settings.archive_path)?;
            let error = maybe("error_path", &settings.error_path)?;
            let inbox = one("file_path", &settings.file_path)?;
            Ok::<_, String>((Folders { inbox, work, archive, error }, made))
        });
        let (folders, made) = found.await.map_err(Failure::Temporary)?;
        for path in made {
            let text = format!("folder \"{}\" was missing and has been made", path.display());
            host.event(Event::new(EventKind::Info, host.name(), text));
        }
        Ok(folders)
    }
}

#[cfg(test)]
#[path = "hl7_file/tests.rs"]
mod tests;
