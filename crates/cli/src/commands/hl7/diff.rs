//! `orris hl7 diff`: what differs between messages, by path and not by text.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use hl7::{Message, Segment};
use serde_json::{Value, json};

use super::align::{Unit, pairs, units};
use super::changes::{self, Change, Kind, between};
use super::draw::visible;
use super::input::{Found, Input, Reading};
use super::parts::{labels, offset_of};
use super::paths::Everywhere;
use super::words::{Book, Choice, Words};
use crate::output::{Exit, Screen, colour, count};

/// Compare messages by path: separators, escapes, charsets and line ends make no difference
///
/// Messages are matched by MSH-10 where there are several on a side, else by their order; segments by
/// id, set id and content, so that an inserted one does not make those after it differ; nor do set ids
/// that only count on behind it. Exit code 0 when nothing differs, 1 when something does, 2 when they
/// cannot be compared.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// The old file, or - for standard input
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new file
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Paths that may differ, as in MSH-7,MSH-10,OBX-14; in every segment and repetition
    #[arg(long, value_name = "PATH,...", value_delimiter = ',')]
    ignore: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is known about a pair of messages, or one that stands alone.
struct Compared<'a> {
    old: Option<&'a Found>,
    new: Option<&'a Found>,
    changes: Vec<Change>,
}

impl Diff {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let usage = |exit| match exit {
            Exit::Failed(reason) => Exit::Usage(reason),
            other => other,
        };
        let book = self.choice.book()?;
        let ignore = Everywhere::compile(&self.ignore, &book)?;
        let (old, new) = (Input::read(&self.old).map_err(usage)?, Input::read(&self.new).map_err(usage)?);
        let olds = old.messages(&self.reading).map_err(usage)?;
        let news = new.messages(&self.reading).map_err(usage)?;
        let compared = self.matched(&olds, &news).into_iter().map(|(old, new)| {
            let changes = match (old, new) {
                (Some(old), Some(new)) => compare(&book, &ignore, &old.message, &new.message),
                _ => Vec::new(),
            };
            Compared { old, new, changes }
        });
        let compared: Vec<_> = compared.collect();
        let same = compared.iter().all(Compared::is_same);
        if self.json {
            let messages: Vec<_> = compared.iter().map(Compared::object).collect();
            screen.json(&json!({ "same": same, "messages": messages }))?;
        } else {
            let labels = (old.label.as_str(), new.label.as_str());
            let drawn = compared.iter().map(|compared| compared.draw(screen, labels)).collect::<String>();
            screen.print(&(drawn + &summary(screen, &compared)))?;
        }
        if same { Ok(()) } else { Err(Exit::Found) }
    }

    /// Which messages belong together.
    fn matched<'a>(
        &self,
        olds: &'a [Found],
        news: &'a [Found],
    ) -> Vec<(Option<&'a Found>, Option<&'a Found>)> {
        let ids = |all: &[Found]| all.iter().map(|found| control_id(&found.message)).collect::<Vec<_>>();
        let (old_ids, new_ids) = (ids(olds), ids(news));
        let single = olds.len() == 1 && news.len() == 1;
        let ignored = self.ignore.iter().any(|path| path == "MSH-10" || path == "MSH");
        let mut waiting: HashMap<&str, VecDeque<usize>> = HashMap::new();
        for (at, id) in new_ids.iter().enumerate() {
            waiting.entry(id).or_default().push_back(at);
        }
        if single || ignored || !old_ids.iter().any(|id| !id.is_empty() && waiting.contains_key(id.as_str()))
        {
            let most = olds.len().max(news.len());
            return (0..most).map(|at| (olds.get(at), news.get(at))).collect();
        }
        let counterpart = |id: &String| waiting.get_mut(id.as_str())?.pop_front().map(|at| &news[at]);
        let counterparts: Vec<_> = old_ids.iter().map(counterpart).collect();
        let mut matched: Vec<_> = olds.iter().map(Some).zip(counterparts).collect();
        let mut rest: Vec<_> = waiting.into_values().flatten().collect();
        rest.sort_unstable();
        matched.extend(rest.into_iter().map(|at| (None, Some(&news[at]))));
        matched
    }
}

