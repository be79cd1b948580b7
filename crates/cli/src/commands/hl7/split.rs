//! `orris hl7 split`: what an input consists of, to the last byte.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hl7::{Message, Piece, PieceKind};

use super::input::Input;
use crate::output::table::{Field, Listing, ListingForm};
use crate::output::{Exit, Screen, colour};

/// List what a file consists of, or write each message into a file of its own
///
/// Nothing is lost: the pieces one after the other are the file, byte for byte.
#[derive(Debug, clap::Args)]
pub(super) struct Split {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the messages into this folder, which is made where it is missing
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How the files are named: {n} the number, {type} as in ADT_A01, {id} MSH-10
    #[arg(long, value_name = "NAME", default_value = "{n}_{type}.hl7", requires = "dir")]
    name: String,
    /// Write batch headers and trailers and what lies between the messages, too
    #[arg(long, requires = "dir")]
    everything: bool,
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
}

impl Split {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let input = Input::read(&self.file)?;
        let names = match &self.dir {
            Some(folder) => Some(self.write(folder, &input)?),
            None => None,
        };
        let form = if self.json { ListingForm::Json } else { ListingForm::Table };
        listing(&input, names.as_deref()).print(screen, form, "there is nothing in it")
    }

    /// Writes the files; the name of each piece's, empty for what was not written.
    fn write(&self, folder: &Path, input: &Input) -> Result<Vec<String>, Exit> {
        let failed =
            |path: &Path, error| Exit::Failed(format!("\"{}\" cannot be written: {error}", path.display()));
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        let (mut names, mut used) = (Vec::new(), BTreeSet::new());
        for (at, piece) in input.pieces.iter().enumerate() {
            if !self.everything && piece.kind != PieceKind::Message {
                names.push(String::new());
                continue;
            }
            let name = self.name_of(at + 1, input.pieces.len(), piece);
            let path = folder.join(&name);
            if !used.insert(name.clone()) || path.exists() {
                return Err(Exit::Failed(format!(
                    "\"{}\" is there already and is not overwritten; expected names that differ, as with {{n}} in --name",
                    path.display()
                )));
            }
            std::fs::write(&path, &piece.bytes).map_err(|error| failed(&path, error))?;
            names.push(name);
        }
        Ok(names)
    }

    fn name_of(&self, number: usize, all: usize, piece: &Piece) -> String {
        let message =
            Message::read(piece.bytes.clone(), "").ok().filter(|_| piece.kind == PieceKind::Message);
        let width = all.to_string().len();
        let (doc_type, id) = match &message {
            Some(message) => (message.doc_type(), value(message, "MSH-10")),
            None => (kind(&piece.kind).0.replace(' ', "_"), String::new()),
        };
        let number = format!("{number:0width$}");
        self.name.replace("{n}", &number).replace("{type}", &safe(&doc_type)).replace("{id}", &safe(&id))
    }
}

fn value(message: &Message, path: &str) -> String {
    path.parse().ok().and_then(|path| message.value(&path)).unwrap_or_default().into_owned()
}

/// What may stand in a file's name on any system; never a way into another folder.
fn safe(text: &str) -> String {
    let safe = |char: char| if char.is_alphanumeric() || "-_".contains(char) { char } else { '_' };
    text.chars().take(100).map(safe).collect()
}

fn kind(kind: &PieceKind) -> (&'static str, &str) {
    match kind {
        PieceKind::Message => ("message", ""),
        PieceKind::FileHeader => ("file header", ""),
        PieceKind::BatchHeader => ("batch header", ""),
        PieceKind::BatchTrailer => ("batch trailer", ""),
        PieceKind::FileTrailer => ("file trailer", ""),
        PieceKind::Framing => ("framing", ""),
        PieceKind::Unreadable(reason) => ("unreadable", reason),
    }
}

fn listing(input: &Input, names: Option<&[String]>) -> Listing {
    let columns = ["piece", "offset", "length", "line", "kind", "about"];
    let mut listing = Listing::new(columns.into_iter().chain(names.map(|_| "file")));
    for (at, line, piece) in input.lined() {
        let (kind, reason) = kind(&piece.kind);
        let style = match piece.kind {
            PieceKind::Message => colour::PLAIN,
            PieceKind::Unreadable(_) => colour::ERROR,
            _ => colour::DIM,
        };
        let about = match piece.kind {
            PieceKind::Message => Message::read(piece.bytes.clone(), "").map_or_else(
                |error| error.to_string(),
                |message| format!("{} {}", message.doc_type(), value(&message, "MSH-10")),
            ),
            _ => reason.to_owned(),
        };
        let number = |number: usize| Field::Number(number as i64);
        let row = [
            number(at + 1),
            number(piece.offset as usize),
            number(piece.bytes.len()),
            number(line),
            Field::Text(kind.to_owned(), style),
            Field::text(about.trim()),
        ];
        let name = names.and_then(|names| names.get(at)).map(Field::text);
        listing.push(row.into_iter().chain(name));
    }
    listing
}
