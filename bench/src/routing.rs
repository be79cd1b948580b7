//! What routing rules cost on one core: 1, 10 and 100 of them, none of which stops.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hl7::Message;
use orris_tests::Random;
use rules::{Facts, Rule, RuleSet};

use crate::feed;
use crate::report::{figure, section};

/// Different messages of each kind.
const DIFFERENT: u64 = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(250);

/// What rules ask, as routers do: types and classes most of all, then wards, codes and values.
const ASKED: [&str; 10] = [
    r#"MSH-9.1 = "ADT" and PV1-2 in ("I", "E")"#,
    r#"MSH-9.1 = "ORU" and MSH-9.2 = "R01""#,
    r#"MSH-4 = "CLINIC" and MSH-9.2 in ("A04", "A08")"#,
    r#"PV1-3.1 starts_with "SURG" or PV1-3.1 = "ICU""#,
    r#"upper(PID-8) = "F" and substring(PID-7, 1, 4) < "1990""#,
    r#"PID-3[*].4 = "ARCHIVE""#,
    r#"OBX[*]-3.1 = "K" and OBX[*]-5 > 6"#,
    r#"MSH-10 matches "[A-Z]{2}[0-9]+""#,
    r#"PV1-44 != "" and PV1-45 = """#,
    r#"doc.type contains "ADT" and PID-5.1 contains "von""#,
];

/// Measures each number of rules on each kind of message.
pub(crate) fn run(_folder: &Path) {
    let mut random = Random::new(9);
    let admissions: Vec<Bytes> =
        (0..DIFFERENT).map(|number| feed::message(number, &mut random).into()).collect();
    let results: Vec<Bytes> =
        (0..DIFFERENT).map(|number| feed::results(number, &mut random).into()).collect();
    for (name, messages) in [("ADT_A01", admissions), ("ORU_R01", results)] {
        let bytes: usize = messages.iter().map(Bytes::len).sum();
        section(&format!(
            "rules on one core, {name} of {} bytes; medians of {ROUNDS}",
            bytes / messages.len()
        ));
        let doc_type = format!("2.5.1:{name}");
        for count in [1, 10, 100] {
            let set = RuleSet::compile(&rules(count)).expect("rules");
            let wanted = if count == 10 { "5 µs or less for a message of 1 KiB" } else { "-" };
            let micros = measure(&messages, message, |message| route(&set, message, &doc_type));
            figure(&format!("{count} rules, of a message that was read"), &format!("{micros:.2} µs"), wanted);
        }
        let set = RuleSet::compile(&rules(10)).expect("rules");
        let micros = measure(&messages, Bytes::clone, |bytes| route(&set, &message(bytes), &doc_type));
        figure("10 rules, reading the message included", &format!("{micros:.2} µs"), "-");
    }
}

fn rules(count: usize) -> Vec<Rule> {
    let rule = |at: usize| {
        let asked = ASKED[at % ASKED.len()];
        // Each asks something else, as a hundred rules would.
        let when =
            if at < ASKED.len() { asked.to_owned() } else { format!("({asked}) and MSH-11 != \"{at}\"") };
        let send = Some(["Archive"].as_slice().into());
        Rule { name: format!("rule {at}"), when: when.as_str().into(), send, ..Rule::default() }
    };
    (0..count).map(rule).collect()
}

fn message(bytes: &Bytes) -> Message {
    Message::read(bytes.clone(), "").expect("a message")
}

fn route(set: &RuleSet, message: &Message, doc_type: &str) {
    let facts = Facts { message: Some(message), source: "FromWard", doc_type, ..Facts::default() };
    let mut steps = 0_usize;
    black_box(set.route(&facts, &mut |_| steps += 1));
    black_box(steps);
}

/// Microseconds for each message, the median of some rounds.
fn measure<T>(messages: &[Bytes], prepare: impl Fn(&Bytes) -> T, work: impl Fn(&T)) -> f64 {
    let prepared: Vec<T> = messages.iter().map(prepare).collect();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let (begin, mut done) = (Instant::now(), 0_u32);
            while begin.elapsed() < ROUND {
                prepared.iter().for_each(&work);
                done += prepared.len() as u32;
            }
            begin.elapsed().as_secs_f64() * 1e6 / f64::from(done)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
