//! `order_by`: workers at the same time, and still in order what has the same key.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{Arrival, BodyClass, Decision, Intake, MessageBody, MessageStatus};
use orris_runtime::QueueWindow;
use proptest::prelude::*;
use testkit::{FakeClock, eventually};

use crate::fake::*;

const WORKERS: usize = 4;

/// An HL7 message with that control id, about that patient.
fn about(patient: Option<usize>, id: usize) -> Arrival {
    let pid = patient.map(|patient| format!("PID|1||{patient}^^^HOSP\r")).unwrap_or_default();
    let text = format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A01|{id}|P|2.5\r{pid}");
    Arrival::new(MessageBody::new(BodyClass::HL7, text))
}

/// The control id.
fn id_of(message: &model::Message) -> usize {
    text_of(&message.body).split('|').nth(9).unwrap().parse().unwrap()
}

/// What the workers did, in order: begun, or ended with whether it is done.
#[derive(Default)]
struct Log {
    steps: Vec<(usize, Option<bool>)>,
}

impl Log {
    /// Holds what was done against what is promised.
    fn check(&self, patients: &[Option<usize>]) -> usize {
        let mut done = vec![false; patients.len()];
        let (mut working, mut most): (Vec<usize>, usize) = (Vec::new(), 0);
        for (id, ended) in &self.steps {
            let patient = patients[*id];
            match ended {
                None => {
                    let before = (0..*id).filter(|other| {
                        patient.is_none() || patients[*other] == patient || patients[*other].is_none()
                    });
                    let passed: Vec<_> = before.filter(|other| !done[*other]).collect();
                    assert!(passed.is_empty(), "{id} passed {passed:?}");
                    assert!(!done[*id], "{id} is begun again after it was done");
                    working.push(*id);
                    most = most.max(working.len());
                }
                Some(is_done) => {
                    working.retain(|other| other != id);
                    assert!(!done[*id], "{id} is done twice");
                    done[*id] = *is_done;
                }
            }
            assert!(working.len() == 1 || working.iter().all(|id| patients[*id].is_some()), "{working:?}");
        }
        assert!(done.iter().all(|done| *done), "not done: {done:?}");
        most
    }
}

/// Runs messages about these patients through workers of which each try takes a while, and may fail.
/// Says how many were worked on at once.
async fn run(patients: &[Option<usize>], tries: Vec<(u64, bool)>) -> usize {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (mut out, acting) = item("Out", &SINK, &[]);
    out.pool_size = WORKERS;
    out.order_by = Some("PID-3.1".parse().unwrap());
    let log: Arc<Mutex<Log>> = Arc::default();
    let (seen, mut next) = (log.clone(), tries.into_iter().cycle());
    acting.watch(move |message, ended| {
        let step = ended.map(|decision| matches!(decision, Decision::Completed { .. }));
        seen.lock().unwrap().steps.push((id_of(message), step));
    });
    acting.act(move |_| {
        let (millis, fails) = next.next().unwrap();
        let decision = match fails {
            true => Decision::retry_after("busy", Some(Duration::from_millis(50))),
            false => Decision::completed(),
        };
        match millis {
            0 => Act::Decide(decision),
            millis => Act::After(Duration::from_millis(millis), decision),
        }
    });
    let mut production = Production::of(vec![feed, out]).clock(clock.clone());
    // A part of it goes over the disk.
    production.window = QueueWindow { count: 40, bytes: 1 << 20 };
    let director = production.start().await;
    for lot in patients.iter().enumerate().collect::<Vec<_>>().chunks(25) {
        let arrivals = lot.iter().map(|(id, patient)| about(**patient, *id)).collect();
        take(&feeding, Intake { arrivals, ..Intake::default() }).await;
    }
    let done = || director.status().item("Out").unwrap().completed as usize;
    eventually(SOON, || {
        clock.advance(Duration::from_millis(5));
        done() == patients.len()
    })
    .await;
    assert!(director.stop().await.left.is_empty());
    assert_eq!(production.count("Out", MessageStatus::Completed), patients.len());
    log.lock().unwrap().check(patients)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]
    #[test]
    fn each_key_is_in_order_and_each_message_done_once(
        patients in prop::collection::vec(prop_oneof![14 => (0usize..7).prop_map(Some), 1 => Just(None)], 30..200),
        tries in prop::collection::vec(
            (prop_oneof![2 => Just(0u64), 3 => 1u64..30], prop::bool::weighted(0.1)), 60..90),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let most = runtime.block_on(run(&patients, tries));
        prop_assert!(most <= WORKERS);
    }
}

#[tokio::test]
async fn workers_work_at_the_same_time() {
    let patients: Vec<_> = (0..120).map(|id| Some(id % 11)).collect();
    assert_eq!(run(&patients, vec![(20, false)]).await, WORKERS);
}

#[tokio::test]
async fn a_patient_that_is_stuck_holds_up_no_other() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (mut out, acting) = item("Out", &SINK, &[]);
    out.pool_size = 2;
    out.order_by = Some("PID-3.1".parse().unwrap());
    let ready = Arc::new(Mutex::new(false));
    let stuck = ready.clone();
    acting.act(move |message| match id_of(message) {
        0 if !*stuck.lock().unwrap() => Act::Decide(Decision::retry("locked")),
        _ => Act::Decide(Decision::completed()),
    });
    let production = Production::of(vec![feed, out]).clock(clock.clone());
    let director = production.start().await;
    let arrivals = (0..60).map(|id| about(Some(id % 3), id)).collect();
    take(&feeding, Intake { arrivals, ..Intake::default() }).await;
    eventually(SOON, || production.count("Out", MessageStatus::Completed) == 40).await;
    let seen = || acting.seen().iter().filter(|text| text.contains("||0^^^HOSP")).count();
    assert_eq!((seen(), director.status().item("Out").unwrap().queue), (1, 20));
    *ready.lock().unwrap() = true;
    eventually(SOON, || {
        clock.advance(Duration::from_secs(1));
        production.count("Out", MessageStatus::Completed) == 60
    })
    .await;
    director.stop().await;
}
