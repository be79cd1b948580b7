//! The zone of a case: UTC, so that it comes the same on every machine.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// What says which zone the machine is in, to everything that a process asks.
const ZONE: &str = "TZ";
const UTC: &str = "UTC";

/// Goes on in UTC. The zone of a process is settled when it begins, for scripts as well, so that one in
/// another zone begins anew, with the same arguments.
///
/// # Errors
/// When it cannot begin anew; says why.
pub(crate) fn in_utc() -> Result<(), String> {
    if std::env::var_os(ZONE).is_some_and(|zone| zone == UTC) {
        return Ok(());
    }
    let mut own = std::env::args_os();
    let name = own.next().unwrap_or_default();
    let program =
        std::env::current_exe().map_err(|error| format!("cannot find the own program ({error})"))?;
    let error = Command::new(program).arg0(name).args(own).env(ZONE, UTC).exec();
    Err(format!("cannot begin anew in UTC ({error})"))
}
