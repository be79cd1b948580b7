//! Business processes decide what becomes of messages.
