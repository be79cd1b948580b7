//! What tests of the HTTP services share: a service that runs, raw requests, and answers as they come.

use std::net::SocketAddr;
use std::time::Duration;

use model::{BusinessService, Failure};
use testkit::{TestHost, eventually};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Long enough for a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A service that runs, and where.
pub(crate) struct Served {
    pub(crate) host: TestHost,
    pub(crate) address: SocketAddr,
    task: JoinHandle<Result<(), Failure>>,
}

/// Runs a service, and returns when it listens.
pub(crate) async fn serve(host: &TestHost, mut service: Box<dyn BusinessService>) -> Served {
    let context = host.context();
    let task = tokio::spawn(async move { service.run(&context).await });
    eventually(PATIENCE, || host.has_started() || task.is_finished()).await;
    let said = host.events().into_iter().find_map(|event| {
        let url = event.text.strip_prefix("listening on ")?.split_once("://")?.1.to_owned();
        url.split('/').next()?.parse().ok()
    });
    Served { host: host.clone(), address: said.expect("it listens"), task }
}

impl Served {
    pub(crate) async fn client(&self) -> Client<TcpStream> {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Asks on a connection of its own.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> Answered {
        self.client().await.ask(request).await
    }

    /// Returns when an event has this text in it.
    pub(crate) async fn until_said(&self, text: &str) {
        eventually(PATIENCE, || self.host.events().iter().any(|event| event.text.contains(text))).await;
    }

    /// Returns when so much has been handed in.
    pub(crate) async fn until_taken(&self, count: usize) {
        eventually(PATIENCE, || self.host.arrivals().len() >= count).await;
    }

    pub(crate) async fn stop(self) {
        self.host.stop();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

/// A request with that body and these headers.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// An answer as it came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answered {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// MSA-1 and MSA-2 of all acknowledgements, as in `AA 1, AE 2`.
    pub(crate) fn acks(&self) -> String {
        let found = self.body.split('\r').filter_map(|segment| segment.strip_prefix("MSA|"));
        let named = found.map(|rest| rest.splitn(3, '|').take(2).collect::<Vec<_>>().join(" "));
        named.collect::<Vec<_>>().join(", ")
    }
}

/// A client, byte by byte.
pub(crate) struct Client<S>(pub(crate) S);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next answer; none when the service has closed.
    pub(crate) async fn answer(&mut self) -> Option<Answered> {
        let read = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.ok()?);
            }
            let head = String::from_utf8(head).unwrap();
            let (first, headers) = head.split_once("\r\n").unwrap();
            let status = first.split(' ').nth(1).unwrap().parse().unwrap();
            let mut answered = Answered { status, headers: headers.to_owned(), body: String::new() };
            let length: usize = answered.header("content-length").map_or(0, |text| text.parse().unwrap());
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await.ok()?;
            answered.body = String::from_utf8(body).unwrap();
            Some(answered)
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")
    }

    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answered {
        self.send(request).await;
        self.answer().await.expect("an answer")
    }
}
