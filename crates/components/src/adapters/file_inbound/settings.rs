//! What an engineer may set for every service that takes files out of a folder, and what is made of it.

use std::path::{Component as PathPart, Path};
use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use model::{BuildError, ByteSize, Checks, Claim, Event, EventKind, Failure, HostContext, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Folders;
use super::archive::PuttingAway;
use super::intake::FileInbound;
use super::scan::{Order, Wanted};
use super::settle::{ConfirmComplete, Settling};
use super::taking::{Content, Reading};
use super::values::{AppendTimestamp, OnError, Patterns};
use crate::adapters::disk::{blocking, folder};
use crate::adapters::file_name::NameTemplate;

/// The settings that the file services share. They stand beside those of the service itself, as if they
/// were its own: `#[serde(flatten)]`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
pub struct FileInboundSettings {
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
    /// In which order files are taken.
    #[serde(default)]
    pub order: Order,
    /// The longest message that is taken, from 1KiB to 1GiB; where a file is one message, that is the
    /// file. What is longer is refused.
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

impl FileInboundSettings {
    /// Reports what is wrong with them.
    pub(crate) fn check(&self, checks: &mut Checks) {
        check_folders(self, checks);
        if let Some((path, message, help)) = on_error_fault(self) {
            checks.error(path, message);
            checks.help(help);
        }
        check_patterns(self, checks);
        check_ranges(self, checks);
        match self.append_timestamp.template() {
            Err(error) => error.report("append_timestamp", checks),
            Ok(Some(template)) if template.is_of_message() => {
                let text = "append_timestamp names a part of a message in braces; expected codes alone";
                checks.error("append_timestamp", text);
            }
            Ok(_) => {}
        }
    }
}

/// A folder that is to be taken from, as the settings say; nothing is opened yet.
pub(crate) struct FileSource {
    settings: FileInboundSettings,
    content: Content,
    specs: GlobSet,
    stamp: Option<NameTemplate>,
}

impl FileSource {
    /// Of those settings, to be read as `content`.
    pub(crate) fn new(settings: FileInboundSettings, content: Content) -> Result<Self, BuildError> {
        let wrong = |path: &str, message: String| BuildError { path: path.into(), message };
        if let Some((path, message, _)) = on_error_fault(&settings) {
            return Err(wrong(path, message.into()));
        }
        let specs = globs(&settings.file_spec).map_err(|error| wrong("file_spec", error))?;
        let stamp = settings
            .append_timestamp
            .template()
            .map_err(|error| wrong("append_timestamp", error.to_string()))?;
        Ok(FileSource { settings, content, specs, stamp })
    }

    /// Finds the folders, and takes files in until the host stops.
    pub(crate) async fn run(&self, host: &HostContext) -> Result<(), Failure> {
        let folders = self.folders(host).await?;
        let inbound = FileInbound {
            wanted: self.wanted(),
            reading: Reading {
                folders: folders.clone(),
                content: self.content.clone(),
                longest: self.settings.max_message_size.0 as usize,
            },
            putting_away: PuttingAway { folders, stamp: self.stamp.clone() },
            polling: self.settings.polling_interval.0,
            watched: self.settings.watch,
        };
        inbound.run(host).await
    }

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

fn check_folders(settings: &FileInboundSettings, checks: &mut Checks) {
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

fn check_ranges(settings: &FileInboundSettings, checks: &mut Checks) {
    let hour = Span::secs(3600);
    checks.within("polling_interval", settings.polling_interval, Span::millis(100)..=hour);
    if settings.settle_time > hour {
        let found = settings.settle_time;
        checks.error("settle_time", format!("settle_time is {found}; expected at most 1h"));
    }
    checks.within("subdirectory_levels", settings.subdirectory_levels, 0..=32);
    checks.within("max_message_size", settings.max_message_size, ByteSize::kib(1)..=ByteSize::mib(1024));
}

/// `on_error: move` and `error_path` come together: the setting, what is wrong, and what to do.
fn on_error_fault(settings: &FileInboundSettings) -> Option<(&'static str, &'static str, &'static str)> {
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

fn check_patterns(settings: &FileInboundSettings, checks: &mut Checks) {
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
