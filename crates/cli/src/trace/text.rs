//! A trace drawn with box characters, or with ASCII.
//!
//! ```text
//!                 services         processes
//!                 HL7FileService   MsgRouter
//! 48217  12:59:00.123     ├── ADT_A01 ──►│      Completed
//! ```

use anstyle::Style;
use model::{BusinessType, EventKind};

use super::layout::{Arrow, Mark, Picture, Row, Tone};
use super::pen::{ASCII, Pen, UNICODE};
use crate::output::canvas::Canvas;
use crate::output::{Screen, colour, shortened, time, wrapped};

/// The width of a trace where there is no terminal to fit into.
const DEFAULT_WIDTH: usize = 120;
/// The narrowest and the widest distance between two lanes.
const STEP: (usize, usize) = (8, 28);
/// The column of statuses: `Completed` and a space.
const STATUS: usize = 10;
/// What stands around a label on its arrow: blanks, the arrow's ends and some of its line.
const AROUND_LABEL: usize = 5;
/// Lanes this far apart have names that can be read.
const READABLE: usize = 11;
/// So many lines a message takes at most with what stands beside its status.
const MOST_LINES: usize = 3;
/// The most that descriptions take beside the statuses.
const DESCRIPTION: usize = 24;

/// Where things stand.
struct Places {
    /// The id's width.
    id: usize,
    /// Where the lanes' columns begin.
    left: usize,
    /// The distance between two lanes.
    step: usize,
    /// Where statuses begin.
    status: usize,
    /// Where everything ends.
    width: usize,
}

impl Places {
    fn of(picture: &Picture, width: usize) -> Self {
        let arrows = || {
            picture.rows.iter().filter_map(|row| match row {
                Row::Message(arrow) => Some(arrow),
                Row::Event(_) => None,
            })
        };
        let id = arrows().map(|arrow| arrow.id.to_string().len()).max().unwrap_or(0).max(2);
        let left = id + 2 + "12:59:00.123".len() + 2;
        let longest = |length: fn(&Arrow) -> usize| arrows().map(length).max().unwrap_or(0);
        let lanes = picture.lanes.len().max(1);
        let step = |beside| width.saturating_sub(left + STATUS + beside + 1) / lanes;
        let label = longest(|arrow| arrow.label.chars().count());
        // Beside the status stand descriptions; where that leaves no room for labels on the arrows, the
        // labels stand there as well: all on one line, or, where lanes would be too narrow, on several.
        let described = step(longest(|arrow| arrow.description.chars().count().min(DESCRIPTION)));
        let beside = step(longest(|arrow| words(arrow, false).chars().count().min(2 * DESCRIPTION)));
        let step = match described {
            described if described >= label + AROUND_LABEL => described,
            _ if beside >= READABLE => beside,
            _ => step(label),
        };
        let step = step.clamp(STEP.0, STEP.1);
        let status = left + lanes * step + 1;
        Places { id, left, step, status, width: width.max(status + STATUS) }
    }

    fn axis(&self, lane: usize) -> usize {
        self.left + lane * self.step + self.step / 2
    }
}

/// Draws a picture, with `ascii` characters or box characters, in the screen's width and colour.
pub(crate) fn draw(picture: &Picture, screen: &Screen, ascii: bool) -> String {
    let pen = if ascii { &ASCII } else { &UNICODE };
    let places = Places::of(picture, screen.width.unwrap_or(DEFAULT_WIDTH));
    let mut drawing = Drawing { picture, pen, places, canvas: Canvas::default() };
    drawing.heading();
    for row in &picture.rows {
        match row {
            Row::Message(arrow) => drawing.arrow(arrow),
            Row::Event(mark) => drawing.mark(mark),
        }
    }
    if !picture.lanes.is_empty() {
        drawing.lifelines();
    }
    if let Some(part) = &picture.part {
        drawing.canvas.next_line();
        drawing.canvas.next_line();
        drawing.canvas.put(0, part, colour::BOLD);
    }
    drawing.canvas.render(screen.colour)
}

struct Drawing<'a> {
    picture: &'a Picture,
    pen: &'static Pen,
    places: Places,
    canvas: Canvas,
}

