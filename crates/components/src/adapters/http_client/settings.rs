//! What an engineer may set for every operation that asks a server over HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::BASE64;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Uri};
use model::{BuildError, Checks, Span, Timeout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::HttpErrorAction;
use crate::adapters::address::check_host;
use crate::adapters::secret::Secret;
use crate::adapters::tcp_dialer::check_times;
use crate::adapters::tls_client::TlsClient;

/// Headers that are made here, by what is sent and how.
const OWN: [&str; 7] =
    ["connection", "content-length", "content-type", "expect", "te", "transfer-encoding", "upgrade"];

/// The settings that operations share which ask a server over HTTP. They stand beside those of the
/// operation itself: `#[serde(flatten)]`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
pub struct HttpSend {
    /// Where requests go, as in `https://lab.example/hl7`.
    pub url: String,
    /// Headers that are sent with every request, by name. Their values are never shown.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Who one is: a user with a password (HTTP Basic), or a token (Bearer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// How TLS is spoken, for a url that begins with https; without it those certificates are trusted that
    /// the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsClient>,
    /// How long a connection may take to be made, TLS included, from 1ms.
    #[serde(default = "five_seconds")]
    pub connect_timeout: Span,
    /// How long the whole answer is waited for, from 1ms; or `forever`.
    #[serde(default = "half_a_minute")]
    pub response_timeout: Timeout,
    /// How long a connection may have been unused to be used again; `forever` for as long as the server
    /// keeps it, or `0s` for a new connection for each request.
    #[serde(default = "one_minute")]
    pub stay_connected: Timeout,
    /// What becomes of a message whose request the server refuses for good: a status from 300 to 499, but
    /// for 401, 404, 405, 407, 408, 425 and 429, after which it is tried again, as it is after 500 and more.
    #[serde(default)]
    pub http_error_action: HttpErrorAction,
    /// Whether the time in which no connection can be made is left out of `failure_timeout`.
    #[serde(default)]
    pub no_fail_while_disconnected: bool,
}

/// Who one is.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The user, together with `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// A bearer token, in place of user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

const fn five_seconds() -> Span {
    Span::secs(5)
}

const fn one_minute() -> Timeout {
    Timeout(Some(Duration::from_secs(60)))
}

const fn half_a_minute() -> Timeout {
    Timeout(Some(Duration::from_secs(30)))
}

/// A url, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(super) is_https: bool,
    /// `host:port`.
    pub(super) address: String,
    /// The header `Host`.
    pub(super) host: HeaderValue,
    /// Path and query.
    pub(super) uri: Uri,
}

impl Target {
    fn read(text: &str) -> Result<Target, String> {
        let wrong = |what: &str| format!("url {what}; expected one as in https://lab.example/hl7");
        let uri: Uri = text.parse().map_err(|error| wrong(&format!("is none ({error})")))?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("begins neither with http:// nor with https://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user in it, which would be seen by everybody; set credentials"));
        }
        if authority.host().is_empty() || authority.as_str().ends_with(':') {
            return Err(wrong("has no host, or a colon without a port"));
        }
        check_host(authority.host()).map_err(|fault| wrong(&format!("has a host that is none: {fault}")))?;
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Target {
            is_https,
            address: format!("{}:{port}", authority.host()),
            host: HeaderValue::from_str(authority.as_str()).map_err(|error| wrong(&error.to_string()))?,
            uri: path.parse().map_err(|error| wrong(&format!("has a path that is none ({error})")))?,
        })
    }

    fn is_local(&self) -> bool {
        let host = self.address.rsplit_once(':').map_or("", |(host, _)| host);
        host.starts_with("127.") || matches!(host, "localhost" | "[::1]")
    }
}

impl HttpSend {
    /// Reports what is wrong with them.
    pub(crate) fn check(&self, checks: &mut Checks) {
        match Target::read(&self.url) {
            Err(error) => checks.error("url", error),
            Ok(target) => self.check_secrecy(&target, checks),
        }
        for name in self.headers.keys() {
            if let Err(error) = self.header(name) {
                checks.error(format!("headers.{name}"), error);
            }
        }
        if let Some(error) = self.credentials.as_ref().and_then(|known| known.value().err()) {
            checks.error("credentials", error);
        }
        if let Some(tls) = &self.tls {
            tls.check("tls", checks);
        }
        check_times(self.connect_timeout, self.response_timeout, checks);
    }

