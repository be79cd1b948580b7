//! What is wrong or doubtful about a production, and where.

use serde::Serialize;

use crate::ProductionDef;
use crate::source::{Place, Sources};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The production cannot run.
    Error,
    /// The production can run, but hardly as meant.
    Warning,
}

/// One thing that is wrong or doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// The file, as its path was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of the line it is about.
    pub length: usize,
    /// The item it is about.
    pub item: Option<String>,
    /// What was found and what was wanted; without the item.
    pub message: String,
    /// The next step, as in `did you mean "MsgRouter"?`.
    pub help: Option<String>,
    #[serde(skip)]
    pub(crate) place: Place,
}

impl Finding {
    /// The message with the item it is about.
    pub fn text(&self) -> String {
        match &self.item {
            Some(item) => format!("item \"{item}\": {}", self.message),
            None => self.message.clone(),
        }
    }

    /// One line: `file:line:col: item "X": message; did you mean "Y"?`.
    pub fn line(&self) -> String {
        let Finding { file, line, column, .. } = self;
        let level = if self.level == Level::Warning { "warning: " } else { "" };
        let help = self.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{file}:{line}:{column}: {level}{}{help}", self.text())
    }
}

/// What came of reading a production.
#[derive(Debug)]
pub struct Report {
    /// The checked definition; none when any finding is an error.
    pub production: Option<ProductionDef>,
    /// Everything that was found, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// The texts that were read.
    pub sources: Sources,
}

impl Report {
    /// Whether anything was found that keeps the production from running.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    /// Every finding on one line each.
    pub fn lines(&self) -> String {
        self.findings.iter().map(|finding| finding.line() + "\n").collect()
    }

    /// Every finding with its line underlined, and a closing sum; empty when nothing was found.
    pub fn human(&self, colour: bool) -> String {
        crate::render::human(&self.findings, &self.sources, colour)
    }

    /// The findings as a JSON array.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!(self.findings)
    }
}

/// Findings while they are gathered: a place in bytes, no line numbers yet.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Raw>);

#[derive(Debug, Clone, PartialEq)]
struct Raw {
    level: Level,
    place: Place,
    item: Option<String>,
    message: String,
    help: Option<String>,
}

impl Findings {
    /// Says that something is wrong.
    pub(crate) fn error(
        &mut self,
        place: &Place,
        item: Option<&str>,
        message: impl Into<String>,
    ) -> &mut Self {
        self.add(Level::Error, place, item, message)
    }

    /// Says that something is doubtful.
    pub(crate) fn warning(
        &mut self,
        place: &Place,
        item: Option<&str>,
        message: impl Into<String>,
    ) -> &mut Self {
        self.add(Level::Warning, place, item, message)
    }

    pub(crate) fn add(
        &mut self,
        level: Level,
        place: &Place,
        item: Option<&str>,
        message: impl Into<String>,
    ) -> &mut Self {
        let (item, message) = (item.map(str::to_owned), message.into());
        self.0.push(Raw { level, place: place.clone(), item, message, help: None });
        self
    }

    /// Adds the next step to what was said last, where there is one.
    pub(crate) fn help(&mut self, help: Option<String>) {
        if let (Some(last), Some(help)) = (self.0.last_mut(), help) {
            last.help = Some(help);
        }
    }

    /// Whether anything wrong was found.
    pub(crate) fn any_error(&self) -> bool {
        self.0.iter().any(|raw| raw.level == Level::Error)
    }

    /// How many things are wrong.
    pub(crate) fn errors(&self) -> usize {
        self.0.iter().filter(|raw| raw.level == Level::Error).count()
    }

    /// The findings with their lines, in the order of places, each once, without secrets.
    pub(crate) fn finish(mut self, sources: &Sources, secrets: &crate::secret::Secrets) -> Vec<Finding> {
        self.0.sort_by_key(|raw| (raw.place.file, raw.place.range.start, raw.level));
        self.0.dedup();
        let finish = |raw: Raw| {
            let (file, line, column, length) = sources.locate(&raw.place);
            let message = secrets.mask(raw.message);
            let help = raw.help.map(|help| secrets.mask(help));
            let Raw { level, place, item, .. } = raw;
            Finding { level, file, line, column, length, item, message, help, place }
        };
        self.0.into_iter().map(finish).collect()
    }
}
