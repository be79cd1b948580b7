//! Kinds of messages that a rule names and that there are none of: such a rule would never hold, and nobody
//! would be told.

use hl7::schema::Schemas;

use crate::suggest::nearest;

/// What is doubtful, and what to do.
type Doubt = Option<(String, String)>;

/// What is doubtful about a text of `doc_type`.
pub(super) fn doc_type(text: &str, schemas: &Schemas) -> Doubt {
    if let Some(doubt) = listed(text) {
        return Some(doubt);
    }
    if text.contains('^') {
        let name: Vec<&str> = text.split('^').take(2).collect();
        let message = format!("\"{text}\" is how MSH-9 is written; no message has such a type");
        return Some((message, format!("write {}", name.join("_"))));
    }
    let (of, name) = match text.split_once(':') {
        Some((of, name)) => (Some(of), name),
        None => (None, text),
    };
    if let Some(doubt) = of.and_then(|of| category(of, schemas)) {
        return Some(doubt);
    }
    if is_pattern(text) || is_of_a_site(name) {
        return None;
    }
    let among: Vec<&str> = match of {
        Some(of) => vec![of],
        None => schemas.names().collect(),
    };
    let mut near = None;
    for schema in among.iter().rev().filter_map(|name| schemas.get(name)) {
        let events = schema.events().flat_map(|(event, structure)| [event, structure]);
        let known: Vec<&str> = schema.structures().map(|it| it.id.as_str()).chain(events).collect();
        // An acknowledgement may name any event.
        if known.contains(&name) || name.starts_with("ACK_") {
            return None;
        }
        near = near.or_else(|| nearest(name, known).map(str::to_owned));
    }
    let message = match of {
        Some(of) => format!("schema \"{of}\" has no type \"{name}\": the rule holds for no message"),
        None => format!("no schema has a type \"{name}\""),
    };
    let help = "name a structure or an event, as in ADT_A01, or a pattern, as in ADT_*";
    Some((message, near.map_or_else(|| help.to_owned(), |near| format!("did you mean \"{near}\"?"))))
}

/// What is doubtful about a text of `doc_category`.
pub(super) fn category(text: &str, schemas: &Schemas) -> Doubt {
    if let Some(doubt) = listed(text) {
        return Some(doubt);
    }
    if is_pattern(text) || schemas.get(text).is_some() {
        return None;
    }
    let near = nearest(text, schemas.names()).map(|near| format!("did you mean \"{near}\"?"));
    let message = format!("schema \"{text}\" is not known: the rule holds for no message");
    Some((message, near.unwrap_or_else(|| "define it under schemas, or name a version of HL7".to_owned())))
}

/// Several in one text.
fn listed(text: &str) -> Doubt {
    let list: Vec<&str> = text.split(',').map(str::trim).collect();
    let message = || format!("\"{text}\" is one text, and there is no message of that kind");
    (list.len() > 1).then(|| (message(), format!("write a list: [{}]", list.join(", "))))
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Types and events that begin with Z are a site's own, and no schema has to know them.
fn is_of_a_site(name: &str) -> bool {
    name.split('_').any(|part| part.starts_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said about `text`, with the help; empty for nothing.
    fn said(text: &str) -> String {
        doc_type(text, &Schemas::default()).map_or_else(String::new, |(said, help)| format!("{said}; {help}"))
    }

    #[test]
    fn types_that_there_are_are_not_doubted() {
        for text in
            ["ADT_A01", "ADT_A08", "2.3:ADT_A01", "2.5.1:ADT_A08", "ADT_*", "2.*:ADT_A0?", "ACK", "ACK_A01"]
        {
            assert_eq!(said(text), "", "{text}");
        }
        for text in ["ADT_Z01", "ZWD_Z01", "ORU_R01", "2.3:ZZZ", "2.1:ADT_A01"] {
            assert_eq!(said(text), "", "{text}");
        }
    }

    #[test]
    fn types_that_no_message_has_are_told() {
        for (text, part) in [
            ("ADT^A01", "write ADT_A01"),
            ("ORU^R01^ORU_R01", "write ORU_R01"),
            ("ADT_A01,ADT_A02", "write a list: [ADT_A01, ADT_A02]"),
            ("2.3:ADT_A99", "has no type \"ADT_A99\""),
            ("ADT_A001", "did you mean \"ADT_A01\"?"),
            ("2.35:ADT_A01", "schema \"2.35\" is not known"),
            ("Hospital:ADT_*", "define it under schemas"),
        ] {
            assert!(said(text).contains(part), "{text}: {}", said(text));
        }
        let found = category("2,3", &Schemas::default()).expect("a doubt");
        assert_eq!(found.1, "write a list: [2, 3]");
    }
}
