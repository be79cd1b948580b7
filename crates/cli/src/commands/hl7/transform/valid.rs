//! Whether what a transform made is valid: held against the structure and fields of its target.

use hl7::Message;
use hl7::schema::Schemas;
use hl7::validate::{Finding, Level, ZSegments, validate};
use rules::Transform;
use serde_json::{Value, json};

use crate::commands::hl7::check::place;
use crate::commands::hl7::parts::labels;
use crate::output::{Screen, colour, count};

/// More errors than this are counted, and not shown.
const SHOWN: usize = 10;
/// And more warnings than this.
const WARNINGS_SHOWN: usize = 5;

/// What is not as the schema wants it.
pub(super) struct Validity {
    doc_type: String,
    /// Each finding with its place in the message; none where the schema is not known.
    findings: Option<Vec<(String, Finding)>>,
}

impl Validity {
    pub(super) fn of(made: &Message, transform: &Transform, schemas: &Schemas) -> Validity {
        let doc_type = transform.type_of(made);
        let schema = schemas.get(&doc_type.category);
        let findings = schema.map(|schema| {
            let all = validate(made, &schema, &doc_type.structure, Level::Fields, ZSegments::Tolerate);
            let labels = if all.is_empty() { Vec::new() } else { labels(made) };
            let place = |finding: &Finding| {
                let label = labels.get(finding.segment.saturating_sub(1)).cloned().unwrap_or_default();
                let place = place(finding);
                if place.is_empty() { label } else { format!("{label}-{place}") }
            };
            all.into_iter().map(|finding| (place(&finding), finding)).collect()
        });
        Validity { doc_type: doc_type.to_string(), findings }
    }

    pub(super) fn object(&self) -> Value {
        let one = |(place, finding): &(String, Finding)| {
            json!({
                "severity": if finding.is_error() { "error" } else { "warning" },
                "rule": finding.rule.name(),
                "path": place,
                "text": finding.to_string(),
            })
        };
        json!({
            "doc_type": self.doc_type,
            "findings": self.findings.as_ref().map(|all| all.iter().map(one).collect::<Vec<_>>()),
        })
    }

    /// A line, and one more for each error and each of the first warnings.
    pub(super) fn draw(&self, screen: &Screen) -> String {
        let doc_type = &self.doc_type;
        let Some(findings) = &self.findings else {
            return "  not checked: no schema is known for what MSH-12 of the new one says\n".to_owned();
        };
        let (errors, warnings): (Vec<_>, Vec<_>) = findings.iter().partition(|(_, one)| one.is_error());
        let counted = match warnings.len() {
            0 => String::new(),
            number => ", ".to_owned() + &count(number, "warning"),
        };
        let heading = match errors.len() {
            0 => format!("{} as {doc_type}{counted}", screen.paint(colour::RESPONSE, "valid")),
            number => {
                let not = screen.paint(colour::ERROR, "not valid");
                format!("{not} as {doc_type}: {}{counted}", count(number, "error"))
            }
        };
        let mut text = format!("  {heading}\n");
        let shown = || [(&errors, "", SHOWN), (&warnings, "warning: ", WARNINGS_SHOWN)].into_iter();
        let places = shown().flat_map(|(all, _, most)| all.iter().take(most).map(|(place, _)| place.len()));
        let width = places.max().unwrap_or_default();
        for (all, word, most) in shown() {
            for (place, finding) in all.iter().take(most) {
                let place = screen.paint(colour::PLACE, &format!("{place:width$}"));
                text += &format!("    {place}  {word}{finding}\n");
            }
            if all.len() > most {
                text += &format!("    and {} more\n", all.len() - most);
            }
        }
        text
    }
}
