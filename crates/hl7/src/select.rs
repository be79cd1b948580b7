//! Following a path through a message, without taking apart more than lies on the way.

use std::borrow::Cow;

use crate::{Index, Message, Path, Segment, escape};

impl Message {
    /// The first value at `path`, raw: escape sequences stand as they came.
    ///
    /// None if it is not there at all, `""` if it is empty; HL7's null, `""` in the message, is the two
    /// quotation marks.
    pub fn get(&self, path: &Path) -> Option<&str> {
        match path.occurrence {
            _ if self.scope().is_some() => self.values(path).next(),
            Some(Index::All) => self.values(path).next(),
            occurrence => in_segment(self.occurrence(path, occurrence)?, path).next(),
        }
    }

    /// All values at `path`, raw: one for each segment and repetition where the path says `[*]`.
    pub fn values<'a>(&'a self, path: &Path) -> impl Iterator<Item = &'a str> + use<'a> {
        let path = *path;
        self.segments_at(&path).flat_map(move |segment| in_segment(segment, &self.narrowed(&path, &segment)))
    }

    /// The segments that `path` means.
    pub(crate) fn segments_at<'a>(&'a self, path: &Path) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        let path = *path;
        let scoped = self.scope().and_then(|scope| scope.lines(self, &path));
        let one = match path.occurrence {
            _ if scoped.is_some() => Some(None),
            Some(Index::All) => None,
            occurrence => Some(self.occurrence(&path, occurrence)),
        };
        let each =
            one.is_none().then(|| self.segments().filter(move |segment| segment.has_id(&path.segment)));
        let scoped = scoped.into_iter().flatten().filter_map(|line| self.segment_at(line));
        one.flatten().into_iter().chain(each.into_iter().flatten()).chain(scoped)
    }

    /// The path with the repetition that the scope says, where it says one of that segment and field.
    pub(crate) fn narrowed(&self, path: &Path, segment: &Segment<'_>) -> Path {
        let number = self.scope().and_then(|scope| scope.repetition(self, path, segment));
        Path { repetition: number.map_or(path.repetition, |number| Some(Index::Nth(number))), ..*path }
    }

    /// The first value at `path`, with its escape sequences replaced.
    pub fn value(&self, path: &Path) -> Option<Cow<'_, str>> {
        Some(escape::decode(self.get(path)?, self.separators_ref()))
    }

    fn occurrence(&self, path: &Path, index: Option<Index>) -> Option<Segment<'_>> {
        match index {
            Some(Index::Last) => self.segments().rfind(|segment| segment.has_id(&path.segment)),
            Some(Index::Nth(number)) => {
                self.segments().filter(|segment| segment.has_id(&path.segment)).nth(number as usize - 1)
            }
            None | Some(Index::All) => self.segments().find(|segment| segment.has_id(&path.segment)),
        }
    }
}

/// The values at the path's field and below, in one segment.
pub(crate) fn in_segment<'a>(segment: Segment<'a>, path: &Path) -> impl Iterator<Item = &'a str> + use<'a> {
    let path = *path;
    let separators = *segment.separators;
    // MSH-1 and MSH-2 are the separators themselves, and one value each.
    let opaque = segment.is_header() && path.field <= 2;
    let field = if path.field == 0 { Some(segment.raw()) } else { segment.field(path.field.into()) };
    let repetition = if path.field == 0 || opaque { None } else { separators.repetition };
    let index = match path.repetition {
        None if path.component > 0 => Some(Index::Nth(1)),
        index => index,
    };
    let chosen = field.into_iter().flat_map(move |field| choose(field, repetition, index));
    chosen.filter_map(move |value| {
        let component = separators_unless(opaque, Some(separators.component));
        let value = nth(value, component, path.component)?;
        nth(value, separators_unless(opaque, separators.subcomponent), path.subcomponent)
    })
}

fn separators_unless(opaque: bool, separator: Option<u8>) -> Option<u8> {
    separator.filter(|_| !opaque)
}

