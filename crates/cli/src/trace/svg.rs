//! A trace as a picture that needs nothing beside itself, light or dark as the reader's system is.

use super::layout::{Arrow, Mark, Picture, Row, Tone};
use crate::output::svg::{STYLE, escape, tint, width};
use crate::output::{shortened, time, wrapped};
use model::{EventKind, MessageStatus, Timestamp};

/// Space around everything.
const MARGIN: f64 = 24.0;
/// The column of times.
const GUTTER: f64 = 104.0;
/// The narrowest lane.
const MIN_LANE: f64 = 178.0;
/// How far a message that goes nowhere comes, in lanes.
const STUB: f64 = 0.47;
/// The column of statuses and descriptions.
const ASIDE: f64 = 190.0;
/// Where the lanes' heads begin.
const HEAD: f64 = 116.0;
/// How high a lane's head is.
const HEAD_HEIGHT: f64 = 38.0;
/// The distance of lines of text.
const LINE: f64 = 17.0;
/// About how wide a character of running text is.
const CHARACTER: f64 = 6.6;

/// What a trace's own elements look like, beside the shared palette.
const TRACE_STYLE: &str = "\
.request{--tone:var(--blue)}.response{--tone:var(--green)}.error{--tone:var(--red)}.warning{--tone:var(--amber)}\
.info,.trace{--tone:var(--muted)}.way{stroke:var(--tone);stroke-width:1.8;fill:none}\
.response .way,.answer .way{stroke-dasharray:6 4}.tip,.from{fill:var(--tone)}.pill{fill:var(--bg);stroke:var(--tone);stroke-width:1.2}\
.life{stroke:var(--line);stroke-dasharray:2 4}.hair{stroke:var(--hair)}.said{fill:var(--tone)}\
.id{font-weight:600;fill:var(--tone)}.trouble{fill:var(--red)}a:hover .pill{fill:var(--hair)}\
";

/// Draws a picture; with `links`, each message leads to `#m<id>`.
pub(crate) fn draw(picture: &Picture, links: bool) -> String {
    let names = picture.lanes.iter().map(|lane| width(&lane.name, 13.0) + 58.0);
    // A message that goes nowhere has half a lane for its label.
    let stub = picture.rows.iter().any(|row| matches!(row, Row::Message(Arrow { to: None, .. })));
    let least = if stub { MIN_LANE * 1.35 } else { MIN_LANE };
    let step = names.fold(least, f64::max).min(320.0);
    let mut drawing = Drawing { picture, links, step, y: HEAD + HEAD_HEIGHT + 14.0, rows: String::new() };
    let begun = picture.rows.first().map(|row| match row {
        Row::Message(arrow) => arrow.time,
        Row::Event(mark) => mark.time,
    });
    for row in &picture.rows {
        match row {
            Row::Message(arrow) => drawing.arrow(arrow, begun.unwrap_or_default()),
            Row::Event(mark) => drawing.mark(mark, begun.unwrap_or_default()),
        }
    }
    drawing.finish()
}

struct Drawing<'a> {
    picture: &'a Picture,
    links: bool,
    step: f64,
    y: f64,
    rows: String,
}

