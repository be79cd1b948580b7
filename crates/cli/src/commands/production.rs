//! The production file that several commands take, and its checks.

use std::path::PathBuf;

use config::{ProductionDef, Report};
use model::Library;

use crate::output::{Exit, print_error};

/// Which production.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Production {
    /// The production file
    #[arg(value_name = "PRODUCTION")]
    pub(crate) file: PathBuf,
    /// Another file whose values are laid over it; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) overlay: Vec<PathBuf>,
}

impl Production {
    /// Reads and checks it.
    pub(crate) fn load(&self) -> Result<Report, Exit> {
        self.load_with(Library::default())
    }

    /// The same, with what is in that library besides.
    pub(crate) fn load_with(&self, library: Library) -> Result<Report, Exit> {
        if self.file.is_dir() {
            let file = self.file.join("production.yaml");
            return Err(Exit::Usage(format!(
                "\"{}\" is a folder; expected a production file, such as \"{}\"",
                self.file.display(),
                file.display()
            )));
        }
        let env = |name: &str| std::env::var(name).ok();
        Ok(config::load_with(&self.file, &self.overlay, components::CATALOGUE, &env, library))
    }

    /// Reads and checks it; findings go to standard error, and errors end the command.
    pub(crate) fn checked(&self) -> Result<ProductionDef, Exit> {
        let report = self.load()?;
        if !report.findings.is_empty() {
            use std::io::Write;
            let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
            // Nobody is left to be told when standard error cannot be written.
            let _unheard = write!(std::io::stderr().lock(), "{}", report.human(colour));
        }
        if let Some(def) = report.production {
            return Ok(def);
        }
        let file = self.file.display();
        print_error(&format!(
            "production \"{file}\" has errors and was not taken; orris check {file} shows them again"
        ));
        Err(Exit::Production)
    }
}
