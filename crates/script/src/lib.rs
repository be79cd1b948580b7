//! Code in JavaScript: checked before it runs, run within limits, on threads of its own.
//!
//! A [`Program`] is a script that has been checked; a [`Sandbox`] is where it runs, on one thread, with
//! nothing in its reach but one message, what is known about it, and what it is handed: no file, network,
//! clock or chance. A [`Pool`] has the threads, and takes whole batches, so that nobody who waits for a
//! message waits for a script on a thread of the engine. What a script did is an [`Outcome`]: who asked
//! for it carries it out.
//!
//! ```
//! # use orris_script as script;
//! use script::{Content, Facts, Input, Program, Sandbox, Verdict};
//!
//! let program = Program::compile("msg.set('PID-5.1', msg.get('PID-5.1').toUpperCase()); send('Lab')")?;
//! let message = hl7::Message::read("MSH|^~\\&|A\rPID|1||4711||Doe^Ann".into(), "")?;
//! let input = Input { content: Content::Hl7(message), facts: Facts::default() };
//! let outcome = Sandbox::new(&program)?.run(&input, &std::sync::Arc::new(script::NoDoor));
//! assert_eq!(outcome.verdict, Verdict::Done);
//! assert_eq!(outcome.sends[0].target, "Lab");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bench;
mod calls;
mod language;
mod messages;
mod natives;
mod outcome;
mod pool;
mod program;
mod sandbox;
mod strangers;
mod trouble;

pub use bench::{Bench, Desk};
pub use language::JavaScript;
pub use outcome::{
    Content, Door, Facts, Input, Level, NoDoor, Open, Outcome, Said, Sent, SentBody, Verdict, Written,
};
pub use pool::Pool;
pub use program::{Limits, Program, ScriptError};
pub use sandbox::Sandbox;
pub use trouble::Trouble;
