//! What an engineer may set for every service that is asked over HTTP.

use std::collections::BTreeMap;

use model::{BuildError, ByteSize, Checks, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::secret::Secret;
use crate::adapters::tcp_listener::Network;
use crate::adapters::tcp_server::{allowed_networks, check_server};
use crate::adapters::tls::Tls;
use crate::adapters::tls_files;

/// The settings that services share which are asked over HTTP. They stand beside those of the service
/// itself: `#[serde(flatten)]`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
pub struct HttpListen {
    /// The address and port to listen on; the address 0.0.0.0 is all of the machine's.
    pub listen: String,
    /// The path that is answered, as in `/adt`; with `/*` at its end also all below it.
    #[serde(default = "root")]
    pub path: String,
    /// User names and passwords (HTTP Basic); when there are any, clients have to authenticate. Only with
    /// `tls` do they stay secret on the way.
    #[serde(default)]
    pub users: BTreeMap<String, Secret>,
    /// Names and bearer tokens; when there are any, clients have to authenticate.
    #[serde(default)]
    pub tokens: BTreeMap<String, Secret>,
    /// The clients that may connect, as addresses or networks such as `10.1.0.0/16`; empty for any.
    #[serde(default)]
    pub allowed_addresses: Vec<String>,
    /// How large the body of a request may be, from 1KiB to 1GiB. A larger one is refused (413).
    #[serde(default = "sixty_four_mib")]
    pub max_message_size: ByteSize,
    /// How many clients may be connected at once, from 1 to 100000; each needs a file descriptor.
    #[serde(default = "a_thousand")]
    pub max_connections: usize,
    /// How long a connection may be kept without a request, from 1s to 7d.
    #[serde(default = "one_minute")]
    pub idle_timeout: Span,
    /// How long the head of a request may take, and the next piece of its body, from 100ms to 10m.
    #[serde(default = "ten_seconds")]
    pub read_timeout: Span,
    /// How long a request may take to come, from 1s to 1d.
    #[serde(default = "five_minutes")]
    pub request_timeout: Span,
    /// The certificate for https; without it the address speaks plain http.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

fn root() -> String {
    "/".to_owned()
}

const fn sixty_four_mib() -> ByteSize {
    ByteSize::mib(64)
}

const fn a_thousand() -> usize {
    1_000
}

const fn one_minute() -> Span {
    Span::secs(60)
}

const fn ten_seconds() -> Span {
    Span::secs(10)
}

const fn five_minutes() -> Span {
    Span::secs(300)
}

impl HttpListen {
    /// Reports what is wrong with them; `example` is an address for the advice.
    pub(crate) fn check(&self, example: &str, checks: &mut Checks) {
        check_server(
            &self.listen,
            example,
            &self.allowed_addresses,
            self.max_connections,
            self.max_message_size,
            checks,
        );
        if let Err(error) = Place::read(&self.path) {
            checks.error("path", error);
        }
        self.check_credentials(checks);
        if let Some(tls) = &self.tls {
            tls_files::check_server(tls, "tls", checks);
        }
        let (second, hour) = (Span::secs(1), 3_600);
        checks.within("idle_timeout", self.idle_timeout, second..=Span::secs(7 * 24 * hour));
        checks.within("read_timeout", self.read_timeout, Span::millis(100)..=Span::secs(600));
        checks.within("request_timeout", self.request_timeout, second..=Span::secs(24 * hour));
    }

    fn check_credentials(&self, checks: &mut Checks) {
        for (setting, known) in [("users", &self.users), ("tokens", &self.tokens)] {
            for (name, secret) in known {
                if secret.is_empty() {
                    let text = format!("{setting}.{name} is empty; expected a value that nobody can guess");
                    checks.error(format!("{setting}.{name}"), text);
                }
            }
        }
        for name in self.users.keys().filter(|name| name.is_empty() || name.contains(':')) {
            let text = format!("user is \"{name}\"; expected a name without a colon, as HTTP Basic wants it");
            checks.error("users", text);
        }
        let host = self.listen.rsplit_once(':').map_or("", |(host, _)| host);
        let is_local = host.starts_with("127.") || matches!(host, "localhost" | "[::1]");
        if !(is_local || self.tls.is_some() || self.users.is_empty() && self.tokens.is_empty()) {
            let path = if self.users.is_empty() { "tokens" } else { "users" };
            checks.warning(path, format!("{path} are set without tls: anybody on the way can read them"));
            checks.help("set tls, or listen on 127.0.0.1 behind a proxy that speaks https");
        }
    }

    /// Reads what is written as text.
    pub(crate) fn read(self) -> Result<Listening, BuildError> {
        let place = Place::read(&self.path);
        Ok(Listening {
            place: place.map_err(|message| BuildError { path: "path".into(), message })?,
            allowed: allowed_networks(&self.allowed_addresses)?,
            settings: self,
        })
    }
}

/// The settings, read.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    pub(super) settings: HttpListen,
    /// What is answered.
    pub(super) place: Place,
    /// Who may connect; empty for anybody.
    pub(super) allowed: Vec<Network>,
}

/// The path that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Without a slash at its end.
    path: String,
    below: bool,
}

impl Place {
    fn read(text: &str) -> Result<Place, String> {
        let (path, below) = match text.strip_suffix("/*") {
            Some(path) => (path, true),
            None => (text.strip_suffix('/').unwrap_or(text), false),
        };
        let fits = |char: char| char.is_ascii_graphic() && !matches!(char, '?' | '#' | '*' | '"' | '%');
        if !text.starts_with('/') || !path.chars().all(fits) {
            return Err(format!("path is \"{text}\"; expected one as in /adt, or /in/* for all below /in"));
        }
        Ok(Place { path: path.to_owned(), below })
    }

    /// What comes behind it in a path that is asked for; none when another one is.
    pub(crate) fn rest<'a>(&self, asked: &'a str) -> Option<&'a str> {
        match asked.strip_prefix(self.path.as_str())? {
            "" | "/" => Some(""),
            rest if self.below => rest.strip_prefix('/'),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_answered_with_all_below_it_or_alone() {
        for (path, asked, rest) in [
            ("/", "/", Some("")),
            ("/", "/adt", None),
            ("/adt", "/adt", Some("")),
            ("/adt", "/adt/", Some("")),
            ("/adt/", "/adt", Some("")),
            ("/adt", "/adtx", None),
            ("/adt", "/", None),
            ("/in/*", "/in/a/b.csv", Some("a/b.csv")),
            ("/in/*", "/in", Some("")),
            ("/in/*", "/inside", None),
            ("/*", "/anything", Some("anything")),
        ] {
            assert_eq!(Place::read(path).unwrap().rest(asked), rest, "{path} {asked}");
        }
        for wrong in ["adt", "", "/a b", "/a?b=c", "/a*b", "/a%20b"] {
            assert!(Place::read(wrong).unwrap_err().contains("expected one as in"), "{wrong}");
        }
    }
}
