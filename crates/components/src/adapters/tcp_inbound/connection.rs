//! One connection, from its first byte to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::TcpInbound;
use super::answering::{self, End};
use super::reading::{Reading, Why};

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
        if matches!(why, Why::Stopping | Why::Stalled | Why::Slow | Why::Junk) {
            // Closing over what it still sends would take its last answers away from it.
            tokio::select! {
                () = pass_over(&mut reader) => {}
                () = self.service.server.host.clock().sleep(LINGER) => {}
            }
        }
    }

    fn unanswered(&self, end: &End) -> Why {
        if let End::Lost = end {
            self.service.server.telling.tell(
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use hl7::Framing;
    use model::Library;
    use testkit::{FakeClock, TestHost, eventually};
    use tokio::io::duplex;

    use super::*;
    use crate::adapters::tcp_inbound::Limits;
    use crate::hl7::inbound::Inbound;
    use crate::hl7::settings::InboundSettings;

    const PATIENCE: Duration = Duration::from_secs(60);
    const MESSAGE: &[u8] = b"\x0bMSH|^~\\&|A|B|C|D|2026||ADT^A01|7|P|2.5\rPID|1||4711\r\x1c\r";

    fn connection(host: &TestHost) -> Connection {
        let limits = Limits {
            framing: Framing::MLLP,
            longest: 1 << 20,
            connections: 1,
            allowed: Vec::new(),
            idle: None,
            read: Duration::from_secs(5),
            keep_alive: Duration::from_secs(60),
        };
        let inbound = Inbound::new(&InboundSettings::default(), &Library::default()).unwrap();
        let service = Arc::new(TcpInbound::new(&host.context(), Arc::new(inbound), limits));
        Connection::new(service, SocketAddr::from(([10, 0, 0, 1], 7)))
    }

    #[tokio::test]
    async fn a_client_that_reads_no_answers_is_sent_away_in_time() {
        let clock = FakeClock::new();
        let host = TestHost::new("In").clock(clock.clone());
        // Takes less than one answer.
        let (ours, mut theirs) = duplex(16);
        let (reader, writer) = tokio::io::split(ours);
        let task = tokio::spawn(connection(&host).run(reader, writer));
        theirs.write_all(MESSAGE).await.unwrap();
        clock.until_sleeping(1).await;
        clock.advance(Duration::from_secs(59));
        assert!(!task.is_finished());
        eventually(PATIENCE, || {
            clock.advance(Duration::from_secs(1));
            task.is_finished()
        })
        .await;
        let said = host.events();
        assert!(said.len() == 1 && said[0].text.starts_with("client 10.0.0.1:7 does not read"), "{said:?}");
        assert_eq!(host.arrivals().len(), 1, "what came is stored all the same");
    }

    #[tokio::test]
    async fn no_more_than_a_few_groups_are_on_their_way() {
        let host = TestHost::new("In");
        host.hold_durability();
        let (ours, theirs) = duplex(1 << 10);
        let (reader, writer) = tokio::io::split(ours);
        let _task = tokio::spawn(connection(&host).run(reader, writer));
        let (mut answers, mut messages) = tokio::io::split(theirs);
        let sending = tokio::spawn(async move {
            for _ in 0..200 {
                messages.write_all(MESSAGE).await.unwrap();
            }
            messages
        });
        eventually(PATIENCE, || host.intakes().len() == 2).await;
        // The third one waits for the first one, however often everybody has its turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!((host.intakes().len(), sending.is_finished()), (2, false));
        host.release_durability();
        let mut said = Vec::new();
        while said.iter().filter(|byte| **byte == 0x1C).count() < 200 {
            answers.read_buf(&mut said).await.unwrap();
        }
        let _open = sending.await.unwrap();
        assert_eq!(host.arrivals().len(), 200);
    }

    /// A message of so many bytes and a little more, as it stands on the wire.
    fn large(bytes: usize) -> Vec<u8> {
        let (head, tail) = MESSAGE.split_at(MESSAGE.len() - 2);
        [head, b"OBX|1|TX|||", &vec![b'x'; bytes], b"\r", tail].concat()
    }

    #[tokio::test]
    async fn a_large_message_is_read_when_there_is_room_for_it_and_small_ones_meanwhile() {
        let host = TestHost::new("In");
        host.hold_room();
        let open = || {
            let (ours, theirs) = duplex(1 << 10);
            let (reader, writer) = tokio::io::split(ours);
            (tokio::spawn(connection(&host).run(reader, writer)), theirs)
        };
        let ((_large, mut patient), (_small, mut other)) = (open(), open());
        let message = large(700 << 10);
        let length = message.len();
        let sending = tokio::spawn(async move {
            patient.write_all(&message).await.unwrap();
            patient
        });
        eventually(PATIENCE, || host.waiting_for_room() == 1).await;
        other.write_all(MESSAGE).await.unwrap();
        let mut answer = Vec::new();
        while !answer.contains(&0x1C) {
            other.read_buf(&mut answer).await.unwrap();
        }
        assert_eq!((host.arrivals().len(), sending.is_finished()), (1, false));
        host.release_room();
        let mut patient = sending.await.unwrap();
        answer.clear();
        while !answer.contains(&0x1C) {
            patient.read_buf(&mut answer).await.unwrap();
        }
        assert_eq!(host.arrivals()[1].body.content().len(), length - 3);
        let held = host.rooms();
        assert_eq!((held[0], held[1] >= length), (0, true), "what was read goes with its room: {held:?}");
    }

    #[tokio::test]
    async fn who_keeps_others_waiting_for_room_has_to_make_haste() {
        let clock = FakeClock::new();
        let host = TestHost::new("In").clock(clock.clone());
        host.lend_room();
        let (ours, mut theirs) = duplex(256 << 10);
        let (reader, writer) = tokio::io::split(ours);
        let task = tokio::spawn(connection(&host).run(reader, writer));
        let message = large(700 << 10);
        theirs.write_all(&message[..200 << 10]).await.unwrap();
        clock.until_sleeping(1).await;
        let begun = host.context().clock().now();
        // A byte now and then keeps it open, but not for longer than this.
        let mut sent = 200 << 10;
        eventually(PATIENCE, || {
            clock.advance(Duration::from_millis(100));
            if sent % 10 == 0 {
                let _gone = theirs.write_all(&message[sent..=sent]).now_or_never();
            }
            sent += 1;
            host.events().iter().any(|event| event.text.contains("sent a message too slowly"))
        })
        .await;
        // Many others may be as slow as this, and each is waited for in its turn.
        let took = host.context().clock().now().since(begun);
        assert!(took < Duration::from_secs(8), "{took:?}");
        theirs.shutdown().await.unwrap();
        task.await.unwrap();
        let kept = host.arrivals();
        assert!(kept.len() == 1 && matches!(kept[0].fate, model::Fate::Refuse(_)), "what came is kept");
    }
}
