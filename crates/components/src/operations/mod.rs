//! Business operations send messages out.

pub mod hl7_file;
