//! What is answered to a request.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

/// What a client that may come again is asked to wait, in seconds.
const PAUSE: &str = "5";

/// An answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// What is told about the client; none where nothing is the matter.
    pub(crate) matter: Option<&'static str>,
}

impl Answer {
    /// Without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Answer { status, ..Answer::default() }
    }

    /// With a body of that type.
    pub(crate) fn new(status: StatusCode, content_type: &str, body: Bytes) -> Self {
        let answer = Answer { status, body, ..Answer::default() };
        // A type that was asked with can be answered with; what cannot be said is left out.
        match HeaderValue::from_str(content_type) {
            Ok(value) => answer.with(CONTENT_TYPE, value),
            Err(_) => answer,
        }
    }

    /// A line of text, for those who look at it.
    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Answer::new(status, "text/plain; charset=utf-8", Bytes::from(format!("{text}\n")))
    }

    /// A refusal for what a client does, which is told.
    pub(crate) fn refusal(status: StatusCode, why: &'static str) -> Self {
        Answer { matter: Some(why), ..Answer::text(status, why) }
    }

    /// Not now: the client may come again.
    pub(crate) fn not_now(why: &str) -> Self {
        Answer::text(StatusCode::SERVICE_UNAVAILABLE, why).later()
    }

    /// With a header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Asks the client to come again.
    pub(crate) fn later(self) -> Self {
        self.with(RETRY_AFTER, HeaderValue::from_static(PAUSE))
    }

    /// The last one of its connection.
    pub(crate) fn last(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}
