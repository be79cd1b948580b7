//! The hand of a connection that answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use hl7::Framing;
use model::{Failure, fault};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::Receiver;

use super::TcpInbound;
use crate::adapters::deadline::Deadline;
use crate::hl7::answers::{Answer, Answering, Says, Submitted};

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
    unframed: &AtomicBool,
) -> End {
    let mut answering = Answering::new(&service.inbound, &service.server.host);
    let mut deadline = Deadline::new(&service.server.host);
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
        // Who likes no frames gets none.
        let framing = match unframed.load(Ordering::Relaxed) {
            true => Framing::None,
            false => service.limits.framing,
        };
        put_all(answering.ready.drain(..), framing, &mut out);
        if out.is_empty() {
            continue;
        }
        fault::point("tcp.before_answer");
        deadline.set(Some(WRITE));
        let written = tokio::select! {
            biased;
            written = write(writer, &mut out) => written.is_ok(),
            () = deadline.passed() => false,
        };
        if !written {
            return End::Lost;
        }
        fault::point("tcp.answered");
        if out.capacity() > LARGE {
            out = BytesMut::new();
        }
    }
    End::Done
}

fn put_all(answers: impl Iterator<Item = Answer>, framing: Framing, out: &mut BytesMut) {
    for answer in answers {
        match answer.says {
            Says::Message(bytes) => frame(framing, &bytes, out),
            Says::Byte(byte) => out.put_u8(byte),
        }
    }
}

/// Puts an answer into a frame. Where line ends are what ends a frame, an answer's are others.
fn frame(framing: Framing, bytes: &[u8], out: &mut BytesMut) {
    if framing.wrap(bytes, out).is_ok() {
        return;
    }
    let other: Vec<u8> = bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect();
    if framing.wrap(&other, out).is_err() {
        // An answer of a target's making, and better than none.
        out.put_slice(bytes);
    }
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, out: &mut BytesMut) -> std::io::Result<()> {
    while out.has_remaining() {
        writer.write_buf(out).await?;
    }
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_fits_into_every_framing() {
        for (framing, expected) in [
            ("mllp", "\u{b}MSH|A\rMSA|AA\r\u{1c}\r"),
            ("flexible", "\u{b}MSH|A\rMSA|AA\r\u{1c}\r"),
            ("none", "MSH|A\rMSA|AA\r"),
            ("ascii_lf", "MSH|A\rMSA|AA\r\n"),
            ("ascii_cr", "MSH|A\nMSA|AA\n\r"),
            ("ascii28", "MSH|A\rMSA|AA\r\u{1c}"),
        ] {
            let mut out = BytesMut::new();
            frame(framing.parse().unwrap(), b"MSH|A\rMSA|AA\r", &mut out);
            assert_eq!(out, expected.as_bytes(), "{framing}");
        }
    }
}
