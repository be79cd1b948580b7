//! What came of cases, as people and programs read it.

use std::path::PathBuf;
use std::time::Duration;

use config::CaseDef;
use serde_json::{Value, json};

use crate::cases::Failed;
use crate::output::{Screen, colour, count, time};

/// A case as it was played.
pub(super) struct Outcome {
    pub(super) file: PathBuf,
    pub(super) case: CaseDef,
    pub(super) took: Duration,
    pub(super) elapsed: Duration,
    pub(super) failed: Vec<Failed>,
    /// What may be a mistake in the case.
    pub(super) hints: Vec<String>,
    /// Why it could not be played.
    pub(super) broken: Option<String>,
    /// The items that could not go on in a case that failed, with the reason.
    pub(super) stopped: Vec<(String, String)>,
    /// The drawn traces of a case that failed.
    pub(super) traces: String,
}

impl Outcome {
    pub(super) fn is_good(&self) -> bool {
        self.failed.is_empty() && self.broken.is_none()
    }

    pub(super) fn object(&self) -> Value {
        let failed = self.failed.iter().map(|failed| {
            json!({
                "line": failed.line,
                "column": failed.column,
                "wanted": failed.wanted,
                "found": failed.found,
                "differences": failed.differences.as_ref().map(|differences| differences.json()),
            })
        });
        json!({
            "file": self.file.display().to_string(),
            "case": self.case.name,
            "ok": self.is_good(),
            "error": self.broken,
            "failed": failed.collect::<Value>(),
            "hints": self.hints,
            "clock_ms": self.elapsed.as_millis() as u64,
            "took_ms": self.took.as_millis() as u64,
        })
    }
}

/// One line for a case that came as expected; for another one all that is known.
pub(super) fn draw(result: &Outcome, screen: &Screen) -> String {
    let stem = result.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let clock = format!("{stem}, {} on its clock", time::spoken(result.elapsed));
    let about = screen.paint(colour::DIM, &format!("({clock})"));
    let hint = |hint: &String| format!("  {}  {hint}\n", screen.paint(colour::WARNING, "hint"));
    let hints: String = result.hints.iter().map(hint).collect();
    if result.is_good() {
        return format!(
            "{}  {}  {about}\n{hints}",
            screen.paint(colour::RESPONSE, "ok    "),
            result.case.name
        );
    }
    let mut text =
        format!("{}  {}  {about}\n", screen.paint(colour::ERROR.bold(), "failed"), result.case.name);
    if let Some(broken) = &result.broken {
        text += &format!("  {}: {broken}\n", result.file.display());
    }
    for failed in &result.failed {
        let place = format!("{}:{}:{}", result.file.display(), failed.line, failed.column);
        text += &format!(
            "  {}\n    wanted  {}\n    found   {}\n",
            screen.paint(colour::BOLD, &place),
            screen.paint(colour::RESPONSE, &failed.wanted),
            screen.paint(colour::ERROR, &failed.found)
        );
        if let Some(differences) = &failed.differences {
            let drawn = differences.draw(screen);
            text += &drawn.lines().map(|line| format!("    {line}\n")).collect::<String>();
        }
    }
    text += &hints;
    for (item, reason) in &result.stopped {
        text += &format!("  item \"{item}\" could not go on: {reason}\n");
    }
    if !result.traces.is_empty() {
        text += &format!("\n{}\n", result.traces.trim_end());
    }
    text + "\n"
}

pub(super) fn summary(results: &[Outcome], productions: usize, screen: &Screen) -> String {
    let bad = results.iter().filter(|result| !result.is_good()).count();
    let took: Duration = results.iter().map(|result| result.took).sum();
    let of =
        if productions > 1 { format!(" of {}", count(productions, "production")) } else { String::new() };
    let all = format!("{}{of} in {}", count(results.len(), "case"), time::spoken(took));
    match bad {
        0 => format!("{}  {all}", screen.paint(colour::RESPONSE, "all came as expected:")),
        bad => format!("{} of {all}", screen.paint(colour::ERROR, &format!("{bad} failed"))),
    }
}