impl Drawing<'_> {
    fn heading(&mut self) {
        self.canvas.put(0, &self.picture.title, colour::BOLD);
        let start = self.picture.title.len() + 2;
        let room = self.places.width.saturating_sub(start);
        let facts = shortened(&self.picture.facts.join(self.pen.between), room, self.pen.more);
        self.canvas.put(start, &facts, colour::DIM);
        self.canvas.next_line();
        self.canvas.next_line();
        for group in &self.picture.groups {
            let from = self.places.left + group.first * self.places.step;
            let until = self.places.left + (group.last + 1) * self.places.step - 1;
            self.canvas.fill(from..until, self.pen.rule, colour::DIM);
            let title = match until - from {
                room if room >= group.title.len() + 2 => format!("{0} {1} ", self.pen.rule, group.title),
                room => format!("{} ", shortened(group.title, room, "")),
            };
            self.canvas.put(from, &title, colour::DIM);
        }
        self.names();
    }

    /// The items' names above their lanes, in as many lines as the longest one needs.
    fn names(&mut self) {
        let room = self.places.step - 1;
        let names: Vec<_> = self.picture.lanes.iter().map(|lane| name_lines(&lane.name, room)).collect();
        let height = names.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            self.canvas.next_line();
            if line + 1 == height {
                self.canvas.put(self.places.id - 2, "id", colour::DIM);
                self.canvas.put(self.places.id + 2, "time", colour::DIM);
                self.canvas.put(self.places.status, "status", colour::DIM);
            }
            for (lane, lines) in names.iter().enumerate() {
                // Short names stand at the bottom, next to their lanes.
                let Some(part) = (line + lines.len()).checked_sub(height).and_then(|i| lines.get(i)) else {
                    continue;
                };
                let start = (self.places.axis(lane) + 1).saturating_sub(part.chars().count().div_ceil(2));
                self.canvas.put(start.max(self.places.left + lane * self.places.step), part, colour::BOLD);
            }
        }
    }

    fn lifelines(&mut self) {
        self.canvas.next_line();
        for lane in 0..self.picture.lanes.len() {
            let known = self.picture.lanes[lane].kind != BusinessType::Unknown;
            let style = if known { colour::DIM } else { colour::WARNING };
            self.canvas.set(self.places.axis(lane), self.pen.lane, style);
        }
    }

    fn arrow(&mut self, arrow: &Arrow) {
        self.lifelines();
        let style = of_tone(arrow.tone);
        self.canvas.put(0, &format!("{:>1$}", arrow.id.to_string(), self.places.id), colour::BOLD);
        self.canvas.put(self.places.id + 2, &time::of_day(arrow.time), colour::DIM);
        let labelled = match arrow.to {
            Some(to) => self.line(arrow, to, style),
            None => self.stub(arrow, style),
        };
        self.canvas.put(self.places.status, arrow.status.name(), colour::of_status(arrow.status));
        self.beside(&words(arrow, labelled));
        if !arrow.trouble.is_empty() {
            self.lifelines();
            let lane = Some(arrow.to.unwrap_or(arrow.from));
            let style = if arrow.tone == Tone::Error { style } else { colour::of_status(arrow.status) };
            self.text(lane, self.pen.lane, &arrow.trouble, style);
        }
    }

    /// Writes words beside the status, and what does not fit there below it.
    fn beside(&mut self, words: &str) {
        let Places { status, width, .. } = self.places;
        // The status counts as a word, so that the first line is as much shorter.
        let taken = "x".repeat(STATUS - 1);
        let lines = wrapped(&format!("{taken} {words}"), width - status);
        self.canvas.put(status + STATUS, lines[0].get(STATUS..).unwrap_or(""), colour::PLAIN);
        for (i, line) in lines.iter().enumerate().take(MOST_LINES).skip(1) {
            self.lifelines();
            let rest = if i + 1 == MOST_LINES { &lines[i..].join(" ") } else { line };
            self.canvas.put(status, &shortened(rest, width - status, self.pen.more), colour::PLAIN);
        }
    }

    /// Draws the arrow; says whether its label found room on it.
    fn line(&mut self, arrow: &Arrow, to: usize, style: Style) -> bool {
        let (from, end) = (self.places.axis(arrow.from), self.places.axis(to));
        let (low, high) = (from.min(end), from.max(end));
        let stroke = if arrow.answers { self.pen.response } else { self.pen.request };
        self.canvas.fill(low + 1..high, stroke, style);
        for lane in arrow.from.min(to) + 1..arrow.from.max(to) {
            self.canvas.set(self.places.axis(lane), self.pen.crossing, style);
        }
        if from < end {
            self.canvas.set(from, self.pen.leaves_right, style);
            self.canvas.set(end - 1, self.pen.right, style);
        } else {
            self.canvas.set(from, self.pen.leaves_left, style);
            self.canvas.set(end + 1, self.pen.left, style);
        }
        // The label stands between the first two lanes, so that it hides no crossing.
        let (first, last) =
            if from < end { (from, from + self.places.step) } else { (from - self.places.step, from) };
        self.label(&arrow.label, first + 2, last - 2, style)
    }

    /// Draws a message that reaches no item.
    fn stub(&mut self, arrow: &Arrow, style: Style) -> bool {
        let from = self.places.axis(arrow.from);
        let end = from + self.places.step / 2 - 2;
        self.canvas.fill(from + 1..end, self.pen.request, style);
        self.canvas.set(from, self.pen.leaves_right, style);
        let failed = arrow.tone == Tone::Error;
        self.canvas.set(end, if failed { self.pen.failed } else { self.pen.ended }, style);
        self.label(&arrow.label, from + 2, end - 1, style)
    }

    fn label(&mut self, label: &str, first: usize, last: usize, style: Style) -> bool {
        let length = label.chars().count() + 2;
        let room = (last + 1).saturating_sub(first);
        if label.is_empty() || length > room {
            return label.is_empty();
        }
        self.canvas.put(first + (room - length) / 2, &format!(" {label} "), style);
        true
    }

    fn mark(&mut self, mark: &Mark) {
        self.lifelines();
        self.canvas.put(self.places.id + 2, &time::of_day(mark.time), colour::DIM);
        let text = match mark.kind {
            EventKind::Info | EventKind::Trace => mark.text.clone(),
            kind => format!("{}: {}", kind.name().to_lowercase(), mark.text),
        };
        self.text(mark.lane, self.pen.event, &text, colour::of_event(mark.kind));
    }

    /// Writes text beside a lane, over the other lanes: to its right if it fits there on one line,
    /// else on the side where there is more room.
    fn text(&mut self, lane: Option<usize>, sign: char, text: &str, style: Style) {
        let begin = self.places.left;
        let axis = lane.map_or(begin, |lane| self.places.axis(lane));
        let right = self.places.width.saturating_sub(axis + 2);
        let left = axis.saturating_sub(begin + 1);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let rightward = right >= left || longest <= right;
        let room = if rightward { right } else { left };
        let lines: Vec<_> = text.lines().flat_map(|line| wrapped(line, room)).collect();
        for (i, line) in lines.iter().enumerate() {
            if i > 0 {
                self.lifelines();
            } else {
                self.canvas.set(axis, sign, style);
            }
            let start = if rightward { axis + 2 } else { axis - 1 - line.chars().count() };
            let around = start.saturating_sub(1).max(begin)..start + line.chars().count() + 1;
            self.canvas.clear(around, axis);
            self.canvas.put(start, line, style);
        }
    }
}

