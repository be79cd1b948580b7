//! What messages can be searched by: a few values of each, kept in the ledger's index.
//!
//! | field | is |
//! |---|---|
//! | `type` | the structure, as in `ADT_A01` |
//! | `control_id` | MSH-10 |
//! | `patient_id` | PID-3.1 of each repetition, PID-2.1 and PID-4.1 |
//! | `patient_name` | PID-5 as `FAMILY^GIVEN`, in capitals |
//! | `account` | PID-18.1 |
//!
//! A search by one of them reads the index. [`indexed`] says when a condition can be answered by it.

use std::sync::LazyLock;

use hl7::{Message, Path};
use model::{BodyClass, MessageBody};
use rules::Expr;

/// How many bytes of a value are kept. Longer values are found by their beginning.
const MAX_VALUE: usize = 256;
/// How many repetitions of PID-3 are kept; no sender of sound mind has more.
const MAX_IDS: usize = 5;
/// How many names of a patient are kept.
const MAX_NAMES: usize = 2;

struct Paths {
    control_id: Path,
    ids: Path,
    other_ids: [Path; 2],
    names: Path,
    account: Path,
}

static PATHS: LazyLock<Option<Paths>> = LazyLock::new(|| {
    let path = |text: &str| text.parse::<Path>().ok();
    Some(Paths {
        control_id: path("MSH-10")?,
        ids: path("PID-3[*].1")?,
        other_ids: [path("PID-2.1")?, path("PID-4.1")?],
        names: path("PID-5[*]")?,
        account: path("PID-18.1")?,
    })
});

/// The search values of a message, by field; none of what is no HL7.
pub fn search_fields(body: &MessageBody) -> Vec<(&'static str, String)> {
    if body.class() != BodyClass::HL7 {
        return Vec::new();
    }
    let (Ok(message), Some(paths)) = (crate::message::hl7(body), PATHS.as_ref()) else {
        return Vec::new();
    };
    let mut found = Found { message: &message, values: Vec::with_capacity(8) };
    found.add("type", message.doc_type());
    found.each("control_id", &paths.control_id, 1);
    found.each("patient_id", &paths.ids, MAX_IDS);
    for path in &paths.other_ids {
        found.each("patient_id", path, 1);
    }
    for name in message.values(&paths.names).take(MAX_NAMES) {
        found.add("patient_name", searchable_name(name, &message));
    }
    found.each("account", &paths.account, 1);
    found.values
}

struct Found<'a> {
    message: &'a Message,
    values: Vec<(&'static str, String)>,
}

impl Found<'_> {
    fn each(&mut self, field: &'static str, path: &Path, limit: usize) {
        for raw in self.message.values(path).take(limit) {
            let value = hl7::escape::decode(raw, &self.message.separators());
            self.add(field, value.into_owned());
        }
    }

    fn add(&mut self, field: &'static str, mut value: String) {
        cut(&mut value);
        let known = self.values.iter().any(|(other, known)| *other == field && *known == value);
        if !value.is_empty() && value != "\"\"" && !known {
            self.values.push((field, value));
        }
    }
}

fn cut(value: &mut String) {
    if value.len() > MAX_VALUE {
        let end = (0..=MAX_VALUE).rev().find(|end| value.is_char_boundary(*end)).unwrap_or(0);
        value.truncate(end);
    }
}

/// `FAMILY^GIVEN` of a raw name.
fn searchable_name(raw: &str, message: &Message) -> String {
    let separators = message.separators();
    let mut components = raw.split(char::from(separators.component)).map(|component| {
        // The family name proper comes first among its parts.
        let part = match separators.subcomponent {
            Some(separator) => component.split(char::from(separator)).next().unwrap_or_default(),
            None => component,
        };
        hl7::escape::decode(part, &separators)
    });
    let family = components.next().unwrap_or_default();
    match components.next().filter(|given| !given.is_empty()) {
        Some(given) => format!("{family}^{given}").to_uppercase(),
        None => family.to_uppercase(),
    }
}

/// The form in which `value` stands in the index under `field`: to be used on what a user typed.
fn as_indexed(field: &str, value: &str) -> String {
    let mut value = if field == "patient_name" { value.to_uppercase() } else { value.to_owned() };
    cut(&mut value);
    value
}

