//! `orris test`: plays the cases of productions, with nothing outside, and says what came otherwise.

mod draft;
mod outcome;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use config::{CaseDef, ProductionDef, load_case};
use hl7::schema::Schemas;
use outcome::{Outcome, draw, summary};
use serde_json::{Value, json};

use super::production::Production;
use crate::cases::{idle_edges, in_utc, judge, play};
use crate::output::{Exit, Screen, colour, count, failed};
use crate::reading::Books;
use crate::trace::layout::Picture;
use crate::trace::{PAGE_SIZE, text};

/// Play the cases of a production, with its edges faked and a clock that waits for nobody
///
/// The cases are the files cases/*.yaml beside the production; several productions may be named. Nothing
/// outside is touched: no port is opened, no folder is read or written, and the store goes away. Exit code 0
/// when every case came as expected, 1 when one did not, 64 when the production or a case has errors.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    #[command(flatten)]
    production: Production,
    /// Only these: files, or words that a case's file or name has in it; another production file is played
    /// as well
    #[arg(value_name = "CASE|PRODUCTION")]
    cases: Vec<String>,
    /// Write a first case of this name instead, from what comes of the message in FILE: orris test --new NAME
    /// PRODUCTION FILE
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    new: Option<String>,
    /// The item that the message of a new case comes to; without it the only service that takes HL7
    #[arg(long, value_name = "ITEM", requires = "new")]
    to: Option<String>,
    /// Draw with ASCII characters only
    #[arg(long)]
    ascii: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The folder of cases, beside a production.
const CASES: &str = "cases";

/// The most sessions that are drawn of a case that failed.
const MOST_SESSIONS: usize = 3;

impl Test {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        in_utc().map_err(Exit::Failed)?;
        if let Some(name) = &self.new {
            return self.write_new(name, screen);
        }
        let (productions, words) = self.named()?;
        // Whatever is wrong with any of them is told before the first is played.
        let mut planned = Vec::new();
        for production in productions {
            let def = production.checked()?;
            let cases = chosen(&production, &words, &def)?;
            planned.push((production, def, cases));
        }
        let all = || planned.iter().flat_map(|(_, _, cases)| cases);
        if let Some(word) = words.iter().find(|word| !all().any(|case| case.is_meant(word))) {
            let folders: Vec<_> =
                planned.iter().map(|(one, ..)| format!("\"{}\"", folder(one).display())).collect();
            return Err(Exit::Usage(format!("no case in {} is called \"{word}\"", folders.join(", "))));
        }
        let count = planned.len();
        let (mut results, mut objects) = (Vec::new(), Vec::new());
        for (production, def, cases) in planned {
            if count > 1 && !self.json {
                screen.line(&screen.paint(colour::BOLD, &production.file.display().to_string()))?;
            }
            let begin = results.len();
            for Chosen { file, case } in cases {
                let result = self.play(&def, file, case, screen)?;
                if !self.json {
                    screen.print(&draw(&result, screen))?;
                }
                results.push(result);
            }
            objects.push(object(&def, &results[begin..]));
        }
        let good = results.iter().all(Outcome::is_good);
        match (self.json, objects.len()) {
            (false, _) => screen.line(&summary(&results, count, screen))?,
            (true, 1) => screen.json(&objects.remove(0))?,
            (true, _) => screen.json(&json!({ "ok": good, "productions": objects }))?,
        }
        if good { Ok(()) } else { Err(Exit::Found) }
    }

    /// Writes a case, and says what to do with it.
    fn write_new(&self, name: &str, screen: &Screen) -> Result<(), Exit> {
        let [file] = &self.cases[..] else {
            let message =
                "expected a production and one file with a message: orris test --new NAME PRODUCTION FILE";
            return Err(Exit::Usage(message.to_owned()));
        };
        let def = self.production.checked()?;
        let path = draft::write(name, &self.production, &def, self.to.as_deref(), Path::new(file))?;
        let production = self.production.file.display();
        screen.line(&format!("{} is written; edit it, and play it:", path.display()))?;
        screen.line(&format!("  orris test {production} {name}"))
    }

    /// The productions that are named, and the words by which cases are chosen.
    fn named(&self) -> Result<(Vec<Production>, Vec<String>), Exit> {
        let (mut productions, mut words) = (vec![self.production.clone()], Vec::new());
        for word in &self.cases {
            let path = Path::new(word);
            let in_cases = path.parent().is_some_and(|folder| folder.ends_with(CASES));
            match path.is_file() && !in_cases {
                true => productions.push(Production { file: path.to_owned(), overlay: Vec::new() }),
                false => words.push(word.clone()),
            }
        }
        if productions.len() > 1 && !self.production.overlay.is_empty() {
            let message = "an overlay is laid over one production; several are named";
            return Err(Exit::Usage(message.to_owned()));
        }
        Ok((productions, words))
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
            hints: Vec::new(),
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
                result.hints = idle_edges(&result.case, &books)?;
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

/// A case that is to be played.
struct Chosen {
    file: PathBuf,
    case: CaseDef,
}

impl Chosen {
    fn is_meant(&self, word: &str) -> bool {
        is_meant(word, &self.file, Some(&self.case.name))
    }
}

/// Where the cases of a production lie.
fn folder(production: &Production) -> PathBuf {
    production.file.parent().unwrap_or(Path::new("")).join(CASES)
}

/// The cases that are to be played; those with errors are shown, and end the command.
fn chosen(production: &Production, words: &[String], def: &ProductionDef) -> Result<Vec<Chosen>, Exit> {
    let mut chosen = Vec::new();
    let mut errors = String::new();
    for file in files(&folder(production))? {
        let report = load_case(&file, def);
        let name = report.case.as_ref().map(|case| case.name.as_str());
        if words.is_empty() || words.iter().any(|word| is_meant(word, &file, name)) {
            errors += &report.human(std_err_colour());
            chosen.extend(report.case.map(|case| Chosen { file, case }));
        }
    }
    if errors.is_empty() {
        return Ok(chosen);
    }
    use std::io::Write;
    // Nobody is left to be told when standard error cannot be written.
    let _unheard = write!(std::io::stderr().lock(), "{errors}");
    Err(Exit::Production)
}

fn object(def: &ProductionDef, results: &[Outcome]) -> Value {
    let cases: Vec<Value> = results.iter().map(Outcome::object).collect();
    json!({ "production": def.name, "ok": results.iter().all(Outcome::is_good), "cases": cases })
}

/// Whether a word is the file of a case, or in its name.
fn is_meant(word: &str, file: &Path, name: Option<&str>) -> bool {
    let stem = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let named = name.is_some_and(|name| name.contains(word));
    Path::new(word) == file || stem.contains(word) || named || file.ends_with(word)
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
