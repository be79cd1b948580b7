//! Which segment of one message is which of another, so that an inserted one does not make all that
//! follow differ.

use hl7::{Message, Separators, escape};

use super::parts::{Place, leaves};

/// Larger tables than this (150 MB) are not made: where more than 5,000 segments follow the first that
/// differs, the k-th of each id is held against the k-th.
const MOST_CELLS: usize = 25_000_000;

/// A segment as it is compared: escapes and separators do not matter.
pub(super) struct Unit {
    pub(super) id: String,
    /// Field 1, which most segments that repeat are numbered by.
    set_id: String,
    /// All values in the order of their places.
    pub(super) values: Vec<(Place, String)>,
    /// Whether all there was to compare may differ.
    pub(super) ignored: bool,
}

/// The segments of a message, without the values that `ignored` takes out.
pub(super) fn units(message: &Message, ignored: &dyn Fn(&str) -> bool) -> Vec<Unit> {
    let separators: Separators = message.separators();
    let segments = message.segments().map(|segment| {
        let all = leaves(&segment, &separators);
        let ignored_whole = !all.is_empty() && all.iter().all(|leaf| ignored(leaf.raw));
        let leaves = all.into_iter().filter(|leaf| !ignored(leaf.raw));
        let opaque = |place: &Place| segment.id() == "MSH" && place.field <= 2;
        let values = leaves.map(|leaf| {
            let text =
                if opaque(&leaf.place) { leaf.raw.into() } else { escape::decode(leaf.raw, &separators) };
            (leaf.place, text.into_owned())
        });
        // A line that is no segment is all id.
        let set_id = segment.field(1).unwrap_or_default().to_owned();
        Unit { id: segment.id().to_owned(), set_id, values: values.collect(), ignored: ignored_whole }
    });
    segments.collect()
}

/// Pairs in the order of both sides: what has no counterpart stands alone.
pub(super) fn pairs(old: &[Unit], new: &[Unit]) -> Vec<(Option<usize>, Option<usize>)> {
    let same = |(old, new): &(&Unit, &Unit)| old.id == new.id && old.values == new.values;
    let start = old.iter().zip(new).take_while(same).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(same).count();
    let (middle_old, middle_new) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let middle = match middle_old.len().saturating_mul(middle_new.len()) {
        cells if cells > MOST_CELLS => by_number(middle_old, middle_new),
        _ => best(middle_old, middle_new),
    };
    let shifted = |at: Option<usize>| at.map(|at| at + start);
    let before = (0..start).map(|at| (Some(at), Some(at)));
    let after = (0..end).map(|at| (Some(old.len() - end + at), Some(new.len() - end + at)));
    before.chain(middle.into_iter().map(|(old, new)| (shifted(old), shifted(new)))).chain(after).collect()
}

/// How well two segments go together; 0 for not at all.
fn likeness(old: &Unit, new: &Unit) -> u16 {
    if old.id != new.id {
        return 0;
    }
    let content = |unit: &Unit| unit.values.iter().filter(|(place, _)| place.field > 1).count();
    let (mut left, mut right) = (old.values.iter().peekable(), new.values.iter().peekable());
    let mut common = 0;
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        common += usize::from(a.0.field > 1 && a == b);
        let (a, b) = (a.0, b.0);
        left.next_if(|_| a <= b);
        right.next_if(|_| b <= a);
    }
    let all = (content(old) + content(new)).max(1);
    let numbered = !old.set_id.is_empty() && old.set_id == new.set_id;
    let share = u16::try_from(200 * common / all).unwrap_or(200);
    10 + share + if numbered { 8 } else { 0 }
}

/// The pairs with the greatest likeness in all, none crossing another.
fn best(old: &[Unit], new: &[Unit]) -> Vec<(Option<usize>, Option<usize>)> {
    let width = new.len() + 1;
    let mut totals = vec![0u32; (old.len() + 1) * width];
    let mut likes = vec![0u16; old.len() * new.len()];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let like = likeness(&old[i], &new[j]);
            likes[i * new.len() + j] = like;
            let paired = if like > 0 { u32::from(like) + totals[(i + 1) * width + j + 1] } else { 0 };
            totals[i * width + j] = paired.max(totals[(i + 1) * width + j]).max(totals[i * width + j + 1]);
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        let here = totals[i * width + j];
        let like = if i < old.len() && j < new.len() { likes[i * new.len() + j] } else { 0 };
        if like > 0 && here == u32::from(like) + totals[(i + 1) * width + j + 1] {
            pairs.push((Some(i), Some(j)));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || here == totals[(i + 1) * width + j]) {
            pairs.push((Some(i), None));
            i += 1;
        } else {
            pairs.push((None, Some(j)));
            j += 1;
        }
    }
    pairs
}

/// The k-th of each id with the k-th of the other side, in the old order, and the rest of the new.
fn by_number(old: &[Unit], new: &[Unit]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut waiting: std::collections::HashMap<&str, std::collections::VecDeque<usize>> = Default::default();
    for (at, unit) in new.iter().enumerate() {
        waiting.entry(&unit.id).or_default().push_back(at);
    }
    let mut pairs: Vec<_> = old
        .iter()
        .enumerate()
        .map(|(at, unit)| {
            (Some(at), waiting.get_mut(unit.id.as_str()).and_then(std::collections::VecDeque::pop_front))
        })
        .collect();
    let mut rest: Vec<usize> = waiting.into_values().flatten().collect();
    rest.sort_unstable();
    pairs.extend(rest.into_iter().map(|at| (None, Some(at))));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(segments: &[&str]) -> Vec<Unit> {
        let text = format!("MSH|^~\\&|A\r{}", segments.join("\r"));
        units(&Message::read(text.into(), "").unwrap(), &|_| false)
    }

    fn shown(pairs: &[(Option<usize>, Option<usize>)]) -> String {
        let side = |at: Option<usize>| at.map_or("-".to_owned(), |at| at.to_string());
        let pairs = pairs.iter().map(|(old, new)| format!("{}{}", side(*old), side(*new)));
        pairs.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_inserted_segment_is_the_one_that_is_new() {
        let old = message(&["OBX|1|NM|GLU||5", "OBX|2|NM|NA||140"]);
        let new = message(&["OBX|1|NM|GLU||5", "OBX|2|NM|K||4", "OBX|3|NM|NA||140"]);
        assert_eq!(shown(&pairs(&old, &new)), "00 11 -2 23");
        assert_eq!(shown(&pairs(&new, &old)), "00 11 2- 32");
    }

    #[test]
    fn a_changed_segment_keeps_its_counterpart() {
        let old = message(&["PID|1||7", "NTE|1||x", "OBX|1|NM|GLU||5", "ZZ1|1"]);
        let new = message(&["PID|1||8", "OBX|1|NM|GLU||6", "ZZ2|1"]);
        assert_eq!(shown(&pairs(&old, &new)), "00 11 2- 32 4- -3");
    }

    #[test]
    fn more_than_can_be_compared_goes_by_number() {
        let old = message(&["OBX|1", "NTE|1", "OBX|2"]);
        let new = message(&["NTE|1", "OBX|1", "ZZ1"]);
        assert_eq!(shown(&by_number(&old[1..], &new[1..])), "01 10 2- -2");
    }
}
