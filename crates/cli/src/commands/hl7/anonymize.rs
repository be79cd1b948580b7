//! `orris hl7 anonymize`: messages to hand on, without the people in them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hl7::{Message, Segment};

use super::input::{Input, Reading};
use super::invent::Inventor;
use super::parts::{Leaf, leaves, offset_of};
use super::paths::Everywhere;
use super::personal::{self, Kind};
use super::rewrite::{self, Rewritten};
use super::words::{Choice, Words};
use crate::output::{Exit, Screen, count, print_note};

/// Replace what tells who somebody is by invented values of the same form
///
/// Letters become letters and digits digits, of the same number and case; the same value becomes the
/// same one in all messages of a run, so that they still belong together.
#[derive(Debug, clap::Args)]
#[command(after_long_help = WHAT, after_help = "--help says what is replaced, what is kept, and what this cannot do")]
pub(super) struct Anonymize {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Make the same inventions as every run with this number; whoever knows it can try out names
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Paths to leave as they are, as in PID-8,PV1-7; in every segment and repetition
    #[arg(long, value_name = "PATH,...", value_delimiter = ',')]
    keep: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    /// The charset of the file, whatever MSH-18 says, as in "ISO-8859-1"
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    charset: String,
}

const WHAT: &str = "\
What is replaced, by the data types and names of the message's schema:

- names of persons (XPN, XCN, PN, CN): patients, relatives, doctors and staff alike
- identifiers (CX, EI, order numbers), and every plain string in PID, PD1, NK1, MRG, GT1, IN1 to IN3
- addresses (XAD, AD) but for state, country and type; telephone numbers and mail (XTN, TN)
- free text (FT, TX, NTE; OBX-5 of type ST, TX, FT and ED where it has letters), word by word
- all dates (DT, TS, DTM), by one number of days, one to ten years back; times of day stay
- Z segments, fields that the schema does not know, lines that are no segment: letters and digits

What is kept: the structure, separators, escape sequences and nulls; codes (ID, IS, CE, CWE), numbers \
and units; sex, organizations, places within a hospital; MSH but for its date; headers of batches.

What this cannot do: a name stays in a field that holds none by the schema, above all in texts beside \
codes: look at what comes out. Rare diagnoses, times of day or many visits may still tell who somebody \
is. Documents are made unreadable, not looked at. A short value may become that of another. It is \
no encryption: who knows one person's true values may reason from them to others'. With \
--schema or --production, segments of a site are known; --keep leaves what is needed.";

impl Anonymize {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let book = self.choice.book()?;
        let keep = Everywhere::compile(&self.keep, &book)?;
        let input = Input::read(&self.file)?;
        let messages = input.find(&Reading::of(&self.charset))?;
        nothing_else(&input)?;
        let mut inventor = Inventor::new(self.seed.unwrap_or_else(any_number));
        let (mut rewritten, mut counts) = (Rewritten::of(&input), BTreeMap::new());
        for found in &messages {
            let words = book.words(&found.message);
            let text = replaced(&found.message, &words, &keep, &mut inventor, &mut counts);
            rewritten.put(found, &text, found.message.charset().charset)?;
        }
        rewrite::write(screen, self.output.as_deref(), &rewritten.bytes())?;
        let counts: Vec<_> = counts.into_iter().map(|(noun, number)| count(number, noun)).collect();
        print_note(&format!("{}: replaced {}", count(messages.len(), "message"), counts.join(", ")));
        Ok(())
    }
}

/// The message's text with inventions in it.
fn replaced(
    message: &Message,
    words: &Words,
    keep: &Everywhere,
    inventor: &mut Inventor,
    counts: &mut BTreeMap<&'static str, usize>,
) -> String {
    let kept = keep.ranges(message);
    let separators = message.separators();
    let (mut text, mut done) = (String::with_capacity(message.text().len()), 0);
    for segment in message.segments() {
        for (raw, kind) in personal(&segment, &separators, words) {
            let start = offset_of(message, raw);
            let end = start + raw.len();
            if kept.iter().any(|range| range.start <= start && end <= range.end) {
                continue;
            }
            text += &message.text()[done..start];
            text += &inventor.instead(raw, kind, &separators);
            done = end;
            *counts.entry(kind.noun()).or_default() += 1;
        }
    }
    text + &message.text()[done..]
}

/// What is no message is not understood, so that it must not be handed on.
fn nothing_else(input: &Input) -> Result<(), Exit> {
    match input.unreadable().next() {
        None => Ok(()),
        Some((line, piece, _)) => Err(Exit::Failed(format!(
            "{}:{line}: {} are no message and cannot be anonymized; orris hl7 split takes the file apart",
            input.label,
            count(piece.bytes.len(), "byte"),
        ))),
    }
}

/// The values of a segment that are replaced, in their order.
fn personal<'a>(segment: &Segment<'a>, separators: &hl7::Separators, words: &Words) -> Vec<(&'a str, Kind)> {
    if !segment.is_well_formed() {
        return vec![(segment.raw(), Kind::Text)];
    }
    let kind = |leaf: Leaf<'a>| Some((leaf.raw, personal::kind(segment, &leaf, separators, words)?));
    leaves(segment, separators).into_iter().filter_map(kind).collect()
}

/// A number that nobody can guess.
fn any_number() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
