//! A listing: one set of rows, shown as an aligned table, as JSON or as CSV.

use anstyle::{AnsiColor, Color as AnyColour, Effects, Style};
use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Row, Table};
use model::Timestamp;
use serde_json::{Map, Value, json};

use super::{Exit, Screen};

/// One value of a listing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    /// Text, in a colour.
    Text(String, Style),
    /// A number, set to the right.
    Number(i64),
    /// A point in time.
    Time(Timestamp),
    /// A JSON value that has no better form.
    Other(Value),
    /// Nothing.
    None,
}

impl Field {
    /// Plain text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Field::Text(text.into(), Style::new())
    }

    /// What people read.
    fn shown(&self) -> String {
        match self {
            Field::Text(text, _) => text.clone(),
            Field::Number(number) => number.to_string(),
            Field::Time(time) => time.to_utc(),
            Field::Other(Value::String(text)) => text.clone(),
            Field::Other(value) => value.to_string(),
            Field::None => String::new(),
        }
    }

    fn value(&self) -> Value {
        match self {
            Field::Text(text, _) => json!(text),
            Field::Number(number) => json!(number),
            Field::Time(time) => json!(time.to_utc()),
            Field::Other(value) => value.clone(),
            Field::None => Value::Null,
        }
    }
}

impl From<u64> for Field {
    fn from(number: u64) -> Self {
        Field::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// Rows under named columns. The names are the JSON keys too.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    columns: Vec<String>,
    rows: Vec<Vec<Field>>,
}

/// How a listing is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ListingForm {
    /// Aligned columns.
    Table,
    /// One JSON array of objects.
    Json,
    /// Comma-separated values (RFC 4180).
    Csv,
}

impl Listing {
    /// An empty listing of these columns.
    pub(crate) fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Listing { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Field>) {
        self.rows.push(row.into_iter().collect());
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Prints it in `form`; `nothing` is what a table says when there are no rows.
    pub(crate) fn print(&self, screen: &Screen, form: ListingForm, nothing: &str) -> Result<(), Exit> {
        match form {
            ListingForm::Json => screen.json(&Value::Array(self.objects().collect())),
            ListingForm::Csv => screen.print(&self.csv()),
            ListingForm::Table if self.rows.is_empty() => {
                super::print_note(nothing);
                Ok(())
            }
            ListingForm::Table => screen.print(&self.table(screen)),
        }
    }

    /// The rows as JSON objects.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Value> {
        self.rows.iter().map(|row| {
            let fields = self.columns.iter().cloned().zip(row.iter().map(Field::value));
            Value::Object(fields.collect::<Map<_, _>>())
        })
    }

    /// The rows as comma-separated values, with a heading.
    pub(crate) fn csv(&self) -> String {
        let heading = self.columns.iter().cloned();
        let rows = self.rows.iter().map(|row| row.iter().map(Field::shown).collect::<Vec<_>>());
        let mut text = String::new();
        for row in std::iter::once(heading.collect()).chain(rows) {
            let row: Vec<_> = row.iter().map(|value| quoted(value)).collect();
            text += &row.join(",");
            text += "\r\n";
        }
        text
    }

    /// The rows as aligned columns, fitted to the terminal, where there is one.
    pub(crate) fn table(&self, screen: &Screen) -> String {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(match screen.width {
            Some(_) => ContentArrangement::Dynamic,
            None => ContentArrangement::Disabled,
        });
        if let Some(width) = screen.width {
            table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        }
        if screen.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let names = self.columns.iter().map(|name| Cell::new(name).add_attribute(Attribute::Dim));
        table.set_header(names.collect::<Vec<_>>());
        for row in &self.rows {
            table.add_row(Row::from(row.iter().map(cell).collect::<Vec<_>>()));
        }
        self.lay_out(&mut table);
        table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    /// Two spaces between columns; numbers to the right; ids and times never broken.
    fn lay_out(&self, table: &mut Table) {
        let last = self.columns.len().saturating_sub(1);
        for (i, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if i == last { 0 } else { 2 }));
            let whole = |field: &Field| matches!(field, Field::Number(_) | Field::Time(_));
            if self.rows.iter().any(|row| row.get(i).is_some_and(whole)) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            let number = |field: &Field| matches!(field, Field::Number(_) | Field::None);
            if !self.rows.is_empty() && self.rows.iter().all(|row| row.get(i).is_some_and(number)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
}

/// Listings that come one after another, as with `--follow`: one heading, columns that stay where
/// they are, or one JSON object a line.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    widths: Vec<usize>,
}

impl Stream {
    /// Prints the next rows.
    pub(crate) fn print(&mut self, screen: &Screen, listing: &Listing, json: bool) -> Result<(), Exit> {
        if json {
            return listing.objects().try_for_each(|object| screen.line(&object.to_string()));
        }
        screen.print(&self.lines(screen, listing))
    }

