//! Ids: 64-bit, given out by the ledger, growing with time.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    };
}

id!(
    /// One message header: one hop of one message. The id users quote.
    MessageId
);
id!(
    /// One stored payload. Several headers may refer to it.
    BodyId
);
id!(
    /// All messages caused by one arrival; equal to the id of its first header.
    SessionId
);
id!(
    /// One stored WebSocket session.
    SocketId
);

impl From<MessageId> for SessionId {
    /// The session that a first header opens.
    fn from(first: MessageId) -> Self {
        SessionId(first.0)
    }
}
