//! A worker: takes messages from its item's queue, hands them to its host, settles what was decided.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{
    AfterRetries, BodyClass, Decision, Event, EventKind, Failure, HostContext, Message, MessageId, Priority,
    Timestamp, fault,
};
use tokio::sync::OwnedSemaphorePermit;

use crate::batch::BatchSize;
use crate::engine::{Engine, Item, ItemQueue};
use crate::patience::{Patience, Vain, Verdict};
use crate::settle::Settling;
use crate::slot::Slot;
use crate::status::ItemState;
use crate::supervise::{Backoff, Handler, Panicked, caught, fell, raise};

/// The longest sleep without a look at the clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The pause after a host was woken for nothing.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// A worker of one item.
pub(crate) struct Worker {
    engine: Arc<Engine>,
    item: Arc<Item>,
    queue: Arc<ItemQueue>,
    slot: Arc<Slot>,
    context: HostContext,
    /// Whether effects leave the engine: then messages are handed over when they are durable.
    outside: bool,
    /// The message that failed and is tried again: first, and alone.
    held: Option<Message>,
    patience: Patience,
    batch: BatchSize,
    /// The newest answer that was there when the host was to be woken: it comes first.
    due: Option<MessageId>,
    /// How often the host fell when it was woken.
    falls: Backoff,
}

/// What a worker does next.
enum Work {
    Batch(Vec<Message>),
    Wake,
}

/// How a worker goes on after a batch.
enum Next {
    Go,
    /// After that long, since a message is to be tried again.
    Pause(Duration),
    /// With a new host, after that long.
    Raise(Duration),
    /// Not at all: the item cannot go on.
    Fail(String),
}

