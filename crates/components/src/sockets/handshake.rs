//! The opening handshake (RFC 6455 §4): what is read, what is asked for, and how it is refused.
//!
//! Extensions are never accepted, so an offer of `permessage-deflate` is declined as the RFC says: by
//! not naming it in the answer.

use std::borrow::Cow;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::Request;

/// A request head larger than this is refused.
const LARGEST_HEAD: usize = 16 * 1024;

/// A handshake that is not accepted, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// Why, for the client.
    pub(crate) reason: String,
    /// Why, for the event, where the reason repeats what the client has said.
    event: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: u16, reason: impl Into<String>) -> Self {
        Refusal { status, reason: reason.into(), event: None }
    }

    /// Says this in the event, instead of a reason that repeats what the client has said.
    pub(crate) fn event(self, event: impl Into<String>) -> Self {
        Refusal { event: Some(event.into()), ..self }
    }

    /// As it stands in the event.
    pub(crate) fn told(&self) -> String {
        format!("{} {}", self.status, self.event.as_ref().unwrap_or(&self.reason))
    }

    /// The whole HTTP answer.
    pub(crate) fn answer(&self) -> String {
        let (title, headers) = match self.status {
            401 => ("Unauthorized", "WWW-Authenticate: Bearer\r\n"),
            403 => ("Forbidden", ""),
            404 => ("Not Found", ""),
            405 => ("Method Not Allowed", "Allow: GET\r\n"),
            408 => ("Request Timeout", ""),
            426 => ("Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
            431 => ("Request Header Fields Too Large", ""),
            503 => ("Service Unavailable", "Retry-After: 5\r\n"),
            _ => ("Bad Request", ""),
        };
        let length = self.reason.len() + 1;
        format!(
            "HTTP/1.1 {} {title}\r\n{headers}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {length}\r\n\r\n{}\n",
            self.status, self.reason
        )
    }
}

/// A request head, and the bytes that came behind it.
pub(crate) struct Head {
    request: Request,
    pub(crate) rest: Vec<u8>,
}

/// Reads a request head; none when the other side left without a word.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Head>, Refusal> {
    let mut head = Vec::with_capacity(1024);
    loop {
        let searched = head.len().saturating_sub(3);
        let read = stream.read_buf(&mut head).await.unwrap_or(0);
        if read == 0 && head.is_empty() {
            return Ok(None);
        }
        if read == 0 {
            return Err(Refusal::new(400, "the request ends within its head"));
        }
        if let Some(found) = head[searched..].windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = head.split_off(searched + found + 4);
            return Ok(Some(Head { request: parse(&head)?, rest }));
        }
        if head.len() > LARGEST_HEAD {
            return Err(Refusal::new(431, format!("the request head is larger than {LARGEST_HEAD} bytes")));
        }
    }
}

fn parse(head: &[u8]) -> Result<Request, Refusal> {
    match Request::try_parse(head) {
        Ok(Some((_, request))) => Ok(request),
        Ok(None) => Err(Refusal::new(400, "the request head is incomplete")),
        Err(Error::Protocol(ProtocolError::WrongHttpMethod)) => {
            Err(Refusal::new(405, "a WebSocket is opened with GET"))
        }
        Err(_) => Err(Refusal::new(400, "the request is no HTTP/1.1 request")),
    }
}

impl Head {
    /// The path that is asked for, decoded.
    pub(crate) fn path(&self) -> Cow<'_, str> {
        decode(self.request.uri().path(), false)
    }

    /// The value of a query parameter, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        let pairs =
            self.request.uri().query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(value, true)).next()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// The page that the client is part of; empty when it does not say.
    pub(crate) fn origin(&self) -> &str {
        self.header("origin").unwrap_or("")
    }

    /// The token of `Authorization: Bearer`, or of `?token=`, which browsers have to use.
    pub(crate) fn token(&self) -> Option<Cow<'_, str>> {
        let bearer = self.header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        bearer.map(Cow::Borrowed).or_else(|| self.query("token"))
    }

    /// The client's key, when all that a WebSocket handshake needs is there.
    pub(crate) fn key(&self) -> Result<&str, Refusal> {
        let names = |name, wanted: &str| {
            let listed = self.header(name).unwrap_or("").split(',');
            listed.map(str::trim).any(|word| word.eq_ignore_ascii_case(wanted))
        };
        if !names("upgrade", "websocket") || !names("connection", "upgrade") {
            return Err(Refusal::new(426, "this is a WebSocket; the request asks for no upgrade to one"));
        }
        let version = self.header("sec-websocket-version").unwrap_or("");
        if version != "13" {
            return Err(Refusal::new(426, "Sec-WebSocket-Version has to be 13"));
        }
        let key = self.header("sec-websocket-key").unwrap_or("");
        // 16 bytes in base64 are 22 characters and two of padding.
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        match key.strip_suffix("==") {
            Some(start) if start.len() == 22 && start.bytes().all(is_base64) => Ok(key),
            _ => Err(Refusal::new(400, "Sec-WebSocket-Key has to be 16 bytes in base64")),
        }
    }
}

