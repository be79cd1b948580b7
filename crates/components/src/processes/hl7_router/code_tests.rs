//! Routers whose rules send what code makes, or name transforms that read more than a router has.

use model::{Built, Checks, ComponentSpec, Decision, Library, Message};
use rules::transform::{ActionDef, CodeDef, StepDef, TransformDef, ValueDef};
use rules::{Scope, Transforms};
use serde_json::json;
use testkit::{TestHost, message};

use super::HL7Router;

const ADMISSION: &str = "MSH|^~\\&|LAB||||||ADT^A01|7|P|2.5\rPID|1||4711\rPV1|1|I\r";

fn library(code: &str) -> Library {
    let def = CodeDef { text: code.to_owned(), places: Vec::new() };
    let steps = vec![StepDef { line: 9, ..StepDef::from(ActionDef::Code(def)) }];
    let def = TransformDef { steps, ..TransformDef::named("coded") };
    let (transforms, found) =
        Transforms::compile_with(&[def], &Default::default(), &Scope::default(), Some(&script::JavaScript));
    assert!(found.is_empty(), "{found:?}");
    Library::default().with(transforms)
}

/// What becomes of messages whose rules send admissions by the code and the others as they are: as
/// `body` of those that are sent, or the reason; and what was said.
async fn route(code: &str, requests: &[Message]) -> (Vec<String>, Vec<String>) {
    let settings = json!({ "rules": [
        { "name": "in", "when": "PV1-2 = \"I\"", "transform": "coded", "send": ["A", "B"] },
        { "name": "out", "otherwise": true, "send": "A" },
    ] });
    let Built::Process(mut router) =
        ComponentSpec::of::<HL7Router>().build(settings, &library(code)).unwrap()
    else {
        panic!("not a process")
    };
    let host = TestHost::new("MsgRouter");
    let context = host.context();
    router.start(&context).await.unwrap();
    let told = |decision: Decision| match decision {
        Decision::Completed { sends, .. } => {
            let body = sends[0].body.as_ref();
            let body = body.map(|body| String::from_utf8_lossy(body.content()).replace('\r', "/"));
            format!("{} of {}", sends.len(), body.unwrap_or_else(|| "the same".to_owned()))
        }
        Decision::Reject { reason, .. } => reason,
        other => format!("{other:?}"),
    };
    let decisions = router.on_messages(requests, &context).await.into_iter().map(told).collect();
    let events = host.events().into_iter().filter(|event| !event.text.starts_with("rules: "));
    (decisions, events.map(|event| format!("{} {:?}", event.text, event.message.map(|id| id.0))).collect())
}

#[tokio::test]
async fn what_code_makes_is_sent_in_the_order_of_the_messages() {
    let out = ADMISSION.replace("|I\r", "|O\r");
    let requests = [message(1, ADMISSION), message(2, &out), message(3, "nonsense"), message(4, ADMISSION)];
    let code = "target.set('PID-2', context.id); log.info('made', source.get('MSH-10'))";
    let (decisions, said) = route(code, &requests).await;
    let made = |id: u32| {
        format!("2 of {}", ADMISSION.replace("1||4711", &format!("1|{id}|4711")).replace('\r', "/"))
    };
    assert_eq!((&decisions[0], &*decisions[1], &decisions[3]), (&made(1), "1 of the same", &made(4)));
    assert!(decisions[2].contains("no bad_message_handler"), "{decisions:?}");
    assert_eq!(said, ["made 7 Some(1)", "made 7 Some(4)"], "a chain is run once for all its targets");
}

#[tokio::test]
async fn code_without_end_ends_its_message_and_the_others_go_on() {
    let endless = ADMISSION.replace("4711", "666");
    let requests = [message(1, ADMISSION), message(2, &endless), message(3, ADMISSION)];
    let (decisions, _) = route("if (source.get('PID-3') === '666') while (true) {}", &requests).await;
    let why = "rule \"in\": transform \"coded\", steps[0] (line 9): took longer than the 1000 ms that it has";
    assert!(decisions[1].starts_with(why), "{decisions:?}");
    for at in [0, 2] {
        assert!(decisions[at].starts_with("2 of "), "{decisions:?}");
    }
}

#[test]
fn a_transform_that_reads_what_only_a_flow_has_is_told_at_its_rule() {
    let value = ValueDef::From("context.ward".to_owned());
    let set = ActionDef::Set { path: "PV1-3.1".to_owned(), value };
    let def = TransformDef { steps: vec![set.into()], ..TransformDef::named("located") };
    let (transforms, found) = Transforms::compile(&[def], &Default::default(), &Scope::default());
    assert!(found.is_empty(), "{found:?}");
    let settings = json!({ "rules": [{ "when": "true", "transform": ["located"], "send": "A" }] });
    let mut checks = Checks::beside(&Library::default().with(transforms));
    ComponentSpec::of::<HL7Router>().check(settings, &mut checks);
    let told: Vec<_> = checks.notes.iter().map(|note| (&*note.path, &*note.message)).collect();
    let reads = "transform \"located\" reads context.ward, which only a flow has";
    assert_eq!(told, [("rules[0].transform[0]", reads)]);
}
