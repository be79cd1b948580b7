//! Whether a message is as the service wants it.

use hl7::ack::ErrorCode;
use hl7::validate::{Finding, Level, Rule, ZSegments, validate};

use super::acks::{Blame, Refusal};
use super::doc_type::DocTypes;
use super::settings;

/// So many findings are told; how many there are is said as well.
pub(crate) const TOLD: usize = 5;

const NO_SCHEMA: &str = "invalid: no schema is known for the version in MSH-12; see message_schema_category";

/// What a service wants of its messages.
pub(crate) struct Validity {
    level: Level,
    segments: ZSegments,
    types: DocTypes,
}

impl Validity {
    /// As the settings say; `types` knows the schemas.
    pub(crate) fn new(level: settings::Validation, segments: settings::ZSegments, types: DocTypes) -> Self {
        let level = match level {
            settings::Validation::None => Level::None,
            settings::Validation::Structure => Level::Structure,
            settings::Validation::Fields => Level::Fields,
            settings::Validation::Tables => Level::Tables,
        };
        let segments = match segments {
            settings::ZSegments::Tolerate => ZSegments::Tolerate,
            settings::ZSegments::Reject => ZSegments::Reject,
        };
        Validity { level, segments, types }
    }

    /// What is not as the schema wants it.
    ///
    /// # Errors
    /// Why that cannot be told: no schema is known.
    pub(crate) fn findings(&self, message: &hl7::Message) -> Result<Vec<Finding>, &'static str> {
        if self.level == Level::None {
            return Ok(Vec::new());
        }
        let (schema, structure) = self.types.schema(message);
        let schema = schema.ok_or(NO_SCHEMA)?;
        Ok(validate(message, &schema, &structure, self.level, self.segments))
    }

    /// Why a message is refused; none when it is as it should be, or nearly so. Says where and what, and
    /// never what stands there.
    pub(crate) fn fault(&self, message: &hl7::Message) -> Option<Refusal> {
        let mut findings = match self.findings(message) {
            Ok(findings) => findings,
            Err(text) => {
                let code = ErrorCode::UnsupportedVersionId;
                return Some(Refusal { code, ..Refusal::new(Blame::Content, text) });
            }
        };
        findings.retain(Finding::is_error);
        let first = findings.first()?;
        let (location, code) = (location(first), code(first.rule));
        let text = format!("invalid: {}", told(&findings, TOLD));
        Some(Refusal { location, code, ..Refusal::new(Blame::Content, text) })
    }
}

/// The first findings in one text, and how many more there are.
pub(crate) fn told(findings: &[Finding], most: usize) -> String {
    let told: Vec<String> = findings.iter().take(most).map(Finding::to_string).collect();
    match findings.len().saturating_sub(most) {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}

fn location(finding: &Finding) -> Option<hl7::Path> {
    let mut path = format!("{}[{}]", finding.id, finding.occurrence.max(1));
    if finding.field > 0 {
        path.push_str(&format!("-{}[{}]", finding.field, finding.repetition.max(1)));
    }
    for part in [finding.component, finding.subcomponent].into_iter().take_while(|part| *part > 0) {
        path.push_str(&format!(".{part}"));
    }
    path.parse().ok()
}

fn code(rule: Rule) -> ErrorCode {
    match rule {
        Rule::Structure => ErrorCode::UnsupportedMessageType,
        Rule::SegmentMissing | Rule::SegmentOrder | Rule::SegmentCount | Rule::SegmentUnknown => {
            ErrorCode::SegmentSequence
        }
        Rule::Required => ErrorCode::RequiredFieldMissing,
        Rule::Table => ErrorCode::TableValueNotFound,
        Rule::Repetition | Rule::Length | Rule::DataType | Rule::Beyond | Rule::Withdrawn => {
            ErrorCode::DataType
        }
    }
}
