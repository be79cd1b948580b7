//! The ledger alone: group commit of bodies with two headers each, at several group sizes, each beside
//! as many bare appends with one fdatasync per group.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{
    BodyClass, BusinessType, MessageBody, MessageHeader, MessageId, MessageStatus, SessionId, Timestamp,
};
use orris_tests::Random;
use store::{Change, Ids, Ledger};

use crate::feed;
use crate::report::{against, rate, section};

/// Messages per group, with how many messages are measured.
const GROUPS: [(usize, usize); 4] = [(1, 3_000), (16, 40_000), (128, 150_000), (1024, 400_000)];

/// Measures each group size in a store of its own.
pub(crate) fn run(folder: &Path) {
    section("ledger, 1 KiB bodies, 2 headers each, every group synced");
    for (group, messages) in GROUPS {
        let own = folder.join(format!("group_{group}"));
        std::fs::create_dir(&own).expect("a fresh folder");
        let bodies = bodies(group.max(512));
        let limit = bare(&own.join("bare"), &bodies, group, messages);
        let took = committed(&own, &bodies, group, messages);
        let what = format!("{group} per commit");
        against(&what, rate(messages, took), "msg/s", "bare append + sync", rate(messages, limit), "-");
    }
}

/// How long the store in `folder` takes for as many messages, that many in each commit.
pub(crate) fn committed(folder: &Path, bodies: &[MessageBody], group: usize, messages: usize) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let ledger = Ledger::open(folder, None).expect("a store");
    let begun = Instant::now();
    runtime.block_on(async {
        for _ in 0..messages / group {
            let (seq, ()) = ledger.submit(None, |ids| (change(ids, bodies, group, 2), ()));
            ledger.durable(seq).await.expect("committed");
        }
    });
    let took = begun.elapsed();
    ledger.close().expect("closed");
    took
}

/// That many different bodies.
pub(crate) fn bodies(count: usize) -> Vec<MessageBody> {
    let mut random = Random::new(3);
    (0..count)
        .map(|number| {
            let text = feed::message(number as u64, &mut random);
            MessageBody::described(BodyClass::HL7, text, "ADT_A01".into(), String::new(), "batch.hl7".into())
        })
        .collect()
}

/// A group of messages as the engine stores them: a body, and `headers` completed hops.
pub(crate) fn change(ids: &mut Ids, bodies: &[MessageBody], group: usize, headers: usize) -> Change {
    let (service, router, operation): (Arc<str>, Arc<str>, Arc<str>) =
        ("HL7FileService".into(), "MsgRouter".into(), "HL7FileOperation".into());
    let mut change = Change::default();
    let now = Timestamp::from_system(std::time::SystemTime::now());
    for body in bodies.iter().cycle().take(group) {
        let body_id = ids.body();
        change.bodies.push((body_id, body.clone()));
        let mut session = None;
        for hop in 0..headers {
            let id: MessageId = ids.message();
            let (source, target) = if hop == 0 { (&service, &router) } else { (&router, &operation) };
            let types = (BusinessType::BusinessService, BusinessType::BusinessProcess);
            let mut header =
                MessageHeader::request(id, session, source, types.0, target, types.1, Some(body_id), now);
            header.status = MessageStatus::Completed;
            header.time_processed = Some(now);
            session.get_or_insert(SessionId::from(id));
            change.created.push(header);
        }
    }
    change
}

/// The same bytes appended to a bare file, synced after each group.
pub(crate) fn bare(path: &Path, bodies: &[MessageBody], group: usize, messages: usize) -> Duration {
    let mut file = File::create(path).expect("created");
    let mut buffer = Vec::new();
    let begun = Instant::now();
    for _ in 0..messages / group {
        buffer.clear();
        bodies.iter().cycle().take(group).for_each(|body| buffer.extend_from_slice(body.content()));
        file.write_all(&buffer).and_then(|()| file.sync_data()).expect("written");
    }
    begun.elapsed()
}
