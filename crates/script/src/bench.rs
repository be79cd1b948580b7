//! Where scripts run on one thread: the sandboxes that it has, and a desk at which they are run for one
//! message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sandbox::Time;
use crate::{Door, Input, Limits, Outcome, Program, Said, Sandbox, Trouble};

/// So many sandboxes are kept on each thread.
const MOST_SANDBOXES: usize = 64;

/// The sandboxes of one thread, one for each program.
#[derive(Default)]
pub struct Bench {
    sandboxes: Vec<Sandbox>,
}

/// A bench while it is used for one message: the scripts that run on it share the time that they have.
pub struct Desk<'a> {
    bench: &'a mut Bench,
    /// Is told when a script begins and when it ends.
    watch: Option<&'a dyn Fn(bool)>,
    limits: Limits,
    spent: Duration,
    /// What the code of transforms said.
    pub(crate) said: Vec<Said>,
}

impl Bench {
    /// A place for the scripts of one message, which have these limits together.
    pub fn desk(&mut self, limits: Limits) -> Desk<'_> {
        Desk { bench: self, watch: None, limits, spent: Duration::ZERO, said: Vec::new() }
    }

    /// The same with somebody who looks on.
    pub(crate) fn watched<'a>(&'a mut self, limits: Limits, watch: &'a dyn Fn(bool)) -> Desk<'a> {
        Desk { watch: Some(watch), ..self.desk(limits) }
    }

    /// Lets go of sandboxes whose program nobody has any more.
    pub(crate) fn clear_up(&mut self) {
        self.sandboxes.retain(|sandbox| !sandbox.program().is_alone());
    }

    /// The sandbox of that program; the one that was used longest ago makes room for a new one.
    fn sandbox(&mut self, program: &Program) -> Result<&mut Sandbox, Trouble> {
        let sandboxes = &mut self.sandboxes;
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
}

impl Desk<'_> {
    /// Runs the program on one input, in what is left of the time.
    pub fn run(&mut self, program: &Program, input: &Input, door: &Arc<dyn Door>) -> Outcome {
        let all = self.limits.time;
        let time = Time { left: all.saturating_sub(self.spent), all };
        if time.left.is_zero() {
            return Outcome::failed(Trouble::out_of_time(self.limits.time));
        }
        let watch = self.watch.unwrap_or(&|_| {});
        let begin = Instant::now();
        watch(true);
        let outcome = match self.bench.sandbox(program) {
            Ok(sandbox) => sandbox.run_with(input, door, time),
            Err(trouble) => Outcome::failed(trouble),
        };
        watch(false);
        self.spent += begin.elapsed();
        outcome
    }

    /// What the code of transforms said since this was asked last.
    pub fn said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }
}
