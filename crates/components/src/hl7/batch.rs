//! What becomes of the pieces of a file: which session each belongs to, and its fate.

use hl7::split::PieceKind;
use model::{Fate, IntakeSession};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a batch of messages becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchHandling {
    /// All of it is one message body.
    Whole,
    /// A batch is one session: its messages, headers and trailers stand together in the trace.
    #[default]
    SingleSession,
    /// Every message, header and trailer has a session of its own.
    MultiSession,
    /// Every message has a session of its own; headers and trailers are left out.
    Individual,
}

/// Where in a batch a place is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Behind an FHS, before its FTS.
    pub(crate) in_file: bool,
    /// Behind a BHS, before its BTS.
    pub(crate) in_batch: bool,
    /// Whether the session of that batch has been begun.
    pub(crate) begun: bool,
}

/// Gives the pieces of one file their sessions and fates, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placing {
    handling: BatchHandling,
    position: Position,
}

impl Placing {
    /// From that position on.
    pub(crate) fn new(handling: BatchHandling, position: Position) -> Self {
        Placing { handling, position }
    }

    /// Where it stands.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Session and fate of the next piece; none when it is left out.
    pub(crate) fn next(&mut self, kind: &PieceKind) -> Option<(IntakeSession, Fate)> {
        let fate = match kind {
            PieceKind::Message => Fate::Deliver,
            PieceKind::Unreadable(reason) => Fate::Refuse(reason.clone()),
            PieceKind::FileHeader => Fate::Keep("batch file header (FHS)".into()),
            PieceKind::BatchHeader => Fate::Keep("batch header (BHS)".into()),
            PieceKind::BatchTrailer => Fate::Keep("batch trailer (BTS)".into()),
            PieceKind::FileTrailer => Fate::Keep("batch file trailer (FTS)".into()),
            PieceKind::Framing => return None,
        };
        self.open(kind);
        let session = self.session();
        self.close(kind);
        match (self.handling, &fate) {
            (BatchHandling::Individual, Fate::Keep(_)) => None,
            _ => Some((session, fate)),
        }
    }

    /// A header opens its batch, and closes one whose trailer is missing.
    fn open(&mut self, kind: &PieceKind) {
        match kind {
            PieceKind::FileHeader => self.position = Position { in_file: true, ..Position::default() },
            PieceKind::BatchHeader if self.position.in_file => self.position.in_batch = true,
            PieceKind::BatchHeader => self.position = Position { in_batch: true, ..Position::default() },
            _ => {}
        }
    }

    fn session(&mut self) -> IntakeSession {
        let together = self.handling == BatchHandling::SingleSession
            && (self.position.in_file || self.position.in_batch);
        if together && self.position.begun {
            return IntakeSession::SameAsPrevious;
        }
        self.position.begun = together;
        IntakeSession::New
    }

    /// A trailer closes its batch; it still belongs to it.
    fn close(&mut self, kind: &PieceKind) {
        match kind {
            PieceKind::FileTrailer => self.position = Position::default(),
            PieceKind::BatchTrailer if self.position.in_file => self.position.in_batch = false,
            PieceKind::BatchTrailer => self.position = Position::default(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F FHS, B BHS, M message, b BTS, f FTS, ? unreadable, _ framing. The answer has for each piece
    /// its session's number and `+` delivered, `-` kept, `!` refused, or `.` where it is left out.
    fn check(handling: BatchHandling, pieces: &str, wanted: &str) {
        let mut placing = Placing::new(handling, Position::default());
        let (mut session, mut found) = (0, Vec::new());
        for letter in pieces.chars() {
            // As if the service had been stopped and had gone on: nothing but the position is kept.
            placing = Placing::new(handling, placing.position());
            let kind = match letter {
                'F' => PieceKind::FileHeader,
                'B' => PieceKind::BatchHeader,
                'M' => PieceKind::Message,
                'b' => PieceKind::BatchTrailer,
                'f' => PieceKind::FileTrailer,
                '_' => PieceKind::Framing,
                _ => PieceKind::Unreadable("why".into()),
            };
            found.push(match placing.next(&kind) {
                None => ".".to_owned(),
                Some((place, fate)) => {
                    session += usize::from(place == IntakeSession::New);
                    let sign = match fate {
                        Fate::Deliver => '+',
                        Fate::Keep(_) => '-',
                        Fate::Refuse(_) => '!',
                    };
                    format!("{session}{sign}")
                }
            });
        }
        assert_eq!(found.join(" "), wanted, "{handling:?} {pieces}");
    }

    #[test]
    fn each_handling_has_its_sessions() {
        use BatchHandling::{Individual, MultiSession, SingleSession};
        check(SingleSession, "M_M", "1+ . 2+");
        check(SingleSession, "BMMb", "1- 1+ 1+ 1-");
        check(SingleSession, "FBMb BMbfM".replace(' ', "").as_str(), "1- 1- 1+ 1- 1- 1+ 1- 1- 2+");
        check(SingleSession, "FMfFMf", "1- 1+ 1- 2- 2+ 2-");
        check(SingleSession, "BM?Mb", "1- 1+ 1! 1+ 1-");
        check(SingleSession, "?MbM", "1! 2+ 3- 4+");
        check(MultiSession, "FBMMbf", "1- 2- 3+ 4+ 5- 6-");
        check(Individual, "FBM?Mbf", ". . 1+ 2! 3+ . .");
    }

    #[test]
    fn a_header_ends_a_batch_that_has_no_trailer() {
        check(BatchHandling::SingleSession, "BMBMb", "1- 1+ 2- 2+ 2-");
        check(BatchHandling::SingleSession, "FMFM", "1- 1+ 2- 2+");
    }
}
