//! The binary `orris` as people use it.

mod asking;
mod cases;
mod docs;
mod engine;
mod first_steps;
mod hl7;
mod productions;
mod rules;
mod script;
mod transform;
mod tutorial;
mod tutorial_outputs;
mod usage;
