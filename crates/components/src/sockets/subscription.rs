//! What a client wants to hear.
//!
//! A condition is compiled once however many sockets ask for it, and is run once for each message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use hl7::schema::{CategoryChoice, PathContext};
use model::{Library, Message};
use rules::{Expr, Schedules, Scope};
use serde::Deserialize;
use serde_json::json;

use super::voice;

/// A condition longer than this is refused: a client is a stranger.
const LONGEST_CONDITION: usize = 2_000;
/// More topics than this are refused.
const MOST_TOPICS: usize = 100;
/// A topic longer than this is refused.
const LONGEST_TOPIC: usize = 200;

/// A condition that some sockets share.
pub(crate) struct Condition(Expr);

/// The conditions in use, by their text.
#[derive(Default)]
pub(crate) struct Conditions {
    known: Mutex<HashMap<String, Weak<Condition>>>,
    /// What they may name; the paths of HL7 until a server says its production's.
    words: OnceLock<Scope>,
}

impl Conditions {
    /// What conditions of clients may name: paths by the schemas of the production, and its schedules. Its
    /// lookup tables are not theirs: who asks often enough would know what stands in them.
    pub(crate) fn words(library: &Library) -> Scope {
        let paths = PathContext::new(&library.get(), &CategoryChoice::default());
        let schedules = (*library.get::<Schedules>()).clone();
        Scope { schedules, hint: Some("a subscription knows none of this name"), ..Scope::from(&paths) }
    }

    /// Reads conditions with these words. They are the same as long as the production runs.
    pub(crate) fn read_by(&self, words: &Scope) {
        self.words.get_or_init(|| words.clone());
    }

    fn get(&self, text: &str) -> Result<Arc<Condition>, String> {
        if text.len() > LONGEST_CONDITION {
            return Err(format!("where has {} bytes; at most {LONGEST_CONDITION}", text.len()));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(condition) = known.get(text).and_then(Weak::upgrade) {
            return Ok(condition);
        }
        let words = self.words.get().cloned().unwrap_or_default();
        let compiled = Expr::condition(text, &words).map_err(|errors| match errors.first() {
            Some(error) => format!("where: {error}"),
            None => "where: this cannot be read".to_owned(),
        });
        let condition = Arc::new(Condition(compiled?));
        known.retain(|_, condition| condition.strong_count() > 0);
        known.insert(text.to_owned(), Arc::downgrade(&condition));
        Ok(condition)
    }
}

/// What one client asked for. The default is everything.
#[derive(Clone, Default)]
pub(crate) struct Subscription {
    topics: Option<Vec<String>>,
    condition: Option<Arc<Condition>>,
    /// As it is stored with the session; empty for everything.
    text: String,
}

/// `{"subscribe": {...}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    subscribe: Asked,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    topics: Option<Vec<String>>,
    r#where: Option<String>,
}

impl Subscription {
    /// Reads `text` as a request to subscribe; none when it is anything else.
    pub(crate) fn read(text: &str, conditions: &Conditions) -> Option<Result<Self, String>> {
        if !text.trim_start().starts_with('{') || !text.contains("\"subscribe\"") {
            return None;
        }
        let asked: serde_json::Value = serde_json::from_str(text).ok()?;
        // A message of an application may well have such a key among others; only this one alone asks.
        if asked.as_object()?.keys().ne(["subscribe"]) {
            return None;
        }
        Some(match serde_json::from_value::<Request>(asked) {
            Ok(Request { subscribe }) => Self::new(subscribe.topics, subscribe.r#where, conditions),
            Err(error) => Err(format!("subscribe: {error}")),
        })
    }

    /// To these topics (none: all) where this condition holds (none: always).
    pub(crate) fn new(
        topics: Option<Vec<String>>,
        condition: Option<String>,
        conditions: &Conditions,
    ) -> Result<Self, String> {
        if let Some(count) = topics.as_ref().map(Vec::len).filter(|count| *count > MOST_TOPICS) {
            return Err(format!("topics has {count} entries; at most {MOST_TOPICS}"));
        }
        if let Some(topic) = topics.iter().flatten().find(|topic| topic.len() > LONGEST_TOPIC) {
            return Err(format!("a topic has {} bytes; at most {LONGEST_TOPIC}", topic.len()));
        }
        let mut told = serde_json::Map::new();
        if let Some(topics) = &topics {
            told.insert("topics".into(), json!(topics));
        }
        if let Some(condition) = &condition {
            told.insert("where".into(), json!(condition));
        }
        let text = if told.is_empty() { String::new() } else { serde_json::Value::Object(told).to_string() };
        let condition = condition.map(|text| conditions.get(&text)).transpose()?;
        Ok(Subscription { topics, condition, text })
    }

    /// As JSON; empty for everything.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is for everything.
    pub(crate) fn is_everything(&self) -> bool {
        self.topics.is_none() && self.condition.is_none()
    }

    fn has_topic(&self, topic: &str) -> bool {
        self.topics.as_ref().is_none_or(|topics| topics.iter().any(|wanted| wanted == topic))
    }
}

/// Which messages of one batch are wanted, worked out once for each condition.
pub(crate) struct Selection<'a> {
    topic: &'a str,
    messages: &'a [Message],
    /// By the address of the condition, which is kept so that no other one can come to stand there.
    verdicts: HashMap<usize, (Arc<Condition>, Vec<bool>)>,
}

