//! Where a script runs, on one thread: with its own memory, and nothing in its reach but what it is given.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Function, Persistent, Promise, Runtime, Value};

use crate::natives::{State, natives};
use crate::program::{FILE, Limits, Program};
use crate::trouble::{self, Trouble};
use crate::{Door, Input, Outcome};

const PRELUDE: &str = include_str!("prelude.js");
/// What the sandbox itself takes, which is not the script's fault.
const OWN_MEMORY: usize = 1 << 20;

type Known = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
);

/// A script that is ready to run, on the thread that made it.
///
/// Nothing is left in it from one message to the next: all that a script can reach when it begins is
/// frozen, and what it declares is its own. One that ran out of memory or time is made anew.
pub struct Sandbox {
    program: Program,
    machine: Option<Machine>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.program.out_of_sandbox();
    }
}

/// How long a script may run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// What is left of it.
    pub(crate) left: Duration,
    /// All of it, for whoever is told that it was too short.
    pub(crate) all: Duration,
}

impl Time {
    fn all(time: Duration) -> Time {
        Time { left: time, all: time }
    }
}

/// The parts go in this order: nothing may outlive the runtime that it is of.
struct Machine {
    run: Persistent<Function<'static>>,
    code: Persistent<Function<'static>>,
    context: Context,
    state: Rc<State>,
    runtime: Runtime,
}

impl Sandbox {
    /// Makes a place for the script to run.
    ///
    /// # Errors
    /// When its limits do not even let it begin.
    pub fn new(program: &Program) -> Result<Sandbox, Trouble> {
        let machine = Some(Machine::new(program)?);
        Ok(Sandbox { program: program.in_sandbox(), machine })
    }

    /// Runs the script on one message.
    pub fn run(&mut self, input: &Input, door: &Arc<impl Door + 'static>) -> Outcome {
        let door: Arc<dyn Door> = door.clone();
        let time = Time::all(self.program.limits().time);
        self.run_with(input, &door, time)
    }

    /// The same in what is left of a time.
    pub(crate) fn run_with(&mut self, input: &Input, door: &Arc<dyn Door>, time: Time) -> Outcome {
        let machine = match self.machine.take().map_or_else(|| Machine::new(&self.program), Ok) {
            Ok(machine) => machine,
            Err(trouble) => return Outcome::failed(trouble),
        };
        let (outcome, is_sound) = machine.run(input, time, door, &self.program);
        self.machine = is_sound.then_some(machine);
        outcome
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }
}

