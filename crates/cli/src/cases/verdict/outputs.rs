//! What came out at operations, held against what was to come.

use std::collections::BTreeMap;

use config::OutputDef;
use hl7::Message;
use model::MessageBody;

use super::{Judge, Miss};
use crate::cases::stage::Output;
use crate::commands::Differences;
use crate::output::{Exit, count};

/// So many of the messages that came out are listed.
const LISTED: usize = 4;

impl Judge<'_> {
    pub(super) fn output(&self, wanted: &OutputDef) -> Result<Vec<Miss>, Exit> {
        let at = &wanted.at;
        let all: Vec<&Output> = self.played.outputs.iter().filter(|output| output.operation == *at).collect();
        let came = || match all.len() {
            0 => format!("nothing came out at {at}{}", self.elsewhere()),
            _ => format!("{} came out at {at}: {}", count(all.len(), "message"), listed(&all)),
        };
        match wanted.count {
            Some(0) if !all.is_empty() => return Ok(vec![Miss::new(format!("nothing at {at}"), came())]),
            Some(0) => return Ok(Vec::new()),
            Some(number) if number != all.len() => {
                return Ok(vec![Miss::new(format!("{} at {at}", count(number, "message")), came())]);
            }
            None if all.is_empty() => return Ok(vec![Miss::new(format!("a message at {at}"), came())]),
            _ => {}
        }
        let chosen: Vec<(usize, &Output)> = match wanted.number {
            None => all.iter().copied().enumerate().collect(),
            Some(number) => match all.get(number - 1) {
                Some(output) => vec![(number - 1, *output)],
                None => return Ok(vec![Miss::new(format!("a message {number} at {at}"), came())]),
            },
        };
        let mut missed = Vec::new();
        for (index, output) in chosen {
            let place = format!("message {} at {at}", index + 1);
            missed.extend(self.rule(wanted, output, &place));
            let mut misses = values(wanted, output, &place);
            if let (Some(miss), Some(_)) = (misses.first_mut(), wanted.number) {
                miss.found += &in_other_order(wanted, &all);
            }
            missed.extend(misses);
            missed.extend(self.content(wanted, output, &place)?);
        }
        Ok(missed)
    }

    /// What came out at other operations, for one at which nothing did.
    fn elsewhere(&self) -> String {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for output in &self.played.outputs {
            *numbers.entry(&output.operation).or_default() += 1;
        }
        let each: Vec<_> = numbers.iter().map(|(at, number)| format!("{number} at {at}")).collect();
        match each.len() {
            0 => ", nor anywhere else".to_owned(),
            _ => format!(", but {}", each.join(", ")),
        }
    }

    fn rule(&self, wanted: &OutputDef, output: &Output, place: &str) -> Option<Miss> {
        let rule = wanted.rule.as_ref().filter(|rule| **rule != output.rule)?;
        let found = match output.rule.as_str() {
            "" => format!("{place} says nothing of why it was sent"),
            other => format!("{place} was sent by \"{other}\""),
        };
        Some(Miss::new(format!("{place} sent by the rule \"{rule}\""), found))
    }

    fn content(&self, wanted: &OutputDef, output: &Output, place: &str) -> Result<Option<Miss>, Exit> {
        let Some((name, content)) = &wanted.content else { return Ok(None) };
        let found = output.body.content();
        if found == content {
            return Ok(None);
        }
        let first = found.iter().zip(content.iter()).position(|(found, wanted)| found != wanted);
        let first = first.unwrap_or(found.len().min(content.len()));
        let mut miss = Miss::new(
            format!("{place} equal to \"{name}\", {}", count(content.len(), "byte")),
            format!("{}, other from byte {} on", count(found.len(), "byte"), first + 1),
        );
        if let (Ok(old), Some(new)) = (Message::read(content.clone(), ""), message(&output.body)) {
            miss.differences = Some(Differences::between(self.schemas, &old, &new)?);
        }
        Ok(Some(miss))
    }
}

/// What messages there are, each by its type and control id, and why it was sent.
fn listed(outputs: &[&Output]) -> String {
    let one = |output: &&Output| {
        let id = message(&output.body).map(|message| hl7::ack::control_id(&message).to_string());
        let words = [output.body.doc_type(), id.as_deref().unwrap_or_default()];
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let what = if words.is_empty() { output.body.name().to_owned() } else { words.join(" ") };
        match output.rule.as_str() {
            "" => what,
            rule => format!("{what} by \"{rule}\""),
        }
    };
    let some: Vec<String> = outputs.iter().take(LISTED).map(one).collect();
    let more = outputs.len().saturating_sub(LISTED);
    some.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

/// Says which other message has the wanted values, where one has.
fn in_other_order(wanted: &OutputDef, all: &[&Output]) -> String {
    let other = all.iter().position(|output| values(wanted, output, "").is_empty());
    other.map_or_else(String::new, |at| format!("; message {} is as wanted, so the order is another", at + 1))
}

/// The values that are other than wanted, each at its line.
fn values(wanted: &OutputDef, output: &Output, place: &str) -> Vec<Miss> {
    let Some(message) = message(&output.body).filter(|_| !wanted.values.is_empty()) else {
        let first = wanted.values.first();
        return first
            .map(|value| Miss::new(format!("{} in {place}", value.path), "it is no HL7 message"))
            .into_iter()
            .collect();
    };
    let misses = wanted.values.iter().filter_map(|value| {
        let found = match value.compiled.is_count() {
            true => value.compiled.count(&message).unwrap_or_default().to_string(),
            false => value.compiled.get(&message).unwrap_or_default().to_owned(),
        };
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { format!("\"{text}\"") };
        (found != value.value).then(|| Miss {
            place: Some((value.line, value.column)),
            ..Miss::new(format!("{} is {} in {place}", value.path, shown(&value.value)), shown(&found))
        })
    });
    misses.collect()
}

fn message(body: &MessageBody) -> Option<Message> {
    components::message::hl7(body).ok()
}