impl Worker {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        item: &Arc<Item>,
        queue: &Arc<ItemQueue>,
        slot: &Arc<Slot>,
        context: &HostContext,
    ) -> Self {
        Worker {
            engine: engine.clone(),
            item: item.clone(),
            queue: queue.clone(),
            slot: slot.clone(),
            context: context.clone(),
            outside: item.def.component.leaves_engine(item.def.settings.clone()),
            held: None,
            patience: Patience::default(),
            batch: BatchSize::new(item.def.pool_size, item.def.throttle.is_some()),
            due: None,
            falls: Backoff::default(),
        }
    }

    /// Works until the item is asked to stop or cannot go on, beginning with the host `first`.
    pub(crate) async fn run(mut self, first: Handler) {
        let mut host = raise(&self.engine, &self.item, &self.context, Some(first)).await;
        while let Some(handler) = host.as_mut()
            && let Some((work, actor)) = self.next(handler.next_wake()).await
        {
            let next = match work {
                Work::Batch(batch) => self.serve(handler, batch).await,
                Work::Wake => self.wake(handler).await,
            };
            // An actor is free for others while this item waits.
            drop(actor);
            match next {
                Next::Go => {}
                Next::Pause(pause) => {
                    self.engine.sleep_unless_stopping(&self.item, pause).await;
                }
                Next::Raise(pause) => {
                    // What it held open is closed before the next one opens it.
                    drop(host.take());
                    self.engine.sleep_unless_stopping(&self.item, pause).await;
                    host = raise(&self.engine, &self.item, &self.context, None).await;
                }
                Next::Fail(reason) => self.engine.fail(&self.item, &reason),
            }
            if let Some(throttle) = self.item.def.throttle {
                self.engine.sleep_unless_stopping(&self.item, throttle).await;
            }
        }
        let held = self.release();
        self.queue.give_back(held.into_iter());
    }

    /// Keeps a message in hand, to try it again.
    fn hold(&mut self, message: Message) {
        self.held = Some(message);
        self.queue.hold();
    }

    /// The next messages, or that the host is to be woken.
    async fn wait_or_wake(
        &mut self,
        wake: Option<Timestamp>,
    ) -> Option<(Work, Option<OwnedSemaphorePermit>)> {
        if let Some(wake) = wake.filter(|_| self.held.is_none()) {
            let clock = self.engine.clock.clone();
            loop {
                let left = wake.since(clock.now());
                if left.is_zero() {
                    break;
                }
                self.due = None;
                tokio::select! {
                    biased;
                    taken = self.wait() => return batch(taken),
                    // Looked at again meanwhile: the machine's clock may be set.
                    () = clock.sleep(left.min(LONGEST_SLEEP)) => {}
                }
            }
            // An answer that was there when the time came was in time.
            let newest = *self.due.get_or_insert_with(|| self.queue.newest(Priority::SimSync));
            if self.queue.is_past(Priority::SimSync, newest) {
                self.due = None;
                return Some((Work::Wake, self.actor().await));
            }
        }
        batch(self.wait().await)
    }

    /// The message that is to be tried again.
    fn release(&mut self) -> Option<Message> {
        self.held.take().inspect(|_| self.queue.release())
    }

    /// The next messages, with the right to work on them; none when the item is to stop.
    async fn next(&mut self, wake: Option<Timestamp>) -> Option<(Work, Option<OwnedSemaphorePermit>)> {
        let item = self.item.clone();
        tokio::select! {
            biased;
            () = item.stopping() => None,
            next = self.wait_or_wake(wake) => next,
        }
    }

    /// Waits for the next messages. May be given up at any time: it takes them without a wait behind.
    async fn wait(&mut self) -> Option<(Vec<Message>, Option<OwnedSemaphorePermit>)> {
        let outside = self.outside;
        while self.held.is_none() {
            let ledger = &self.engine.ledger;
            match self.queue.front() {
                None => self.queue.arrived().await,
                Some(Some(seq)) if outside && !ledger.is_durable(seq) => {
                    if let Err(error) = self.engine.durable.wait(seq).await {
                        // Nothing is sent out that is not stored, and nothing more is going to be.
                        self.engine.fail(&self.item, &error.to_string());
                        return None;
                    }
                }
                Some(_) => {
                    let actor = self.actor().await;
                    let most = self.batch.next(self.queue.depth());
                    let batch = self.queue.take(most, |seq| !outside || ledger.is_durable(*seq));
                    if !batch.is_empty() {
                        self.item.activity.took(batch.len(), self.engine.clock.now());
                        return Some((batch, actor));
                    }
                }
            }
        }
        let actor = self.actor().await;
        Some((self.release().into_iter().collect(), actor))
    }

    /// The right to work, for a process that shares the actor pool.
    async fn actor(&self) -> Option<OwnedSemaphorePermit> {
        if self.item.def.pool_size > 0 {
            return None;
        }
        // The pool is never closed.
        self.engine.actors.clone().acquire_owned().await.ok()
    }

    /// Hands a batch to the host and settles what it decided.
    async fn serve(&mut self, host: &mut Handler, mut batch: Vec<Message>) -> Next {
        if batch.iter().any(is_damaged) {
            let damaged = batch.extract_if(.., |message| is_damaged(message)).collect();
            self.refuse_damaged(damaged).await;
            if batch.is_empty() {
                return Next::Go;
            }
        }
        let count = batch.len() as u64;
        let begun = self.engine.clock.now();
        self.item.activity.in_hand.fetch_add(count, Ordering::Relaxed);
        self.slot.begin(&batch, begun);
        self.patience.begins(begun);
        fault::point("host.before_message");
        let decided = caught(host.on_messages(&batch, &self.context)).await;
        fault::point("host.after_message");
        let marked = self.slot.end();
        self.batch.took(batch.len(), self.engine.clock.now().since(begun));
        let next = match decided {
            Ok(decisions) => self.settle(batch, decisions, marked).await,
            Err(panicked) => self.panicked(batch, &panicked, marked).await,
        };
        self.item.activity.in_hand.fetch_sub(count, Ordering::Relaxed);
        next
    }

    /// Wakes the host and settles what it does.
    async fn wake(&mut self, host: &mut Handler) -> Next {
        fault::point("host.before_message");
        let woken = caught(host.on_wake(&self.context)).await;
        fault::point("host.after_message");
        let reason = match woken {
            Ok(Ok(steps)) if steps.is_empty() => return Next::Pause(SHORTEST_PAUSE),
            Ok(Ok(steps)) => {
                let (engine, item) = (self.engine.clone(), self.item.clone());
                let mut settling = Settling::new(&engine, &item, steps.len(), false);
                steps.into_iter().for_each(|step| settling.step(None, step));
                settling.submit().await;
                return Next::Go;
            }
            Ok(Err(Failure::Stopping)) => return Next::Go,
            Ok(Err(Failure::Fatal(reason))) => return Next::Fail(reason),
            Ok(Err(Failure::Temporary(reason))) => reason,
            Err(panicked) => format!("the host panicked when it was woken{}", panicked.place),
        };
        let pause = self.falls.next(self.engine.clock.now());
        fell(&self.engine, &self.item, &reason, pause, true);
        Next::Raise(pause)
    }

    /// Ends messages whose bodies the store could not read back: no host could do anything with them,
    /// and they must not hold up the others.
    async fn refuse_damaged(&self, damaged: Vec<Message>) {
        let mut settling = Settling::new(&self.engine, &self.item, damaged.len(), false);
        for message in &damaged {
            let reason = String::from_utf8_lossy(message.body.content()).into_owned();
            settling.reject(message, reason, Vec::new(), None);
        }
        settling.submit().await;
        let mut done = Done::of(&self.queue);
        damaged.iter().for_each(|message| done.push(message.header.id));
        done.tell(&self.queue);
    }

    /// Writes what was decided. `marked` says that the batch was marked as Delivered meanwhile.
    async fn settle(&mut self, batch: Vec<Message>, decisions: Vec<Decision>, marked: bool) -> Next {
        let (engine, item) = (self.engine.clone(), self.item.clone());
        let mut settling = Settling::new(&engine, &item, batch.len(), marked);
        let mut next = Next::Go;
        let (mut back, mut done) = (Vec::new(), Done::of(&self.queue));
        // A host that looks at nothing would be asked for ever, without a pause.
        let mut looked_at = !decisions.is_empty() || item.is_stopping();
        let mut decisions = decisions.into_iter();
        for message in batch {
            let decision = decisions.next().or_else(|| {
                let first = !std::mem::replace(&mut looked_at, true);
                first.then(|| Decision::retry("the host decided about no message"))
            });
            let Some(decision) = decision else {
                settling.goes_back(&message, "");
                back.push(message);
                continue;
            };
            let id = message.header.id;
            match self.decide(&mut settling, message, decision) {
                None => done.push(id),
                Some((message, Next::Pause(pause))) if self.held.is_none() => {
                    self.hold(message);
                    next = Next::Pause(pause);
                }
                Some((message, then)) => {
                    if matches!(then, Next::Fail(_)) {
                        next = then;
                    }
                    back.push(message);
                }
            }
        }
        self.put_back(settling, back).await;
        done.tell(&self.queue);
        next
    }

    /// Carries one decision out. Says the message and what is to be done with it when it is not done.
    fn decide(
        &mut self,
        settling: &mut Settling<'_>,
        message: Message,
        decision: Decision,
    ) -> Option<(Message, Next)> {
        match decision {
            Decision::Retry { reason, after, then, counts } => {
                return self.in_vain(settling, message, &Vain { reason, after, then, counts });
            }
            Decision::Fatal(reason) => return Some(stop(settling, message, reason)),
            Decision::Completed { sends, events, response } => {
                settling.complete(&message, sends, events, response);
            }
            Decision::Step(step) => settling.step(Some(&message), *step),
            Decision::Discarded(reason) => settling.discard(&message, reason),
            Decision::Suspend { reason, response } => {
                settling.suspend(&message, EventKind::Warning, reason, response);
            }
            Decision::Reject { reason, sends, response } => {
                settling.reject(&message, reason, sends, response);
            }
        }
        self.no_longer_waits(settling, &message);
        None
    }

    /// The message was tried in vain: it waits, or the time is up.
    fn in_vain(
        &mut self,
        settling: &mut Settling<'_>,
        message: Message,
        vain: &Vain,
    ) -> Option<(Message, Next)> {
        match self.patience.failed(&message.header, vain, &self.item.def, settling.now()) {
            Verdict::GiveUp(reason) => {
                match vain.then {
                    AfterRetries::Suspend => settling.suspend(&message, EventKind::Error, reason, None),
                    AfterRetries::Fail => settling.reject(&message, reason, Vec::new(), None),
                    AfterRetries::Complete => settling.complete_in_vain(&message, &reason),
                    AfterRetries::Disable => return Some(stop(settling, message, reason)),
                }
                self.no_longer_waits(settling, &message);
                None
            }
            Verdict::Wait { pause, event, shown, line } => {
                if let Some(line) = line {
                    let id = message.header.id.0;
                    tracing::warn!(
                        item = &**self.item.name(),
                        message_id = id,
                        "item \"{}\": {line}",
                        self.item.name()
                    );
                }
                if let Some(event) = event {
                    settling.say(event);
                }
                settling.waits(&message, &vain.reason, !shown);
                let waiting = format!("message {} is tried again: {}", message.header.id, vain.reason);
                self.item.activity.set(ItemState::Waiting, Some(waiting));
                Some((message, Next::Pause(pause)))
            }
        }
    }

    fn no_longer_waits(&mut self, settling: &mut Settling<'_>, message: &Message) {
        if let Some(event) = self.patience.ended(&message.header, &self.item.def, settling.now()) {
            settling.say(event);
            self.item.activity.goes_on();
        }
    }

    /// Hands the change to the ledger, and then puts back what is not done: what others of this item
    /// write about those messages has to come later.
    async fn put_back(&self, settling: Settling<'_>, back: Vec<Message>) {
        settling.submit().await;
        if !back.is_empty() {
            self.item.activity.untook(back.len());
            self.queue.give_back(back.into_iter());
        }
    }

    /// The host panicked: the messages are tried one at a time, so that the culprit is known; a
    /// culprit that is alone is retried, and given up when it does so again and again.
    async fn panicked(&mut self, batch: Vec<Message>, panicked: &Panicked, marked: bool) -> Next {
        let place = &panicked.place;
        if let [message] = batch.as_slice() {
            let header = &message.header;
            let reason = format!("the host panicked{place}");
            let decision = match self.patience.panicked(header.id) {
                true => Decision::reject(format!("{reason}, again and again"), Vec::new()),
                false => Decision::retry(reason),
            };
            return match self.settle(batch, vec![decision], marked).await {
                Next::Pause(pause) => Next::Raise(pause),
                _ => Next::Raise(Duration::ZERO),
            };
        }
        let count = batch.len();
        self.batch.singly(count);
        let text = format!(
            "the host panicked{place} with {count} messages in hand; it is built anew, and they are tried one at a time"
        );
        self.engine.say(Event::new(EventKind::Error, self.item.name(), text));
        let (engine, item) = (self.engine.clone(), self.item.clone());
        let mut settling = Settling::new(&engine, &item, 0, marked);
        batch.iter().for_each(|message| settling.goes_back(message, ""));
        self.put_back(settling, batch).await;
        Next::Raise(Duration::ZERO)
    }
}

