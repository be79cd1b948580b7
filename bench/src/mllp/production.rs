//! The productions that are measured: one MLLP service, perhaps a router and transforms, and the outputs.

use std::fmt::Write;

/// What stands between the service and the outputs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing: the service sends to the output itself.
    Straight,
    /// A router with a rule that holds.
    Router,
    /// A router with a rule and a transform for each of so many outputs.
    Transforms { name: &'static str, outputs: usize, segments: Segments },
}

/// How many segments a transform changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segments {
    Four,
    Ten,
}

/// Where the messages go.
#[derive(Clone, Copy)]
pub(crate) enum Output {
    /// So many connections, each of which waits for the answer before it sends the next.
    LockStep(usize),
    /// One connection with so many messages on their way.
    Window(usize),
    /// A file for each message.
    Files,
}

/// What every router asks, and every message of the load answers with yes.
const ASKED: &str = r#"MSH-9.1 = "ADT" and PV1-2 in ("I", "E")"#;
/// Changes in MSH, EVN, PID and PV1; MSH-5 is what sinks know the output by, and each transform's own.
const FOUR: &str = r#"      - { set: MSH-12, value: 2.5.1 }
      - { set: EVN-4, value: "01" }
      - { set: PID-5.1, from: upper(PID-5.1) }
      - { if: PV1-2 = "I", then: [ { set: PV1-18, value: INP } ], else: [ { set: PV1-18, value: OUT } ] }
"#;
/// And in NK1, both OBX, AL1, DG1 and the segment that the schema does not know.
const SIX_MORE: &str = r#"      - { set: NK1-7, value: C }
      - for_each: OBX
        do: [ { set: OBX-8, value: N }, { set: OBX-15.1, from: MSH-4.1 } ]
      - { set: "AL1[1]-4", value: MO }
      - { set: "DG1[1]-6", value: A }
      - { set: ZZZ-2, from: PID-3.1 }
"#;

impl Way {
    /// How many operations the messages go to, each of them to all.
    pub(crate) fn outputs(self) -> usize {
        match self {
            Way::Transforms { outputs, .. } => outputs,
            Way::Straight | Way::Router => 1,
        }
    }

    fn is_transforming(self) -> bool {
        matches!(self, Way::Transforms { .. })
    }
}

/// What MSH-5 says of messages that were made for this output, counted from 0.
pub(crate) fn receiver(number: usize) -> String {
    format!("OUT{number}")
}

/// From an MLLP service on `port` to an operation for each of the sinks, or to files.
pub(crate) fn production(port: u16, way: Way, output: Output, sinks: &[u16]) -> String {
    let target = if way == Way::Straight { "Out0" } else { "Router" };
    let mut text = format!(
        "production: Bench.Mllp
services:
  In:
    type: hl7.tcp
    targets: [{target}]
    settings: {{ listen: '127.0.0.1:{port}', ack_mode: immediate, message_schema_category: '2.5' }}
"
    );
    if let Way::Transforms { outputs, segments, .. } = way {
        text.push_str("transforms:\n");
        (0..outputs).for_each(|number| transform(&mut text, number, segments));
    }
    if way != Way::Straight {
        text.push_str("processes:\n  Router:\n    type: hl7.router\n    settings:\n      rules:\n");
        (0..way.outputs()).for_each(|number| rule(&mut text, number, way.is_transforming()));
    }
    text.push_str("operations:\n");
    for number in 0..way.outputs() {
        let to = sinks.get(number).map(|port| format!("address: '127.0.0.1:{port}'")).unwrap_or_default();
        let operation = match output {
            Output::LockStep(connections) => {
                format!("type: hl7.tcp\n    pool_size: {connections}\n    settings: {{ {to} }}")
            }
            Output::Window(window) => format!("type: hl7.tcp\n    settings: {{ {to}, window: {window} }}"),
            Output::Files => {
                "type: hl7.file\n    settings: { file_path: out, file_name: '{MSH-10}' }".to_owned()
            }
        };
        write(&mut text, format_args!("  Out{number}:\n    {operation}\n"));
    }
    text
}

fn transform(text: &mut String, number: usize, segments: Segments) {
    let more = if segments == Segments::Ten { SIX_MORE } else { "" };
    let receiver = receiver(number);
    write(
        text,
        format_args!(
            "  for_out{number}:
    source: 2.5:ADT_A01
    target: 2.5.1:ADT_A01
    create: copy
    steps:
      - {{ set: MSH-5, value: {receiver} }}
{FOUR}{more}"
        ),
    );
}

fn rule(text: &mut String, number: usize, transformed: bool) {
    let transform = if transformed { format!(", transform: [for_out{number}]") } else { String::new() };
    write(
        text,
        format_args!(
            "        - {{ name: admissions {number}, when: '{ASKED}'{transform}, send: [Out{number}] }}\n"
        ),
    );
}

fn write(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a text takes everything");
}
