//! HL7 v2: bytes to segments, paths, escapes, charsets and batches.
//!
//! The bytes of a message are the truth and are never changed. [`Message`] is a view on them: the text
//! they decode to and an index of its segments; fields are found when they are asked for, so that a
//! router that looks at three fields pays for three fields. [`Message::tree`] gives the whole tree, for
//! the places that show or check every part.
//!
//! An input that holds several messages, a batch, or a message in a frame, is cut by [`split`] first; a
//! stream of frames by [`frame`]. [`edit`] changes a message, [`mod@write`] gives its bytes, [`ack`] answers it.
//!
//! ```
//! # use orris_hl7 as hl7;
//! let message = hl7::Message::read("MSH|^~\\&|LAB||||||ADT^A01|7|P|2.5\rPID|1||4711^^^H".into(), "")?;
//! assert_eq!(message.get(&"PID-3.1".parse().unwrap()), Some("4711"));
//! assert_eq!(message.doc_type(), "ADT_A01");
//! # Ok::<(), hl7::ReadError>(())
//! ```
//!
//! This crate knows no file, clock, socket, thread or database.

pub mod ack;
pub mod charset;
mod cut;
pub mod edit;
pub mod escape;
mod fault;
pub mod frame;
mod lines;
mod message;
mod path;
pub mod schema;
mod scope;
mod segment;
mod select;
mod separators;
pub mod split;
pub mod suggest;
pub mod tree;
pub mod validate;
pub mod write;

pub use charset::{Charset, Decoded, Why};
pub use fault::{Fault, FaultKind};
pub use frame::{Deframer, Frame, FrameKind, Framing};
pub use message::{Message, ReadError};
pub use path::{Index, Path, PathError};
pub use schema::FieldPath;
pub use scope::{Round, Scope};
pub use segment::Segment;
pub use separators::Separators;
pub use split::{Piece, PieceKind, Splitter};
pub use tree::TreeError;
pub use validate::validate;
