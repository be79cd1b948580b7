//! Whether a message is as the service wants it.

use hl7::ack::ErrorCode;
use hl7::validate::{Finding, Level, Rule, ZSegments, validate};

use super::acks::{Blame, Refusal};
use super::doc_type::DocTypes;
use super::settings;

/// So many findings are told; how many there are is said as well.
const TOLD: usize = 5;

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

    /// Why a message is refused; none when it is as it should be, or nearly so. Says where and what, and
    /// never what stands there.
    pub(crate) fn fault(&self, message: &hl7::Message) -> Option<Refusal> {
        if self.level == Level::None {
            return None;
        }
        let (schema, structure) = self.types.schema(message);
        let Some(schema) = schema else {
            let text = "invalid: no schema is known for the version in MSH-12; see message_schema_category";
            let code = ErrorCode::UnsupportedVersionId;
            return Some(Refusal { code, ..Refusal::new(Blame::Content, text) });
        };
        let mut findings = validate(message, &schema, &structure, self.level, self.segments);
        findings.retain(Finding::is_error);
        let first = findings.first()?;
        let (location, code) = (location(first), code(first.rule));
        let told: Vec<String> = findings.iter().take(TOLD).map(Finding::to_string).collect();
        let more = match findings.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let text = format!("invalid: {}{more}", told.join("; "));
        Some(Refusal { location, code, ..Refusal::new(Blame::Content, text) })
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
