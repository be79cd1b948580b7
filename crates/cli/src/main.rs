//! The binary `orris`: the only crate that prints.

// What stands above commands and their options is printed as help, where OBX[*] is a path and no link.
#![allow(rustdoc::broken_intra_doc_links)]

mod cases;
mod commands;
mod graph;
mod log;
mod output;
mod reading;
mod settings;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use output::{ColourChoice, Exit, Screen};

/// Messages are made in one thread and dropped in another: glibc's allocator keeps an arena for each
/// thread and grew to twice the memory at two thirds of the speed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Takes in HL7 messages, routes them, sends them on, and shows what became of each.
#[derive(Debug, Parser)]
#[command(name = "orris", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    /// When to use colour; NO_COLOR is respected
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto", display_order = 901)]
    color: ColourChoice,
    #[command(flatten)]
    data: reading::DataDir,
    #[command(subcommand)]
    command: commands::Command,
}

const EXIT_CODES: &str = "\
exit codes: 0 fine, 1 failed, 2 wrong usage, 64 the production has errors

a new production that runs:  orris init DIR && orris run DIR/production.yaml";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let screen = Screen::look(cli.color);
    match cli.command.run(&screen, &cli.data) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            if let Exit::Failed(message) | Exit::Usage(message) = &exit {
                output::print_error(message);
            }
            ExitCode::from(exit.code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent_and_each_is_explained() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        cli.get_subcommands().for_each(check_explained);
    }

    fn check_explained(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} says nothing about itself", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
        command.get_subcommands().filter(|below| below.get_name() != "help").for_each(check_explained);
    }
}
