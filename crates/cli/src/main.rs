//! The binary `orris`.
mod graph;
mod output;
mod trace;
fn main() {}
