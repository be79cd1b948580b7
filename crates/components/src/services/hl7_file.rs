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

use async_trait::async_trait;
use model::{
    BuildError, Built, BusinessService, BusinessType, Checks, Component, Failure, HostContext, Library,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::file_inbound::settings::{FileInboundSettings, FileSource};
use crate::adapters::file_inbound::taking::{Content, Messages};
use crate::hl7::batch::BatchHandling;
use crate::hl7::doc_type::DocTypes;
use crate::hl7::settings::check_charset;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What all file services have in common.
    #[serde(flatten)]
    pub files: FileInboundSettings,
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
}

/// The component.
pub struct HL7FileService(FileSource);

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
        settings.files.check(checks);
        DocTypes::check(&settings.message_schema_category, checks);
        check_charset(settings.charset.as_deref(), checks);
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let content = Content::Messages(Messages {
            handling: settings.batch_handling,
            charset: settings.charset.unwrap_or_default(),
            types: DocTypes::new(&settings.message_schema_category, library)?,
        });
        Ok(Built::Service(Box::new(HL7FileService(FileSource::new(settings.files, content)?))))
    }
}

#[async_trait]
impl BusinessService for HL7FileService {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.0.run(host).await
    }
}

#[cfg(test)]
#[path = "hl7_file/tests.rs"]
mod tests;
