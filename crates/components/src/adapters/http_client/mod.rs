//! Requests to one server over HTTP/1.1: one at a time, over a connection that is kept where it may be.

pub(crate) mod rules;
mod settings;
#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use model::{BuildError, Failure, HostContext, Span, Timeout, Timestamp};
use tokio::task::JoinHandle;

use super::deadline::Deadline;
use super::http_content::MediaType;
use super::tcp_dialer::{Dialer, Unreachable, Way, words};
pub(crate) use settings::{HttpSend, Target};

/// The longest answer.
const LONGEST_ANSWER: usize = 16 << 20;
/// After this silence the system asks the server for a sign.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// What asks one server.
pub(crate) struct HttpClient {
    dialer: Dialer,
    method: Method,
    target: Target,
    headers: HeaderMap,
    limit: Timeout,
    stay: Timeout,
    open: Option<Open>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) kind: MediaType,
    /// When the server wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No connection could be made.
    Unreachable(Unreachable),
    /// The item stops, and nothing was sent.
    Stopping,
    /// None came, for this reason; the request may have been taken.
    NoReply(String),
    /// What came is none.
    BadReply(String),
}

/// A connection. Dropped, it is closed.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
    used: Option<Timestamp>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why an exchange failed, in words that follow the server's name.
enum Lost {
    /// The connection was at its end before anything was answered.
    Unheard(String),
    /// It was at its end within the answer.
    Cut(&'static str),
    /// What came is no answer, or too much of one.
    Odd(String),
}

impl HttpClient {
    /// Asks with this method, as the settings say.
    pub(crate) fn new(settings: &HttpSend, method: Method) -> Result<Self, BuildError> {
        let target = settings.target()?;
        Ok(HttpClient {
            dialer: Dialer::new(Way {
                address: target.address.clone(),
                backup: None,
                tries: 1,
                timeout: settings.connect_timeout.0,
                keep_alive: KEEP_ALIVE,
                tls: target.is_https.then(|| settings.tls.clone().unwrap_or_default()),
            }),
            method,
            headers: settings.all_headers(&target)?,
            target,
            limit: settings.response_timeout,
            stay: settings.stay_connected,
            open: None,
        })
    }

    /// Reads the files that TLS needs.
    ///
    /// # Errors
    /// When they are not there or hold something else.
    pub(crate) async fn prepare(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.dialer.prepare(host).await
    }

    /// The server, as people know it.
    pub(crate) fn peer(&self) -> &str {
        &self.target.address
    }

    /// Sends a request, and waits for the answer.
    pub(crate) async fn send(
        &mut self,
        body: &Bytes,
        content_type: &str,
        host: &HostContext,
    ) -> Result<Got, Trouble> {
        loop {
            let mut open = self.connection(host).await?;
            let request = self.request(body, content_type);
            let mut deadline = Deadline::new(host);
            deadline.set(self.limit.0);
            let came = tokio::select! {
                biased;
                came = exchange(&mut open.sender, request) => came,
                () = deadline.passed() => {
                    let limit = Span(self.limit.0.unwrap_or_default());
                    let text = format!("no answer from {} within {limit}", self.peer());
                    return Err(Trouble::NoReply(text));
                }
            };
            match came {
                Ok((head, body)) => {
                    let now = host.clock().now();
                    let retry_after = rules::retry_after(head.headers(), now);
                    let (status, kind) = (head.status(), MediaType::of(head.headers()));
                    if self.stay != Timeout(Some(Duration::ZERO)) {
                        open.used = Some(now);
                        self.open = Some(open);
                    }
                    return Ok(Got { status, kind, retry_after, body });
                }
                // It was closed while nobody looked: the server has heard nothing of this.
                Err(Lost::Unheard(_)) if open.used.is_some() => {}
                Err(Lost::Unheard(why)) => return Err(Trouble::NoReply(format!("{} {why}", self.peer()))),
                Err(Lost::Cut(why)) => return Err(Trouble::NoReply(format!("{} {why}", self.peer()))),
                Err(Lost::Odd(why)) => return Err(Trouble::BadReply(format!("{} {why}", self.peer()))),
            }
        }
    }

    /// A connection that is good, as far as anybody knows.
    async fn connection(&mut self, host: &HostContext) -> Result<Open, Trouble> {
        if let Some(mut open) = self.open.take() {
            let unused = open.used.map_or(Duration::ZERO, |used| host.clock().now().since(used));
            let is_fresh = self.stay.0.is_none_or(|stay| unused < stay);
            if is_fresh && !open.sender.is_closed() && open.sender.ready().await.is_ok() {
                return Ok(open);
            }
        }
        let wire = tokio::select! {
            biased;
            wire = self.dialer.dial(host) => wire.map_err(Trouble::Unreachable)?,
            () = host.stopping() => return Err(Trouble::Stopping),
        };
        // Small letters are right, and not every server knows.
        let made = http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(wire)).await;
        let (sender, connection) =
            made.map_err(|_| Trouble::NoReply(format!("{} closed the connection", self.peer())))?;
        // How it ends is heard by whoever uses it.
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok(Open { sender, task, used: None })
    }

    fn request(&self, body: &Bytes, content_type: &str) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if let Ok(value) = HeaderValue::from_str(content_type)
            && !content_type.is_empty()
        {
            request.headers_mut().insert(CONTENT_TYPE, value);
        }
        request
    }
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(Response<()>, Bytes), Lost> {
    let answer = sender.send_request(request).await.map_err(|error| lost(&error))?;
    let (head, mut incoming) = answer.into_parts();
    let body = read(&mut incoming).await?;
    Ok((Response::from_parts(head, ()), body))
}

async fn read(incoming: &mut Incoming) -> Result<Bytes, Lost> {
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else {
            return Err(Lost::Cut("lost the connection within its answer"));
        };
        let data = frame.into_data().unwrap_or_default();
        if body.len() + data.len() > LONGEST_ANSWER {
            return Err(Lost::Odd(format!("sends an answer of more than {LONGEST_ANSWER} bytes")));
        }
        body.extend_from_slice(&data);
    }
    Ok(body.freeze())
}

fn lost(error: &hyper::Error) -> Lost {
    if error.is_parse() {
        return Lost::Odd("sent something that is no HTTP answer".to_owned());
    }
    let system = std::error::Error::source(error).and_then(|why| why.downcast_ref::<std::io::Error>());
    Lost::Unheard(match system {
        Some(error) => format!("lost the connection ({}) before it answered", words(error)),
        None => "closed the connection before it answered".to_owned(),
    })
}
