//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::HttpListener;
use super::activity::{Activity, Phase, Watched};
use crate::adapters::deadline::Deadline;

/// How long a client may leave its answer unread.
const WRITE: Duration = Duration::from_secs(60);
/// How long a client is waited for that has to read its last answer.
const LINGER: Duration = Duration::from_secs(2);
/// The largest head of a request.
const LARGEST_HEAD: usize = 32 << 10;

/// Answers requests, one after the other, until it is over.
pub(super) async fn serve<S>(service: Arc<HttpListener>, stream: S, peer: SocketAddr)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let activity = Activity::default();
    let io = TokioIo::new(Watched::new(stream, activity.clone()));
    let answering = service_fn(|request: Request<Incoming>| {
        let (service, activity) = (service.clone(), activity.clone());
        async move {
            activity.enter(Phase::Request);
            let answer = service.answer(request, peer).await;
            activity.enter(Phase::Answer);
            Ok::<Response<_>, Infallible>(answer.into_response())
        }
    });
    let mut connection = pin!(protocol().serve_connection(io, answering));
    let mut deadline = Deadline::new(&service.server.host);
    let mut stopping = pin!(service.server.host.stopping());
    let (mut seen, mut is_last) = (None, false);
    let late = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended.err().map(End::Failed));
            }
            let now = activity.now();
            if seen != Some(now) {
                seen = Some(now);
                deadline.set(service.patience(now.0));
            }
            let is_late = pin!(deadline.passed()).poll(cx).is_ready();
            let ends =
                !is_last && ((is_late && now.0 == Phase::Idle) || stopping.as_mut().poll(cx).is_ready());
            if !ends {
                return if is_late { Poll::Ready(Some(End::Late(now.0))) } else { Poll::Pending };
            }
            is_last = true;
            connection.as_mut().graceful_shutdown();
        }
    });
    let matter = match late.await {
        Some(End::Late(Phase::Head)) => {
            "did not send the head of a request within read_timeout; its connection is closed"
        }
        Some(End::Late(Phase::Answer)) => {
            "does not read its answer, or is gone; what it was not answered may come again"
        }
        // hyper has answered 400 or 431, and nobody else has seen it.
        Some(End::Failed(error)) if error.is_parse() => "sent what is no HTTP request; nothing of it is kept",
        // Whatever else ended it, nobody is there to be told.
        _ => return,
    };
    service.server.telling.tell(peer, matter);
}

/// How a connection ended that is to be told of.
enum End {
    /// It was at this for too long.
    Late(Phase),
    /// hyper could not go on.
    Failed(hyper::Error),
}

/// How hyper is to speak.
fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        // Its time is watched here, on the host's clock.
        .header_read_timeout(None)
        // Who has said all and closed its side still gets the answer.
        .half_close(true)
        // Small letters are right, and not every client knows.
        .title_case_headers(true)
        .max_header_size(LARGEST_HEAD);
    protocol
}

impl HttpListener {
    /// How long a phase may last without a sign of life.
    fn patience(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Idle => Some(self.settings.idle_timeout.0),
            Phase::Head => Some(self.settings.read_timeout.0),
            // Its parts are watched where they are waited for.
            Phase::Request => None,
            Phase::Answer => Some(WRITE),
            Phase::Closing => Some(LINGER),
        }
    }
}
