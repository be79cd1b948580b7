//! `hl7.tcp`, the service: takes HL7 messages in over TCP (MLLP), and acknowledges them.
//!
//! ```yaml
//! services:
//!   AdtIn:
//!     type: hl7.tcp
//!     targets: [MsgRouter]
//!     settings: { listen: "0.0.0.0:2575" }
//! ```
//!
//! **Acknowledgements.** With `ack_mode: immediate` a sender is answered as soon as its message is durably
//! stored, and never before: who has an answer may forget the message. While the ledger takes nothing,
//! nobody gets a positive answer; when the engine stops, connections are closed and what was not answered
//! has to be sent again. With `application`, the first target answers: its acknowledgement goes back as it
//! is (with MSA-2 put right, if the message had another control id there), and where it answers no more
//! than that it is done, AA is made; a failure is AE, and so is no answer within `response_timeout`. A
//! message that asks for two answers in MSH-15 and MSH-16 gets both on its connection
//! (`msh_determined`).
//!
//! **What cannot be read** as HL7 is stored as it came, with status Error, and its sender is told (AE or
//! AR, see `nack_error_code`). So is a message that is not as `validation` wants it, one that is longer
//! than `max_message_size` (its first part is kept, the rest is passed over), and what came of a message
//! when its connection ends in the midst of it or no more comes within `read_timeout`; the latter two are
//! not answered, and the connection is closed. Bytes outside of frames are kept as well, up to 256 KiB of
//! one connection; with more of them it is closed. An empty frame is passed over.
//!
//! **Several in one.** Several messages in one frame become several arrivals (see `batch_handling`), and
//! each is answered by itself.
//!
//! **Connections.** A client may stay connected for as long as it likes; one that is gone without a word
//! is found out by TCP keep-alive. `idle_timeout` closes silent ones, which is no failure. Messages of one
//! connection are stored, and stand in every queue, in the order in which they came. A client may send
//! before it is answered; its answers come in order.
//!
//! Where it differs from the engines users know: many connections at once, `idle_timeout` in place of
//! `StayConnected`, and a connection is never closed after a message.

use std::sync::Arc;

use async_trait::async_trait;
use hl7::Framing;
use model::{
    BuildError, Built, BusinessService, BusinessType, ByteSize, Checks, Component, Failure, HostContext,
    Library, Span,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::tcp_inbound::{Limits, TcpInbound};
use crate::adapters::tcp_server::{allowed_networks, check_server};
use crate::adapters::tls::{self, Tls};
use crate::adapters::tls_files;
use crate::hl7::inbound::Inbound;
use crate::hl7::settings::InboundSettings;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address and port to listen on; the address 0.0.0.0 is all of the machine's.
    pub listen: String,
    /// How messages are told apart: `flexible` (MLLP, or without any frame), `mllp`, `mllp11/28` with
    /// other bytes, `ascii_lf`, `ascii_cr`, `ascii_crlf`, `ascii28`, `ascii11/28` or `none`.
    #[serde(default = "flexible")]
    pub framing: String,
    /// The longest message that is taken, from 1KiB to 1GiB. What is longer is refused.
    #[serde(default = "sixty_four_mib")]
    pub max_message_size: ByteSize,
    /// How many clients may be connected at once, from 1 to 100000; each needs a file descriptor.
    #[serde(default = "a_thousand")]
    pub max_connections: usize,
    /// The clients that may connect, as addresses or networks such as `10.1.0.0/16`; empty for any.
    #[serde(default)]
    pub allowed_addresses: Vec<String>,
    /// How long a client may be connected and silent, from 1s to 7d; without it for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Span>,
    /// How long the next piece of a message is waited for, from 100ms to 10m.
    #[serde(default = "five_seconds")]
    pub read_timeout: Span,
    /// How long a client is silent until it is asked whether it is still there (TCP keep-alive), from 1s
    /// to 2h. One that does not answer is gone after twice that.
    #[serde(default = "one_minute")]
    pub keep_alive: Span,
    /// The certificate for TLS; without it the address speaks plain TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// What all HL7 services have in common.
    #[serde(flatten)]
    pub inbound: InboundSettings,
}

fn flexible() -> String {
    "flexible".to_owned()
}

const fn sixty_four_mib() -> ByteSize {
    ByteSize::mib(64)
}

const fn a_thousand() -> usize {
    1_000
}

const fn five_seconds() -> Span {
    Span::secs(5)
}

const fn one_minute() -> Span {
    Span::secs(60)
}

/// The component.
pub struct HL7TcpService {
    settings: Settings,
    limits: Limits,
    inbound: Arc<Inbound>,
}

impl Component for HL7TcpService {
    const TYPE: &'static str = "hl7.tcp";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessService;
    const SUMMARY: &'static str = "takes HL7 messages in over TCP (MLLP) and acknowledges them";
    const EXAMPLE: &'static str = "AdtIn:
  type: hl7.tcp
  targets: [MsgRouter]
  settings:
    listen: 0.0.0.0:2575
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        check_server(
            &settings.listen,
            "0.0.0.0:2575",
            &settings.allowed_addresses,
            settings.max_connections,
            settings.max_message_size,
            checks,
        );
        if let Err(error) = settings.framing.parse::<Framing>() {
            checks.error("framing", error.to_string());
        }
        if let Some(idle) = settings.idle_timeout {
            checks.within("idle_timeout", idle, Span::secs(1)..=Span::secs(7 * 24 * 3_600));
        }
        checks.within("read_timeout", settings.read_timeout, Span::millis(100)..=Span::secs(600));
        checks.within("keep_alive", settings.keep_alive, Span::secs(1)..=Span::secs(2 * 3_600));
        if let Some(tls) = &settings.tls {
            tls_files::check_server(tls, "tls", checks);
        }
        settings.inbound.check(checks);
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let framing = settings.framing.parse::<Framing>();
        let wrong = |message| BuildError { path: "framing".into(), message };
        let limits = Limits {
            framing: framing.map_err(|error| wrong(error.to_string()))?,
            longest: settings.max_message_size.0 as usize,
            connections: settings.max_connections,
            allowed: allowed_networks(&settings.allowed_addresses)?,
            idle: settings.idle_timeout.map(|span| span.0),
            read: settings.read_timeout.0,
            keep_alive: settings.keep_alive.0,
        };
        let inbound = Arc::new(Inbound::new(&settings.inbound, library)?);
        Ok(Built::Service(Box::new(HL7TcpService { settings, limits, inbound })))
    }
}

#[async_trait]
impl BusinessService for HL7TcpService {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        let acceptor = match &self.settings.tls {
            Some(tls) => Some(tls::acceptor(tls, host.data_dir(), &[]).await?),
            None => None,
        };
        let inbound = TcpInbound::new(host, self.inbound.clone(), self.limits.clone());
        inbound.run(&self.settings.listen, acceptor).await
    }
}

#[cfg(test)]
mod tests;
