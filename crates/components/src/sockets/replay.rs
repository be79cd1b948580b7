//! A client that comes back with `?since=<message id>` is told what it missed, then hears live.
//!
//! What the processes of its server have completed since is read from the ledger, a page at a time,
//! and told in the order of the message ids, as fast as the client reads. What was told to others so
//! lately that the ledger may not have it yet is in the hub's notes.

use std::collections::{HashSet, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use model::{EventKind, Failure, Message, MessageId};

use super::server::Server;
use super::socket::Socket;
use super::subscription::Selection;
use super::voice::Voice;

/// Messages that are read at a time.
const PAGE: usize = 100;
/// While more wait in the outbox, no more is read from the ledger.
const MOST_WAITING: usize = 64;

/// What one process has completed, page by page.
struct Track {
    voice: Arc<Voice>,
    page: VecDeque<Message>,
    last: MessageId,
    ended: bool,
}

/// Tells what was missed after `since`, and lets the socket hear.
///
/// # Errors
/// Never: a ledger that cannot be read is an event, and the client is told.
pub(crate) async fn run(server: Arc<Server>, socket: Arc<Socket>, since: MessageId) -> Result<(), Failure> {
    let mut told = HashSet::new();
    let now = || server.host.clock().now();
    match tell(&server, &socket, since, &mut told).await {
        Ok(None) => {}
        Ok(Some(last)) => {
            let most = server.settings.replay_limit;
            let text = format!("replay_limit is {most}: messages after {last} were left out");
            socket.answer(&text, now());
            server.event(
                EventKind::Warning,
                format!("socket {} came back with since={since}; {text}", socket.id),
            );
        }
        Err(failure) => {
            socket.answer("what was missed cannot be read", now());
            let text =
                format!("what socket {} missed since message {since} cannot be read: {failure}", socket.id);
            server.event(EventKind::Error, text);
        }
    }
    server.hub.catch_up(&socket, since, &told, now());
    socket.hear(now());
    Ok(())
}

/// Returns the last message that was looked at when there were more than the limit allows.
async fn tell(
    server: &Server,
    socket: &Socket,
    since: MessageId,
    told: &mut HashSet<MessageId>,
) -> Result<Option<MessageId>, Failure> {
    let subscription = socket.subscription();
    let track = |voice| Track { voice, page: VecDeque::new(), last: since, ended: false };
    let mut tracks: Vec<Track> = server.hub.voices().into_iter().map(track).collect();
    loop {
        for track in &mut tracks {
            track.fill(server).await?;
        }
        if tracks.iter().all(|track| track.page.is_empty()) {
            // So much may have been told to others while this client was reading that the notes do not
            // reach back to the last look: the ledger has it by now.
            let forgotten = server.hub.forgotten();
            for track in tracks.iter_mut().filter(|track| track.last < forgotten) {
                track.ended = false;
                track.fill(server).await?;
            }
        }
        let waiting = tracks.iter_mut().filter(|track| !track.page.is_empty());
        let Some(first) = waiting.min_by_key(|track| track.page[0].header.id) else { return Ok(None) };
        if told.len() == server.settings.replay_limit {
            return Ok(Some(told.iter().max().copied().unwrap_or(since)));
        }
        let Some(message) = first.page.pop_front() else { continue };
        told.insert(message.header.id);
        if Selection::new(&first.voice.topic, std::slice::from_ref(&message)).wants(&subscription, 0) {
            room(socket).await;
            let now = server.host.clock().now();
            // It may take its time to read all this; that is no silence.
            socket.hear(now);
            socket.push(first.voice.frame(&message), now);
        }
    }
}

impl Track {
    async fn fill(&mut self, server: &Server) -> Result<(), Failure> {
        if self.ended || !self.page.is_empty() {
            return Ok(());
        }
        let page = server.host.completed_since(&self.voice.item, self.last, PAGE).await?;
        self.ended = page.len() < PAGE;
        self.last = page.last().map_or(self.last, |message| message.header.id);
        self.page = page.into();
        Ok(())
    }
}

/// Returns when the client has read enough of what waits for it. The connection's task polls this
/// again whenever it has drained something.
async fn room(socket: &Socket) {
    poll_fn(|_| if socket.outbox().len() <= MOST_WAITING { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use testkit::TestHost;

    use crate::sockets::testing::{PATH, adt, serve, speaker, text};

    #[tokio::test]
    async fn what_was_missed_comes_first_then_what_is_live_without_gap_or_double() {
        let host = TestHost::new("Server");
        let served = serve(&host, json!({})).await;
        let mut speaker = speaker(&host, "{{ header.id }}").await;
        // Told to nobody; 13 to 15 are not in the ledger as completed yet.
        let told: Vec<_> = (11..=15).map(|id| adt(id, "A01")).collect();
        speaker.tell(&told).await;
        host.set_completed("Server", (1..=12).map(|id| adt(id, "A01")).collect());
        let mut client = served.client_at(&format!("{PATH}?since=8")).await;
        served.until_hearing(1).await;
        speaker.tell(&[adt(16, "A01")]).await;
        for expect in 9..=16 {
            assert_eq!(text(&mut client).await, expect.to_string());
        }
    }

    #[tokio::test]
    async fn a_long_replay_goes_page_by_page_and_stops_at_the_limit() {
        let host = TestHost::new("Server");
        let served = serve(&host, json!({ "replay_limit": 350 })).await;
        let mut speaker = speaker(&host, "{{ header.id }}").await;
        host.set_completed("Server", (1..=1000).map(|id| adt(id, "A01")).collect());
        let mut client = served.client_at(&format!("{PATH}?since=100")).await;
        for expect in 101..=450 {
            assert_eq!(text(&mut client).await, expect.to_string());
        }
        assert!(text(&mut client).await.contains("messages after 450 were left out"));
        served.until_said("came back with since=100; replay_limit is 350").await;
        served.until_hearing(1).await;
        speaker.tell(&[adt(1001, "A01")]).await;
        assert_eq!(text(&mut client).await, "1001");
    }

    #[tokio::test]
    async fn more_is_told_while_a_slow_client_catches_up_than_is_noted() {
        let host = TestHost::new("Server");
        let served = serve(&host, json!({ "replay_limit": 10_000 })).await;
        let mut speaker = speaker(&host, "{{ header.id }}{{ ZZZ-1 }}").await;
        let large = |id| testkit::message(id, &format!("MSH|^~\\&|A\rZZZ|,{}\r", "x".repeat(512 << 10)));
        let mut completed: Vec<_> = (1..=99).map(large).collect();
        host.set_completed("Server", completed.clone());
        let mut client = served.client_at(&format!("{PATH}?since=0")).await;
        assert!(text(&mut client).await.starts_with("1,"));
        // The ledger has been looked at, and what was found there waits for the client.
        let later: Vec<_> = (100..=4_500).map(|id| adt(id, "A01")).collect();
        speaker.tell(&later).await;
        completed.extend(later);
        host.set_completed("Server", completed);
        for expect in 2..=4_500 {
            let heard = text(&mut client).await;
            assert_eq!(heard.split(',').next(), Some(expect.to_string().as_str()));
        }
    }

    #[tokio::test]
    async fn a_message_that_is_larger_than_all_notes_together_is_noted_all_the_same() {
        let host = TestHost::new("Server");
        let served = serve(&host, json!({})).await;
        let mut speaker = speaker(&host, "{{ header.id }}").await;
        let large = format!("MSH|^~\\&|A\rZZZ|{}\r", "x".repeat(9 << 20));
        speaker.tell(&[adt(1, "A01"), testkit::message(2, &large)]).await;
        let mut client = served.client_at(&format!("{PATH}?since=1")).await;
        assert_eq!(text(&mut client).await, "2");
    }

    #[tokio::test]
    async fn what_was_missed_is_narrowed_as_the_client_asks() {
        let host = TestHost::new("Server");
        let served = serve(&host, json!({})).await;
        let mut speaker = speaker(&host, "{{ header.id }}").await;
        let event = |id| if id % 2 == 0 { "A08" } else { "A01" };
        host.set_completed("Server", (1..=6).map(|id| adt(id, event(id))).collect());
        speaker.tell(&[adt(7, "A01"), adt(8, "A08")]).await;
        let narrow = "topics=ward&where=MSH-9.2%20=%20%22A08%22";
        let mut client = served.client_at(&format!("{PATH}?since=0&{narrow}")).await;
        for expect in ["2", "4", "6", "8"] {
            assert_eq!(text(&mut client).await, expect);
        }
        let mut elsewhere = served.client_at(&format!("{PATH}?since=0&topics=lab")).await;
        served.until_hearing(2).await;
        speaker.tell(&[adt(9, "A08")]).await;
        assert_eq!(text(&mut client).await, "9");
        elsewhere.close(None).await.unwrap();
        assert!(!matches!(
            crate::sockets::testing::next(&mut elsewhere).await,
            Some(tokio_tungstenite::tungstenite::Message::Text(_))
        ));
    }

    #[tokio::test]
    async fn several_processes_are_replayed_in_the_order_of_their_messages() {
        let host = TestHost::new("Server");
        let other = TestHost::new("Other").beside(&host);
        let served = serve(&host, json!({})).await;
        let _one = speaker(&host, "one {{ header.id }}").await;
        let _two = crate::sockets::testing::speaker_at(&other, "Server", "two {{ header.id }}").await;
        host.set_completed("Server", [1, 4, 5].map(|id| adt(id, "A01")).to_vec());
        host.set_completed("Other", [2, 3, 6].map(|id| adt(id, "A01")).to_vec());
        let mut client = served.client_at(&format!("{PATH}?since=1")).await;
        for expect in ["two 2", "two 3", "one 4", "one 5", "two 6"] {
            assert_eq!(text(&mut client).await, expect);
        }
    }
}
