//! What an engine says of itself, and whether an invented patient is named in it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Engine;

/// The parts of the invented name, as they are looked for, whatever their case.
const MARKS: [&str; 2] = ["zzmarkedname", "secretgiven"];
/// The invented name.
pub const NAME: &str = "Zzmarkedname^Secretgiven";
/// As a list of numbers, which is how bytes are printed by mistake.
const AS_NUMBERS: &str = "90, 122, 109, 97, 114, 107";

/// What an engine and the commands beside it say, with where each part comes from.
#[derive(Debug, Default)]
pub struct Said(Vec<(String, String)>);

impl Said {
    /// Notes what was said, and where.
    pub fn add(&mut self, what: impl Into<String>, said: String) {
        self.0.push((what.into(), said));
    }

    /// Runs a command beside the engine.
    ///
    /// # Panics
    /// When it fails.
    pub fn ask(&mut self, engine: &Engine, arguments: &[&str]) -> String {
        let output = engine.orris(arguments);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{arguments:?}: {}", said[1]);
        self.add(format!("orris {}", arguments.join(" ")), said.concat());
        said.concat()
    }

    /// Everything that shows no contents.
    ///
    /// # Panics
    /// When a command fails, or there is little to show.
    pub fn ask_all(&mut self, engine: &Engine) {
        for arguments in [
            &["status", "--json"][..],
            &["status"],
            &["queues"],
            &["queues", "--json"],
            &["events", "--json", "--limit", "100000"],
            &["events", "--limit", "100000"],
            &["messages", "--json", "--limit", "100000"],
            &["messages", "--limit", "100000"],
            &["messages", "--errors", "--limit", "100000"],
            &["sockets", "--json"],
            &["sql", "--limit", "100000", "SELECT * FROM MessageHeader"],
            &["sql", "--limit", "100000", "SELECT * FROM EventLog"],
            &["sql", "--limit", "100000", "SELECT * FROM Queue"],
            &["sql", "--limit", "100000", "SELECT * FROM WebSocketSession"],
            &["sql", "--limit", "100000", "SELECT ID, ClassName, DocType, Charset, Size FROM MessageBody"],
        ] {
            self.ask(engine, arguments);
        }
        let query = "SELECT DISTINCT SessionId FROM MessageHeader ORDER BY 1";
        let sessions = self.ask(engine, &["sql", "--csv", "--limit", "100000", query]);
        let sessions: Vec<&str> =
            sessions.lines().filter(|line| line.bytes().all(|byte| byte.is_ascii_digit())).collect();
        assert!(sessions.len() > 50, "{} sessions", sessions.len());
        for (number, session) in sessions.iter().enumerate() {
            let forms = ["text", "json", "mermaid", "svg", "html"];
            self.ask(engine, &["trace", session, "--format", forms[number % forms.len()]]);
        }
    }

    /// The reasons that lie beside files which were not taken; how many there are.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn read_reasons(&mut self, folder: &Path) -> usize {
        let files = fs::read_dir(folder).expect("readable").flatten().map(|entry| entry.path());
        let reasons: Vec<PathBuf> =
            files.filter(|path| path.extension().is_some_and(|ending| ending == "reason")).collect();
        for path in &reasons {
            self.add(path.display().to_string(), fs::read_to_string(path).expect("readable"));
        }
        reasons.len()
    }

    /// The lines in which the name stands, each once.
    pub fn leaks(&self) -> Vec<String> {
        let mut leaks: Vec<String> = Vec::new();
        for (what, said) in &self.0 {
            let lines = said.lines().filter(|line| {
                let line = line.to_lowercase();
                line.contains(AS_NUMBERS) || MARKS.iter().any(|mark| line.contains(mark))
            });
            leaks.extend(lines.map(|line| format!("{what}: {line}")));
        }
        leaks
    }

    /// Whether these words were said.
    pub fn has(&self, words: &str) -> bool {
        self.0.iter().any(|(_, said)| said.contains(words))
    }
}
