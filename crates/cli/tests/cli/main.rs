//! The binary `orris` as people use it.

mod cases;
mod docs;
mod engine;
mod first_steps;
mod hl7;
mod script;
mod transform;
mod usage;