/// The field and value that every message must have in the index for `condition` to hold.
///
/// The index narrows the search, the condition decides: what is found there has still to be tested.
/// None when only a look at the messages themselves can tell.
pub fn indexed(condition: &Expr) -> Option<(&'static str, String)> {
    condition.fixed().into_iter().find_map(|(place, value)| {
        let field = match place.as_str() {
            "MSH-10" => "control_id",
            // The first repetition is always in the index; later ones are up to a number.
            "PID-3.1" | "PID-3[1].1" | "PID-2.1" | "PID-4.1" => "patient_id",
            "PID-18.1" => "account",
            _ => return None,
        };
        (value != "\"\"").then(|| (field, as_indexed(field, value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<(&'static str, String)> {
        search_fields(&MessageBody::new(BodyClass::HL7, text.as_bytes().to_vec()))
    }

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = fields(text);
        let found: Vec<_> = found.iter().map(|(field, value)| (*field, value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_message_is_found_by_what_people_know_of_it() {
        check(
            "MSH|^~\\&|||||||ADT^A01^ADT_A01|Ctl-1|P|2.5\r\
             PID|1|PT7^4|4711^^^H~0815^^^X|OLD1|\
             O\\T\\Connor&van^Märy^X~Alias^Ann|||||||||||||ACC9^1\r",
            &[
                ("type", "ADT_A01"),
                ("control_id", "Ctl-1"),
                ("patient_id", "4711"),
                ("patient_id", "0815"),
                ("patient_id", "PT7"),
                ("patient_id", "OLD1"),
                ("patient_name", "O&CONNOR^MÄRY"),
                ("patient_name", "ALIAS^ANN"),
                ("account", "ACC9"),
            ],
        );
    }

    #[test]
    fn what_is_not_there_is_not_indexed() {
        check("MSH|^~\\&|||||||ACK||P|2.5\r", &[("type", "ACK")]);
        check("MSH|^~\\&|A\rPID|1||\"\"||\"\"||", &[]);
        check("MSH|^~\\&|A\rPID|1|7|7|7", &[("patient_id", "7")]);
        check("no message", &[]);
        let text = MessageBody::new(BodyClass::TEXT, "MSH|^~\\&|||||||ADT");
        assert_eq!(search_fields(&text), []);
    }

    #[test]
    fn values_have_limits() {
        let long = "é".repeat(200);
        let ids = (0..100).map(|id| format!("{id}")).collect::<Vec<_>>().join("~");
        let found = fields(&format!("MSH|^~\\&|||||||ADT^A01|{long}\rPID|1|P2|{ids}|P4|~|A^B~C~D~E|\r"));
        assert!(found.len() <= 10, "{}", found.len());
        assert!(found.iter().all(|(_, value)| value.len() <= MAX_VALUE));
        assert_eq!(found[1], ("control_id", "é".repeat(128)));
        assert!(found.contains(&("patient_id", "0".to_owned())));
    }

    #[test]
    fn a_condition_is_answered_by_the_index_where_it_can() {
        for (condition, expected) in [
            (r#"PID-3.1 = "123""#, Some(("patient_id", "123"))),
            (r#""x" = "y" or MSH-10 = "7""#, None),
            (r#"MSH-9.1 = "ADT" and MSH-10 = "7""#, Some(("control_id", "7"))),
            (r#"PID-18.1 = "a""#, Some(("account", "a"))),
            (r#"PID-3.1 != "123""#, None),
            (r#"PID-3[2].1 = "123""#, None),
            (r#"PID-3[*].1 = "123""#, None),
            (r#"PID-3.1 = 123"#, None),
            (r#"PID-3.1 = """#, None),
        ] {
            let found = indexed(&Expr::compile(condition).unwrap());
            assert_eq!(
                found.as_ref().map(|(field, value)| (*field, value.as_str())),
                expected,
                "{condition}"
            );
        }
    }

    #[test]
    fn whatever_the_index_promises_it_holds() {
        let text = "MSH|^~\\&|||||||ADT^A01|a\\T\\b|P|2.5\rPID|1|two|one~other|four|A^B|||||||||||||acc\r";
        let fields = fields(text);
        for place in ["MSH-10", "PID-3.1", "PID-3[1].1", "PID-2.1", "PID-4.1", "PID-18.1"] {
            let message = Message::read(text.as_bytes().to_vec().into(), "").unwrap();
            let value = message.value(&place.parse().unwrap()).unwrap().into_owned();
            let condition = Expr::compile(&format!("{place} = \"{value}\"")).unwrap();
            let facts = rules::Facts { message: Some(&message), ..rules::Facts::default() };
            assert!(condition.is_true(&facts), "{condition}");
            assert!(fields.contains(&indexed(&condition).unwrap()), "{condition}");
        }
    }
}
