//! The text of a panic may hold a part of a message: it is kept out of everything that is written.
//! In a binary of its own, since the hook is one for the whole process.

#[allow(dead_code, reason = "the other tests need more of it")]
#[path = "it/fake.rs"]
mod fake;

use fake::*;
use testkit::eventually;

#[tokio::test]
async fn a_panic_is_told_by_its_place_and_not_by_its_text() {
    orris_runtime::keep_panic_texts_out();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, panicking) = item("Out", &SINK, &[]);
    panicking.act(|_| Act::Panic);
    let production = Production::of(vec![feed, sink]);
    let director = production.start().await;
    take(&feeding, intake(numbers(1))).await;
    eventually(SOON, || {
        production.has_event(&["Out", "the host panicked at crates/runtime/tests/it/fake.rs:"])
    })
    .await;
    assert!(!production.events().iter().any(|event| event.contains("the test says so")));
    director.stop().await;
}