    fn lines(&mut self, screen: &Screen, listing: &Listing) -> String {
        let mut text = String::new();
        if listing.rows.is_empty() {
            return text;
        }
        let shown = |row: &Vec<Field>| row.iter().map(Field::shown).collect::<Vec<_>>();
        let rows: Vec<_> =
            std::iter::once(listing.columns.clone()).chain(listing.rows.iter().map(shown)).collect();
        let first = self.widths.is_empty();
        self.widths.resize(listing.columns.len(), 0);
        for row in &rows {
            for (width, value) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(value.chars().count());
            }
        }
        for (i, row) in rows.iter().enumerate().skip(usize::from(!first)) {
            let styles = |column: usize| match i.checked_sub(1).map(|row| &listing.rows[row][column]) {
                None => Style::new().dimmed(),
                Some(Field::Text(_, style)) => *style,
                Some(_) => Style::new(),
            };
            let cells = row.iter().zip(&self.widths).enumerate();
            let padded = cells.map(|(column, (value, width))| {
                let space = " ".repeat(width - value.chars().count() + 2);
                screen.paint(styles(column), value) + &space
            });
            text += &format!("{}\n", padded.collect::<String>().trim_end());
        }
        text
    }
}

fn cell(field: &Field) -> Cell {
    let cell = Cell::new(field.shown().replace(['\n', '\r', '\t'], " "));
    let Field::Text(_, style) = field else { return cell };
    let cell = match style.get_fg_color() {
        Some(AnyColour::Ansi(AnsiColor::Red)) => cell.fg(Color::DarkRed),
        Some(AnyColour::Ansi(AnsiColor::Green)) => cell.fg(Color::DarkGreen),
        Some(AnyColour::Ansi(AnsiColor::Yellow)) => cell.fg(Color::DarkYellow),
        Some(AnyColour::Ansi(AnsiColor::Cyan)) => cell.fg(Color::DarkCyan),
        Some(AnyColour::Ansi(AnsiColor::Blue)) => cell.fg(Color::DarkBlue),
        _ => cell,
    };
    match style.get_effects() {
        effects if effects.contains(Effects::BOLD) => cell.add_attribute(Attribute::Bold),
        effects if effects.contains(Effects::DIMMED) => cell.add_attribute(Attribute::Dim),
        _ => cell,
    }
}

fn quoted(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::colour;

    fn queues() -> Listing {
        let mut listing = Listing::new(["queue", "waiting", "oldest"]);
        listing.push([
            Field::text("MsgRouter"),
            Field::Number(12),
            Field::Time(Timestamp(1_700_000_000_123)),
        ]);
        listing.push([Field::Text("a,b \"c\"".into(), colour::ERROR), Field::Number(3), Field::None]);
        listing
    }

    #[test]
    fn a_table_is_aligned_and_plain_without_a_terminal() {
        let screen = Screen { width: None, colour: false };
        let expected = "\
queue      waiting  oldest
MsgRouter       12  2023-11-14 22:13:20.123
a,b \"c\"          3
";
        assert_eq!(queues().table(&screen), expected);
    }

    #[test]
    fn colour_is_there_only_when_asked_for() {
        let screen = Screen { width: None, colour: true };
        assert!(queues().table(&screen).contains("\u{1b}["));
    }

    #[test]
    fn a_narrow_terminal_breaks_text_and_never_times() {
        let mut listing = Listing::new(["time", "text"]);
        listing.push([Field::Time(Timestamp(0)), Field::text("told every open socket about it")]);
        let table = listing.table(&Screen { width: Some(42), colour: false });
        assert!(table.contains("\n1970-01-01 00:00:00.000  told every open\n"), "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 42), "{table}");
    }

    #[test]
    fn what_follows_stands_under_what_came_before() {
        let screen = Screen { width: Some(40), colour: false };
        let mut stream = Stream::default();
        assert!(stream.lines(&screen, &queues()).starts_with("queue      waiting  oldest\nMsgRouter  12 "));
        let mut more = Listing::new(["queue", "waiting", "oldest"]);
        more.push([Field::text("In"), Field::Number(1), Field::None]);
        assert_eq!(stream.lines(&screen, &more), "In         1\n");
    }

    #[test]
    fn csv_and_json_say_the_same() {
        assert_eq!(
            queues().csv(),
            "queue,waiting,oldest\r\nMsgRouter,12,2023-11-14 22:13:20.123\r\n\"a,b \"\"c\"\"\",3,\r\n"
        );
        let objects: Vec<_> = queues().objects().collect();
        assert_eq!(
            objects[0],
            json!({"queue": "MsgRouter", "waiting": 12, "oldest": "2023-11-14 22:13:20.123"})
        );
        assert_eq!(objects[1]["oldest"], Value::Null);
    }
}
