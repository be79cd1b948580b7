//! What several tests and the benchmark run: productions and the ports they listen on.

use std::net::TcpListener;

/// A port that is free now.
///
/// # Panics
/// When the machine has none.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

/// From the folder `in`, by a router, to one file operation. `rules` are the router's, as a YAML list on
/// one line; `output` are the operation's settings, as a YAML map without its braces.
pub fn routed_to_file(rules: &str, output: &str) -> String {
    format!(
        "production: Files.To.Files
services:
  HL7FileService:
    type: hl7.file
    targets: [MsgRouter]
    settings: {{ file_path: in, file_spec: '*.hl7', archive_path: archive, append_timestamp: none }}
processes:
  MsgRouter:
    type: hl7.router
    settings: {{ rules: {rules} }}
operations:
  HL7FileOperation:
    type: hl7.file
    settings: {{ {output} }}
"
    )
}