pub(super) fn compare(book: &Book, ignore: &Everywhere, old: &Message, new: &Message) -> Vec<Change> {
    let (old, new) = (side(book, ignore, old), side(book, ignore, new));
    let mut changes = Vec::new();
    for pair in pairs(&old.units, &new.units) {
        match pair {
            (Some(i), Some(j)) => {
                let found = between(&old.units[i], &new.units[j], &new.segments[j], &new.words);
                let placed = found.into_iter().map(|change| Change {
                    label: old.labels[i].clone(),
                    new_label: new.labels[j].clone(),
                    segment: new.words.segment(new.segments[j].id()),
                    ..change
                });
                changes.extend(placed.filter(|change| !change.is_renumbered()));
            }
            (Some(i), None) if !old.units[i].ignored => {
                changes.push(Change { kind: Kind::Removed, old: old.raw(i), ..old.whole(i) });
            }
            (None, Some(j)) if !new.units[j].ignored => {
                changes.push(Change { kind: Kind::Added, new: new.raw(j), ..new.whole(j) });
            }
            _ => {}
        }
    }
    changes
}

fn side<'a>(book: &Book, ignore: &Everywhere, message: &'a Message) -> Side<'a> {
    let words = book.words(message);
    let ranges = ignore.ranges(message);
    let ignored = |raw: &str| {
        let start = offset_of(message, raw);
        ranges.iter().any(|range| range.start <= start && start + raw.len() <= range.end)
    };
    let units = units(message, &ignored);
    Side { words, labels: labels(message), segments: message.segments().collect(), units }
}

/// One of two messages.
struct Side<'a> {
    words: Words,
    labels: Vec<String>,
    segments: Vec<Segment<'a>>,
    units: Vec<Unit>,
}

impl Side<'_> {
    fn raw(&self, at: usize) -> String {
        self.segments[at].raw().to_owned()
    }

    fn whole(&self, at: usize) -> Change {
        let segment = self.words.segment(self.segments[at].id());
        Change { label: self.labels[at].clone(), segment, ..Change::default() }
    }
}

fn control_id(message: &Message) -> String {
    message.segments().next().and_then(|segment| segment.field(10)).unwrap_or_default().to_owned()
}

impl Compared<'_> {
    fn is_same(&self) -> bool {
        self.old.is_some() && self.new.is_some() && self.changes.is_empty()
    }

    fn object(&self) -> Value {
        let side = |found: Option<&Found>| {
            found.map(|found| json!({ "message": found.number, "line": found.line, "id": control_id(&found.message) }))
        };
        let changes: Vec<_> = self.changes.iter().map(Change::object).collect();
        json!({ "old": side(self.old), "new": side(self.new), "changes": changes })
    }

    /// Nothing, where nothing differs.
    fn draw(&self, screen: &Screen, labels: (&str, &str)) -> String {
        let place = |label: &str, found: &Found| {
            let id = control_id(&found.message);
            format!("{label}:{} message {} \"{}\"", found.line, found.number, visible(&id))
        };
        let heading = |text: String| screen.paint(colour::BOLD, &text) + "\n";
        match (self.old, self.new) {
            (Some(old), None) => heading(format!("- {} is only there", place(labels.0, old))),
            (None, Some(new)) => heading(format!("+ {} is only there", place(labels.1, new))),
            (Some(old), Some(new)) if !self.changes.is_empty() => {
                heading(format!("{}  →  {}", place(labels.0, old), place(labels.1, new)))
                    + &changes::draw(screen, &self.changes)
            }
            _ => String::new(),
        }
    }
}

fn summary(screen: &Screen, compared: &[Compared<'_>]) -> String {
    let all = count(compared.len(), "message");
    if compared.iter().all(Compared::is_same) {
        return format!("{}  {all}\n", screen.paint(colour::RESPONSE, "same"));
    }
    let of =
        |kind| compared.iter().flat_map(|pair| &pair.changes).filter(|change| change.kind == kind).count();
    let differing = compared.iter().filter(|pair| !pair.is_same()).count();
    format!(
        "{differing} of {all}: {} changed, {} added, {} removed\n",
        of(Kind::Changed),
        of(Kind::Added),
        of(Kind::Removed)
    )
}
