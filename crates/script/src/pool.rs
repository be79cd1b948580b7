//! Threads on which scripts run, so that nobody who has messages waits for a script on a thread of the
//! engine.
//!
//! A batch is handed over at once, and who waits for it is woken once. Each thread has a sandbox of its
//! own for each program. A script that takes too long is stopped where it is; what the sandbox does for
//! it in one step, such as a search in a very large text, does not look at the time, and no thread can be
//! killed. So a thread that does not come back is given up: its message fails, another thread takes its
//! place, and it ends when it comes back after all.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::{Bench, Desk, Door, Input, Limits, Outcome, Program, Trouble};

/// So many threads at most, however many cores there are.
const MOST_THREADS: usize = 4;
/// So many threads are given up before no more take their place.
const MOST_LOST: usize = 8;
/// So long after its time a script is given up.
const GRACE: Duration = Duration::from_secs(2);
/// The largest stack that a script may have, and room for the engine's own.
const STACK: usize = 4 * crate::Limits::MOST_STACK;

/// Threads on which scripts run. They begin with the first batch, and end with the pool.
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    todo: Mutex<Todo>,
    wake: Condvar,
    threads: usize,
    grace: Duration,
}

#[derive(Default)]
struct Todo {
    waiting: VecDeque<Arc<dyn Work>>,
    idle: usize,
    alive: usize,
    lost: usize,
    ended: bool,
}

/// A batch, in the hands of a thread.
trait Work: Send + Sync {
    /// Does it; false when the thread was given up meanwhile.
    fn work(&self, bench: &mut Bench) -> bool;

    /// Tells who waits that it is done.
    fn finish(&self);
}

/// A batch, and what became of each of its inputs.
struct Job<I, T, F> {
    limits: Limits,
    inputs: Vec<I>,
    work: F,
    progress: Mutex<Progress<T>>,
}

struct Progress<T> {
    outcomes: Vec<Result<T, Trouble>>,
    /// Whether the next one is being worked on.
    is_busy: bool,
    /// Since when a script works on it.
    since: Option<Instant>,
    /// Nobody waits any more.
    given_up: bool,
    /// The thread is given up, too.
    lost: bool,
    done: Option<oneshot::Sender<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Pool {
    /// As many threads as there are cores, but no more than four.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Pool::new(cores.min(MOST_THREADS), GRACE)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        lock(&self.shared.todo).ended = true;
        self.shared.wake.notify_all();
    }
}

impl Pool {
    fn new(threads: usize, grace: Duration) -> Self {
        let (todo, wake) = (Mutex::default(), Condvar::new());
        Pool { shared: Arc::new(Shared { todo, wake, threads: threads.max(1), grace }) }
    }

    /// Runs the program on each input, in order. An input whose script cannot even be stopped fails, and
    /// has no outcomes behind it: what is behind it was not looked at.
    pub async fn run(&self, program: &Program, inputs: Vec<Input>, door: Arc<dyn Door>) -> Vec<Outcome> {
        let (limits, program) = (program.limits(), program.clone());
        let run = move |input: &Input, desk: &mut Desk<'_>| desk.run(&program, input, &door);
        let outcomes = self.each(limits, inputs, run).await;
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(Outcome::failed)).collect()
    }

    /// Does work for each input, in order, on a thread where scripts may run: at a desk that has the
    /// `limits` for each input, however many scripts are run for it. As in [`run`](Self::run), there are no
    /// outcomes behind a script that cannot be stopped.
    pub async fn each<I, T>(
        &self,
        limits: Limits,
        inputs: Vec<I>,
        work: impl Fn(&I, &mut Desk<'_>) -> T + Send + Sync + 'static,
    ) -> Vec<Result<T, Trouble>>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (done, mut is_done) = oneshot::channel();
        let progress = Progress {
            outcomes: Vec::with_capacity(inputs.len()),
            is_busy: false,
            since: None,
            given_up: false,
            lost: false,
            done: Some(done),
        };
        let job = Arc::new(Job { limits, inputs, work, progress: Mutex::new(progress) });
        let waiter = Waiter(&job.progress);
        self.shared.hand_over(job.clone());
        let patience = limits.time.saturating_add(self.shared.grace);
        loop {
            // A thread that went down with a panic drops its sender: then there is nothing to wait for.
            let waited = tokio::time::timeout(patience / 2, &mut is_done).await;
            if waited.is_ok() || self.shared.give_up(&job, patience) {
                break;
            }
        }
        drop(waiter);
        std::mem::take(&mut lock(&job.progress).outcomes)
    }
}

/// Who waits for a job. Dropped, the rest of it is not begun.
struct Waiter<'a, T>(&'a Mutex<Progress<T>>);

impl<T> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        lock(self.0).given_up = true;
    }
}

impl Shared {
    fn hand_over(self: &Arc<Self>, job: Arc<dyn Work>) {
        let mut work = lock(&self.todo);
        work.waiting.push_back(job);
        let wanted = work.waiting.len() > work.idle && work.alive < self.threads;
        if wanted && work.lost <= MOST_LOST {
            self.begin(&mut work);
        }
        drop(work);
        self.wake.notify_one();
    }

    fn begin(self: &Arc<Self>, work: &mut Todo) {
        let shared = self.clone();
        let builder = thread::Builder::new().name("orris-script".to_owned()).stack_size(STACK);
        // Without a thread more the others have more to do.
        if builder.spawn(move || shared.serve()).is_ok() {
            work.alive += 1;
        }
    }

