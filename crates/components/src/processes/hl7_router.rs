//! `hl7.router`: sends HL7 messages on, by rules about what stands in them.
//!
//! ```yaml
//! processes:
//!   MsgRouter:
//!     type: hl7.router
//!     settings:
//!       bad_message_handler: BadMessageHandler
//!       rules:
//!         - name: admissions
//!           when: MSH-9.1 = "ADT" and PV1-2 in ("I", "E")
//!           send: [HL7FileOperation]
//!         - otherwise: true
//!           send: [HL7FileOperation]
//! ```
//!
//! All rules are looked at in order, and each that holds sends the message on as it came, under the
//! rule's name; `stop: true` makes a rule that holds the last one. `otherwise` sends what no rule
//! before it wanted. A message that nothing wants is discarded, visibly, with that reason.
//!
//! What is no HL7 is no matter for rules: it ends as an error that names the place, and goes to
//! `bad_message_handler`; without one it stays where it is, in the ledger. That is what cannot be
//! read, and what has a line that is no segment. A message that is merely doubtful, with a charset
//! that is not known, an MSH-2 of three characters or a control character in its text, is routed:
//! sound senders write such messages, and their bytes go on unchanged. An event says so once for
//! each sender and kind of doubt.
//!
//! With `validation`, a message that is not as its schema wants it is no matter for rules either: it
//! goes the same way, with what was found in its reason and, at length, in an event. What is found is
//! told by place, and never by what stands there. Warnings are doubts.

mod routes;
mod sending;
mod trial;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use hl7::validate::{Finding, Rule as HeldAgainst};
use hl7::{FaultKind, Message as Hl7};
use model::{
    BodyClass, BuildError, Built, BusinessProcess, BusinessType, Checks, Component, Decision, EventKind,
    HostContext, Library, Message, Note, NoteKind,
};
use rules::{Rule, RuleContext, RuleSet, Texts, Transforms};
use schemars::JsonSchema;
use script::{Desk, Pool};
use serde::{Deserialize, Serialize};

use self::routes::{Routes, Tell, teller};
pub use self::trial::{Did, End, Looked, Trial, Tried};
use super::rule_log::RuleLog;
use super::script::SCRIPTS;
use crate::hl7::doc_type::DocTypes;
use crate::hl7::settings::{Validation, ZSegments};
use crate::hl7::validity::{TOLD, Validity, told};
use crate::message;

/// How it begins what is told of a message that is not as its schema wants it.
const INVALID: &str = "invalid: ";
/// So many findings are told in an event.
const TOLD_AT_LENGTH: usize = 50;
/// Any target, in `response_from`.
const ANY: &str = "*";
/// What is said behind a doubt.
const ALL_THE_SAME: &str = "; routed all the same";

/// What an engineer may set.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The item that gets what is no HL7, instead of the rules; none to keep it in the
    /// ledger alone. Either way it ends as an error with the place that was wrong.
    #[serde(default)]
    pub bad_message_handler: Option<String>,
    /// The schema that messages are read by, as in `2.5.1` or a name of the production's own, or a list
    /// for kinds of messages, as in `ADT_A01=2.5:ADT_A01,ORU*=Hospital`; empty for MSH-12 to say.
    #[serde(default)]
    pub message_schema_category: String,
    /// What has to be right about a message; one that is not goes to `bad_message_handler`.
    #[serde(default)]
    pub validation: Validation,
    /// What a segment that the schema does not know, such as ZPD, does to a message that is validated.
    #[serde(default)]
    pub z_segments: ZSegments,
    /// The items whose answer is the answer to the sender, the first that comes; `*` for any. None for
    /// no more than that the message has been routed.
    #[serde(default)]
    pub response_from: Vec<String>,
    /// Which messages go where; looked at in order.
    pub rules: Vec<Rule>,
    /// What is told about each message, as events of kind Trace: `orris rules log` shows them.
    #[serde(default)]
    pub rule_log: RuleLog,
}

/// Sends HL7 messages on, by rules about what stands in them.
pub struct HL7Router;