/// The item cannot go on: the message stays on its queue.
fn stop(settling: &mut Settling<'_>, message: Message, reason: String) -> (Message, Next) {
    settling.goes_back(&message, &reason);
    let answer = format!("{reason}; the item is stopped, the message stays on its queue");
    settling.answer(&message, Some(&answer), None);
    (message, Next::Fail(reason))
}

/// What a batch ended, for a queue that has to be told: it keeps account of keys in hand.
struct Done(Option<Vec<MessageId>>);

impl Done {
    fn of(queue: &ItemQueue) -> Self {
        Done(queue.is_ordered().then(Vec::new))
    }

    fn push(&mut self, message: MessageId) {
        self.0.iter_mut().for_each(|done| done.push(message));
    }

    /// Tells the queue; what was sent on in their place has to be on its way by now.
    fn tell(self, queue: &ItemQueue) {
        self.0.iter().for_each(|done| queue.done(done));
    }
}

/// Whether no host could do anything with it. Who waits for an answer is told that it cannot be read.
fn is_damaged(message: &Message) -> bool {
    message.body.class() == BodyClass::DAMAGED && !message.header.is_response()
}

fn batch(
    taken: Option<(Vec<Message>, Option<OwnedSemaphorePermit>)>,
) -> Option<(Work, Option<OwnedSemaphorePermit>)> {
    taken.map(|(batch, actor)| (Work::Batch(batch), actor))
}
