//! A server that does what a test says, byte by byte.

use testkit::Peer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) first: String,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Asked {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// A connection that the server has accepted.
pub(crate) struct Asker<S>(pub(crate) S);

/// The next connection.
pub(crate) async fn accept(peer: &Peer) -> Asker<TcpStream> {
    Asker(peer.accept().await.into_inner())
}

impl<S: AsyncRead + AsyncWrite + Unpin> Asker<S> {
    /// The next request; none when the sender has closed.
    pub(crate) async fn asked(&mut self) -> Option<Asked> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let (first, headers) = head.split_once("\r\n").unwrap();
        let mut asked = Asked { first: first.to_owned(), headers: headers.to_owned(), body: String::new() };
        let length: usize = asked.header("content-length").map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.ok()?;
        asked.body = String::from_utf8(body).unwrap();
        Some(asked)
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Answers, with more headers (each with its line end) and a body.
    pub(crate) async fn answer(&mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        self.send(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")).await;
    }

    /// Answers the next request; what it was.
    pub(crate) async fn take(&mut self, status: &str, headers: &str, body: &str) -> Option<Asked> {
        let asked = self.asked().await?;
        self.answer(status, headers, body).await;
        Some(asked)
    }
}
