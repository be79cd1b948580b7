//! Which values of a message tell who somebody is: by the data type that the schema gives them, and
//! by the segment they stand in.

use hl7::{Segment, Separators, escape};

use super::parts::Leaf;
use super::words::Words;

/// What a value is replaced as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// The name of a family.
    Family,
    /// Any other name of a person.
    Given,
    /// A town.
    Town,
    /// A number that stands for somebody or something, a telephone number, a street: same pattern.
    Pattern,
    /// A date, with or without a time: moved.
    Date,
    /// Words.
    Text,
}

impl Kind {
    /// As in `2 names`.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Kind::Family | Kind::Given => "name",
            Kind::Date => "date",
            Kind::Text => "text",
            Kind::Town | Kind::Pattern => "other value",
        }
    }
}

/// Segments about people: in these, plain strings are taken for personal as well.
const OF_PEOPLE: [&str; 8] = ["PID", "PD1", "NK1", "MRG", "GT1", "IN1", "IN2", "IN3"];
/// Strings in other segments that are known to hold free text.
const FREE: [(&str, usize); 5] = [("OBR", 13), ("DG1", 4), ("AL1", 5), ("IAM", 5), ("MSA", 3)];
/// Order numbers, whatever type a version gives them.
const ORDERS: [(&str, usize); 6] = [("ORC", 2), ("ORC", 3), ("ORC", 4), ("OBR", 2), ("OBR", 3), ("TXA", 12)];

/// What a value is replaced as; none for what is kept.
pub(super) fn kind(
    segment: &Segment<'_>,
    leaf: &Leaf<'_>,
    separators: &Separators,
    words: &Words,
) -> Option<Kind> {
    let place = leaf.place;
    if segment.id() == "MSH" {
        // Who sends what to whom is not about a patient.
        return (place.field == 7).then_some(Kind::Date);
    }
    if ORDERS.contains(&(segment.id(), place.field)) {
        return (place.component == 1 && place.subcomponent == 1).then_some(Kind::Pattern);
    }
    let field = words.field(segment, place.field);
    if (segment.id(), place.field) == ("OBX", 5) {
        return match field.datatype.as_str() {
            "ST" | "TX" | "ED" | "RP" => of_result(leaf, &field.datatype, separators),
            other => of_field(segment, leaf, other, words),
        };
    }
    of_field(segment, leaf, &field.datatype, words)
}

/// Results: words go, numbers ("120/80") and codes stay.
fn of_result(leaf: &Leaf<'_>, datatype: &str, separators: &Separators) -> Option<Kind> {
    match datatype {
        "ST" | "TX" => {
            let text = escape::decode(leaf.raw, separators);
            text.chars().any(char::is_alphabetic).then_some(Kind::Text)
        }
        // Documents are replaced letter by letter, too: what they hold is not looked at.
        "ED" if leaf.place.component == 5 => Some(Kind::Text),
        "RP" if leaf.place.component == 1 => Some(Kind::Pattern),
        _ => None,
    }
}

fn of_field(segment: &Segment<'_>, leaf: &Leaf<'_>, datatype: &str, words: &Words) -> Option<Kind> {
    let place = leaf.place;
    let people = OF_PEOPLE.contains(&segment.id());
    match datatype {
        // Nobody knows what it is: a Z segment, or a field that its version does not have.
        "" => (place.field > 1 || !is_set_id(leaf.raw)).then_some(Kind::Pattern),
        "ST" if people => Some(Kind::Pattern),
        "ST" if FREE.contains(&(segment.id(), place.field)) => Some(Kind::Text),
        _ => {
            let component = words.component(datatype, place.component).datatype;
            of_type(datatype, place.component, &component, place.subcomponent)
        }
    }
}

fn is_set_id(raw: &str) -> bool {
    raw.len() <= 4 && raw.bytes().all(|byte| byte.is_ascii_digit())
}

/// By data type, component, the component's data type, and subcomponent.
fn of_type(datatype: &str, component: usize, below: &str, subcomponent: usize) -> Option<Kind> {
    let first = subcomponent == 1;
    match (datatype, component) {
        // A family name may have parts: prefixes such as "van" stay.
        ("XPN" | "PN", 1) | ("XCN" | "CN" | "CNN" | "PPN", 2) => {
            matches!(subcomponent, 1 | 3 | 5).then_some(Kind::Family)
        }
        ("XPN" | "PN", 2 | 3) | ("XCN" | "CN" | "CNN" | "PPN", 3 | 4) => Some(Kind::Given),
        ("XCN" | "CN" | "CNN" | "PPN" | "EI" | "DLN", 1) => first.then_some(Kind::Pattern),
        ("CX" | "CK", 1 | 2) => first.then_some(Kind::Pattern),
        ("XAD" | "AD" | "SAD" | "LA2", 3) => Some(Kind::Town),
        ("XAD" | "AD", 1 | 2 | 5 | 8 | 9 | 10) | ("SAD", _) => Some(Kind::Pattern),
        ("XTN", 1 | 4 | 6 | 7 | 8 | 9 | 12) | ("TN", _) => Some(Kind::Pattern),
        ("CM_PAT_ID" | "CM_PAT_ID_0192", 1 | 2) | ("CM_LICENSE_NO", 1) => first.then_some(Kind::Pattern),
        ("DT" | "TS" | "DTM", 1) | ("DR", 1 | 2) => first.then_some(Kind::Date),
        ("FT" | "TX", _) => Some(Kind::Text),
        // A type that a version leaves open.
        ("CM", _) => Some(Kind::Pattern),
        // A component of such a type, as in NDL: who, when and where.
        _ if !below.is_empty() => of_type(below, subcomponent, "", 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_says_which_of_its_parts_are_personal() {
        for (datatype, component, below, subcomponent, expected) in [
            ("XPN", 1, "FN", 1, Some(Kind::Family)),
            ("XPN", 1, "FN", 2, None),
            ("XPN", 2, "ST", 1, Some(Kind::Given)),
            ("XPN", 5, "ST", 1, None),
            ("XCN", 1, "ST", 1, Some(Kind::Pattern)),
            ("XCN", 2, "FN", 1, Some(Kind::Family)),
            ("CX", 1, "ST", 1, Some(Kind::Pattern)),
            ("CX", 4, "HD", 1, None),
            ("CX", 7, "DT", 1, Some(Kind::Date)),
            ("XAD", 3, "ST", 1, Some(Kind::Town)),
            ("XAD", 6, "ID", 1, None),
            ("NDL", 1, "CNN", 2, Some(Kind::Family)),
            ("NDL", 2, "TS", 1, Some(Kind::Date)),
            ("TS", 1, "DTM", 1, Some(Kind::Date)),
            ("XPN", 10, "DR", 2, Some(Kind::Date)),
            ("TQ", 4, "TS", 1, Some(Kind::Date)),
            ("CM_NDL", 1, "CN", 3, Some(Kind::Given)),
            ("NM", 1, "", 1, None),
            ("CWE", 2, "ST", 1, None),
        ] {
            assert_eq!(of_type(datatype, component, below, subcomponent), expected, "{datatype} {component}");
        }
    }
}