impl Component for HL7Router {
    const TYPE: &'static str = "hl7.router";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessProcess;
    const SUMMARY: &'static str = "sends HL7 messages on, by rules about what stands in them";
    const EXAMPLE: &'static str = "\
MsgRouter:
  type: hl7.router
  settings:
    bad_message_handler: BadMessageHandler
    rules:
      - name: admissions
        when: MSH-9.1 = \"ADT\" and PV1-2 in (\"I\", \"E\")
        send: [HL7FileOperation]
      - otherwise: true
        send: [HL7FileOperation]
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        DocTypes::check(&settings.message_schema_category, checks);
        // Paths are read by all versions where the setting is wrong.
        let types = DocTypes::new(&settings.message_schema_category, &checks.library).unwrap_or_default();
        let context = context(&types, &checks.library);
        for finding in RuleSet::findings_in(&settings.rules, &context) {
            checks.notes.push(Note {
                kind: if finding.is_error { NoteKind::Error } else { NoteKind::Warning },
                path: finding.place,
                range: finding.range,
                message: finding.message,
                help: finding.help,
            });
        }
        let through: Vec<_> = settings.rules.iter().map(|rule| delegated(rule, &context)).collect();
        for (i, rule) in settings.rules.iter().enumerate() {
            for (j, source) in rule.source.all().iter().enumerate() {
                checks.comes_from(rule.source.place(&format!("rules[{i}].source"), j), source);
            }
            let send = rule.send.iter().flat_map(|send| (0..).zip(send.all()).map(move |it| (send, it)));
            for (send, (j, target)) in send {
                checks.sends_to(send.place(&format!("rules[{i}].send"), j), target);
            }
            // Whom a set sends to is told where it is delegated to: it belongs to no item.
            for target in &through[i] {
                checks.sends_to(format!("rules[{i}].delegate"), target);
            }
        }
        if let Some(handler) = &settings.bad_message_handler {
            checks.sends_to("bad_message_handler", handler);
        }
        check_response_from(settings, &through.concat(), checks);
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        Ok(Built::Process(Box::new(Router::new(settings, library)?)))
    }
}

/// What the rules may name.
fn context(types: &DocTypes, library: &Library) -> RuleContext {
    let scope = message::scope(&types.paths(), library);
    RuleContext { scope, transforms: library.get::<Transforms>(), sets: library.get() }
}

/// Everybody that the set of a rule sends to.
fn delegated(rule: &Rule, context: &RuleContext) -> Vec<String> {
    let set = rule.delegate.as_ref().and_then(|name| context.sets.0.get(name)?.as_ref());
    let compiled = set.and_then(|set| RuleSet::compile_in(set, context).ok());
    let mut targets: Vec<String> = compiled.iter().flat_map(RuleSet::targets).map(str::to_owned).collect();
    targets.sort();
    targets.dedup();
    targets
}

/// An item that no rule sends to, itself or `through` a set, answers nothing.
fn check_response_from(settings: &Settings, through: &[String], checks: &mut Checks) {
    let own = || settings.rules.iter().flat_map(|rule| rule.send.iter().flat_map(Texts::all));
    let sent_to = |name: &String| {
        own().chain(&settings.bad_message_handler).chain(through).any(|target| target == name)
    };
    for (i, name) in settings.response_from.iter().enumerate() {
        if name != ANY && !sent_to(name) {
            let message = format!("\"{name}\" is sent to by no rule, and cannot answer");
            checks.error(format!("response_from[{i}]"), message);
            checks.help("name an item that a rule sends to, or \"*\" for any");
        }
    }
}

struct Router {
    routes: Arc<Routes>,
    validity: Validity,
    /// Which doubts about whose messages have been told.
    doubts: HashSet<(Arc<str>, Doubt)>,
}

/// A kind of doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Doubt {
    Form(FaultKind),
    Schema(HeldAgainst),
}

#[async_trait]
impl BusinessProcess for Router {
    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        match self.on_messages(std::slice::from_ref(request), host).await.pop() {
            Some(decision) => decision,
            None => Decision::retry("the rules were not run"),
        }
    }

    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        // No decision of a router holds the queue, and without code none waits for anything.
        if self.routes.rules.has_code() {
            let begun =
                requests.iter().map(|request| self.begin(request, &mut teller(request, host))).collect();
            return self.on_a_thread_for_code(requests, begun, host).await;
        }
        let decide = |request| match self.begin(request, &mut teller(request, host)) {
            Ok(message) => self.routes.route(request, &message, host, None),
            Err(reason) => self.routes.bad(reason),
        };
        requests.iter().map(decide).collect()
    }
}

