//! Asking a running engine over its control socket.

use runtime::control::{self, Answer, AskError, Request};

use crate::output::{Exit, failed};
use crate::reading::DataDir;

/// Asks the engine that runs on this data directory.
pub(crate) fn ask(data: &DataDir, request: &Request) -> Result<Result<Answer, AskError>, Exit> {
    let here = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    Ok(here.block_on(control::ask(&data.path(), request)))
}
