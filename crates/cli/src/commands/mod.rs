//! The commands, one file each.

mod check;
mod components;
mod engine;
mod events;
mod follow;
mod graph;
mod hl7;
mod init;
mod messages;
mod production;
mod queues;
mod rules;
mod run;
mod schema;
mod send;
mod sockets;
mod sql;
mod start_page;
mod status;
mod test;
mod trace;

pub(crate) use hl7::Differences;

use crate::output::{Exit, Screen};
use crate::reading::DataDir;

/// What `orris` can do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Run(run::Run),
    Check(check::Check),
    Graph(graph::Graph),
    Init(init::Init),
    Components(components::Components),
    Status(status::Status),
    Messages(messages::Messages),
    Trace(trace::Trace),
    Queues(queues::Queues),
    Events(events::Events),
    Sockets(sockets::Sockets),
    Send(send::Send),
    Hl7(hl7::Hl7),
    Transform(hl7::Try),
    Test(test::Test),
    Expr(hl7::TryExpr),
    Rules(rules::Rules),
    Sql(sql::Sql),
    Schema(schema::Schema),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        match self {
            Command::Run(command) => command.run(screen, data),
            Command::Check(command) => command.run(screen, data),
            Command::Graph(command) => command.run(screen),
            Command::Init(command) => command.run(screen),
            Command::Components(command) => command.run(screen),
            Command::Status(command) => command.run(screen, data),
            Command::Messages(command) => command.run(screen, data),
            Command::Trace(command) => command.run(screen, data),
            Command::Queues(command) => command.run(screen, data),
            Command::Events(command) => command.run(screen, data),
            Command::Sockets(command) => command.run(screen, data),
            Command::Send(command) => command.run(screen, data),
            Command::Hl7(command) => command.run(screen),
            Command::Transform(command) => command.run(screen),
            Command::Test(command) => command.run(screen),
            Command::Expr(command) => command.run(screen),
            Command::Rules(command) => command.run(screen, data),
            Command::Sql(command) => command.run(screen, data),
            Command::Schema(command) => command.run(screen),
        }
    }
}