impl Router {
    fn new(settings: Settings, library: &Library) -> Result<Self, BuildError> {
        let types = DocTypes::new(&settings.message_schema_category, library)?;
        let compiled = RuleSet::compile_in(&settings.rules, &context(&types, library));
        let rules = compiled.map_err(|findings| match findings.first() {
            Some(first) => BuildError { path: first.place.clone(), message: first.message.clone() },
            None => BuildError { path: "rules".into(), message: "the rules cannot be compiled".into() },
        })?;
        Ok(Router {
            validity: Validity::new(settings.validation, settings.z_segments, types.clone()),
            routes: Arc::new(Routes {
                rules,
                bad_message_handler: settings.bad_message_handler,
                response_from: settings.response_from,
                types: types.is_set().then_some(types),
                made_types: DocTypes::new("", library)?,
                rule_log: settings.rule_log,
            }),
            doubts: HashSet::new(),
        })
    }

    /// Goes on where scripts run: with the whole batch, in its order.
    async fn on_a_thread_for_code(
        &self,
        requests: &[Message],
        begun: Vec<Result<Hl7, String>>,
        host: &HostContext,
    ) -> Vec<Decision> {
        let sound = requests.iter().zip(&begun);
        let inputs =
            sound.filter_map(|(request, begun)| Some((request.clone(), begun.as_ref().ok()?.clone())));
        let (routes, pool) = (self.routes.clone(), host.shared().get::<Pool>(SCRIPTS));
        let own = host.clone();
        let route = move |(request, message): &(Message, Hl7), desk: &mut Desk<'_>| {
            routes.route(request, message, &own, Some(desk))
        };
        let mut routed = pool.each(script::Limits::default(), inputs.collect(), route).await.into_iter();
        let mut decisions = Vec::with_capacity(requests.len());
        for begun in begun {
            decisions.push(match begun.map(|_| routed.next()) {
                Err(reason) => self.routes.bad(reason),
                Ok(Some(Ok(decision))) => decision,
                Ok(Some(Err(trouble))) => self.routes.bad(trouble.to_string()),
                // Code before it could not be stopped: what is behind it was not looked at.
                Ok(None) => break,
            });
        }
        decisions
    }

    /// The message that rules are about, or why it is no matter for them.
    fn begin(&mut self, request: &Message, tell: Tell<'_>) -> Result<Hl7, String> {
        let message = read(request)?;
        let faults = message.faults();
        if let Some(reason) = no_hl7(&faults) {
            return Err(reason);
        }
        for fault in &faults {
            self.doubt(Doubt::Form(fault.kind), fault, request, tell);
        }
        let findings = self.validity.findings(&message)?;
        if findings.iter().any(Finding::is_error) {
            return Err(invalid(findings, tell));
        }
        for finding in &findings {
            self.doubt(Doubt::Schema(finding.rule), finding, request, tell);
        }
        Ok(message)
    }

    /// Says what is doubtful about a message, once for each sender and kind of doubt: a sender does it
    /// every time.
    fn doubt(&mut self, kind: Doubt, doubt: &dyn std::fmt::Display, request: &Message, tell: Tell<'_>) {
        let source = &request.header.source;
        if self.doubts.insert((source.clone(), kind)) {
            let text = format!("{doubt}{ALL_THE_SAME}; said once for messages from \"{source}\"");
            tell(EventKind::Warning, text);
        }
    }
}

/// Why what is not as its schema wants it goes to the handler: the first of what was found, and where that is
/// not all, all of it in an event.
fn invalid(mut findings: Vec<Finding>, tell: Tell<'_>) -> String {
    findings.retain(Finding::is_error);
    // What the reason says as a whole is not said twice.
    if findings.len() > TOLD {
        tell(EventKind::Warning, format!("{INVALID}{}", told(&findings, TOLD_AT_LENGTH)));
    }
    format!("{INVALID}{}", told(&findings, TOLD))
}

/// The message that `request` holds, or why it is none, without a word of its content.
fn read(request: &Message) -> Result<Hl7, String> {
    let body = &request.body;
    if body.class() != BodyClass::HL7 {
        return Err(format!("body is \"{}\"; expected \"{}\"", body.class().0, BodyClass::HL7.0));
    }
    message::hl7(body).map_err(|error| error.to_string())
}

