//! A receiver of MLLP frames that does what a test says, byte by byte.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A receiver that listens on a port of its own.
pub struct Peer {
    listener: TcpListener,
    address: String,
}

impl Peer {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When the machine gives none.
    pub async fn listen() -> Self {
        Self::listen_on("127.0.0.1:0").await
    }

    /// Listens on this address.
    ///
    /// # Panics
    /// When somebody else does.
    pub async fn listen_on(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        Peer { listener, address }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The next connection.
    ///
    /// # Panics
    /// When there is none to be had.
    pub async fn accept(&self) -> Caller<TcpStream> {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        Caller::new(stream)
    }
}

/// A connection that a receiver has accepted.
pub struct Caller<S> {
    stream: S,
    come: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Caller<S> {
    /// A caller on any stream, such as one with TLS on it.
    pub fn new(stream: S) -> Self {
        Caller { stream, come: Vec::new() }
    }

    /// The stream itself.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// What stands in the next frame; none when the sender has closed.
    ///
    /// # Panics
    /// When what came is no frame.
    pub async fn message(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.come.windows(2).position(|two| two == [0x1C, b'\r']) {
                let frame: Vec<u8> = self.come.drain(..end + 2).collect();
                assert_eq!(frame[0], 0x0B, "no frame begins here");
                return Some(String::from_utf8_lossy(&frame[1..end]).into_owned());
            }
            if self.stream.read_buf(&mut self.come).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The control id of the next message, MSH-10; none when the sender has closed.
    pub async fn control_id(&mut self) -> Option<String> {
        let message = self.message().await?;
        Some(message.split(['\r', '\n']).next()?.split('|').nth(9)?.to_owned())
    }

    /// Sends these bytes.
    ///
    /// # Panics
    /// When the sender has gone.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("somebody to send to");
        self.stream.flush().await.expect("somebody to send to");
    }

    /// Answers the message with that control id.
    ///
    /// # Panics
    /// When the sender has gone.
    pub async fn answer(&mut self, code: &str, control_id: &str) {
        self.send(ack(code, control_id)).await;
    }

    /// Answers the next message with that code; its control id, none when the sender has closed.
    pub async fn take(&mut self, code: &str) -> Option<String> {
        let id = self.control_id().await?;
        self.answer(code, &id).await;
        Some(id)
    }

    /// Returns when the sender has closed.
    pub async fn closed(&mut self) {
        while self.stream.read_buf(&mut self.come).await.unwrap_or(0) > 0 {}
    }
}

/// An acknowledgement in an MLLP frame.
pub fn ack(code: &str, control_id: &str) -> Vec<u8> {
    let message = format!("MSH|^~\\&|PEER||||20231114||ACK|9{control_id}|P|2.5\rMSA|{code}|{control_id}\r");
    [b"\x0B", message.as_bytes(), b"\x1C\r"].concat()
}
