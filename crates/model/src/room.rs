//! Room in memory for what services hold before the ledger takes it.

use std::any::Any;

/// What a service may hold of messages that the ledger has not taken yet, out of what all services may
/// hold together. It is made by [`HostPort::make_room`](crate::HostPort::make_room), goes along with the
/// [`Intake`](crate::Intake), and is given back when it is dropped. An empty one holds nothing.
#[derive(Default)]
pub struct Room {
    bytes: usize,
    beyond: bool,
    held: Vec<Box<dyn Any + Send + Sync>>,
}

impl Room {
    /// How many bytes it is for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is the one room that may go beyond what all services may hold together. Others wait
    /// for it, so its holder should soon be done.
    pub fn is_beyond(&self) -> bool {
        self.beyond
    }

    /// Adds room for `bytes`, for as long as `held` is kept.
    pub fn add(&mut self, bytes: usize, held: impl Any + Send + Sync) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.held.push(Box::new(held));
    }

    /// Makes it the one that may hold whatever it needs, for as long as `held` is kept.
    pub fn go_beyond(&mut self, held: impl Any + Send + Sync) {
        self.add(usize::MAX, held);
        self.beyond = true;
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room")
            .field("bytes", &self.bytes)
            .field("beyond", &self.beyond)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_is_held_is_given_back_with_the_room() {
        let held = Arc::new(());
        let mut room = Room::default();
        room.add(100, held.clone());
        room.add(50, held.clone());
        assert_eq!((room.bytes(), room.is_beyond(), Arc::strong_count(&held)), (150, false, 3));
        room.go_beyond(held.clone());
        assert_eq!((room.bytes(), room.is_beyond()), (usize::MAX, true));
        drop(room);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