/// Why a message with these faults is no HL7; none if it is.
fn no_hl7(faults: &[hl7::Fault]) -> Option<String> {
    let is_bad = |fault: &&hl7::Fault| matches!(fault.kind, FaultKind::NotASegment | FaultKind::Misplaced);
    let mut bad = faults.iter().filter(is_bad);
    let first = bad.next()?;
    match bad.count() {
        0 => Some(first.to_string()),
        more => Some(format!("{first}, and {more} more of the kind")),
    }
}

#[cfg(test)]
mod code_tests;

#[cfg(test)]
mod tests {
    use model::MessageBody;
    use model::Outgoing;
    use serde_json::{Value, json};
    use testkit::{TestHost, message, request};

    use super::*;

    const ADMISSION: &str = "MSH|^~\\&|LAB||||||ADT^A01|7|P|2.5\rPID|1||4711\rPV1|1|I\r";

    fn settings() -> Value {
        json!({
            "bad_message_handler": "Bad",
            "rules": [
                { "name": "admissions", "when": "MSH-9.1 = \"ADT\" and PV1-2 in (\"I\", \"E\")", "send": ["A", "B"] },
                { "when": "MSH-3 = \"LAB\"", "send": ["C"], "stop": true },
                { "name": "noise", "when": "MSH-9.1 = \"ACK\"", "send": [] },
                { "name": "again", "when": "MSH-9.2 = \"A01\"", "send": ["D"] },
            ],
        })
    }

    fn spec() -> model::ComponentSpec {
        model::ComponentSpec::of::<HL7Router>()
    }

    async fn decide(settings: Value, requests: &[Message]) -> Vec<Decision> {
        let Built::Process(mut router) = spec().build(settings, &Library::default()).unwrap() else {
            panic!("not a process")
        };
        let host = TestHost::new("MsgRouter").context();
        router.start(&host).await.unwrap();
        router.on_messages(requests, &host).await
    }

    /// The decision as one line: what is sent where and why, or the reason.
    fn line(decision: &Decision) -> String {
        let all = |sends: &[Outgoing]| {
            let each = sends.iter().map(|sent| {
                assert!(sent.body.is_none(), "the body is sent on as it came");
                format!("{} ({})", sent.target, sent.description)
            });
            each.collect::<Vec<_>>().join(", ")
        };
        match decision {
            Decision::Completed { sends, events, .. } => {
                assert!(events.is_empty());
                format!("sent: {}", all(sends))
            }
            Decision::Discarded(reason) => format!("discarded: {reason}"),
            Decision::Reject { reason, sends, .. } => format!("rejected: {reason}: {}", all(sends)),
            other => format!("{other:?}"),
        }
    }

    async fn check(settings: Value, request: Message, expected: &str) {
        assert_eq!(line(&decide(settings, &[request]).await[0]), expected);
    }

    #[tokio::test]
    async fn every_rule_that_holds_sends_under_its_name() {
        check(settings(), message(1, ADMISSION), "sent: A (admissions), B (admissions), C (rule 2)").await;
        let other = ADMISSION.replace("LAB", "X").replace("|I", "|O");
        check(settings(), message(1, &other), "sent: D (again)").await;
    }

    #[tokio::test]
    async fn what_nothing_wants_is_discarded_with_the_reason() {
        let text = "MSH|^~\\&|X||||||ORU^R01|7|P|2.5\rPID|1\r";
        check(settings(), message(1, text), "discarded: no rule matched").await;
        let noise = text.replace("ORU^R01", "ACK");
        let set_aside = "discarded: rule \"noise\" matched and sends it nowhere";
        check(settings(), message(1, &noise), set_aside).await;
    }

    #[tokio::test]
    async fn rules_can_ask_what_is_known_beside_the_message() {
        let rules = json!({ "rules": [
            { "when": "source = \"Source\" and header.target = \"Target\" and session.id = 5", "send": ["A"] },
        ] });
        check(rules, message(5, ADMISSION), "sent: A (rule 1)").await;
    }

    #[tokio::test]
    async fn what_is_no_hl7_goes_to_the_bad_message_handler_with_its_place() {
        let line_is_no_segment = ADMISSION.replace("PV1|", "free text of a patient|");
        let text = request(1, MessageBody::new(BodyClass::TEXT, ADMISSION));
        for (bad, reason) in [
            (
                message(1, &line_is_no_segment),
                "segment 3 at byte 46: found no segment, expected three capital letters or digits and a field \
                 separator",
            ),
            (
                message(1, "Mustermann"),
                "no segment MSH at the start at byte 0; expected \"MSH\" and a field separator",
            ),
            (text, "body is \"Text\"; expected \"HL7.Message\""),
        ] {
            let expected = format!("rejected: {reason}; sent to \"Bad\": Bad (bad message: {reason})");
            check(settings(), bad, &expected).await;
        }
    }

