//! The end of a socket: its session is deleted and two events say so, once, whoever noticed first.

use model::{Event, EventKind, HostContext, Message};

use super::hub::Hub;
use super::socket::Socket;

/// Why a socket ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// The other side is gone, with a goodbye or without.
    Closed,
    /// It neither read nor said anything for too long.
    TimedOut,
    /// Its outbox is full, and the policy is to disconnect.
    TooSlow,
    /// The service refuses it, for this reason.
    Refused(String),
}

/// Ends the socket, unless it has ended: it hears no more, its session is deleted, and events say so.
/// `about` is the message that was being told when it was noticed.
pub(crate) fn end(
    hub: &Hub,
    socket: &Socket,
    host: &HostContext,
    why: &Why,
    about: Option<&Message>,
) -> bool {
    if !socket.end() {
        return false;
    }
    hub.leave(socket.id);
    let (kind, text) = match why {
        Why::Closed => (EventKind::Info, "the socket is closed"),
        Why::TimedOut => (EventKind::Warning, "the socket timed out"),
        Why::TooSlow => (EventKind::Warning, "the socket is too slow: its outbox is full"),
        Why::Refused(reason) => (EventKind::Warning, reason.as_str()),
    };
    let missed = match socket.dropped() {
        0 => String::new(),
        count => format!(", {count} messages dropped"),
    };
    let place = format!("socket {}, {}", socket.id, socket.address);
    let said = |kind, text: String| {
        let event = Event::new(kind, host.name(), text);
        match about {
            Some(message) => event.about(message.header.id, message.header.session),
            None => event,
        }
    };
    let events = vec![
        said(kind, format!("{text} ({place}{missed})")),
        said(EventKind::Info, format!("socket deleted successfully ({place})")),
    ];
    host.delete_sockets(vec![socket.id], events);
    true
}