/// The answer that opens the socket.
pub(crate) fn accept(key: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// Takes percent-encoding off, and in a query `+` for a space. What is none stays as it is.
fn decode(text: &str, query: bool) -> Cow<'_, str> {
    let is_encoded = |byte| byte == b'%' || (query && byte == b'+');
    if !text.bytes().any(is_encoded) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|byte| (*byte as char).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', _, _) if query => decoded.push(b' '),
            (byte, _, _) => decoded.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    async fn read(text: &str) -> Result<Option<Head>, Refusal> {
        read_head(&mut text.as_bytes()).await
    }

    async fn head(request: &str, headers: &str) -> Head {
        read(&format!("GET {request} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_handshake_is_read_with_its_path_query_and_headers() {
        let extra = "Origin: http://localhost:5000\r\nAuthorization: bearer abc\r\n";
        let path = "/csp/user/A%20B.cls?since=12&where=a+%3D%20%22b%22&token=no";
        let head = head(path, &format!("{UPGRADE}{extra}")).await;
        assert_eq!(head.path(), "/csp/user/A B.cls");
        assert_eq!(head.query("since").as_deref(), Some("12"));
        assert_eq!(head.query("where").as_deref(), Some("a = \"b\""));
        assert_eq!(head.query("topics"), None);
        assert_eq!(head.origin(), "http://localhost:5000");
        assert_eq!(head.token().as_deref(), Some("abc"));
        assert_eq!(head.key(), Ok("dGhlIHNhbXBsZSBub25jZQ=="));
        // The example of RFC 6455 §1.3.
        assert!(
            accept("dGhlIHNhbXBsZSBub25jZQ==").contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused() {
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n", "x".repeat(LARGEST_HEAD));
        for (text, status) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n", 400),
            ("MSH|^~\\&|A|B\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\n\r\n", 405),
            (&long, 431),
        ] {
            assert_eq!(read(text).await.err().map(|refusal| refusal.status), Some(status), "{text:.20}");
        }
        assert!(matches!(read("").await, Ok(None)));
        let head = read("GET / HTTP/1.1\r\n\r\n\u{1}\u{2}").await.unwrap().unwrap();
        assert_eq!(head.rest, [1, 2]);
    }

    #[tokio::test]
    async fn what_is_no_websocket_handshake_is_refused() {
        for (from, to, status) in [
            ("Upgrade: websocket\r\n", "", 426),
            ("keep-alive, Upgrade", "keep-alive", 426),
            ("Version: 13", "Version: 8", 426),
            ("dGhlIHNhbXBsZSBub25jZQ==", "short", 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j!Q==", 400),
        ] {
            let got = head("/", &UPGRADE.replace(from, to)).await;
            assert_eq!(got.key().err().map(|refusal| refusal.status), Some(status), "{to}");
        }
    }

    #[test]
    fn a_refusal_is_a_whole_http_answer() {
        for status in [400, 401, 403, 404, 405, 408, 426, 431, 503] {
            let answer = Refusal::new(status, "because").answer();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.ends_with("Content-Length: 8\r\n\r\nbecause\n"), "{answer}");
        }
    }

    #[test]
    fn percent_encoding_comes_off() {
        for (text, query, expect) in [
            ("a%20b", false, "a b"),
            ("a+b", false, "a+b"),
            ("a+b", true, "a b"),
            ("%zz%4", true, "%zz%4"),
            ("%C3%A9", true, "é"),
        ] {
            assert_eq!(decode(text, query), expect);
        }
    }
}