    fn check_secrecy(&self, target: &Target, checks: &mut Checks) {
        if !target.is_https && self.tls.is_some() {
            checks.error("tls", "tls is set, and the url begins with http://: nothing would be encrypted");
            checks.help("let the url begin with https://");
        } else if !target.is_https && self.credentials.is_some() && !target.is_local() {
            checks.warning("credentials", "credentials go over http: anybody on the way can read them");
            checks.help("let the url begin with https://");
        }
        if self.credentials.is_some()
            && self.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"))
        {
            checks.error(
                "headers",
                "headers have Authorization, and credentials are set; expected one of the two",
            );
        }
    }

    fn header(&self, name: &str) -> Result<(HeaderName, HeaderValue), String> {
        let known = HeaderName::from_bytes(name.as_bytes());
        let header = known.map_err(|_| format!("header is \"{name}\"; expected a name as in X-Sender"))?;
        if OWN.contains(&header.as_str()) {
            let advice = if header == CONTENT_TYPE { "; set content_type" } else { "" };
            return Err(format!("header \"{name}\" is made by what is sent{advice}"));
        }
        let text = self.headers.get(name).map(Secret::reveal).unwrap_or_default();
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| format!("header \"{name}\" has a value with characters that no header can have"))?;
        value.set_sensitive(true);
        Ok((header, value))
    }

    /// Where requests go.
    pub(super) fn target(&self) -> Result<Target, BuildError> {
        Target::read(&self.url).map_err(|message| BuildError { path: "url".into(), message })
    }

    /// What is sent with every request.
    pub(super) fn all_headers(&self, target: &Target) -> Result<HeaderMap, BuildError> {
        let wrong = |path: &str| {
            let path = path.to_owned();
            |message| BuildError { path, message }
        };
        let mut all = HeaderMap::new();
        all.insert(HOST, target.host.clone());
        all.insert(USER_AGENT, HeaderValue::from_static("orris"));
        if let Some(credentials) = &self.credentials {
            all.insert(AUTHORIZATION, credentials.value().map_err(wrong("credentials"))?);
        }
        for name in self.headers.keys() {
            let (name, value) = self.header(name).map_err(wrong("headers"))?;
            all.insert(name, value);
        }
        Ok(all)
    }
}

impl Credentials {
    /// The value of the header that says it.
    fn value(&self) -> Result<HeaderValue, String> {
        let text = match (&self.user, &self.password, &self.token) {
            (Some(user), Some(password), None) if !user.contains(':') => {
                format!("Basic {}", BASE64.encode(format!("{user}:{}", password.reveal()).as_bytes()))
            }
            (Some(_), Some(_), None) => {
                return Err("user has a colon in it, which HTTP Basic cannot say".into());
            }
            (None, None, Some(token)) => format!("Bearer {}", token.reveal()),
            _ => return Err("credentials are incomplete; expected user and password, or token alone".into()),
        };
        let value = HeaderValue::from_str(&text);
        let mut value = value.map_err(|_| "token has characters that no header can have".to_owned())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, address, path, https) in [
            ("http://lab", "lab:80", "/", false),
            ("https://lab.example/hl7?x=1", "lab.example:443", "/hl7?x=1", true),
            ("https://[::1]:8443/a/b", "[::1]:8443", "/a/b", true),
            ("http://127.0.0.1:8080/", "127.0.0.1:8080", "/", false),
        ] {
            let target = Target::read(url).unwrap();
            let found = (target.address.as_str(), target.uri.to_string(), target.is_https);
            assert_eq!(found, (address, path.to_owned(), https), "{url}");
        }
        for wrong in ["lab:80", "/hl7", "ftp://lab/", "http://a:b@lab/", "http://", "http://lab:/", "a b"] {
            assert!(Target::read(wrong).unwrap_err().contains("expected one as in"), "{wrong}");
        }
    }
}
