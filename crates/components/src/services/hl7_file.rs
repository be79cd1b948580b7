//! `hl7.file`, the service: takes HL7 files out of a folder.

use model::{BuildError, Built, BusinessType, Checks, Component};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder to take files out of.
    pub file_path: String,
}

/// Takes HL7 files out of a folder.
pub struct HL7FileService;

impl Component for HL7FileService {
    const TYPE: &'static str = "hl7.file";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessService;
    const SUMMARY: &'static str = "takes HL7 messages out of files in a folder";
    const EXAMPLE: &'static str = "";
    type Settings = Settings;

    fn check(_settings: &Settings, _checks: &mut Checks) {}

    fn build(_settings: Settings) -> Result<Built, BuildError> {
        Err(BuildError { path: String::new(), message: "not built yet".into() })
    }
}
