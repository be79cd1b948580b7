//! One socket at a time, for a script that goes through them itself.
//!
//! A socket found closed stays until the script removes it, or until its service notices as well.

use bytes::Bytes;
use model::{HostContext, SocketId};
use script::Written;

use super::ending::{Why, end};
use super::frame;
use super::hub::Hub;
use super::socket::{Condition, Offered, Order, Socket};

/// Writes a text to one socket, after testing it. Never waits for its reader.
pub(crate) fn write(hub: &Hub, id: SocketId, text: &str, host: &HostContext) -> Written {
    let Some(socket) = hub.find(id) else { return Written::Closed };
    let now = host.clock().now();
    match socket.test(now) {
        Condition::Open => {}
        Condition::Closed => return Written::Closed,
        Condition::TimedOut => return Written::TimedOut,
    }
    let frame: Bytes = frame::text(text);
    match socket.offer(std::slice::from_ref(&frame), now) {
        Offered::Taken(0) => Written::Ok,
        Offered::Taken(_) => Written::Full,
        Offered::Closed => Written::Closed,
        Offered::Overflow => {
            remove_because(hub, &socket, &Why::TooSlow, host);
            Written::Full
        }
    }
}

/// Removes one socket: its session is deleted, and events say so. False when there is none.
pub(crate) fn remove(hub: &Hub, id: SocketId, host: &HostContext) -> bool {
    let Some(socket) = hub.find(id) else { return false };
    let why = match socket.test(host.clock().now()) {
        Condition::Open => Why::Refused("the socket was removed by a script".to_owned()),
        Condition::Closed => Why::Closed,
        Condition::TimedOut => Why::TimedOut,
    };
    remove_because(hub, &socket, &why, host)
}

fn remove_because(hub: &Hub, socket: &Socket, why: &Why, host: &HostContext) -> bool {
    let now = host.clock().now();
    let is_first = end(hub, socket, host, why, None);
    match why {
        Why::TooSlow => socket.order(Order::Close(1013, "too slow; come back with ?since=".to_owned()), now),
        Why::Refused(_) => socket.order(Order::Close(1000, "removed".to_owned()), now),
        // What the client said before it left is still read, for as long as a goodbye may take.
        Why::Closed => socket.begin_closing(now),
        Why::TimedOut => socket.order(Order::Kill, now),
    }
    is_first
}