impl Machine {
    fn new(program: &Program) -> Result<Machine, Trouble> {
        let limits = program.limits();
        let failed = |_| Trouble::out_of_memory(&limits);
        let state = State::new(program);
        let runtime = Runtime::new().map_err(failed)?;
        runtime.set_memory_limit(limits.memory.saturating_add(OWN_MEMORY));
        runtime.set_max_stack_size(limits.stack.clamp(Limits::LEAST_STACK, Limits::MOST_STACK));
        let clock = state.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || {
            let late = clock.deadline.get().is_some_and(|deadline| Instant::now() >= deadline);
            clock.late.set(clock.late.get() || late);
            late
        })));
        let (watched, of) = (state.clone(), program.clone());
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |_, _, reason, is_handled| {
            let count = watched.unhandled.get();
            watched.unhandled.set(if is_handled { count.saturating_sub(1) } else { count + 1 });
            if !is_handled {
                *watched.rejected.borrow_mut() = Some(trouble::of(&reason, None, &of));
            }
        })));
        let context = Context::custom::<Known>(&runtime).map_err(failed)?;
        let (run, code) = context.with(|ctx| {
            load(&ctx, program, &state).map_err(|error| match error {
                rquickjs::Error::Exception => trouble::caught(&ctx, None, program),
                _ => Trouble::out_of_memory(&limits),
            })
        })?;
        Ok(Machine { run, code, context, state, runtime })
    }

    /// Runs the script, and tells whether it can be run again.
    fn run(&self, input: &Input, time: Time, door: &Arc<dyn Door>, program: &Program) -> (Outcome, bool) {
        let (state, limits) = (&self.state, program.limits());
        state.current.borrow_mut().begin(input, door);
        state.late.set(false);
        state.unhandled.set(0);
        state.deadline.set(Instant::now().checked_add(time.left));
        let called = self.context.with(|ctx| self.told(&ctx, program, |ctx| self.call(ctx)));
        let failed = match called {
            Ok(promise) if self.do_put_off() => {
                let settled = |ctx: &Ctx<'_>| self.settled(ctx, promise);
                self.context.with(|ctx| self.told(&ctx, program, settled)).unwrap_or_else(Some)
            }
            Ok(_) => Some(Trouble::out_of_memory(&limits)),
            Err(trouble) => Some(trouble),
        };
        // What was put off is not for the next message to do.
        let is_sound = !state.late.get() && !self.runtime.is_job_pending();
        state.deadline.set(None);
        let mut current = state.current.borrow_mut();
        let limit = failed.as_ref().is_some_and(|trouble| trouble.kind == "limit");
        let failed = match failed {
            _ if state.late.get() => {
                let place = failed.and_then(|trouble| trouble.place);
                Some(Trouble { place, ..Trouble::out_of_time(time.all) })
            }
            // What ended the message by its own wish did not fail.
            Some(trouble) if limit || !current.has_ended() => Some(trouble),
            _ => None,
        };
        (current.end(failed), is_sound && !limit)
    }

    /// Does something, and tells what was thrown.
    fn told<'js, T>(
        &self,
        ctx: &Ctx<'js>,
        program: &Program,
        does: impl FnOnce(&Ctx<'js>) -> rquickjs::Result<T>,
    ) -> Result<T, Trouble> {
        does(ctx).map_err(|error| match error {
            rquickjs::Error::Exception => {
                let told = self.state.current.borrow().told().map(str::to_owned);
                trouble::caught(ctx, told.as_deref(), program)
            }
            _ => Trouble::out_of_memory(&program.limits()),
        })
    }

    /// Calls the script, and gives the promise that it returned.
    fn call(&self, ctx: &Ctx<'_>) -> rquickjs::Result<Option<Persistent<Promise<'static>>>> {
        let (run, code) = (self.run.clone().restore(ctx)?, self.code.clone().restore(ctx)?);
        let returned: Value<'_> = run.call((code,))?;
        Ok(returned.into_promise().map(|promise| Persistent::save(ctx, promise)))
    }

    /// Does what was put off until the script's end, which belongs to it. False when there was no memory for
    /// what would come next: then nothing of it comes, and nobody else would be told.
    fn do_put_off(&self) -> bool {
        // Where a next step cannot even be noted, that is no failure of the step before it: the error is
        // left behind alone.
        let left_behind = |ctx: Ctx<'_>| ctx.has_exception() && trouble::is_memory(&ctx.catch());
        let mut is_lost = self.context.with(left_behind);
        while !is_lost && !self.state.late.get() && self.runtime.is_job_pending() {
            // What a script throws ends as a promise that was rejected, and not here.
            let failed = self.runtime.execute_pending_job().is_err();
            is_lost = self.context.with(left_behind) || failed;
        }
        !is_lost || self.state.late.get()
    }

    /// What failed without being thrown out of the script: a promise that nobody looks after, or one that is
    /// waited for and never kept.
    fn settled(
        &self,
        ctx: &Ctx<'_>,
        returned: Option<Persistent<Promise<'static>>>,
    ) -> rquickjs::Result<Option<Trouble>> {
        let returned = returned.map(|promise| promise.restore(ctx)).transpose()?;
        match returned.map(|promise| (promise.state(), promise)) {
            Some((PromiseState::Rejected, promise)) => promise.finish::<Value<'_>>().map(|_| None),
            _ if self.state.unhandled.get() > 0 => Ok(self.state.rejected.take()),
            Some((PromiseState::Pending, _)) => {
                Ok(Some(Trouble::new("Error", "the code waits for a promise that is never kept")))
            }
            _ => Ok(None),
        }
    }
}

type Loaded = (Persistent<Function<'static>>, Persistent<Function<'static>>);

/// Prepares the context, and makes the script a function of it.
fn load(ctx: &Ctx<'_>, program: &Program, state: &Rc<State>) -> rquickjs::Result<Loaded> {
    let prelude: Function<'_> = ctx.eval_with_options(PRELUDE, options("engine"))?;
    let run: Function<'_> = prelude.call((natives(ctx, state)?,))?;
    let text = program.function();
    // A script that closes its function would be run here and now: it could not do anything, but take
    // time. That it is one function and no more is seen from its text.
    let deadline = Instant::now().checked_add(program.limits().time);
    state.deadline.set(deadline);
    let code: rquickjs::Result<Function<'_>> = ctx.eval_with_options(format!("({text})"), options(FILE));
    state.deadline.set(None);
    let code = code?;
    let written: rquickjs::Coerced<String> = code.clone().into_value().get()?;
    if written.0 != text {
        return Err(rquickjs::Exception::throw_syntax(
            ctx,
            "code closes the function that it is the body of",
        ));
    }
    Ok((Persistent::save(ctx, run), Persistent::save(ctx, code)))
}

fn options(file: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.filename = Some(file.to_owned());
    options
}