    #[tokio::test]
    async fn what_is_merely_doubtful_is_routed_and_told_once() {
        let Built::Process(mut router) = spec().build(settings(), &Library::default()).unwrap() else {
            panic!("not a process")
        };
        let host = TestHost::new("MsgRouter");
        let doubtful = ADMISSION.replace("^~\\&", "^~&");
        for id in 1..4 {
            let decision = router.on_message(&message(id, &doubtful), &host.context()).await;
            assert!(line(&decision).starts_with("sent"), "{}", line(&decision));
        }
        let events: Vec<_> = host.events().into_iter().map(|event| event.text).collect();
        assert_eq!(
            events,
            ["segment 1 at byte 0: MSH-2 is too short or too long, expected four or five characters; \
              routed all the same; said once for messages from \"Source\""]
        );
    }

    fn validating(level: &str) -> Value {
        let mut settings = settings();
        settings["validation"] = json!(level);
        settings["message_schema_category"] = json!("2.5");
        settings
    }

    #[tokio::test]
    async fn what_is_not_as_its_schema_wants_it_goes_to_the_handler_with_the_findings() {
        let Built::Process(mut router) = spec().build(validating("tables"), &Library::default()).unwrap()
        else {
            panic!("not a process")
        };
        let host = TestHost::new("MsgRouter");
        let decision = router.on_message(&message(7, ADMISSION), &host.context()).await;
        let reason = "invalid: segment 1 (MSH) begins a message without segment EVN, required by 2.5:ADT_A01; \
                      segment 1 (MSH) has no field 7, required by 2.5:ADT_A01; \
                      segment 2 (PID) has no field 5, required by 2.5:ADT_A01";
        let expected = format!("rejected: {reason}; sent to \"Bad\": Bad (bad message: {reason})");
        assert_eq!(line(&decision), expected);
        // It is said once: the error itself says all of it.
        assert!(host.events().is_empty(), "{:?}", host.events());
    }

    #[tokio::test]
    async fn what_is_found_is_bounded_and_never_holds_a_value() {
        let Built::Process(mut router) = spec().build(validating("fields"), &Library::default()).unwrap()
        else {
            panic!("not a process")
        };
        let host = TestHost::new("MsgRouter");
        let text = format!("{ADMISSION}{}", "OBX|Mustermann|NM|Mustermann||Mustermann\r".repeat(100));
        let decision = router.on_message(&message(1, &text), &host.context()).await;
        let said = line(&decision);
        assert!(said.contains("; and 98 more; sent") || said.contains(" more; sent"), "{said}");
        let event = host.events().remove(0);
        assert_eq!(event.message.map(|id| id.0), Some(1));
        let event = event.text;
        assert!(event.contains("; and ") && event.matches("; ").count() == 50, "{event}");
        assert!(!format!("{said}{event}").contains("Mustermann"));
    }

    #[tokio::test]
    async fn levels_and_z_segments_are_settings() {
        let sound = ADMISSION
            .replace("|LAB|||||", "|LAB||||20260101|")
            .replace("\rPID|1||4711", "\rEVN||20260101\rPID|1||4711||Doe\rZPI|1");
        for (level, text, z_segments, routed) in [
            ("none", ADMISSION, "reject", true),
            ("tables", &sound, "tolerate", true),
            ("structure", &sound, "reject", false),
            ("structure", &sound.replace("||Doe", ""), "tolerate", true),
            ("fields", &sound.replace("||Doe", ""), "tolerate", false),
        ] {
            let mut settings = validating(level);
            settings["z_segments"] = json!(z_segments);
            let decision = &decide(settings, &[message(1, text)]).await[0];
            assert_eq!(
                line(decision).starts_with("sent"),
                routed,
                "{level} {z_segments}: {}",
                line(decision)
            );
        }
        let mut by_version = validating("structure");
        by_version["message_schema_category"] = json!("");
        let unknown = sound.replace("|2.5\r", "|9\r");
        let decision = &decide(by_version, &[message(1, &unknown)]).await[0];
        assert!(
            line(decision).contains("no schema is known for the version in MSH-12"),
            "{}",
            line(decision)
        );
    }