/// What stands beside a message's status: what it is, unless its arrow says so, and why it was sent.
fn words(arrow: &Arrow, labelled: bool) -> String {
    let label = if labelled { "" } else { arrow.label.as_str() };
    let words = [label, arrow.description.as_str()].into_iter().filter(|text| !text.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn of_tone(tone: Tone) -> Style {
    match tone {
        Tone::Request => colour::REQUEST,
        Tone::Response => colour::RESPONSE,
        Tone::Error => colour::ERROR,
    }
}

/// A name in lines of at most `room` characters, broken after dots and before capitals.
fn name_lines(name: &str, room: usize) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut lines = vec![];
    let mut rest = &chars[..];
    while rest.len() > room {
        let fits = |at: &usize| {
            let (before, after) = (rest[at - 1], rest[*at]);
            matches!(before, '.' | '_' | '-' | ' ') || (before.is_lowercase() && after.is_uppercase())
        };
        // A piece of less than a third of the line looks worse than a cut.
        let cut = (room.div_ceil(3)..=room).rev().find(fits).unwrap_or(room);
        lines.push(rest[..cut].iter().collect());
        rest = &rest[cut..];
    }
    lines.push(rest.iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::super::{Session, samples};
    use super::*;

    /// Set ORRIS_SNAPSHOTS to write the snapshots anew; look at them before you keep them.
    fn check(name: &str, session: &Session, width: usize, ascii: bool) {
        let screen = Screen { width: Some(width), colour: false };
        let drawn = draw(&Picture::of(session), &screen, ascii);
        crate::output::check_snapshot(&format!("trace/{name}.txt"), &drawn);
        assert!(drawn.lines().all(|line| line.chars().count() <= width), "wider than {width}\n{drawn}");
    }

    #[test]
    fn with_box_characters() {
        check("unicode", &samples::session(), 100, false);
    }

    #[test]
    fn with_ascii_characters() {
        check("ascii", &samples::session(), 100, true);
        let screen = Screen { width: None, colour: false };
        assert!(draw(&Picture::of(&samples::session()), &screen, true).is_ascii());
    }

    #[test]
    fn in_a_narrow_terminal() {
        check("narrow", &samples::session(), 72, false);
    }

    #[test]
    fn a_refused_message_and_what_follows_it() {
        check("refused", &Session { total: 9, ..samples::refused() }, 72, false);
    }

    #[test]
    fn an_answer_that_tells_of_a_failure() {
        check("answered", &samples::answered(), 100, false);
    }

    #[test]
    fn why_messages_went_where_they_went_is_readable_at_every_width() {
        for width in [80, 120, 200] {
            check(&format!("explained_{width}"), &samples::explained(), width, false);
        }
    }

    #[test]
    fn requests_are_blue_responses_green_and_errors_red() {
        let screen = Screen { width: None, colour: true };
        let drawn = draw(&Picture::of(&samples::session()), &screen, false);
        for (id, colour) in [("48217", "\u{1b}[34m├"), ("48219", "\u{1b}[31m├"), ("48220", "\u{1b}[32m◄")]
        {
            let line =
                drawn.lines().find(|line| line.starts_with(&format!("\u{1b}[1m{id}"))).unwrap_or_default();
            assert!(line.contains(colour), "{id}: {line:?}");
        }
    }
}