impl Drawing<'_> {
    fn left(&self) -> f64 {
        MARGIN + GUTTER
    }

    fn axis(&self, lane: usize) -> f64 {
        self.left() + (lane as f64 + 0.5) * self.step
    }

    /// Where the lanes end and the statuses begin.
    fn right(&self) -> f64 {
        self.left() + self.picture.lanes.len().max(1) as f64 * self.step
    }

    fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.rows += &format!("<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"{class}\">{}</text>", escape(text));
    }

    /// The time of a row, and how long after the first it was.
    fn gutter(&mut self, y: f64, time: Timestamp, begun: Timestamp) {
        self.text(MARGIN, y + 4.0, "mono", &time::of_day(time));
        let after = format!("+{}", time::spoken(time.since(begun)));
        self.text(MARGIN, y + 18.0, "small muted", &after);
        let (y, end) = (y - 24.0, self.right() + ASIDE);
        self.rows += &format!("<path d=\"M{MARGIN} {y:.0}H{end:.0}\" class=\"hair\"/>");
    }

    fn arrow(&mut self, arrow: &Arrow, begun: Timestamp) {
        let y = self.y + 26.0;
        let class = match arrow.tone {
            Tone::Request => "request",
            Tone::Response => "response",
            Tone::Error if arrow.answers => "error answer",
            Tone::Error => "error",
        };
        self.gutter(y, arrow.time, begun);
        if self.links {
            self.rows += &format!("<a href=\"#m{}\">", arrow.id);
        }
        self.rows += &format!("<g class=\"{class}\"><title>{}</title>", escape(&self.hint(arrow)));
        let from = self.axis(arrow.from);
        let (tip, towards) = match arrow.to {
            Some(to) => (self.axis(to), if to > arrow.from { 1.0 } else { -1.0 }),
            None => (from + self.step * STUB, 1.0),
        };
        let end = tip - 9.0 * towards;
        self.rows += &format!(
            "<path d=\"M{from:.0} {y:.0}H{end:.0}\" class=\"way\"/><circle cx=\"{from:.0}\" cy=\"{y:.0}\" r=\"3.5\" class=\"from\"/>"
        );
        self.tip(arrow, tip, towards, y);
        self.pill(arrow, from, towards, y);
        self.rows += "</g>";
        if self.links {
            self.rows += "</a>";
        }
        self.status(arrow, y);
        self.y += 52.0;
        self.trouble(arrow);
    }

    fn tip(&mut self, arrow: &Arrow, x: f64, towards: f64, y: f64) {
        self.rows += &match (arrow.to, arrow.tone) {
            (Some(_), _) => {
                let back = x - 11.0 * towards;
                let (above, below) = (y - 5.0, y + 5.0);
                format!("<path d=\"M{x:.0} {y:.0}L{back:.0} {above:.0}V{below:.0}Z\" class=\"tip\"/>")
            }
            (None, Tone::Error) => {
                let (left, right, above, below) = (x - 9.0, x + 1.0, y - 5.0, y + 5.0);
                format!(
                    "<path d=\"M{left:.0} {above:.0}L{right:.0} {below:.0}M{left:.0} {below:.0}L{right:.0} {above:.0}\" class=\"way\"/>"
                )
            }
            (None, _) => format!("<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"5\" class=\"tip\"/>"),
        };
    }

    /// The id and the label, on the arrow between its first two lanes.
    fn pill(&mut self, arrow: &Arrow, from: f64, towards: f64, y: f64) {
        let room = self.step * if arrow.to.is_some() { 1.0 } else { STUB } - 34.0;
        let id = arrow.id.to_string();
        let id_width = id.len() as f64 * 7.0;
        let fits = ((room - id_width - 26.0) / 7.6).max(0.0) as usize;
        let label = if fits < 4 { String::new() } else { shortened(&arrow.label, fits, "…") };
        let label_width = width(&label, 12.5);
        let gap = if label.is_empty() { 0.0 } else { 8.0 };
        let whole = id_width + gap + label_width + 20.0;
        let reach = if arrow.to.is_some() { 0.5 } else { STUB / 2.0 - 0.015 };
        let left = from + towards * self.step * reach - whole / 2.0 - towards * 2.0;
        let top = y - 12.0;
        self.rows += &format!(
            "<rect x=\"{left:.1}\" y=\"{top:.0}\" width=\"{whole:.1}\" height=\"24\" rx=\"12\" class=\"pill\"/>"
        );
        self.text(left + 10.0, y + 4.0, "mono id", &id);
        self.text(left + 10.0 + id_width + gap, y + 4.0, "", &label);
    }

    fn status(&mut self, arrow: &Arrow, y: f64) {
        let x = self.right() + 16.0;
        let class = match arrow.status {
            MessageStatus::Error | MessageStatus::Aborted => "error",
            MessageStatus::Completed => "response",
            MessageStatus::Suspended => "warning",
            MessageStatus::Discarded => "info",
            _ => "request",
        };
        let y_dot = y - 1.0;
        self.rows += &format!(
            "<g class=\"{class}\"><circle cx=\"{x:.0}\" cy=\"{y_dot:.0}\" r=\"4\" class=\"from\"/></g>"
        );
        self.text(x + 12.0, y + 3.0, "", arrow.status.name());
        if !arrow.description.is_empty() {
            let description = shortened(&arrow.description, ((ASIDE - 28.0) / 5.8) as usize, "…");
            self.text(x + 12.0, y + 18.0, "small muted", &description);
        }
    }

    /// Why a message failed, under its arrow, as far to the left as needed to be read.
    fn trouble(&mut self, arrow: &Arrow) {
        if arrow.trouble.is_empty() {
            return;
        }
        let begin = arrow.to.map_or(arrow.from, |to| to.min(arrow.from));
        let x = self.axis(begin) + 14.0;
        let room = (self.right() - x).max(200.0) / CHARACTER;
        self.y -= 4.0;
        let class = if arrow.tone == Tone::Error { "trouble halo" } else { "muted halo" };
        for line in wrapped(&arrow.trouble, room as usize) {
            self.text(x, self.y + 8.0, class, &line);
            self.y += LINE;
        }
        self.y += 8.0;
    }

    fn mark(&mut self, mark: &Mark, begun: Timestamp) {
        let y = self.y + 26.0;
        self.gutter(y, mark.time, begun);
        let class = match mark.kind {
            EventKind::Assert | EventKind::Error => "error",
            EventKind::Warning | EventKind::Alert => "warning",
            EventKind::Info | EventKind::Trace => "info",
        };
        let x = mark.lane.map_or(self.left(), |lane| self.axis(lane));
        let (above, below, west, east) = (y - 6.0, y + 6.0, x - 6.0, x + 6.0);
        self.rows += &format!(
            "<g class=\"{class}\"><path d=\"M{x:.0} {above:.0}L{east:.0} {y:.0}L{x:.0} {below:.0}L{west:.0} {y:.0}Z\" class=\"tip\"/>"
        );
        let on_the_right = self.right() + ASIDE - x >= x - self.left();
        let room = if on_the_right { self.right() + ASIDE - x } else { x - self.left() } - 20.0;
        let lines: Vec<_> =
            mark.text.lines().flat_map(|line| wrapped(line, (room / CHARACTER) as usize)).collect();
        for (i, line) in lines.iter().enumerate() {
            let y = y + 4.0 + LINE * i as f64;
            if on_the_right {
                self.text(x + 14.0, y, "said halo", line);
            } else {
                self.rows += &format!(
                    "<text x=\"{:.0}\" y=\"{y:.0}\" class=\"said halo\" text-anchor=\"end\">{}</text>",
                    x - 14.0,
                    escape(line)
                );
            }
        }
        self.rows += "</g>";
        self.y += 52.0 + LINE * (lines.len() - 1) as f64;
    }

    /// What a pointer over the arrow is told.
    fn hint(&self, arrow: &Arrow) -> String {
        let name = |lane: usize| &*self.picture.lanes[lane].name;
        let to = arrow.to.map_or("nowhere", name);
        let from = self.picture.lanes.get(arrow.from).map_or("", |lane| &lane.name);
        format!("message {}: {from} to {to}, {}, {}", arrow.id, arrow.label, arrow.status)
    }

    fn finish(self) -> String {
        let bottom = self.y + 8.0;
        let (wide, high) = (self.right() + ASIDE + MARGIN, bottom + 48.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.0} {high:.0}\" width=\"{wide:.0}\" height=\"{high:.0}\" role=\"img\">\
             <title>{title}</title><style>{STYLE}{TRACE_STYLE}</style>\
             <rect width=\"100%\" height=\"100%\" style=\"fill:var(--bg)\"/>\
             <text x=\"{MARGIN}\" y=\"42\" class=\"title\">{title}</text>\
             <text x=\"{MARGIN}\" y=\"64\" class=\"muted\">{facts}</text>\n",
            title = escape(&self.picture.title),
            facts = escape(&self.picture.facts.join("  ·  ")),
        );
        self.lanes(bottom, &mut svg);
        svg += &self.rows;
        svg += &self.legend(bottom + 26.0);
        svg + "</svg>\n"
    }

    fn lanes(&self, bottom: f64, svg: &mut String) {
        for group in &self.picture.groups {
            let x = self.left() + group.first as f64 * self.step + 4.0;
            let wide = (group.last - group.first + 1) as f64 * self.step - 8.0;
            let (top, high) = (HEAD - 30.0, bottom - HEAD + 30.0);
            let tint = tint(self.picture.lanes[group.first].kind);
            let (title_y, title) = (HEAD - 11.0, group.title.to_uppercase());
            *svg += &format!(
                "<rect x=\"{x:.0}\" y=\"{top:.0}\" width=\"{wide:.0}\" height=\"{high:.0}\" rx=\"12\" class=\"{tint}\"/>\
                 <text x=\"{:.0}\" y=\"{title_y:.0}\" class=\"group\">{title}</text>\n",
                x + 14.0
            );
        }
        for (i, lane) in self.picture.lanes.iter().enumerate() {
            let (x, y) = (self.axis(i), HEAD + HEAD_HEIGHT);
            let (left, wide) = (x - self.step / 2.0 + 12.0, self.step - 24.0);
            let name = escape(&shortened(&lane.name, ((wide - 12.0) / 7.4) as usize, "…"));
            *svg += &format!(
                "<path d=\"M{x:.0} {y:.0}V{bottom:.0}\" class=\"life\"/>\
                 <rect x=\"{left:.0}\" y=\"{HEAD:.0}\" width=\"{wide:.0}\" height=\"{HEAD_HEIGHT:.0}\" rx=\"8\" class=\"card\"/>\
                 <text x=\"{x:.0}\" y=\"{:.0}\" class=\"name\" text-anchor=\"middle\">{name}</text>\n",
                HEAD + 24.0
            );
        }
    }

    fn legend(&self, y: f64) -> String {
        let mut legend = String::new();
        let mut x = MARGIN;
        for (class, word) in
            [("request", "request"), ("response", "response"), ("error", "error"), ("info", "event")]
        {
            let sign = match class {
                "info" => {
                    format!("<path d=\"M{:.0} {:.0}l6 6l-6 6l-6 -6Z\" class=\"tip\"/>", x + 12.0, y - 10.0)
                }
                _ => format!("<path d=\"M{x:.0} {:.0}h24\" class=\"way\"/>", y - 4.0),
            };
            legend += &format!(
                "<g class=\"{class}\">{sign}</g><text x=\"{:.0}\" y=\"{y:.0}\" class=\"small muted\">{word}</text>",
                x + 32.0
            );
            x += 96.0;
        }
        let part = self.picture.part.as_deref().unwrap_or_default();
        legend + &format!("<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"small\">{}</text>", escape(part))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::output::svg::check_well_formed;

    #[test]
    fn the_picture_is_well_formed_and_says_everything() {
        for session in [samples::session(), samples::refused()] {
            let svg = draw(&Picture::of(&session), false);
            check_well_formed(&svg);
            for hop in &session.hops {
                assert!(svg.contains(&format!(">{}</text>", hop.header.id)), "{}", hop.header.id);
            }
            assert!(!svg.contains("href") && svg.contains("prefers-color-scheme:dark"));
        }
    }

    #[test]
    fn names_and_texts_cannot_break_out_of_the_picture() {
        let mut session = samples::session();
        session.hops[0].header.target = "</text><script>".into();
        session.events[0].text = "\"a\" < 'b' & <c>".into();
        let svg = draw(&Picture::of(&session), true);
        check_well_formed(&svg);
        assert!(!svg.contains("<script>"));
    }
}