impl<'a> Selection<'a> {
    pub(crate) fn new(topic: &'a str, messages: &'a [Message]) -> Self {
        Selection { topic, messages, verdicts: HashMap::new() }
    }

    /// Whether the message at that place is wanted.
    pub(crate) fn wants(&mut self, subscription: &Subscription, at: usize) -> bool {
        if !subscription.has_topic(self.topic) {
            return false;
        }
        let Some(condition) = &subscription.condition else { return true };
        let run = || {
            let is_true = |message| voice::with_facts(message, |facts| condition.0.is_true(facts));
            (condition.clone(), self.messages.iter().map(is_true).collect())
        };
        let (_kept, verdicts) = self.verdicts.entry(Arc::as_ptr(condition).addr()).or_insert_with(run);
        verdicts[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::testing::adt;

    #[test]
    fn what_asks_to_subscribe_and_what_does_not() {
        let conditions = Conditions::default();
        let table = rules::LookupTables::default().with("wards", rules::LookupTable::default());
        let always = rules::Schedules::default().with("nights", rules::Schedule::default());
        conditions.read_by(&Conditions::words(&Library::default().with(table).with(always)));
        for (text, expect) in [
            (
                r#"{"subscribe": {"where": "schedule(\"nights\")"}}"#,
                Some(Ok(r#"{"where":"schedule(\"nights\")"}"#)),
            ),
            (r#"{"subscribe": {"where": "schedule(\"night\")"}}"#, Some(Err("did you mean"))),
            (r#"{"subscribe": {"where": "exists(\"wards\", PID-3)"}}"#, Some(Err("knows none"))),
            (r#"{"subscribe": {}}"#, Some(Ok(""))),
            (r#"{"subscribe": {"topics": ["a", "b"]}}"#, Some(Ok(r#"{"topics":["a","b"]}"#))),
            (
                r#"{"subscribe": {"topics": ["a"], "where": "MSH-9.1 = \"ADT\""}}"#,
                Some(Ok(r#"{"topics":["a"],"where":"MSH-9.1 = \"ADT\""}"#)),
            ),
            (r#"{"subscribe": {"where": "MSH-9.1 = "}}"#, Some(Err("where: "))),
            (r#"{"subscribe": {"topic": ["a"]}}"#, Some(Err("unknown field `topic`"))),
            (r#"{"subscribe": "a"}"#, Some(Err("invalid type"))),
            (r#"{"subscribe": {}, "more": 1}"#, None),
            (r#"{"other": "subscribe"}"#, None),
            ("subscribe", None),
            (r#"{"subscribe": "#, None),
        ] {
            let got = Subscription::read(text, &conditions);
            match (got, expect) {
                (None, None) => {}
                (Some(Ok(got)), Some(Ok(wanted))) => assert_eq!(got.text(), wanted, "{text}"),
                (Some(Err(got)), Some(Err(wanted))) => assert!(got.contains(wanted), "{text}: {got}"),
                (got, wanted) => {
                    panic!("{text}: {:?}, wanted {wanted:?}", got.map(|got| got.map(|s| s.text)))
                }
            }
        }
    }

    #[test]
    fn topics_and_condition_both_have_to_hold() {
        let conditions = Conditions::default();
        let messages = [adt(1, "A01"), adt(2, "A08")];
        for (topics, condition, expect) in [
            (None, None, [true, true]),
            (Some(vec!["ward"]), None, [true, true]),
            (Some(vec!["lab"]), None, [false, false]),
            (Some(vec![]), None, [false, false]),
            (None, Some("MSH-9.2 = \"A08\""), [false, true]),
            (Some(vec!["lab", "ward"]), Some("MSH-9.2 = \"A01\""), [true, false]),
            (Some(vec!["lab"]), Some("MSH-9.2 = \"A01\""), [false, false]),
        ] {
            let topics = topics.map(|topics| topics.into_iter().map(str::to_owned).collect());
            let asked = Subscription::new(topics, condition.map(str::to_owned), &conditions).unwrap();
            let mut selection = Selection::new("ward", &messages);
            let got = [0, 1].map(|at| selection.wants(&asked, at));
            assert_eq!(got, expect, "{}", asked.text());
        }
    }

    #[test]
    fn one_condition_is_compiled_once_and_forgotten_when_nobody_asks() {
        let conditions = Conditions::default();
        let text = "MSH-9.1 = \"ADT\"";
        let (a, b) = (conditions.get(text).unwrap(), conditions.get(text).unwrap());
        assert!(Arc::ptr_eq(&a, &b));
        drop((a, b));
        let _other = conditions.get("MSH-9.1 = \"ORU\"").unwrap();
        assert_eq!(conditions.known.lock().unwrap().len(), 1);
        assert!(conditions.get(&"(".repeat(LONGEST_CONDITION + 1)).is_err_and(|e| e.contains("at most")));
        for topics in [vec!["t".into(); MOST_TOPICS + 1], vec!["t".repeat(LONGEST_TOPIC + 1)]] {
            assert!(Subscription::new(Some(topics), None, &conditions).is_err_and(|e| e.contains("at most")));
        }
    }
}
