//! Whole groups, put into the target and replaced.

use hl7::Round;
use hl7::schema::GroupPath;
use hl7::schema::map::NewPlace;

use super::{NEW, Target, why};

/// A segment that a group consists of.
#[derive(Clone, Copy)]
pub(in crate::transform) struct Piece<'m> {
    /// The segment of the source that it is; none where it is none of it.
    pub(in crate::transform) origin: Option<usize>,
    pub(in crate::transform) raw: &'m str,
}

impl Piece<'_> {
    fn id(&self) -> &str {
        self.raw.get(..3).unwrap_or_default()
    }
}

impl Target<'_> {
    /// The segments of the target that come from, or were made for, a round.
    pub(in crate::transform) fn made_for(&self, round: &Round) -> Vec<usize> {
        self.near(round)
    }

    /// Whether a group stands in another one; none where the structure does not know both.
    pub(in crate::transform) fn is_below(&mut self, path: &GroupPath, group: &str) -> Option<bool> {
        self.know_places();
        self.places.as_ref()?.as_ref()?.is_below(path.names(), group)
    }

    /// Adds one more group where the structure wants it, at the end where no structure says it, and gives the
    /// number of its first segment. `near` is the group around it.
    pub(in crate::transform) fn add_group(
        &mut self,
        path: &GroupPath,
        near: Vec<usize>,
        pieces: &[Piece<'_>],
    ) -> Result<usize, String> {
        self.know_places();
        let places = self.places.as_ref().and_then(Option::as_ref);
        let find = |near: &[usize]| places?.find_group(path.names(), near);
        let place = find(&near).or_else(|| find(&[]));
        let behind = place.map_or(self.editor.segment_count() - 1, |place| place.behind);
        self.insert_pieces(behind, pieces, place)?;
        Ok(behind + 1)
    }

    /// Puts a group before a segment.
    pub(in crate::transform) fn insert_group_before(
        &mut self,
        line: usize,
        pieces: &[Piece<'_>],
    ) -> Result<(), String> {
        let Some(behind) = line.checked_sub(1) else { return Err("is the first segment".to_owned()) };
        self.insert_pieces(behind, pieces, None)?;
        self.places = None;
        Ok(())
    }

    fn insert_pieces(
        &mut self,
        behind: usize,
        pieces: &[Piece<'_>],
        place: Option<NewPlace>,
    ) -> Result<(), String> {
        self.check_room(pieces.len())?;
        for (at, piece) in pieces.iter().enumerate() {
            self.editor.insert_behind_line(behind + at, piece.raw).map_err(why)?;
        }
        let origins = pieces.iter().map(|piece| piece.origin.unwrap_or(NEW));
        self.origins.splice(behind + 1..behind + 1, origins);
        self.seen = None;
        if let Some(Some(places)) = &mut self.places {
            let ids: Vec<&str> = pieces.iter().map(Piece::id).collect();
            places.insert_group(behind + 1, place, &ids);
        }
        Ok(())
    }

    /// Puts a group in the place of another one, and says whether that changes anything.
    pub(in crate::transform) fn replace_lines(
        &mut self,
        lines: &[usize],
        pieces: &[Piece<'_>],
    ) -> Result<bool, String> {
        let is = |(line, piece): (&usize, &Piece<'_>)| self.editor.segment(*line) == Some(piece.raw);
        let same = lines.len() == pieces.len() && lines.iter().zip(pieces).all(is);
        for (line, piece) in lines.iter().zip(pieces) {
            self.origins[*line] = piece.origin.unwrap_or(NEW);
        }
        let Some(first) = lines.first().filter(|_| !same) else { return Ok(false) };
        let Some(behind) = first.checked_sub(1) else { return Err("holds the first segment".to_owned()) };
        for line in lines.iter().rev() {
            self.remove_line(*line)?;
        }
        self.insert_pieces(behind, pieces, None)?;
        // What it is replaced by may be of another form.
        self.places = None;
        Ok(true)
    }
}