    #[tokio::test]
    async fn the_answer_comes_from_whom_the_settings_name() {
        for (from, expected) in [
            (json!([]), vec![false, false, false]),
            (json!(["B", "C"]), vec![false, true, true]),
            (json!(["*"]), vec![true; 3]),
        ] {
            let mut settings = settings();
            settings["response_from"] = from;
            let decision = decide(settings, &[message(1, ADMISSION)]).await.remove(0);
            let Decision::Completed { sends, .. } = decision else { panic!("{decision:?}") };
            assert_eq!(sends.iter().map(|sent| sent.answers).collect::<Vec<_>>(), expected);
        }
        let mut wrong = settings();
        wrong["response_from"] = json!(["A", "X"]);
        let (notes, _) = findings(wrong);
        assert_eq!(notes, ["response_from[1]: \"X\" is sent to by no rule, and cannot answer"]);
    }

    #[tokio::test]
    async fn rules_ask_by_names_and_types() {
        let rules = json!({
            "message_schema_category": "2.5",
            "rules": [
                { "name": "type", "when": "doc.type = \"2.5:ADT_A01\" and doc.category = \"2.5\"", "send": ["A"] },
                { "name": "name", "when": "PV1.PatientClass = \"I\" and PID.count = 1", "send": ["B"] },
            ],
        });
        check(rules, message(1, ADMISSION), "sent: A (type), B (name)").await;
    }

    #[test]
    fn paths_of_rules_are_held_against_the_schema() {
        let rules = json!([{ "when": "PID-99 = \"x\" and PV1.PatientClas = \"I\"", "send": ["A"] }]);
        let (notes, _) = findings(json!({ "message_schema_category": "2.5.1", "rules": rules }));
        assert_eq!(
            notes,
            [
                "rules[0].when: path \"PID-99\": PID has 39 fields in 2.5.1",
                "rules[0].when: path \"PV1.PatientClas\": PV1 has 52 fields in 2.5.1, none of them \"PatientClas\"",
            ]
        );
        let (notes, _) = findings(json!({ "message_schema_category": "2.5.l", "rules": [] }));
        assert!(notes[0].starts_with("message_schema_category: "), "{notes:?}");
        let error =
            spec().build(json!({ "message_schema_category": "a b", "rules": [] }), &Library::default());
        assert_eq!(error.err().unwrap().path, "message_schema_category");
    }

    #[tokio::test]
    async fn without_a_handler_a_bad_message_is_kept() {
        let rules = json!({ "rules": [{ "otherwise": true, "send": ["A"] }] });
        let kept = "rejected: no segment MSH at the start at byte 0; expected \"MSH\" and a field separator; \
                    kept here, since there is no bad_message_handler: ";
        check(rules, message(1, "Mustermann"), kept).await;
    }

