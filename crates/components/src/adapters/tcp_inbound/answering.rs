//! The hand of a connection that answers.

use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use hl7::Framing;
use model::Failure;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::Receiver;

use super::TcpInbound;
use crate::adapters::deadline::Deadline;
use crate::hl7::answers::{Answering, Says, Submitted};

/// How long a client may leave its answers unread.
const WRITE: Duration = Duration::from_secs(60);
/// So many answers of targets are waited for at once.
const MOST_WAITING: usize = 1_024;
/// A buffer that has become larger is given back.
const LARGE: usize = 16 << 10;

/// Why nothing more is answered.
#[derive(Debug)]
pub(super) enum End {
    /// All that came is answered.
    Done,
    /// The engine stops: the senders have to send again what is not answered.
    Stopping,
    /// The client is gone, or does not read.
    Lost,
}

/// Answers what comes through `groups`, in order, until nothing more comes.
pub(super) async fn run<W: AsyncWrite + Unpin>(
    service: &TcpInbound,
    writer: &mut W,
    mut groups: Receiver<Submitted>,
) -> End {
    let mut answering = Answering::new(&service.inbound, &service.host);
    let mut deadline = Deadline::new(&service.host);
    let (mut out, mut open) = (BytesMut::new(), true);
    while open || answering.waiting() > 0 {
        let more = open && answering.waiting() < MOST_WAITING;
        let done: Result<(), Failure> = tokio::select! {
            biased;
            group = groups.recv(), if more => match group {
                Some(group) => answering.committed(group).await,
                None => {
                    open = false;
                    Ok(())
                }
            },
            done = answering.replied() => done,
        };
        if done.is_err() {
            return End::Stopping;
        }
        for answer in answering.ready.drain(..) {
            match answer.says {
                Says::Message(bytes) => frame(service.limits.framing, &bytes, &mut out),
                Says::Byte(byte) => out.put_u8(byte),
            }
        }
        if out.is_empty() {
            continue;
        }
        deadline.set(Some(WRITE));
        let written = tokio::select! {
            biased;
            written = write(writer, &mut out) => written.is_ok(),
            () = deadline.passed() => false,
        };
        if !written {
            return End::Lost;
        }
        if out.capacity() > LARGE {
            out = BytesMut::new();
        }
    }
    End::Done
}

/// Puts an answer into a frame. One that holds what ends its frame is of a target's making; it goes as
/// it is, since the sender waits for it.
fn frame(framing: Framing, bytes: &[u8], out: &mut BytesMut) {
    if framing.wrap(bytes, out).is_err() {
        out.put_slice(bytes);
    }
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, out: &mut BytesMut) -> std::io::Result<()> {
    while out.has_remaining() {
        writer.write_buf(out).await?;
    }
    writer.flush().await
}
