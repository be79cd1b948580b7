//! Business operations send messages out.

pub mod file;
pub mod hl7_file;
pub mod hl7_http;
pub mod hl7_tcp;
pub mod http;
