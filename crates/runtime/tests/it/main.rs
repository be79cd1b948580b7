//! The runtime on a real store, with small hosts that do what a test says.

mod answers;
mod bench;
mod control;
mod fake;
mod flow;
mod flows;
mod intake;
mod order;
mod panics;
mod pool;
mod port;
mod restart;
mod retry;
mod services;
mod stop;
mod trouble;
mod window;
