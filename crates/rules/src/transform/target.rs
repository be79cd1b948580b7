//! What is being built: one text that is changed in place, with an account of which of its segments
//! came from which of the source.

use std::sync::Arc;

use hl7::edit::{EditError, Editor};
use hl7::schema::Schemas;
use hl7::schema::map::{NewPlace, Places};
use hl7::{FieldPath, Index, Message, Path, Round, Scope};

use super::paths::Side;

mod groups;

pub(super) use groups::Piece;

/// The origin of a segment that came from none of the source.
const NEW: usize = usize::MAX;

/// A target may have so many bytes, or so many times those of its source: steps that copy what they have
/// built would double it with every round.
const LONGEST: usize = 16 << 20;
const MOST_SEGMENTS: usize = 10_000;
const TIMES_LONGER: usize = 4;

/// A target while it is built.
pub(super) struct Target<'t> {
    editor: Editor,
    /// So many bytes and segments it may have.
    most: usize,
    most_segments: usize,
    /// The segment of the source that each segment was copied from, or was made for within a loop.
    origins: Vec<usize>,
    side: &'t Side,
    schemas: &'t Schemas,
    /// The message as it is, where it has been looked at since the last change.
    seen: Option<Message>,
    /// The places of its segments in its structure, where they have been asked for; none within where no
    /// structure is known.
    places: Option<Option<Places>>,
}

/// What a step did to the target: how many places.
pub(super) type Done = Result<usize, String>;

