//! Reads back what a queue left to the disk: all of it at the start, the rest as the window empties.

use std::sync::Arc;
use std::time::Duration;

use model::{Event, EventKind, Message};
use store::{Seq, StoreError};

use crate::engine::{Engine, ItemQueue};
use crate::queue::Gap;

/// The pause after a read that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Fills the window of a queue for the first time, before anything new is taken in.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn recover(engine: &Engine, queue: &ItemQueue) -> Result<(), StoreError> {
    while let Some(gap) = queue.gap() {
        fill(engine, queue, gap).await?;
    }
    Ok(())
}

/// Keeps the window of a queue filled until the ledger is closed.
pub(crate) async fn keep_filled(engine: Arc<Engine>, queue: Arc<ItemQueue>) {
    let mut failing = false;
    loop {
        let Some(gap) = queue.gap() else {
            queue.low().await;
            continue;
        };
        match fill(&engine, &queue, gap).await {
            Ok(()) => failing = false,
            Err(StoreError::Closed { .. }) => return,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    let text =
                        format!("its queue cannot be read back: {error}; it is tried again every second");
                    engine.say(Event::new(EventKind::Error, &queue.name, text));
                }
                engine.clock.sleep(PAUSE).await;
            }
        }
    }
}

/// Reads one stretch, as far as it is committed: commits come in the order of the queue, so what is read
/// leaves nothing out between. Only when there is nothing yet, it waits for the commit of the last one;
/// nothing behind that means that the stretch is empty.
async fn fill(engine: &Engine, queue: &ItemQueue, gap: Gap<Seq>) -> Result<(), StoreError> {
    let committed = gap.seq.is_none_or(|seq| engine.ledger.is_durable(seq));
    let mut found = read(engine, queue, &gap).await?;
    if let Some(seq) = gap.seq
        && found.is_empty()
        && !committed
    {
        engine.ledger.durable(seq).await?;
        found = read(engine, queue, &gap).await?;
    }
    queue.fill(&gap, found);
    Ok(())
}

async fn read(engine: &Engine, queue: &ItemQueue, gap: &Gap<Seq>) -> Result<Vec<Message>, StoreError> {
    let (name, priority) = (queue.name.clone(), gap.priority);
    let (after, count, bytes) = ((gap.priority, gap.after), gap.count, gap.bytes);
    let found = engine.readers.read(move |reader| reader.window(&name, Some(after), count, bytes)).await?;
    let found = found.into_iter().take_while(|(header, _)| header.priority == priority);
    Ok(found.map(|(header, body)| Message { header, body }).collect())
}
