//! Whole groups of the target: put, replaced and taken out.

use hl7::schema::GroupPath;
use hl7::{Index, Message, Round};

use super::{Step, Work, error};
use crate::transform::compile::How;
use crate::transform::paths::TargetGroup;
use crate::transform::target::{Done, Piece};
use crate::transform::{Transform, TransformError};

impl Work<'_> {
    pub(super) fn put_groups(
        &mut self,
        transform: &Transform,
        step: &Step,
        how: How,
        path: &TargetGroup,
        from: &GroupPath,
    ) -> Result<(), TransformError> {
        let failed = |why: String| error(transform, step, &path.written, why);
        let view = self.view(from.is_target());
        let groups = match self.turn_of(from).filter(|_| !from.is_target()) {
            Some(at) => Vec::from_iter(turn(&self.rounds[at], self.source)),
            None => pieces(from, &view),
        };
        if groups.is_empty() && !transform.ignore_missing_source && !from.is_target() {
            let name = from.names().next_back().unwrap_or_default();
            return Err(failed(format!(
                "source has no group {name}, which ignore_missing_source: false wants"
            )));
        }
        let done = match how {
            How::Set => self.set_groups(&path.path, &groups, from.is_plural()),
            How::Append => self.append_groups(&path.path, &groups),
            How::Insert => self.insert_groups(&path.path, &groups),
        };
        let count = done.map_err(failed)?;
        let segments: usize = groups.iter().map(Vec::len).sum();
        self.tell(transform, step, || match count {
            0 => format!("{} {}: nothing to do", how.word(), path.written),
            _ => format!("{} {}: {}", how.word(), path.written, counted(count, segments)),
        });
        Ok(())
    }

    pub(super) fn remove_groups(
        &mut self,
        transform: &Transform,
        step: &Step,
        path: &TargetGroup,
    ) -> Result<(), TransformError> {
        let groups = self.target_groups(&path.path);
        let removed = self.take_out(&groups).map_err(|why| error(transform, step, &path.written, why))?;
        if let Some(at) = self.turn_of(&path.path).filter(|_| removed > 0) {
            self.gone[at].now = true;
        }
        self.tell(transform, step, || match removed {
            0 => format!("remove {}: nothing to do", path.written),
            _ => format!("remove {}: {}", path.written, counted(groups.len(), removed)),
        });
        Ok(())
    }

    /// The loop around whose turn a path means, by its number.
    fn turn_of(&self, path: &GroupPath) -> Option<usize> {
        let is = |round: &Round| matches!(round, Round::Group { names, .. } if path.is_turn(names));
        self.rounds.iter().rposition(is)
    }

    /// The groups of the target that are meant, as their segments.
    fn target_groups(&mut self, path: &GroupPath) -> Vec<Vec<usize>> {
        if let Some(at) = self.turn_of(path) {
            let lines = self.target.made_for(&self.rounds[at]);
            return Vec::from_iter((!lines.is_empty()).then_some(lines));
        }
        if self.is_to_be_made(path) {
            return Vec::new();
        }
        let rounds = self.target_rounds();
        let view = self.target.scoped(&rounds);
        let groups = path.groups(&view);
        groups.into_iter().map(|group| group.into_iter().map(|(line, _)| line).collect()).collect()
    }

    /// Whether a path means something in a group whose turn it is, of which the target has nothing yet.
    fn is_to_be_made(&mut self, path: &GroupPath) -> bool {
        let inner = self.rounds.iter().rev().find(|round| matches!(round, Round::Group { .. }));
        let Some(round @ Round::Group { names, .. }) = inner else { return false };
        let is_empty = self.target.made_for(round).is_empty();
        is_empty && self.target.is_below(path, &names[0]) != Some(false)
    }

    fn set_groups(&mut self, path: &GroupPath, groups: &[Vec<Piece<'_>>], several: bool) -> Done {
        if groups.is_empty() {
            // What the source does not have is not in the target.
            let there = self.target_groups(path);
            return self.take_out(&there);
        }
        if let Some(Index::Nth(number)) = path.index() {
            let count = self.target_groups(&path.at(Some(Index::All))).len();
            if count + 1 < number as usize {
                return Err(format!("there are {count} of it; expected the next one to be [{}]", count + 1));
            }
        }
        let there = self.target_groups(path);
        let number_of = |at: usize| if several { at } else { 0 };
        // The last ones first, since lines move behind what is changed.
        let mut count = 0;
        for (at, lines) in there.iter().enumerate().rev() {
            let Some(group) = groups.get(number_of(at)) else { continue };
            count += usize::from(self.target.replace_lines(lines, group)?);
        }
        let rest = if path.is_plural() && !several { groups.len() } else { there.len() };
        for group in groups.iter().skip(rest) {
            self.add_group(path, group)?;
            count += 1;
        }
        if let Some(at) = self.turn_of(path) {
            self.gone[at].now = false;
        }
        Ok(count)
    }

    fn append_groups(&mut self, path: &GroupPath, groups: &[Vec<Piece<'_>>]) -> Done {
        groups.iter().try_for_each(|group| self.add_group(path, group))?;
        Ok(groups.len())
    }

    fn insert_groups(&mut self, path: &GroupPath, groups: &[Vec<Piece<'_>>]) -> Done {
        let there = self.target_groups(path);
        let Some(first) = there.first().and_then(|lines| lines.first()) else {
            return self.append_groups(path, groups);
        };
        let mut line = *first;
        for group in groups {
            self.target.insert_group_before(line, group)?;
            line += group.len();
        }
        Ok(groups.len())
    }

    /// Adds one more group where the structure wants it.
    fn add_group(&mut self, path: &GroupPath, group: &[Piece<'_>]) -> Result<(), String> {
        let around = path.around();
        let near = match &around {
            Some(around) => self.target_groups(around).into_iter().flatten().collect(),
            None => {
                let own = self.turn_of(path);
                let around = self.rounds[..own.unwrap_or(self.rounds.len())].iter().rev();
                let mut near = around.map(|round| self.target.made_for(round));
                near.find(|lines| !lines.is_empty()).unwrap_or_default()
            }
        };
        let is_to_be_made = around.is_some() && near.is_empty();
        let line = self.target.add_group(path, near, group)?;
        if is_to_be_made
            && !self.target_groups(&path.at(Some(Index::All))).iter().any(|own| own.contains(&line))
        {
            self.take_out(&[(line..line + group.len()).collect()])?;
            return Err("there is no such group to put it in, and it alone does not make one".to_owned());
        }
        Ok(())
    }

    fn take_out(&mut self, groups: &[Vec<usize>]) -> Done {
        let mut lines: Vec<usize> = groups.iter().flatten().copied().collect();
        lines.sort_unstable();
        lines.dedup();
        lines.iter().rev().map(|line| self.target.remove_line(*line)).sum()
    }
}

/// So many groups and segments, in words.
fn counted(groups: usize, segments: usize) -> String {
    let one = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    format!("{}, {}", one(groups, "group"), one(segments, "segment"))
}

/// The group of the source whose turn it is; none where it has no segments.
fn turn<'m>(round: &Round, source: &'m Message) -> Option<Vec<Piece<'m>>> {
    let Round::Group { lines, .. } = round else { return None };
    let (first, last) = (*lines.first()?, *lines.last()?);
    // They stand beside each other but for segments out of order.
    let among = source.segments().enumerate().skip(first).take(last + 1 - first);
    let own = among.filter(|(line, _)| lines.binary_search(line).is_ok());
    Some(own.map(|(line, segment)| Piece { origin: Some(line), raw: segment.raw() }).collect())
}

/// The groups of a message as the pieces that they consist of.
fn pieces<'m>(from: &GroupPath, view: &'m Message) -> Vec<Vec<Piece<'m>>> {
    let origin = |line: usize| (!from.is_target()).then_some(line);
    let piece = |(line, raw)| Piece { origin: origin(line), raw };
    from.groups(view).into_iter().map(|group| group.into_iter().map(piece).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, 1), "1 group, 1 segment");
        assert_eq!(counted(2, 5), "2 groups, 5 segments");
    }
}
