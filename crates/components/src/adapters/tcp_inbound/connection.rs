//! One connection, from its first byte to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::TcpInbound;
use super::answering::{self, End};
use super::reading::{Reading, Why};

/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client is waited for that has to read its last answers.
const LINGER: Duration = Duration::from_secs(1);
/// Groups that wait for the one that is being answered.
const WINDOW: usize = 1;

/// A client.
pub(super) struct Connection {
    service: Arc<TcpInbound>,
    peer: SocketAddr,
}

impl Connection {
    pub(super) fn new(service: Arc<TcpInbound>, peer: SocketAddr) -> Self {
        Connection { service, peer }
    }

    /// Takes TLS off it; none if that fails, which is said.
    pub(super) async fn secure(
        &self,
        acceptor: TlsAcceptor,
        stream: TcpStream,
    ) -> Option<TlsStream<TcpStream>> {
        let telling = &self.service.telling;
        tokio::select! {
            biased;
            secured = acceptor.accept(stream) => match secured {
                Ok(stream) => return Some(stream),
                Err(error) => telling.tell_with(self.peer, "refused: TLS failed", || format!(" ({error})")),
            },
            () = self.service.host.clock().sleep(HANDSHAKE) => {
                telling.tell(self.peer, "refused: TLS was not done within 10s");
            }
            () = self.service.host.stopping() => {}
        }
        None
    }

    /// Takes in and answers until it is over.
    pub(super) async fn run<R, W>(self, mut reader: R, mut writer: W)
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let (groups, submitted) = mpsc::channel(WINDOW);
        let unframed = AtomicBool::new(false);
        let why = {
            let reading = Reading::new(&self.service, self.peer, &mut reader, groups, &unframed).run();
            let answering = answering::run(&self.service, &mut writer, submitted, &unframed);
            tokio::pin!(reading, answering);
            tokio::select! {
                biased;
                end = &mut answering => self.unanswered(&end),
                why = &mut reading => match answering.await {
                    End::Done => why,
                    end => self.unanswered(&end),
                },
            }
        };
        // What is not said properly to one that is gone is of no use to it.
        let _said = writer.shutdown().await;
        if matches!(why, Why::Stopping | Why::Stalled | Why::Junk) {
            // Closing over what it still sends would take its last answers away from it.
            tokio::select! {
                () = pass_over(&mut reader) => {}
                () = self.service.host.clock().sleep(LINGER) => {}
            }
        }
    }

    fn unanswered(&self, end: &End) -> Why {
        if let End::Lost = end {
            self.service.telling.tell(
                self.peer,
                "does not read its answers, or is gone; what it was not answered is stored, and may come again",
            );
        }
        Why::Unanswered
    }
}

async fn pass_over<R: AsyncRead + Unpin>(reader: &mut R) {
    let mut rest = vec![0; 4 << 10];
    while reader.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}
