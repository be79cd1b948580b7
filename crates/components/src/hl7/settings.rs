//! What an engineer may set for every HL7 service that answers its senders.

use hl7::{ack, charset};
use model::{Checks, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::BatchHandling;
use super::doc_type::DocTypes;

/// The settings that the HL7 services share. They stand beside those of the service itself, as if they
/// were its own: `#[serde(flatten)]`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct InboundSettings {
    /// When a sender is answered.
    pub ack_mode: AckMode,
    /// Whether `immediate` answers say CA, CE and CR to senders in the enhanced mode: HL7 2.3 or later,
    /// with MSH-15 or MSH-16. All others are told AA, AE and AR.
    pub use_ack_commit_codes: bool,
    /// Whether acknowledgements that come in are kept without being sent on, so that nobody answers
    /// them in a circle. An acknowledgement is never answered, whatever this says.
    pub ignore_inbound_ack: bool,
    /// Whether a refusal has a segment ERR that says more, such as the place. In HL7 2.7 and later the
    /// reason then stands in ERR-8, as the standard has it, and no more in MSA-3, which it withdrew.
    pub add_nack_err: bool,
    /// Which refusals say E (error) and which R (reject).
    pub nack_error_code: NackErrorCode,
    /// The facility and application that acknowledgements made here come from, as `FACILITY:APPLICATION`;
    /// empty for those that the message was sent to.
    pub local_facility_application: String,
    /// How long an `application` answer is waited for, from 100ms to 1h; then the sender is told that
    /// none came.
    pub response_timeout: Span,
    /// The schema that messages are read by, as in `2.5.1` or a name of the production's own, or a list
    /// for kinds of messages, as in `ADT_A01=2.5:ADT_A01,ORU*=Hospital`; empty for MSH-12 to say.
    pub message_schema_category: String,
    /// The charset that messages are read in, whatever they say themselves, as in `8859/1`; without it
    /// MSH-18 says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// What becomes of several messages that come as one, and of a batch.
    pub batch_handling: BatchHandling,
    /// What has to be right about a message. One that is not is refused: its bytes are kept, and its
    /// sender is told.
    pub validation: Validation,
    /// What a segment that the schema does not know, such as ZPD, does to a message that is validated.
    pub z_segments: ZSegments,
}

impl Default for InboundSettings {
    fn default() -> Self {
        InboundSettings {
            ack_mode: AckMode::default(),
            use_ack_commit_codes: true,
            ignore_inbound_ack: true,
            add_nack_err: false,
            nack_error_code: NackErrorCode::default(),
            local_facility_application: String::new(),
            response_timeout: Span::secs(30),
            message_schema_category: String::new(),
            charset: None,
            batch_handling: BatchHandling::default(),
            validation: Validation::default(),
            z_segments: ZSegments::default(),
        }
    }
}

/// When a sender is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AckMode {
    /// Never.
    Never,
    /// As soon as the message is durably stored.
    #[default]
    Immediate,
    /// When the first target has answered, with its answer.
    Application,
    /// As MSH-15 and MSH-16 of each message say; as `application` where they say nothing.
    MshDetermined,
    /// As `immediate`, with one byte: 0x06 for yes, 0x15 for no.
    Byte,
}

impl From<AckMode> for ack::AckMode {
    fn from(mode: AckMode) -> Self {
        match mode {
            AckMode::Never => ack::AckMode::Never,
            AckMode::Immediate => ack::AckMode::Immediate,
            AckMode::Application => ack::AckMode::Application,
            AckMode::MshDetermined => ack::AckMode::MshDetermined,
            AckMode::Byte => ack::AckMode::Byte,
        }
    }
}

/// Which refusals say E (error: the message is at fault) and which R (reject: the sender may send it
/// again).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NackErrorCode {
    /// E for what is wrong with a message, R for what is wrong here.
    #[default]
    ContentE,
    /// R for what is wrong with a message, E for what is wrong here.
    ContentR,
    /// E for all.
    AllE,
    /// R for all.
    AllR,
}

/// What has to be right about a message; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// No more than that it can be read.
    #[default]
    None,
    /// Its segments: which, in what order, how often.
    Structure,
    /// Its fields: required ones, repetitions, lengths, data types.
    Fields,
    /// Its codes: those that HL7 tables fix.
    Tables,
}

/// What a segment that the schema does not know means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ZSegments {
    /// Nothing: it may stand anywhere.
    #[default]
    Tolerate,
    /// It makes the message invalid.
    Reject,
}

impl InboundSettings {
    /// Reports what is wrong with them.
    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.within("response_timeout", self.response_timeout, Span::millis(100)..=Span::secs(3_600));
        if self.ack_mode == AckMode::Application {
            checks.patience = Some(self.response_timeout.0);
        }
        DocTypes::check(&self.message_schema_category, checks);
        check_charset(self.charset.as_deref(), checks);
        if self.z_segments == ZSegments::Reject && self.validation == Validation::None {
            checks
                .warning("z_segments", "z_segments is reject, and validation is none: nobody looks at them");
            checks.help("set validation, to structure or more");
        }
        let sender = &self.local_facility_application;
        if !sender.is_empty() && (sender.matches(':').count() != 1 || sender.contains(['|', '\r', '\n'])) {
            let text = format!("local_facility_application is \"{sender}\"; expected FACILITY:APPLICATION");
            checks.error("local_facility_application", text);
            checks.help("leave it out to answer from the facility and application that was sent to");
        }
    }
}

/// Reports a `charset` that is not known.
pub(crate) fn check_charset(name: Option<&str>, checks: &mut Checks) {
    if let Some(name) = name
        && charset::by_name(name).is_none()
    {
        checks.error("charset", format!("charset is \"{name}\"; expected a name of HL7 table 0211"));
        checks.help("such as UNICODE UTF-8, 8859/1, 8859/15 or ASCII");
    }
}
