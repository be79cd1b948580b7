//! `orris hl7 set`: values changed in place, all other bytes as they were.

use std::path::PathBuf;

use hl7::edit::{EditError, Editor};
use hl7::{Message, Path};

use super::input::{Input, Reading};
use super::paths::compile;
use super::rewrite::{self, Rewritten};
use super::words::Choice;
use crate::output::{Exit, Screen, count, print_note};

/// Change values: in all messages of a file, or with --message in one; every other byte stays
///
/// Values are text: separators in them are escaped. With --raw they are taken as HL7, so that
/// PID-5='Sample^Robin' sets two components. A segment has to be there; OBX[*]-11=F sets the field in
/// each OBX, where there are any. A changed MSH-18 changes the bytes, too.
#[derive(Debug, clap::Args)]
pub(super) struct Set {
    /// Values as in PID-8=F, OBX[*]-11=F, "PID-5.1=O'Dell", PV1-3= for nothing; then the file, or -
    #[arg(value_name = "PATH=VALUE|FILE", required = true)]
    values_and_file: Vec<String>,
    /// Take the values as they stand: separators and escape sequences are those of HL7
    #[arg(long)]
    raw: bool,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Write to the file itself
    #[arg(long, conflicts_with = "output")]
    in_place: bool,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    reading: Reading,
}

impl Set {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let (file, values) = self.apart()?;
        let input = Input::read(&file)?;
        let messages = input.messages(&self.reading)?;
        let mut rewritten = Rewritten::of(&input);
        for found in &messages {
            let changed = self.changed(&found.message, &values).map_err(|error| {
                Exit::Failed(format!(
                    "{error}; nothing was written ({}, message {})",
                    input.label, found.number
                ))
            })?;
            rewritten.put(found, changed.text(), changed.charset().charset)?;
        }
        let to = if self.in_place { Some(file.as_path()) } else { self.output.as_deref() };
        rewrite::write(screen, to, &rewritten.bytes())?;
        if let Some(to) = to {
            print_note(&format!("{}: {} changed", to.display(), count(messages.len(), "message")));
        }
        Ok(())
    }

    /// The message with the values in it.
    fn changed(&self, message: &Message, values: &[(Path, String)]) -> Result<Message, EditError> {
        let mut editor = Editor::of(message);
        for (path, value) in values {
            match self.raw {
                true => editor.set_raw(path, value)?,
                false => editor.set(path, value)?,
            };
        }
        Ok(editor.finish())
    }

    /// The file, and what to set.
    fn apart(&self) -> Result<(PathBuf, Vec<(Path, String)>), Exit> {
        let (file, values) = self.values_and_file.split_last().ok_or_else(|| Exit::Usage(String::new()))?;
        let book = self.choice.book()?;
        let values = values.iter().map(|text| {
            let Some((path, value)) = text.split_once('=') else {
                return Err(Exit::Usage(format!(
                    "\"{text}\" sets nothing; expected PATH=VALUE, as in PID-8=F"
                )));
            };
            let compiled = compile(path, &book)?;
            let Some(path) = compiled.plain().copied() else {
                return Err(Exit::Usage(format!(
                    "\"{path}\" goes through groups or counts; expected a segment as in OBX[2]-5"
                )));
            };
            if path.field().is_none() && !self.raw {
                return Err(Exit::Usage(format!(
                    "\"{path}\" is a whole segment; expected a field as in {path}-3, or --raw"
                )));
            }
            Ok((path, value.to_owned()))
        });
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let is_value = file.contains('=') && !std::path::Path::new(file).exists();
        if values.is_empty() || is_value {
            let missing = if is_value { "file, or - for standard input" } else { "value as in PID-8=F" };
            return Err(Exit::Usage(format!("there is no {missing}; expected PATH=VALUE... FILE")));
        }
        if self.in_place && file == "-" {
            return Err(Exit::Usage("standard input cannot be changed in place; expected a file".to_owned()));
        }
        Ok((PathBuf::from(file), values))
    }
}
