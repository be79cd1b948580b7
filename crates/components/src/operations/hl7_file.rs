//! `hl7.file`, the operation: writes HL7 messages into files.

use model::{BuildError, Built, BusinessType, Checks, Component};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder to write files into.
    pub file_path: String,
}

/// Writes HL7 messages into files.
pub struct HL7FileOperation;

impl Component for HL7FileOperation {
    const TYPE: &'static str = "hl7.file";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessOperation;
    const SUMMARY: &'static str = "writes HL7 messages into files";
    const EXAMPLE: &'static str = "";
    type Settings = Settings;

    fn check(_settings: &Settings, _checks: &mut Checks) {}

    fn build(_settings: Settings) -> Result<Built, BuildError> {
        Err(BuildError { path: String::new(), message: "not built yet".into() })
    }
}