    #[tokio::test]
    async fn several_messages_are_decided_in_order() {
        let requests = [message(1, ADMISSION), message(2, "x"), message(3, ADMISSION)];
        let decisions = decide(settings(), &requests).await;
        let lines: Vec<_> = decisions.iter().map(line).collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[0].starts_with("sent") && lines[1].starts_with("rejected") && lines[2].starts_with("sent")
        );
    }

    /// Findings as `place: message`, and what is sent where.
    fn findings(settings: Value) -> (Vec<String>, Vec<String>) {
        let mut checks = Checks::default();
        spec().check(settings, &mut checks);
        let notes = checks.notes.iter().map(|note| format!("{}: {}", note.path, note.message)).collect();
        let sends = checks.references.iter().map(|at| format!("{}: {}", at.path, at.name)).collect();
        (notes, sends)
    }

    #[test]
    fn a_good_router_has_no_findings_and_says_where_it_sends() {
        let (notes, sends) = findings(settings());
        assert_eq!(notes, [""; 0]);
        assert_eq!(
            sends,
            [
                "rules[0].send[0]: A",
                "rules[0].send[1]: B",
                "rules[1].send[0]: C",
                "rules[3].send[0]: D",
                "bad_message_handler: Bad"
            ]
        );
    }

    #[test]
    fn a_wrong_condition_is_marked_where_it_is_wrong() {
        let mut checks = Checks::default();
        let rules = json!({ "rules": [{ "when": "MSH-9.1 == 'ADT'", "send": ["A"] }] });
        spec().check(rules.clone(), &mut checks);
        let places: Vec<_> =
            checks.notes.iter().map(|note| (note.path.as_str(), note.range.clone())).collect();
        assert_eq!(places, [("rules[0].when", Some(8..10)), ("rules[0].when", Some(11..16))]);
        assert_eq!(checks.notes[0].help.as_deref(), Some("write \"=\""));
        let error = spec().build(rules, &Library::default()).err().unwrap();
        assert_eq!(error.path, "rules[0].when");
    }

    fn one_rule(rule: &Value) -> Value {
        json!({ "rules": [rule], "bad_message_handler": "Bad" })
    }

    #[tokio::test]
    async fn constraints_and_several_conditions_narrow_a_rule() {
        for (rule, sent) in [
            (json!({ "source": "Sou*", "send": "A" }), true),
            (json!({ "source": ["X", "Source"], "doc_type": "ADT_*", "send": "A" }), true),
            (json!({ "doc_type": "2.5:ADT_A01", "doc_category": "2.*", "send": "A" }), true),
            (json!({ "doc_category": ["2.3", "2.4"], "send": "A" }), false),
            (json!({ "source": "source", "send": "A" }), false),
            (json!({ "when": ["MSH-9.1 = \"ADT\"", "PV1-2 = \"I\""], "send": "A" }), true),
            (json!({ "when": ["MSH-9.1 = \"ADT\"", "PV1-2 = \"O\""], "send": "A" }), false),
            (json!({ "effective": { "from": "2023-11-14" }, "when": "true", "send": "A" }), true),
            (json!({ "effective": { "to": "2023-11-13" }, "when": "true", "send": "A" }), false),
        ] {
            let expected = if sent { "sent: A (rule 1)" } else { "discarded: no rule matched" };
            check(one_rule(&rule), message(1, ADMISSION), expected).await;
        }
    }

    #[tokio::test]
    async fn conditions_hold_together_for_one_segment() {
        let text = format!("{ADMISSION}OBX|1|NM|K||4\rOBX|2|NM|NA||140\r");
        for (value, sent) in [("3", true), ("100", false)] {
            let when = json!(["OBX-3 = \"K\"", format!("OBX-5 > {value}")]);
            let rule = json!({ "for_each": "OBX", "when": when, "send": "A" });
            let expected = if sent { "sent: A (rule 1)" } else { "discarded: no rule matched" };
            check(one_rule(&rule), message(1, &text), expected).await;
        }
    }

    #[tokio::test]
    async fn a_rule_may_delete_and_hand_on_to_another_set() {
        let delete = json!({ "rules": [
            { "name": "noise", "when": "PV1-2 = \"I\"", "delete": true },
            { "otherwise": true, "send": "A" },
        ] });
        check(delete, message(1, ADMISSION), "discarded: rule \"noise\" deletes it").await;
        let set: Vec<Rule> = serde_json::from_value(json!([
            { "name": "inner", "when": "MSH-9.1 = \"ADT\"", "send": "B", "stop": true },
            { "otherwise": true, "send": "C" },
        ]))
        .unwrap();
        let library = Library::default().with(rules::RuleSets([("wards".to_owned(), Some(set))].into()));
        let settings = json!({ "rules": [
            { "when": "true", "delegate": "wards" },
            { "name": "too", "when": "true", "send": "D" },
        ] });
        let Built::Process(mut router) = spec().build(settings.clone(), &library).unwrap() else { panic!() };
        let host = TestHost::new("MsgRouter").context();
        let decision = router.on_message(&message(1, ADMISSION), &host).await;
        assert_eq!(line(&decision), "sent: B (inner), D (too)");
        let mut checks = Checks { library, ..Checks::default() };
        spec().check(settings, &mut checks);
        let sends: Vec<_> = checks.references.iter().map(|at| format!("{}: {}", at.path, at.name)).collect();
        assert_eq!(sends, ["rules[0].delegate: B", "rules[0].delegate: C", "rules[1].send: D"]);
    }

    #[tokio::test]
    async fn a_key_that_must_be_in_a_table_and_is_not_is_an_error() {
        let table = rules::LookupTable { strict: true, ..rules::LookupTable::default() };
        let library = Library::default().with(rules::LookupTables::default().with("wards", table));
        let settings = one_rule(&json!({ "when": "lookup(\"wards\", PV1-2) = \"x\"", "send": "A" }));
        let Built::Process(mut router) = spec().build(settings, &library).unwrap() else { panic!() };
        let host = TestHost::new("MsgRouter");
        let decision = router.on_message(&message(1, ADMISSION), &host.context()).await;
        let reason = "lookup(\"wards\", PV1-2) found no such key in the lookup table";
        let expected = format!("rejected: {reason}; sent to \"Bad\": Bad (bad message: {reason})");
        assert_eq!(line(&decision), expected);
        let events = host.events();
        assert_eq!((events.len(), events[0].text.as_str()), (1, &*format!("rules: {reason}")));
    }

    #[tokio::test]
    async fn transforms_make_what_is_sent() {
        let value = rules::transform::ValueDef::Text("MADE".into());
        let set = rules::transform::ActionDef::Set { path: "PV1-2".into(), value };
        let steps = vec![rules::transform::StepDef::from(set)];
        let target = Some("2.5.1".to_owned());
        let def = rules::transform::TransformDef {
            steps,
            target,
            ..rules::transform::TransformDef::named("Upper")
        };
        let (transforms, found) = Transforms::compile(&[def], &Default::default(), &Default::default());
        assert!(found.is_empty(), "{found:?}");
        let library = Library::default().with(transforms);
        let rule = json!({ "when": "true", "transform": ["Upper", "Upper"], "send": ["A", "B"] });
        let Built::Process(mut router) = spec().build(one_rule(&rule), &library).unwrap() else { panic!() };
        let host = TestHost::new("MsgRouter").context();
        let decision = router.on_message(&message(1, ADMISSION), &host).await;
        let Decision::Completed { sends, .. } = decision else { panic!("{decision:?}") };
        let texts: Vec<_> = sends.iter().map(|sent| sent.body.clone().unwrap().content().clone()).collect();
        assert_eq!(texts.len(), 2);
        assert!(texts.iter().all(|text| text.ends_with(b"PV1|1|MADE\r")), "{texts:?}");
        // The structure is the message's own where the target of a transform is a schema alone.
        let types: Vec<_> =
            sends.iter().map(|sent| sent.body.clone().unwrap().doc_type().to_owned()).collect();
        assert_eq!(types, ["2.5.1:ADT_A01", "2.5.1:ADT_A01"]);
        let (notes, _) = findings(one_rule(&json!({ "when": "true", "transform": "Uper", "send": "A" })));
        assert_eq!(notes, ["rules[0].transform: transform \"Uper\" is not known"]);
    }

    #[tokio::test]
    async fn the_rule_log_says_why_and_no_values() {
        for (level, expected) in [
            ("none", None),
            ("errors", None),
            ("results", Some("rules: \"again\" holds; \"again\" sends to \"D\"")),
            (
                "conditions",
                Some(
                    "rules: \"off\" is disabled; \"admissions\" does not: condition 1 does not hold; \
                     \"rule 3\" does not: condition 1 does not hold; \
                     \"noise\" does not: condition 1 does not hold; \"again\" holds; \"again\" sends to \"D\"",
                ),
            ),
        ] {
            let mut settings = settings();
            settings["rule_log"] = json!(level);
            let off = json!({ "name": "off", "when": "true", "send": ["D"], "disabled": true });
            settings["rules"].as_array_mut().unwrap().insert(0, off);
            let Built::Process(mut router) = spec().build(settings, &Library::default()).unwrap() else {
                panic!("not a process")
            };
            let host = TestHost::new("MsgRouter");
            let other = ADMISSION.replace("LAB", "X").replace("|I", "|O");
            router.on_message(&message(7, &other), &host.context()).await;
            let events = host.events();
            assert_eq!(events.first().map(|event| event.text.as_str()), expected, "{level}");
            assert!(events.iter().all(|event| event.message.map(|id| id.0) == Some(7)));
        }
    }

    #[test]
    fn settings_are_what_they_are() {
        for (wrong, place) in [
            (json!({}), "missing field `rules`"),
            (json!({ "rules": [{ "when": "true" }] }), "rules[0]: the rule says neither \"send\""),
            (json!({ "rules": [], "rule": 1 }), "unknown field `rule`"),
            (json!({ "rules": [{ "wen": "true", "send": [] }] }), "unknown field `wen`"),
        ] {
            let (notes, _) = findings(wrong);
            assert_eq!(notes.len(), 1, "{notes:?}");
            assert!(notes[0].contains(place), "{notes:?}");
        }
    }
}
