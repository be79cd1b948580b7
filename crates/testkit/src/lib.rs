//! What tests need: a clock in the hand, a data directory that goes away, a host that is watched, a
//! receiver that follows a script.
//!
//! A dev-dependency only. It knows the model alone, so that a component is tested without an engine.

mod clock;
mod eventually;
mod host;
mod message;
mod peer;
mod port;

pub use clock::FakeClock;
pub use eventually::eventually;
pub use host::TestHost;
pub use message::{message, request};
pub use peer::{Caller, Peer, ack};
/// A directory that goes away with its value.
pub use tempfile::TempDir;

/// A data directory of its own for one test.
///
/// # Panics
/// When the machine gives none.
pub fn data_dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}
