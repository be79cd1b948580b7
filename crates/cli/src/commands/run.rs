//! `orris run`: checks a production and runs it in the foreground.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use config::ProductionDef;
use model::fault;
use runtime::{Director, EngineOptions, StopReport, SystemClock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::production::Production;
use super::start_page;
use crate::log::{self, LogForm};
use crate::output::{Exit, Screen, count, failed, time};
use crate::reading::DataDir;

/// Run a production in the foreground; Ctrl-C stops it
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    production: Production,
    /// The form of the log on standard error
    #[arg(long, value_enum, default_value = "human", value_name = "FORM")]
    log: LogForm,
    /// What is logged: error, warn, info, debug or trace [default: $ORRIS_LOG, or info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// So long what the engine has given up may take to end.
const LAST: Duration = Duration::from_secs(1);
/// Names a place where a crash test ends the process: `PLACE`, or `PLACE:N` for the Nth time.
const FAULT: &str = "ORRIS_FAULT";

impl Run {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let begun = Instant::now();
        let level = self.log_level.clone().or_else(|| std::env::var("ORRIS_LOG").ok());
        log::start(self.log, level.as_deref().unwrap_or("info"))?;
        if let Ok(place) = std::env::var(FAULT) {
            fault::arm(&place).map_err(|error| Exit::Usage(format!("{FAULT}: {error}")))?;
        }
        let def = self.production.checked()?;
        let data_dir = data.beside(&self.production.file);
        raise_file_limit();
        runtime::keep_panic_texts_out();
        let threads = tokio::runtime::Runtime::new().map_err(failed)?;
        let done = threads.block_on(run(def, data_dir, screen, begun));
        // All that is to be kept is in the store. What still hangs, as in a file of a server that does not
        // answer, was waited for as long as the grace period says.
        threads.shutdown_timeout(LAST);
        done
    }
}

/// Every open socket needs a file descriptor, and systems begin with few of those they allow.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!("the limit of open files stays at {:?}: {error}", limit.current.unwrap_or(u64::MAX));
    }
}

async fn run(def: ProductionDef, data_dir: PathBuf, screen: &Screen, begun: Instant) -> Result<(), Exit> {
    // Before anything is taken in, so that no signal ends the process in between.
    let mut signals = Signals::new()?;
    let page = start_page::items(&def, &data_dir);
    let (name, description) = (def.name.clone(), def.description.clone());
    let options = EngineOptions {
        // What the system tells about folders, it tells with whole paths.
        data_dir: std::path::absolute(&data_dir).map_err(failed)?,
        clock: Arc::new(SystemClock),
        extractor: Some(Arc::new(components::search::search_fields)),
    };
    let director = Director::start(def, options).await.map_err(failed)?;
    let status = director.status();
    say(screen, &start_page::text(&name, &description, &page, &status, &data_dir, begun.elapsed(), screen));

    let asked_by = until_stop(&director, &mut signals).await;
    say(screen, &format!("stopping, as {asked_by} asks; once more ends at once\n"));
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(130);
    });
    let report = director.stop().await;
    say(screen, &stop_text(&report, &data_dir));
    match report.store {
        None => Ok(()),
        Some(reason) => Err(Exit::Failed(format!("the store could not be closed: {reason}"))),
    }
}

/// Writes to standard output. A production runs and stops as it should when nobody reads it.
fn say(screen: &Screen, text: &str) {
    let _unread = screen.print(text);
}

/// Waits until somebody asks that the production be stopped, and says who.
async fn until_stop(director: &Director, signals: &mut Signals) -> &'static str {
    loop {
        tokio::select! {
            signal = signals.next() => return signal,
            () = director.stop_requested() => return "the control socket",
            // The engine has logged it; the other items go on.
            _ = director.failed() => {}
        }
    }
}

/// The signals that stop a production.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Exit> {
        let listen = |kind| signal(kind).map_err(failed);
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "the closing terminal",
        }
    }
}

/// What is left, and how it goes on.
fn stop_text(report: &StopReport, data_dir: &Path) -> String {
    let mut text = format!("stopped in {}\n", time::spoken(report.took));
    for abandoned in &report.abandoned {
        let in_hand = count(abandoned.in_hand as usize, "message");
        text += &format!(
            "  {}: still worked on {in_hand}; handed over again at the next start\n",
            abandoned.item
        );
    }
    for left in &report.left {
        text += &format!("  {}: {} left on its queue\n", left.item, count(left.count as usize, "message"));
    }
    if !report.left.is_empty() {
        text += &format!("what is queued is safe in {} and goes on at the next start\n", data_dir.display());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::{Abandoned, Left};

    #[test]
    fn the_report_names_what_was_left() {
        let report = StopReport {
            left: vec![Left { item: "HL7FileOperation".into(), count: 1_200 }],
            abandoned: vec![Abandoned { item: "MsgRouter".into(), in_hand: 1 }],
            took: Duration::from_millis(1_500),
            store: None,
        };
        assert_eq!(
            stop_text(&report, Path::new("data")),
            "stopped in 1.5 s\n  MsgRouter: still worked on 1 message; handed over again at the next start\n  \
             HL7FileOperation: 1,200 messages left on its queue\nwhat is queued is safe in data and goes on at the next start\n"
        );
    }
}
