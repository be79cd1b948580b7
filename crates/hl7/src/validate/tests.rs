//! Findings of messages, word for word.
