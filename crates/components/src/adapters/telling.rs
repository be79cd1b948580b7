//! What is said about clients: once for each address and matter, then how often, so that nobody can
//! make the event log grow by knocking.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Event, EventKind, HostContext, Timestamp};

/// How long after an event the next one of its address and matter is said.
const AGAIN: Duration = Duration::from_secs(60);
/// So many addresses and matters are kept apart.
const MOST: usize = 1_024;

type Key = (IpAddr, &'static str);

/// What has been said, and what has not.
pub(crate) struct Telling {
    host: HostContext,
    told: Mutex<HashMap<Key, Told>>,
}

struct Told {
    at: Timestamp,
    untold: u64,
}

impl Telling {
    /// Says it for `host`.
    pub(crate) fn new(host: &HostContext) -> Self {
        Telling { host: host.clone(), told: Mutex::default() }
    }

    fn told(&self) -> MutexGuard<'_, HashMap<Key, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is the matter with a client.
    pub(crate) fn tell(&self, peer: SocketAddr, matter: &'static str) {
        self.tell_with(peer, matter, String::new);
    }

    /// The same, with what may differ from one time to the next.
    pub(crate) fn tell_with(&self, peer: SocketAddr, matter: &'static str, more: impl FnOnce() -> String) {
        let now = self.host.clock().now();
        let mut all = self.told();
        if all.len() >= MOST {
            all.retain(|_, told| told.untold > 0 || now.since(told.at) < AGAIN);
        }
        let key = (peer.ip(), matter);
        let known = all.get(&key).map(|told| (now.since(told.at) >= AGAIN, told.untold));
        let untold = match known {
            Some((false, _)) => {
                all.entry(key).and_modify(|told| told.untold += 1);
                return;
            }
            None if all.len() >= MOST => return,
            known => known.map_or(0, |(_, untold)| untold),
        };
        all.insert(key, Told { at: now, untold: 0 });
        drop(all);
        self.event(&peer.to_string(), &format!("{matter}{}", more()), untold);
    }

    fn event(&self, client: &str, text: &str, untold: u64) {
        let often = match untold {
            0 => String::new(),
            1 => " (and once before that was not told)".to_owned(),
            count => format!(" (and {count} times before that were not told)"),
        };
        let text = format!("client {client} {text}{often}");
        self.host.event(Event::new(EventKind::Warning, self.host.name(), text));
    }

    /// Says what has not been said.
    pub(crate) fn finish(&self) {
        for ((address, matter), told) in self.told().drain().filter(|(_, told)| told.untold > 0) {
            self.event(&address.to_string(), matter, told.untold);
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::{FakeClock, TestHost};

    use super::*;

    #[test]
    fn a_client_that_knocks_often_is_told_once_and_then_counted() {
        let clock = FakeClock::new();
        let host = TestHost::new("In").clock(clock.clone());
        let telling = Telling::new(&host.context());
        let peer = |port| SocketAddr::from(([10, 0, 0, 1], port));
        for port in 1..=50 {
            telling.tell(peer(port), "refused");
        }
        telling.tell(SocketAddr::from(([10, 0, 0, 2], 7)), "refused");
        telling.tell(peer(51), "cut");
        clock.advance(AGAIN);
        telling.tell(peer(52), "refused");
        telling.tell(peer(53), "refused");
        telling.finish();
        let said: Vec<_> = host.events().into_iter().map(|event| event.text).collect();
        assert_eq!(
            said,
            [
                "client 10.0.0.1:1 refused",
                "client 10.0.0.2:7 refused",
                "client 10.0.0.1:51 cut",
                "client 10.0.0.1:52 refused (and 49 times before that were not told)",
                "client 10.0.0.1 refused (and once before that was not told)",
            ]
        );
    }

    #[test]
    fn what_is_kept_apart_is_bounded() {
        let host = TestHost::new("In").clock(FakeClock::new());
        let telling = Telling::new(&host.context());
        for number in 0..3_000_u32 {
            telling.tell(SocketAddr::from((number.to_be_bytes(), 1)), "refused");
        }
        assert_eq!((telling.told().len(), host.events().len()), (MOST, MOST));
    }
}
