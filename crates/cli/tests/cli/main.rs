//! The binary `orris` as people use it.

mod docs;
mod engine;
mod first_steps;
mod usage;
