//! The host's side of a script.

use std::collections::HashSet;
use std::sync::Arc;

use model::{HostContext, SocketId};
use script::{Door, Open, Written};

use crate::sockets::hub::Hub;
use crate::sockets::one;

/// What the scripts of one item reach through.
pub(in crate::processes) struct ItemDoor {
    pub(in crate::processes) host: HostContext,
    /// Whom the code names where it sends: they were checked with it.
    pub(in crate::processes) named: Arc<HashSet<String>>,
    pub(in crate::processes) hub: Option<Arc<Hub>>,
}

impl ItemDoor {
    fn hub(&self) -> Result<&Hub, String> {
        self.hub
            .as_deref()
            .ok_or_else(|| "no server is set; expected the name of a websocket service".to_owned())
    }
}

impl Door for ItemDoor {
    fn now(&self) -> i64 {
        self.host.clock().now().0
    }

    fn may_send(&self, target: &str) -> Result<(), String> {
        match self.named.contains(target) || self.host.targets().iter().any(|known| **known == *target) {
            true => Ok(()),
            // The name may have come out of a message.
            false => Err("send: the target is none of the item's; add it to \"targets\"".to_owned()),
        }
    }

    fn sockets(&self) -> Result<Vec<Open>, String> {
        let open = self.hub()?.open().into_iter().map(|socket| {
            let session = socket.change(|_| {});
            Open {
                id: session.id.0,
                session_id: session.session_key,
                address: session.client_address,
                user: session.user,
                origin: session.origin,
                connected: session.connected.0,
            }
        });
        Ok(open.collect())
    }

    fn write(&self, socket: u64, text: &str) -> Result<Written, String> {
        Ok(one::write(self.hub()?, SocketId(socket), text, &self.host))
    }

    fn forget(&self, socket: u64) -> Result<bool, String> {
        Ok(one::remove(self.hub()?, SocketId(socket), &self.host))
    }
}
