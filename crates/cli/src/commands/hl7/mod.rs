//! `orris hl7`: the tools for HL7 v2 files. They need no production, no engine and no store.

mod ack;
mod align;
mod anonymize;
mod changes;
mod check;
mod context;
mod diff;
mod differences;
mod draw;
mod expr;
mod get;
mod input;
mod invent;
mod parts;
mod paths;
mod personal;
mod rewrite;
mod rules;
mod set;
mod show;
mod split;
mod transform;
mod tree;
mod words;

pub(crate) use differences::Differences;
pub(crate) use expr::TryExpr;
pub(crate) use rules::TryRules;
pub(crate) use transform::Try;
pub(super) use words::Choice;

use crate::output::{Exit, Screen};

/// Look at HL7 v2 messages and change them: files, batches, or standard input as "-"
#[derive(Debug, clap::Args)]
pub(crate) struct Hl7 {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, clap::Subcommand)]
enum Tool {
    Show(show::Show),
    Get(get::Get),
    Set(set::Set),
    Check(check::Check),
    Diff(diff::Diff),
    Ack(ack::Ack),
    Split(split::Split),
    Anonymize(anonymize::Anonymize),
}

impl Hl7 {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        match &self.tool {
            Tool::Show(tool) => tool.run(screen),
            Tool::Get(tool) => tool.run(screen),
            Tool::Set(tool) => tool.run(screen),
            Tool::Check(tool) => tool.run(screen),
            Tool::Diff(tool) => tool.run(screen),
            Tool::Anonymize(tool) => tool.run(screen),
            Tool::Ack(tool) => tool.run(screen),
            Tool::Split(tool) => tool.run(screen),
        }
    }
}
