//! One request: who asks for what, and its body within the limits.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use data_encoding::BASE64;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{
    ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HeaderValue, TRANSFER_ENCODING,
    WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, StatusCode};
use model::Room;

use super::{Answer, Head, HttpListener};
use crate::adapters::deadline::Deadline;
use crate::adapters::secret::{bearer, is_known};

/// So much of a body that is refused is passed over, so that the connection can be kept.
const PASSED_OVER: usize = 1 << 20;
/// And no longer than this.
const PASSING: Duration = Duration::from_secs(1);
/// Room that is made before anything has come.
const ROOM: u64 = 1 << 20;

/// What a request holds without asking for room, beside what it reads at a time.
const OWN: usize = 64 << 10;

const CROWDED: &str = "too much is being stored; send it again";
const STOPPING: &str = "the engine is stopping; send it again";

/// What has come of a body: one piece as it came, several put together.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    all: BytesMut,
}

impl Gathered {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    /// Adds a piece; as much as `expected` may still come.
    fn add(&mut self, piece: Bytes, expected: u64) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.all.is_empty() {
            self.all.reserve(self.first.len() + piece.len() + expected.min(ROOM) as usize);
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&piece);
    }

    fn finish(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

impl HttpListener {
    /// Answers a request, and tells what was the matter with it.
    pub(super) async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let (parts, mut body) = request.into_parts();
        // Whoever asks first has not sent it yet; to ask for it would be to say yes.
        let asks_first = parts.headers.contains_key(EXPECT);
        let answer = match self.admit(parts, &body, peer) {
            Err(answer) => {
                if !asks_first {
                    self.pass_over(&mut body).await;
                }
                answer
            }
            Ok(mut head) => match self.read(&mut body, &mut head.room).await {
                Ok(bytes) if !self.server.host.is_stopping() => {
                    self.handler.take(head, bytes, &self.server.host).await
                }
                Ok(_) => Answer::not_now(STOPPING),
                Err(answer) => answer,
            },
        };
        if let Some(matter) = answer.matter {
            self.server.telling.tell_with(peer, matter, || format!(" ({})", answer.status.as_u16()));
        }
        answer
    }

    /// Looks at all but the body.
    fn admit(&self, parts: Parts, body: &Incoming, peer: SocketAddr) -> Result<Head, Answer> {
        if self.server.host.is_stopping() {
            return Err(Answer::not_now(STOPPING).last());
        }
        let rest = self.place.rest(parts.uri.path()).map(str::to_owned).ok_or_else(|| {
            Answer::refusal(StatusCode::NOT_FOUND, "asked for another path than the service has")
        })?;
        self.authenticate(&parts.headers)?;
        let methods = self.handler.methods();
        if !methods.contains(&parts.method) {
            let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
            let answer = Answer::refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "asked with a method that is not one of the service's",
            );
            return Err(match HeaderValue::from_str(&names.join(", ")) {
                Ok(allowed) => answer.with(ALLOW, allowed),
                Err(_) => answer,
            });
        }
        if !parts.headers.contains_key(CONTENT_LENGTH) && !parts.headers.contains_key(TRANSFER_ENCODING) {
            return Err(Answer::refusal(
                StatusCode::LENGTH_REQUIRED,
                "sent no body, or one without Content-Length",
            ));
        }
        if body.size_hint().lower() > self.settings.max_message_size.0 {
            return Err(too_large());
        }
        if parts.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(Answer::refusal(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "sent a body with a Content-Encoding; expected none",
            ));
        }
        let head = Head { peer, rest, headers: parts.headers, room: Room::default() };
        self.handler.admit(&head)?;
        Ok(head)
    }

    /// Whether the client is who it says it is, where that matters.
    fn authenticate(&self, headers: &HeaderMap) -> Result<(), Answer> {
        let (users, tokens) = (&self.settings.users, &self.settings.tokens);
        if users.is_empty() && tokens.is_empty() {
            return Ok(());
        }
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let known = given.and_then(|value| value.split_once(' ')).is_some_and(|(scheme, value)| {
            let value = value.trim();
            if scheme.eq_ignore_ascii_case("bearer") {
                bearer(tokens, value).is_some()
            } else if scheme.eq_ignore_ascii_case("basic") {
                let text = BASE64.decode(value.as_bytes()).ok().and_then(|text| String::from_utf8(text).ok());
                let pair = text.as_deref().and_then(|text| text.split_once(':'));
                pair.is_some_and(|(user, password)| is_known(users, user, password))
            } else {
                false
            }
        });
        if known {
            return Ok(());
        }
        let why = match given {
            Some(_) => "gave a wrong user, password or token",
            None => "gave no user, password or token; expected the header Authorization",
        };
        let mut answer = Answer::refusal(StatusCode::UNAUTHORIZED, why);
        if !users.is_empty() {
            let challenge = HeaderValue::from_static("Basic realm=\"orris\", charset=\"UTF-8\"");
            answer = answer.with(WWW_AUTHENTICATE, challenge);
        }
        if !tokens.is_empty() {
            answer = answer.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"orris\""));
        }
        Err(answer)
    }

    /// Reads a body within the limits.
    async fn read(&self, body: &mut Incoming, room: &mut Room) -> Result<Bytes, Answer> {
        let most = self.settings.max_message_size.0;
        let late = || {
            Answer::refusal(
                StatusCode::REQUEST_TIMEOUT,
                "did not send its request within read_timeout or request_timeout",
            )
            .last()
        };
        let (mut whole, mut piece) = (Deadline::new(&self.server.host), Deadline::new(&self.server.host));
        whole.set(Some(self.settings.request_timeout.0));
        let mut gathered = Gathered::default();
        loop {
            self.make_room(room, gathered.len(), &mut whole).await?;
            piece.set(Some(self.settings.read_timeout.0));
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                () = piece.passed() => return Err(late()),
                () = whole.passed() => return Err(late()),
                () = self.server.host.stopping() => return Err(Answer::not_now(STOPPING).last()),
            };
            let data = match frame {
                None => return Ok(gathered.finish()),
                Some(Err(_)) => {
                    let why =
                        "ended in the midst of a request, or sent one that is none; nothing of it is kept";
                    return Err(Answer::refusal(StatusCode::BAD_REQUEST, why).last());
                }
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            if (gathered.len() + data.len()) as u64 > most {
                drop(gathered);
                self.pass_over(body).await;
                return Err(too_large());
            }
            gathered.add(data, body.size_hint().lower());
        }
    }

    /// Waits until there is room for what has come of a body and what is read next. Small ones need none.
    async fn make_room(&self, room: &mut Room, held: usize, whole: &mut Deadline) -> Result<(), Answer> {
        // What a body is put together in grows like this.
        let wanted = (held + OWN).next_power_of_two();
        if wanted <= 2 * OWN || wanted <= room.bytes() {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = self.server.host.make_room(room, wanted) => Ok(()),
            () = whole.passed() => Err(Answer::not_now(CROWDED).last()),
            () = self.server.host.stopping() => Err(Answer::not_now(STOPPING).last()),
        }
    }

    /// Reads what is refused, up to a limit: who has said all listens.
    async fn pass_over(&self, body: &mut Incoming) {
        let passing = async {
            let mut passed = 0;
            while passed < PASSED_OVER
                && let Some(Ok(frame)) = body.frame().await
            {
                passed += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        tokio::select! {
            () = passing => {}
            () = self.server.host.clock().sleep(PASSING) => {}
            () = self.server.host.stopping() => {}
        }
    }
}

fn too_large() -> Answer {
    Answer::refusal(StatusCode::PAYLOAD_TOO_LARGE, "sent a body that is larger than max_message_size")
}