impl<'t> Target<'t> {
    /// Begins with the source, or with its header alone.
    pub(super) fn new(editor: Editor, source: &Message, side: &'t Side, schemas: &'t Schemas) -> Target<'t> {
        let origins = (0..editor.segment_count()).collect();
        let most = LONGEST.max(source.text().len().saturating_mul(TIMES_LONGER));
        let most_segments = MOST_SEGMENTS.max(source.segments().count().saturating_mul(TIMES_LONGER));
        let editor = editor.at_most(most);
        Target { editor, most, most_segments, origins, side, schemas, seen: None, places: None }
    }

    pub(super) fn finish(self) -> Message {
        self.editor.finish()
    }

    /// Goes on with another message, which was made of the one that is being built: for each of its
    /// segments, the number that it had there.
    pub(super) fn replace(&mut self, message: &Message, lines: &[Option<usize>]) {
        self.editor = Editor::of(message).at_most(self.most);
        let origin = |line: &Option<usize>| line.and_then(|line| self.origins.get(line)).copied();
        let origins = lines.iter().map(|line| origin(line).unwrap_or(NEW)).collect();
        self.origins = origins;
        (self.seen, self.places) = (None, None);
    }

    /// The message as it is now.
    pub(super) fn message(&mut self) -> &Message {
        self.seen.get_or_insert_with(|| self.editor.message())
    }

    /// The message as paths within the loops around see it.
    pub(super) fn scoped(&mut self, rounds: &[Round]) -> Message {
        let scope = Scope { rounds: rounds.iter().map(|round| self.round(round)).collect(), target: None };
        let message = self.message();
        if rounds.is_empty() { message.clone() } else { message.within(Arc::new(scope)) }
    }

    /// A round of a loop over the source, with the segments of the target.
    pub(super) fn round(&self, round: &Round) -> Round {
        let own = |id: &[u8; 3], source: &Option<usize>| {
            let source = (*source)?;
            let id = std::str::from_utf8(id).unwrap_or_default();
            self.of_origin(|origin| origin == source).find(|line| self.editor.is_segment(*line, id))
        };
        match round {
            Round::Segment { id, line } => Round::Segment { id: *id, line: own(id, line) },
            Round::Repetition { id, line, field, number } => {
                Round::Repetition { id: *id, line: own(id, line), field: *field, number: *number }
            }
            Round::Group { ids, lines, names } => {
                let lines = self.of_origin(|origin| is_of(lines, origin)).collect();
                Round::Group { ids: ids.clone(), lines, names: names.clone() }
            }
        }
    }

    fn of_origin<'a>(
        &'a self,
        is: impl Fn(usize) -> bool + 'a,
    ) -> impl DoubleEndedIterator<Item = usize> + 'a {
        self.origins.iter().enumerate().filter(move |(_, origin)| is(**origin)).map(|(line, _)| line)
    }

    /// The segments that a path means, by their numbers.
    pub(super) fn lines(&mut self, path: &FieldPath, rounds: &[Round]) -> Vec<usize> {
        match path.plain() {
            None => path.lines(&self.scoped(rounds)),
            Some(path) => self.plain_lines(path, rounds),
        }
    }

    fn plain_lines(&self, path: &Path, rounds: &[Round]) -> Vec<usize> {
        let id = path.segment();
        let has_id = |line: &usize| self.editor.is_segment(*line, id);
        for round in rounds.iter().rev() {
            match round {
                Round::Segment { id: own, line: Some(source) }
                | Round::Repetition { id: own, line: Some(source), .. }
                    if own == id.as_bytes() && path.occurrence().is_none() =>
                {
                    return self.of_origin(|origin| origin == *source).find(has_id).into_iter().collect();
                }
                Round::Group { ids, lines, .. } if ids.iter().any(|own| *own == *id) => {
                    return choose(self.of_origin(|origin| is_of(lines, origin)).filter(has_id), path);
                }
                _ => {}
            }
        }
        choose((0..self.editor.segment_count()).filter(has_id), path)
    }

    /// Makes the segment that a path means and that is not there, and gives its number; none where the
    /// path means all that are there, which is none.
    pub(super) fn make(
        &mut self,
        path: &FieldPath,
        raw: Option<&str>,
        rounds: &[Round],
        source: &Message,
    ) -> Result<Option<usize>, String> {
        let Some(numbers) = path.within_segment() else { return Ok(None) };
        if path.is_plural() {
            return Ok(None);
        }
        if let Some(Index::Nth(number)) = numbers.occurrence() {
            let all = numbers.at_occurrence(Index::All);
            let count = match path.plain() {
                Some(_) => self.plain_lines(&all, rounds).len(),
                // Within its group it is looked for behind.
                None => number as usize - 1,
            };
            if count + 1 < number as usize {
                return Err(format!("there are {count} of it; expected the next one to be [{}]", count + 1));
            }
        }
        let near = if path.plain().is_none() { path.group_lines(&self.scoped(rounds)) } else { Vec::new() };
        let line = self.add_near(numbers.segment(), raw, near, rounds, source)?;
        if path.plain().is_none() && path.lines(&self.scoped(rounds)) != [line] {
            self.remove_line(line)?;
            return Err("there is no such group, and the segment alone does not make it".to_owned());
        }
        Ok(Some(line))
    }

    /// Adds one more segment where the structure wants it, and gives its number.
    pub(super) fn add(
        &mut self,
        id: &str,
        raw: Option<&str>,
        rounds: &[Round],
        source: &Message,
    ) -> Result<usize, String> {
        self.add_near(id, raw, Vec::new(), rounds, source)
    }

    /// The same in a group, whose segments are given.
    fn add_near(
        &mut self,
        id: &str,
        raw: Option<&str>,
        group: Vec<usize>,
        rounds: &[Round],
        source: &Message,
    ) -> Result<usize, String> {
        self.check_room(1)?;
        let origin = self.new_origin(id, rounds, source);
        let place = self.place(id, group, rounds);
        let behind = place.map_or(self.editor.segment_count() - 1, |place| place.behind);
        self.editor.insert_behind_line(behind, raw.unwrap_or(id)).map_err(why)?;
        self.inserted(behind + 1, origin, place);
        Ok(behind + 1)
    }

    /// Where a new segment belongs; none where no structure says it.
    fn place(&mut self, id: &str, group: Vec<usize>, rounds: &[Round]) -> Option<NewPlace> {
        self.know_places();
        let places = self.places.as_ref()?.as_ref()?;
        let of_rounds = rounds.iter().rev().map(|round| self.near(round));
        let mut near = std::iter::once(group).chain(of_rounds).filter(|near| !near.is_empty());
        near.find_map(|near| places.find(id, &near)).or_else(|| places.find(id, &[]))
    }

    fn know_places(&mut self) {
        if self.places.is_none() {
            let (side, schemas) = (self.side, self.schemas);
            let message = self.message();
            self.places = Some(schemas.places(message, &side.doc_type_of(message, schemas)));
        }
    }

    /// Whether there is room for so many segments more.
    fn check_room(&self, segments: usize) -> Result<(), String> {
        match self.origins.len() + segments <= self.most_segments {
            true => Ok(()),
            false => Err(format!("makes more than {} segments", self.most_segments)),
        }
    }

    /// Takes note of a segment that was inserted.
    fn inserted(&mut self, line: usize, origin: usize, place: Option<NewPlace>) {
        self.origins.insert(line, origin);
        self.seen = None;
        if let Some(Some(places)) = &mut self.places {
            places.insert(line, place);
        }
    }

    /// The segments of the target that are made for a round.
    fn near(&self, round: &Round) -> Vec<usize> {
        match round {
            Round::Segment { line, .. } | Round::Repetition { line, .. } => {
                self.of_origin(|origin| Some(origin) == *line).collect()
            }
            Round::Group { lines, .. } => self.of_origin(|origin| is_of(lines, origin)).collect(),
        }
    }

    /// The segment of the source that a new one is taken to come from: the one whose turn it is, or the
    /// one of the same number.
    fn new_origin(&self, id: &str, rounds: &[Round], source: &Message) -> usize {
        match rounds.last() {
            Some(Round::Segment { line: Some(line), .. } | Round::Repetition { line: Some(line), .. }) => {
                return *line;
            }
            Some(Round::Group { lines, .. }) => {
                let free = |line: &&usize| {
                    !self.origins.contains(line)
                        && source.segments().nth(**line).is_some_and(|own| own.id() == id)
                };
                return lines.iter().find(free).or(lines.first()).copied().unwrap_or(NEW);
            }
            _ => {}
        }
        let mut of_id = source.segments().enumerate().filter(|(_, segment)| segment.id() == id);
        of_id.find(|(line, _)| !self.origins.contains(line)).map_or(NEW, |(line, _)| line)
    }

    /// Changes one segment.
    pub(super) fn change(
        &mut self,
        line: usize,
        change: impl FnOnce(&mut Editor) -> Result<usize, EditError>,
    ) -> Done {
        let done = change(self.editor.on(Some(line)));
        self.editor.on(None);
        self.seen = None;
        if line == 0 {
            // The header may name another structure now.
            self.places = None;
        }
        done.map_err(why)
    }

    pub(super) fn remove_line(&mut self, line: usize) -> Done {
        let done = self.editor.remove_line(line).map_err(why)?;
        self.origins.remove(line);
        self.seen = None;
        if let Some(Some(places)) = &mut self.places {
            places.remove(line);
        }
        Ok(done)
    }

    /// Puts a raw segment before another one.
    pub(super) fn insert_before(
        &mut self,
        line: usize,
        raw: &str,
        rounds: &[Round],
        source: &Message,
    ) -> Done {
        let Some(behind) = line.checked_sub(1) else { return Err("is the first segment".to_owned()) };
        let origin = match rounds.last() {
            Some(_) => self.new_origin(raw.get(..3).unwrap_or_default(), rounds, source),
            None => NEW,
        };
        self.check_room(1)?;
        self.editor.insert_behind_line(behind, raw).map_err(why)?;
        // It stands where the one behind it stands, as far as the structure goes.
        self.places = None;
        self.inserted(line, origin, None);
        Ok(1)
    }

    /// What stands at a path in one segment.
    pub(super) fn values_in(&mut self, line: usize, path: &Path) -> Vec<String> {
        let id = self.message().segments().nth(line).map(|segment| segment.offset());
        let message = self.message();
        let all = path.at_occurrence(Index::All);
        let number = message
            .segments()
            .filter(|segment| segment.id() == path.segment())
            .position(|segment| Some(segment.offset()) == id);
        let Some(number) = number else { return Vec::new() };
        message.values(&all.at_occurrence(Index::Nth(number as u32 + 1))).map(str::to_owned).collect()
    }
}

/// Whether a segment is one of these, which are in order: most are told by the first and last alone.
fn is_of(lines: &[usize], line: usize) -> bool {
    let between =
        lines.first().is_some_and(|first| *first <= line) && lines.last().is_some_and(|last| line <= *last);
    between && lines.binary_search(&line).is_ok()
}

fn choose(mut lines: impl DoubleEndedIterator<Item = usize>, path: &Path) -> Vec<usize> {
    match path.occurrence() {
        None => lines.next().into_iter().collect(),
        Some(Index::Nth(number)) => lines.nth(number as usize - 1).into_iter().collect(),
        Some(Index::Last) => lines.next_back().into_iter().collect(),
        Some(Index::All) => lines.collect(),
    }
}

/// The reason alone: the path is told with the step.
fn why(error: EditError) -> String {
    error.why.into_owned()
}
