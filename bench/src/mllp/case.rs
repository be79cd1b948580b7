//! What is measured: from how many connections, by which way, and to which output.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use orris_tests::{Engine, free_port};
use store::Reader;

use super::line::Line;
use super::measure::{Figures, with_engine};
use super::production::{Output, Segments, Way, production};
use super::range;
use super::senders::{Load, id_of, read_id};
use crate::files::is_done;
use crate::report::{against, figure};

/// One line of the section.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) load: Load,
    way: Way,
    output: Output,
    wanted: &'static str,
}

const fn case(senders: usize, pipelined: usize, output: Output, wanted: &'static str) -> Case {
    Case { load: Load { senders, pipelined }, way: Way::Straight, output, wanted }
}

/// As integration engines are compared: by a router, with a rule and a transform for each output. T2 has one
/// output and changes four segments, T3 has four, and T4 changes ten segments for each of the four.
const fn transformed(name: &'static str, outputs: usize, segments: Segments, wanted: &'static str) -> Case {
    let way = Way::Transforms { name, outputs, segments };
    Case { way, ..case(64, 1, Output::Window(32), wanted) }
}

/// All of them.
pub(crate) const CASES: [Case; 18] = [
    case(1, 1, Output::LockStep(1), ">= 60 %"),
    case(1, 1, Output::LockStep(4), "-"),
    case(1, 1, Output::Window(32), "-"),
    case(10, 1, Output::LockStep(1), ">= 15,000/s"),
    case(10, 1, Output::LockStep(4), ">= 15,000/s"),
    case(10, 1, Output::Window(32), ">= 15,000/s"),
    case(64, 1, Output::LockStep(1), "-"),
    case(64, 1, Output::LockStep(4), ">= 20,000/s, p99 <= 15 ms"),
    case(64, 1, Output::Window(32), ">= 35,000/s, p99 <= 15 ms"),
    case(256, 1, Output::LockStep(1), "-"),
    case(256, 1, Output::LockStep(4), "-"),
    case(256, 1, Output::Window(32), "-"),
    Case { way: Way::Router, ..case(64, 1, Output::Window(32), "-") },
    case(64, 8, Output::Window(32), "-"),
    case(64, 1, Output::Files, ">= 12,000/s"),
    transformed("T2", 1, Segments::Four, ">= 25,000/s in"),
    transformed("T3", 4, Segments::Four, "-"),
    transformed("T4", 4, Segments::Ten, ">= 15,000/s in"),
];

impl Case {
    /// What it is called, as in `64 in to 4 lock step`.
    pub(crate) fn title(&self) -> String {
        let Case { load, way, output, .. } = self;
        match way {
            Way::Straight => format!("{load} {output}"),
            Way::Router => format!("{load} by a router {output}"),
            Way::Transforms { name, outputs, segments } => {
                let each = if *outputs > 1 { format!(" x {outputs}") } else { String::new() };
                format!("{name}, {load}, {segments}, {output}{each}")
            }
        }
    }

    /// Measures it in `folder`, and prints it beside the limit.
    pub(crate) fn measure(&self, folder: &Path, limit: (&str, f64)) {
        let port = free_port();
        let to_files = matches!(self.output, Output::Files);
        let mut line = Line::new(self.load, if to_files { 0 } else { self.way.outputs() });
        if matches!(self.way, Way::Transforms { .. }) {
            line.wants_transformed();
        }
        let production = production(port, self.way, self.output, &line.ports());
        let (mut sent, mut reader) = (0, None);
        let figures = with_engine(folder, &production, port, &mut line, |engine, all| {
            sent = all;
            !to_files || is_written(engine, &mut reader)
        });
        if to_files {
            check_files(&folder.join("data/out"), sent);
        }
        self.print(&figures, limit);
        let (overtaken, again) = line.disorder();
        let in_order = matches!(self.output, Output::LockStep(1));
        assert!(!in_order || overtaken == 0, "{overtaken} messages overtook one of the same connection");
        if overtaken + again > 0 {
            let found = format!("{overtaken}; {again}");
            figure("    overtook one of its connection; came again", &found, "-; 0");
        }
    }

    fn print(&self, figures: &Figures, (limit_name, limit): (&str, f64)) {
        against(&self.title(), figures.out.median, "msg/s", limit_name, limit, self.wanted);
        let outputs = self.way.outputs() as f64;
        println!(
            "      in {}/s, out {}/s, in and out {}/s",
            range(&figures.taken),
            range(&figures.out.times(outputs)),
            range(&figures.out.times(1.0 + outputs))
        );
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| figures.millis(share));
        let Some(engine) = &figures.engine else { return };
        let group = engine.group.map_or("?".to_owned(), |group| format!("{group:.1}"));
        println!(
            "      ACK p50 {p50:.2} p99 {p99:.2} max {max:.1} ms; {:.1} µs of processor a message, the load {:.1} µs; \
             {:.0} MB; {group} messages a commit",
            engine.cost, figures.load_cost, engine.resident,
        );
    }
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Load { senders, pipelined } = self;
        let each = if *pipelined > 1 { format!(" x {pipelined}") } else { String::new() };
        write!(f, "{senders}{each} in")
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Output::LockStep(connections) => write!(f, "to {connections} lock step"),
            Output::Window(window) => write!(f, "to a window of {window}"),
            Output::Files => write!(f, "to a file each"),
        }
    }
}

impl std::fmt::Display for Segments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Segments::Four => "4 segments",
            Segments::Ten => "10 segments",
        })
    }
}

/// Whether no message waits in the engine any more; asks a hundred times a second.
fn is_written(engine: &Engine, reader: &mut Option<Reader>) -> bool {
    let reader =
        reader.get_or_insert_with(|| Reader::open(engine.data_dir()).expect("a reader beside the engine"));
    std::thread::park_timeout(Duration::from_millis(10));
    is_done(reader)
}

/// Makes sure that there is a file for each message that was sent.
fn check_files(folder: &Path, sent: u64) {
    let mut ids = HashSet::new();
    for entry in fs::read_dir(folder).expect("the output folder").flatten() {
        let message = fs::read(entry.path()).expect("readable");
        let id = id_of(&message).and_then(read_id).expect("a control id is ours");
        assert!(ids.insert(id), "message {id:?} came more than once");
    }
    assert_eq!(ids.len() as u64, sent, "one file each");
}
