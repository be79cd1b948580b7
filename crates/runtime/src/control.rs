//! The control socket: `<data-dir>/orris.sock`, one JSON request a line, one JSON answer a line.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{BodyClass, Event, EventKind, MessageBody, SessionId};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::director::send;
use crate::engine::Engine;
use crate::status::ProductionStatus;

/// The socket's file below the data directory.
pub const SOCKET_FILE: &str = "orris.sock";
/// The longest request or answer.
const LONGEST: u64 = 256 << 20;
/// How long an engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What can be asked of a running engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// What is shown of the production.
    Status,
    /// Puts a message into an item.
    Send {
        /// The item.
        item: String,
        /// The body's class, as in `HL7.Message`.
        class: String,
        /// The document type, as in `ADT_A01`; may be empty.
        #[serde(default)]
        doc_type: String,
        /// Where the body came from, such as a file name; may be empty.
        #[serde(default)]
        name: String,
        /// The body.
        body: Content,
    },
    /// Stops the production, as a signal would.
    Stop,
}

/// Bytes of a body: as text where they are text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// UTF-8 text.
    Text(String),
    /// Anything else, in base64.
    Base64(String),
}

impl Content {
    /// These bytes.
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Content::Text(text.to_owned()),
            Err(_) => Content::Base64(data_encoding::BASE64.encode(bytes)),
        }
    }

    fn bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Content::Text(text) => Ok(text.into_bytes()),
            Content::Base64(text) => data_encoding::BASE64
                .decode(text.as_bytes())
                .map_err(|error| format!("the body is no base64: {error}")),
        }
    }
}

/// What an engine answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// What is shown of the production.
    Status(ProductionStatus),
    /// The message is stored, in this session.
    Sent(SessionId),
    /// The production will stop.
    Stopping,
    /// It cannot be done.
    Refused(String),
}

/// Why an engine could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers at the socket.
    #[error(
        "no engine runs on data directory \"{data_dir}\" ({reason}); start it with orris run, or pass --data-dir"
    )]
    NotRunning {
        /// Where it was looked for.
        data_dir: String,
        /// What the system said.
        reason: String,
    },
    /// It was reached, and something went wrong then.
    #[error("the engine on data directory \"{data_dir}\" did not answer: {reason}")]
    NoAnswer {
        /// The engine's data directory.
        data_dir: String,
        /// What went wrong.
        reason: String,
    },
}

/// Asks the engine that runs on this data directory.
///
/// # Errors
/// When none runs there, or it does not answer.
pub async fn ask(data_dir: &Path, request: &Request) -> Result<Answer, AskError> {
    let place = || data_dir.display().to_string();
    let stream = UnixStream::connect(data_dir.join(SOCKET_FILE))
        .await
        .map_err(|error| AskError::NotRunning { data_dir: place(), reason: error.to_string() })?;
    let answer = tokio::time::timeout(PATIENCE, exchange(stream, request)).await;
    let answer = answer.unwrap_or_else(|_| Err(io::Error::other(format!("nothing within {PATIENCE:?}"))));
    answer.map_err(|error| AskError::NoAnswer { data_dir: place(), reason: error.to_string() })
}

async fn exchange(mut stream: UnixStream, request: &Request) -> io::Result<Answer> {
    write_line(&mut stream, request).await?;
    match read_line(&mut BufReader::new(stream)).await? {
        Some(line) => Ok(serde_json::from_str(&line)?),
        None => Err(io::Error::other("the connection was closed")),
    }
}

async fn write_line(stream: &mut (impl AsyncWriteExt + Unpin), value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

async fn read_line(reader: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = reader.take(LONGEST).read_line(&mut line).await?;
    match line.ends_with('\n') {
        true => Ok(Some(line)),
        false if read == 0 => Ok(None),
        false => Err(io::Error::other("a line without an end")),
    }
}

/// What was asked that the program has to do.
pub(crate) struct Asked(watch::Receiver<bool>);

impl Asked {
    /// Returns when it was asked to stop.
    pub(crate) async fn stop(&self) {
        let mut stop = self.0.clone();
        if stop.wait_for(|asked| *asked).await.is_err() {
            // No control socket: nobody will ask.
            std::future::pending::<()>().await;
        }
    }
}

/// Listens at the control socket. Without one the production runs all the same, with a warning.
pub(crate) fn serve(engine: &Arc<Engine>, tasks: &mut JoinSet<()>) -> Asked {
    let (stop, asked) = watch::channel(false);
    match listen(&engine.data_dir) {
        Ok(listener) => {
            tasks.spawn(accept(listener, engine.clone(), stop));
        }
        Err(error) => {
            let text = format!(
                "there is no control socket \"{SOCKET_FILE}\": {error}; the production runs without one"
            );
            engine.say(Event::new(EventKind::Warning, "", text));
        }
    }
    Asked(asked)
}

/// Removes the socket's file, so that nobody waits at it.
pub(crate) fn close(data_dir: &Path) {
    // It may never have been made; the next engine replaces it anyway.
    let _gone = std::fs::remove_file(data_dir.join(SOCKET_FILE));
}

/// Makes the socket where nobody else may enter, and moves it to its place, over one that a crash may
/// have left: the store's lock says that no other engine is there.
fn listen(data_dir: &Path) -> io::Result<UnixListener> {
    let aside = data_dir.join(".orris.sock");
    if aside.exists() {
        std::fs::remove_dir_all(&aside)?;
    }
    DirBuilder::new().mode(0o700).create(&aside)?;
    let made = aside.join("s");
    let listener = UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    std::fs::rename(&made, data_dir.join(SOCKET_FILE))?;
    std::fs::remove_dir(&aside)?;
    Ok(listener)
}

async fn accept(listener: UnixListener, engine: Arc<Engine>, stop: watch::Sender<bool>) {
    // No bound but that of the system: only the owner of the data directory can connect.
    let mut talks = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = talks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    talks.spawn(talk(stream, engine.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!("the control socket cannot accept: {error}");
                    engine.clock.sleep(Duration::from_secs(1)).await;
                }
            },
        }
    }
}

/// Answers one client until it goes.
async fn talk(stream: UnixStream, engine: Arc<Engine>, stop: watch::Sender<bool>) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    while let Ok(Some(line)) = read_line(&mut reader).await {
        let answer = match serde_json::from_str(&line) {
            Ok(request) => answer(request, &engine, &stop).await,
            // The error's text may quote the request, which may hold a message.
            Err(error) => Answer::Refused(format!("the request is wrong at column {}", error.column())),
        };
        if write_line(&mut writer, &answer).await.is_err() {
            return;
        }
    }
}

async fn answer(request: Request, engine: &Engine, stop: &watch::Sender<bool>) -> Answer {
    match request {
        Request::Status => Answer::Status(engine.status()),
        Request::Stop => {
            stop.send_replace(true);
            Answer::Stopping
        }
        Request::Send { item, class, doc_type, name, body } => {
            let content = match body.bytes() {
                Ok(content) => content,
                Err(reason) => return Answer::Refused(reason),
            };
            let class = BodyClass::named(&class);
            let body = MessageBody::described(class, content, doc_type, String::new(), name);
            match send(engine, &item, body).await {
                Ok(session) => Answer::Sent(session),
                Err(error) => Answer::Refused(error.to_string()),
            }
        }
    }
}