    /// Gives up a script that is long past its time, and the thread it is on.
    fn give_up<I, T, F>(self: &Arc<Self>, job: &Job<I, T, F>, patience: Duration) -> bool {
        let mut progress = lock(&job.progress);
        if progress.since.is_none_or(|since| since.elapsed() < patience) {
            // Without any thread, nothing would ever come.
            return self.is_lost(&mut progress, job);
        }
        progress.lost = true;
        progress.outcomes.push(Err(Trouble::stuck(job.limits.time)));
        drop(progress);
        let mut work = lock(&self.todo);
        (work.alive, work.lost) = (work.alive.saturating_sub(1), work.lost + 1);
        if !work.waiting.is_empty() && work.lost <= MOST_LOST {
            self.begin(&mut work);
        }
        true
    }

    fn is_lost<I, T, F>(&self, progress: &mut Progress<T>, job: &Job<I, T, F>) -> bool {
        let mut work = lock(&self.todo);
        let lost = work.alive == 0 && !progress.is_busy;
        if lost {
            work.waiting.retain(|waiting| !std::ptr::addr_eq(&raw const **waiting, job));
            let text =
                "there is no thread left for scripts; see what did not stop, and restart the production";
            progress.outcomes.push(Err(Trouble::new("limit", text)));
        }
        lost
    }

    /// What a thread does.
    fn serve(&self) {
        let mut bench = Bench::default();
        while let Some(job) = self.next() {
            let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                bench.clear_up();
                job.work(&mut bench)
            }));
            match finished {
                Ok(true) => {}
                // Given up: another one has taken this thread's place.
                Ok(false) => return,
                Err(_) => bench = Bench::default(),
            }
            job.finish();
        }
        let mut work = lock(&self.todo);
        work.alive = work.alive.saturating_sub(1);
    }

    fn next(&self) -> Option<Arc<dyn Work>> {
        let mut work = lock(&self.todo);
        loop {
            if work.ended {
                return None;
            }
            if let Some(job) = work.waiting.pop_front() {
                return Some(job);
            }
            work.idle += 1;
            work = self.wake.wait(work).unwrap_or_else(PoisonError::into_inner);
            work.idle -= 1;
        }
    }
}

impl<I, T, F> Work for Job<I, T, F>
where
    I: Send + Sync,
    T: Send,
    F: Fn(&I, &mut Desk<'_>) -> T + Send + Sync,
{
    fn work(&self, bench: &mut Bench) -> bool {
        for input in &self.inputs {
            {
                let mut progress = lock(&self.progress);
                if progress.given_up {
                    return true;
                }
                progress.is_busy = true;
            }
            let watch = |runs: bool| lock(&self.progress).since = runs.then(Instant::now);
            let outcome = (self.work)(input, &mut bench.watched(self.limits, &watch));
            let mut progress = lock(&self.progress);
            if progress.lost {
                return false;
            }
            progress.is_busy = false;
            progress.outcomes.push(Ok(outcome));
        }
        true
    }

    fn finish(&self) {
        let mut progress = lock(&self.progress);
        if std::mem::take(&mut progress.is_busy) {
            // It went down in the middle of one.
            progress.since = None;
            progress.outcomes.push(Err(Trouble::new("InternalError", "the sandbox failed")));
        }
        if let Some(done) = progress.done.take() {
            // Nobody waits for what was given up.
            let _gone = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, Facts, Limits, NoDoor, Verdict};

    fn input(text: &str) -> Input {
        Input { content: Content::Text(text.to_owned()), facts: Facts::default() }
    }

    fn program(source: &str) -> Program {
        let program = Program::compile(source).unwrap();
        program.with_limits(Limits { time: Duration::from_millis(20), ..Limits::default() })
    }

    /// Takes the sandbox long in one step, which does not look at the time.
    const STUCK: &str = "if (msg.text() === 'stuck') 'a'.repeat(2e4).indexOf('a'.repeat(1e4) + 'b')";

    #[tokio::test]
    async fn a_thread_that_does_not_come_back_is_given_up() {
        let pool = Pool::new(1, Duration::from_millis(20));
        let program = program(STUCK);
        let outcomes =
            pool.run(&program, vec![input("a"), input("stuck"), input("b")], Arc::new(NoDoor)).await;
        assert_eq!((outcomes.len(), &outcomes[0].verdict), (2, &Verdict::Done));
        let Verdict::Failed(trouble) = &outcomes[1].verdict else { panic!("{outcomes:?}") };
        assert!(trouble.to_string().ends_with("20 ms that it has, and could not be stopped"), "{trouble}");
        // Another thread works on.
        let outcomes = pool.run(&program, vec![input("a")], Arc::new(NoDoor)).await;
        assert_eq!(outcomes[0].verdict, Verdict::Done);
    }

    #[tokio::test]
    async fn without_a_thread_left_scripts_fail_and_nobody_waits_for_ever() {
        let pool = Pool::new(1, Duration::from_millis(20));
        lock(&pool.shared.todo).lost = MOST_LOST + 1;
        let outcomes = pool.run(&program(STUCK), vec![input("a")], Arc::new(NoDoor)).await;
        let Verdict::Failed(trouble) = &outcomes[0].verdict else { panic!("{outcomes:?}") };
        assert!(trouble.text.contains("no thread left"), "{trouble}");
    }

    #[tokio::test]
    async fn threads_end_with_the_pool_and_sandboxes_with_their_program() {
        let pool = Pool::new(2, GRACE);
        let one = program("send('A')");
        pool.run(&one, vec![input("a")], Arc::new(NoDoor)).await;
        let shared = pool.shared.clone();
        assert!(!one.is_alone());
        drop(pool);
        let begin = Instant::now();
        while lock(&shared.todo).alive > 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "threads stay");
            thread::yield_now();
        }
    }
}
