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

use crate::{Door, Input, Outcome, Program, Sandbox, Trouble};

/// So many threads at most, however many cores there are.
const MOST_THREADS: usize = 4;
/// So many threads are given up before no more take their place.
const MOST_LOST: usize = 8;
/// So long after its time a script is given up.
const GRACE: Duration = Duration::from_secs(2);
/// So many sandboxes are kept on each thread.
const MOST_SANDBOXES: usize = 32;
/// The largest stack that a script may have, and room for the engine's own.
const STACK: usize = 4 * crate::Limits::MOST_STACK;

/// Threads on which scripts run. They begin with the first batch, and end with the pool.
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    work: Mutex<Work>,
    wake: Condvar,
    threads: usize,
    grace: Duration,
}

#[derive(Default)]
struct Work {
    waiting: VecDeque<Arc<Job>>,
    idle: usize,
    alive: usize,
    lost: usize,
    ended: bool,
}

/// A batch.
struct Job {
    program: Program,
    inputs: Vec<Input>,
    door: Arc<dyn Door>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    outcomes: Vec<Outcome>,
    /// Since when a script works on the next one.
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
        lock(&self.shared.work).ended = true;
        self.shared.wake.notify_all();
    }
}

impl Pool {
    fn new(threads: usize, grace: Duration) -> Self {
        let (work, wake) = (Mutex::default(), Condvar::new());
        Pool { shared: Arc::new(Shared { work, wake, threads: threads.max(1), grace }) }
    }

    /// Runs the program on each input, in order. An input whose script cannot even be stopped fails, and
    /// has no outcomes behind it: what is behind it was not looked at.
    pub async fn run(&self, program: &Program, inputs: Vec<Input>, door: Arc<dyn Door>) -> Vec<Outcome> {
        let (done, mut is_done) = oneshot::channel();
        let progress = Mutex::new(Progress { done: Some(done), ..Progress::default() });
        let job = Arc::new(Job { program: program.clone(), inputs, door, progress });
        let waiter = Waiter(job.clone());
        self.shared.hand_over(job.clone());
        let patience = program.limits().time.saturating_add(self.shared.grace);
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
struct Waiter(Arc<Job>);

impl Drop for Waiter {
    fn drop(&mut self) {
        lock(&self.0.progress).given_up = true;
    }
}

impl Shared {
    fn hand_over(self: &Arc<Self>, job: Arc<Job>) {
        let mut work = lock(&self.work);
        work.waiting.push_back(job);
        let wanted = work.waiting.len() > work.idle && work.alive < self.threads;
        if wanted && work.lost <= MOST_LOST {
            self.begin(&mut work);
        }
        drop(work);
        self.wake.notify_one();
    }

    fn begin(self: &Arc<Self>, work: &mut Work) {
        let shared = self.clone();
        let builder = thread::Builder::new().name("orris-script".to_owned()).stack_size(STACK);
        // Without a thread more the others have more to do.
        if builder.spawn(move || shared.serve()).is_ok() {
            work.alive += 1;
        }
    }

    /// Gives up a script that is long past its time, and the thread it is on.
    fn give_up(self: &Arc<Self>, job: &Job, patience: Duration) -> bool {
        let mut progress = lock(&job.progress);
        if progress.since.is_none_or(|since| since.elapsed() < patience) {
            // Without any thread, nothing would ever come.
            return self.is_lost(&mut progress, job);
        }
        progress.lost = true;
        progress.outcomes.push(Outcome::failed(Trouble::stuck(&job.program.limits())));
        drop(progress);
        let mut work = lock(&self.work);
        (work.alive, work.lost) = (work.alive.saturating_sub(1), work.lost + 1);
        if !work.waiting.is_empty() && work.lost <= MOST_LOST {
            self.begin(&mut work);
        }
        true
    }

    fn is_lost(&self, progress: &mut Progress, job: &Job) -> bool {
        let mut work = lock(&self.work);
        let lost = work.alive == 0 && progress.since.is_none();
        if lost {
            work.waiting.retain(|waiting| !std::ptr::eq(&raw const **waiting, job));
            let text =
                "there is no thread left for scripts; see what did not stop, and restart the production";
            progress.outcomes.push(Outcome::failed(Trouble::new("limit", text)));
        }
        lost
    }

    /// What a thread does.
    fn serve(&self) {
        let mut sandboxes: Vec<Sandbox> = Vec::new();
        while let Some(job) = self.next() {
            let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                // A program that nobody has any more needs no sandbox.
                sandboxes.retain(|sandbox| !sandbox.program().is_alone());
                job.work(&mut sandboxes)
            }));
            match finished {
                Ok(true) => {}
                // Given up: another one has taken this thread's place.
                Ok(false) => return,
                Err(_) => sandboxes.clear(),
            }
            job.finish();
        }
        let mut work = lock(&self.work);
        work.alive = work.alive.saturating_sub(1);
    }

    fn next(&self) -> Option<Arc<Job>> {
        let mut work = lock(&self.work);
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

impl Job {
    /// Runs the scripts; false when the thread was given up meanwhile.
    fn work(&self, sandboxes: &mut Vec<Sandbox>) -> bool {
        for input in &self.inputs {
            {
                let mut progress = lock(&self.progress);
                if progress.given_up {
                    return true;
                }
                progress.since = Some(Instant::now());
            }
            let outcome = match sandbox(sandboxes, &self.program) {
                Ok(sandbox) => sandbox.run_with(input, &self.door),
                Err(trouble) => Outcome::failed(trouble),
            };
            let mut progress = lock(&self.progress);
            if progress.lost {
                return false;
            }
            progress.since = None;
            progress.outcomes.push(outcome);
        }
        true
    }

    fn finish(&self) {
        let mut progress = lock(&self.progress);
        if progress.since.take().is_some() {
            // It went down in the middle of one.
            let trouble = Trouble::new("InternalError", "the sandbox failed");
            progress.outcomes.push(Outcome::failed(trouble));
        }
        if let Some(done) = progress.done.take() {
            // Nobody waits for what was given up.
            let _gone = done.send(());
        }
    }
}

/// The sandbox of that program; the one that was used longest ago makes room for a new one.
fn sandbox<'a>(sandboxes: &'a mut Vec<Sandbox>, program: &Program) -> Result<&'a mut Sandbox, Trouble> {
    match sandboxes.iter().position(|sandbox| sandbox.program().id() == program.id()) {
        Some(at) => sandboxes[at..].rotate_left(1),
        None => {
            if sandboxes.len() == MOST_SANDBOXES {
                sandboxes.remove(0);
            }
            sandboxes.push(Sandbox::new(program)?);
        }
    }
    sandboxes.last_mut().ok_or_else(|| Trouble::new("InternalError", "there is no sandbox"))
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
        lock(&pool.shared.work).lost = MOST_LOST + 1;
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
        while lock(&shared.work).alive > 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "threads stay");
            thread::yield_now();
        }
    }
}
