//! Business services take messages in.

pub mod hl7_file;
pub mod websocket;