/// The repetitions of a field that the index asks for; the field itself where there is no index.
fn choose(field: &str, separator: Option<u8>, index: Option<Index>) -> impl Iterator<Item = &str> {
    let (skip, take, field) = match (index, separator) {
        (None, _) => (0, 1, field),
        (Some(Index::Nth(number)), _) => (number as usize - 1, 1, field),
        (Some(Index::Last), Some(separator)) => {
            let start = memchr::memrchr(separator, field.as_bytes()).map_or(0, |at| at + 1);
            (0, 1, &field[start..])
        }
        (Some(Index::Last), None) => (0, 1, field),
        (Some(Index::All), _) => (0, usize::MAX, field),
    };
    split(field, separator.filter(|_| index.is_some())).skip(skip).take(take)
}

/// Part `number` of a value, counted from 1; the value itself for 0.
fn nth(value: &str, separator: Option<u8>, number: u16) -> Option<&str> {
    match number {
        0 => Some(value),
        number => split(value, separator).nth(number as usize - 1),
    }
}

fn split(value: &str, separator: Option<u8>) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = separator.and_then(|separator| memchr::memchr(separator, whole.as_bytes()));
        let (part, after) = match end {
            Some(end) => (&whole[..end], Some(&whole[end + 1..])),
            None => (whole, None),
        };
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "MSH|^~\\&|LAB|||~|||ADT^A01|7|P|2.5\rPID|1||4711^^^H&1&ISO~4712^^^J~|\"\"|Doe\\T\\Co^Ann||\r\
        OBX|1|NM|A||5\rOBX|2|NM|B||6~7\rOBX|3|NM|C\rZZ1\rOBXX|9";

    #[test]
    fn a_path_leads_to_its_values() {
        let message = Message::read(MESSAGE.into(), "").unwrap();
        for (path, expected) in [
            ("PID-3", vec!["4711^^^H&1&ISO~4712^^^J~"]),
            ("PID-3[1]", vec!["4711^^^H&1&ISO"]),
            ("PID-3[2]", vec!["4712^^^J"]),
            ("PID-3[3]", vec![""]),
            ("PID-3[4]", vec![]),
            ("PID-3[-1]", vec![""]),
            ("PID-3[*]", vec!["4711^^^H&1&ISO", "4712^^^J", ""]),
            ("PID-3.1", vec!["4711"]),
            ("PID-3.2", vec![""]),
            ("PID-3.4", vec!["H&1&ISO"]),
            ("PID-3.4.3", vec!["ISO"]),
            ("PID-3.4.4", vec![]),
            ("PID-3.1.1", vec!["4711"]),
            ("PID-3.5", vec![]),
            ("PID-3[*].1", vec!["4711", "4712", ""]),
            ("PID-3[*].4.1", vec!["H", "J"]),
            ("PID-4", vec!["\"\""]),
            ("PID-5.1", vec!["Doe\\T\\Co"]),
            ("PID-7", vec![""]),
            ("PID-8", vec![]),
            ("OBX-5", vec!["5"]),
            ("OBX[2]-5", vec!["6~7"]),
            ("OBX[3]-5", vec![]),
            ("OBX[-1]-3", vec!["C"]),
            ("OBX[4]-3", vec![]),
            ("OBX[*]-3", vec!["A", "B", "C"]),
            ("OBX[*]-5[*]", vec!["5", "6", "7"]),
            ("OBX[*]-5[-1]", vec!["5", "7"]),
            ("OBX[*]", vec!["OBX|1|NM|A||5", "OBX|2|NM|B||6~7", "OBX|3|NM|C"]),
            ("ZZ1", vec!["ZZ1"]),
            ("ZZ1-1", vec![]),
            ("PV1", vec![]),
            ("MSH-1", vec!["|"]),
            ("MSH-2", vec!["^~\\&"]),
            ("MSH-2[*]", vec!["^~\\&"]),
            ("MSH-2.1", vec!["^~\\&"]),
            ("MSH-2.2", vec![]),
            ("MSH-6[*]", vec!["", ""]),
            ("MSH-9.2", vec!["A01"]),
        ] {
            let path: Path = path.parse().unwrap();
            assert_eq!(message.values(&path).collect::<Vec<_>>(), expected, "{path}");
            assert_eq!(message.get(&path), expected.first().copied(), "{path}");
        }
        assert_eq!(message.value(&"PID-5.1".parse().unwrap()).as_deref(), Some("Doe&Co"));
        assert_eq!(message.value(&"MSH-2".parse().unwrap()).as_deref(), Some("^~\\&"));
    }
}
