//! Timing figures, each beside its limit from the same run. `make bench`, or `orris-bench SECTION…`.
//!
//! Nothing here is a test: a slow or busy machine changes the figures, the shares of the limits less so.

mod fanout;
mod feed;
mod files;
mod footprint;
mod growth;
mod latency;
mod ledger;
mod machine;
mod mllp;
mod reading;
mod report;
mod routing;
mod scripting;
mod transforming;

use std::path::Path;

/// A measurement with its name, in the order in which they run.
type Section = (&'static str, fn(&Path));

const SECTIONS: [Section; 11] = [
    ("ledger", ledger::run),
    ("files", files::run),
    ("latency", latency::run),
    ("fanout", fanout::run),
    ("hl7", reading::run),
    ("rules", routing::run),
    ("script", scripting::run),
    ("transform", transforming::run),
    ("mllp", mllp::run),
    ("growth", growth::run),
    ("footprint", footprint::run),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [role, port, sockets] = &wanted[..]
        && role == fanout::BARE
    {
        return fanout::serve_bare(port.parse().unwrap_or(0), sockets.parse().unwrap_or(0));
    }
    if let Some(unknown) = wanted.iter().find(|name| !SECTIONS.iter().any(|(known, _)| known == *name)) {
        let known: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
        eprintln!("section is \"{unknown}\"; expected some of {}", known.join(", "));
        std::process::exit(2);
    }
    // Beside the build, on the disk that the project is on, and not in a /tmp that may be memory.
    let own = std::env::current_exe().expect("a program knows where it is");
    let folder = tempfile::tempdir_in(own.parent().expect("in a folder")).expect("a folder for the data");
    machine::print(folder.path());
    for (name, run) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            let own_folder = folder.path().join(name);
            std::fs::create_dir(&own_folder).expect("a fresh folder");
            run(&own_folder);
        }
    }
}
