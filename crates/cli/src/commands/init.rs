//! `orris init`: a new production that runs at once.

use std::path::{Path, PathBuf};

use crate::output::{Exit, Screen, colour, failed};

/// Make a new production in a folder, with a sample message: it runs at once
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The folder; it is made, and may not hold a production yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

const PRODUCTION: &str = include_str!("init/production.yaml");
const MESSAGE: &str = include_str!("init/admission.hl7");
const CASE: &str = include_str!("init/case.yaml");
const README: &str = include_str!("init/README.md");

impl Init {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let production = self.folder.join("production.yaml");
        if production.exists() {
            return Err(Exit::Failed(format!(
                "\"{}\" is there already; name another folder, or remove it",
                production.display()
            )));
        }
        let (schema, cases) = (super::schema::text(), super::schema::cases());
        // Messages are written as HL7 wants them: segments end with a carriage return.
        let message = MESSAGE.replace('\n', "\r");
        let files = [
            ("production.yaml", PRODUCTION),
            ("production.schema.json", schema.as_str()),
            ("case.schema.json", cases.as_str()),
            ("messages/admission.hl7", message.as_str()),
            ("cases/admission.yaml", CASE),
            ("README.md", README),
            (".gitignore", "data/\n"),
        ];
        for (name, text) in files {
            write(&self.folder.join(name), text)?;
            screen.line(&screen.paint(colour::DIM, &format!("  {}", self.folder.join(name).display())))?;
        }
        let folder = self.folder.display();
        screen.line(&format!(
            "\nRun it:          orris run {folder}/production.yaml\n\
             Give it a file:  cp {folder}/messages/admission.hl7 {folder}/data/in/\n\
             Look:            orris trace --data-dir {folder}/data   (a file is taken when still for 2 s)"
        ))
    }
}

fn write(path: &Path, text: &str) -> Result<(), Exit> {
    let written =
        path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| failed(format!("\"{}\" cannot be written: {error}", path.display())))
}
