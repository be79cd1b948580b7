//! `orris test`: plays the cases of a production, with nothing outside, and says what came otherwise.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use config::{CaseDef, CaseReport, ProductionDef, load_case};
use hl7::schema::Schemas;
use serde_json::{Value, json};

use super::production::Production;
use crate::cases::{Failed, in_utc, judge, play};
use crate::output::{Exit, Screen, colour, count, failed, time};
use crate::reading::Books;
use crate::trace::layout::Picture;
use crate::trace::{PAGE_SIZE, text};

/// Play the cases of a production, with its edges faked and a clock that waits for nobody
///
/// The cases are the files cases/*.yaml beside the production. Nothing outside is touched: no port is
/// opened, no folder is read or written, and the store goes away. Exit code 0 when every case came as
/// expected, 1 when one did not, 64 when the production or a case has errors.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    #[command(flatten)]
    production: Production,
    /// Only these: files, or words that a case's file or name has in it
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
    /// Draw with ASCII characters only
    #[arg(long)]
    ascii: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The most sessions that are drawn of a case that failed.
const MOST_SESSIONS: usize = 3;

/// A case as it was played.
struct Outcome {
    file: PathBuf,
    case: CaseDef,
    took: Duration,
    elapsed: Duration,
    failed: Vec<Failed>,
    /// Why it could not be played.
    broken: Option<String>,
    /// The items that could not go on in a case that failed, with the reason.
    stopped: Vec<(String, String)>,
    /// The drawn traces of a case that failed.
    traces: String,
}

impl Test {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        in_utc().map_err(Exit::Failed)?;
        let def = self.production.checked()?;
        let cases = self.chosen(&def)?;
        let mut results = Vec::new();
        for (file, case) in cases {
            let result = self.play(&def, file, case, screen)?;
            if !self.json {
                screen.print(&draw(&result, screen))?;
            }
            results.push(result);
        }
        let bad = results.iter().filter(|result| !result.is_good()).count();
        if self.json {
            let cases: Vec<Value> = results.iter().map(Outcome::object).collect();
            screen.json(&json!({ "production": def.name, "ok": bad == 0, "cases": cases }))?;
        } else {
            screen.line(&summary(&results, bad, screen))?;
        }
        if bad == 0 { Ok(()) } else { Err(Exit::Found) }
    }

    /// The cases that are to be played; those with errors are shown, and end the command.
    fn chosen(&self, def: &ProductionDef) -> Result<Vec<(PathBuf, CaseDef)>, Exit> {
        let folder = self.production.file.parent().unwrap_or(Path::new("")).join("cases");
        let files = files(&folder)?;
        let mut chosen = Vec::new();
        let mut errors = String::new();
        let mut met = vec![false; self.cases.len()];
        for file in files {
            let report = load_case(&file, def);
            let mut wanted = self.cases.is_empty();
            for (met, word) in met.iter_mut().zip(&self.cases) {
                if is_meant(word, &file, &report) {
                    (wanted, *met) = (true, true);
                }
            }
            if wanted {
                errors += &report.human(std_err_colour());
                chosen.extend(report.case.map(|case| (file, case)));
            }
        }
        if let Some((word, _)) = self.cases.iter().zip(&met).find(|(_, met)| !**met) {
            return Err(Exit::Usage(format!("no case in \"{}\" is called \"{word}\"", folder.display())));
        }
        if !errors.is_empty() {
            use std::io::Write;
            // Nobody is left to be told when standard error cannot be written.
            let _unheard = write!(std::io::stderr().lock(), "{errors}");
            return Err(Exit::Production);
        }
        Ok(chosen)
    }

    fn play(
        &self,
        def: &ProductionDef,
        file: PathBuf,
        case: CaseDef,
        screen: &Screen,
    ) -> Result<Outcome, Exit> {
        let begun = Instant::now();
        let played = play(def, &case);
        let mut result = Outcome {
            file,
            case,
            took: Duration::ZERO,
            elapsed: Duration::ZERO,
            failed: Vec::new(),
            broken: None,
            traces: String::new(),
            stopped: Vec::new(),
        };
        match played {
            Err(reason) => result.broken = Some(reason),
            Ok(played) => {
                let mut books = Books::at(played.data_dir())?;
                let schemas = def.library.get::<Schemas>();
                result.failed = judge(&result.case, &played, &mut books, &schemas)?;
                result.elapsed = played.elapsed;
                if !result.failed.is_empty() {
                    result.traces = self.traces(&mut books, screen)?;
                    result.stopped = played.stopped;
                }
            }
        }
        result.took = begun.elapsed();
        Ok(result)
    }

    /// The traces of the first sessions.
    fn traces(&self, books: &mut Books, screen: &Screen) -> Result<String, Exit> {
        let sessions = books.sessions()?;
        let mut drawn = String::new();
        for id in sessions.iter().take(MOST_SESSIONS) {
            let session = books.session(*id, 1, PAGE_SIZE)?;
            drawn += &text::draw(&Picture::of(&session), screen, self.ascii);
        }
        if sessions.len() > MOST_SESSIONS {
            drawn += &format!("and {} more\n", count(sessions.len() - MOST_SESSIONS, "session"));
        }
        Ok(drawn)
    }
}

fn std_err_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// The case files of a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Exit> {
    let none = |reason: String| {
        Exit::Usage(format!("there are no cases in \"{}\"{reason}; expected files *.yaml", folder.display()))
    };
    let entries = std::fs::read_dir(folder).map_err(|error| none(format!(" ({error})")))?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() { Err(none(String::new())) } else { Ok(files) }
}

/// Whether a word is the file of a case, or in its name.
fn is_meant(word: &str, file: &Path, report: &CaseReport) -> bool {
    let stem = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let named = report.case.as_ref().is_some_and(|case| case.name.contains(word));
    Path::new(word) == file || stem.contains(word) || named || file.ends_with(word)
}

impl Outcome {
    fn is_good(&self) -> bool {
        self.failed.is_empty() && self.broken.is_none()
    }

    fn object(&self) -> Value {
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
            "clock_ms": self.elapsed.as_millis() as u64,
            "took_ms": self.took.as_millis() as u64,
        })
    }
}

/// One line for a case that came as expected; for another one all that is known.
fn draw(result: &Outcome, screen: &Screen) -> String {
    let stem = result.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let clock = format!("{stem}, {} on its clock", time::spoken(result.elapsed));
    let about = screen.paint(colour::DIM, &format!("({clock})"));
    if result.is_good() {
        return format!("{}  {}  {about}\n", screen.paint(colour::RESPONSE, "ok    "), result.case.name);
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
    for (item, reason) in &result.stopped {
        text += &format!("  item \"{item}\" could not go on: {reason}\n");
    }
    if !result.traces.is_empty() {
        text += &format!("\n{}\n", result.traces.trim_end());
    }
    text + "\n"
}

fn summary(results: &[Outcome], bad: usize, screen: &Screen) -> String {
    let took: Duration = results.iter().map(|result| result.took).sum();
    let all = format!("{} in {}", count(results.len(), "case"), time::spoken(took));
    match bad {
        0 => format!("{}  {all}", screen.paint(colour::RESPONSE, "all came as expected:")),
        bad => format!("{} of {all}", screen.paint(colour::ERROR, &format!("{bad} failed"))),
    }
}
