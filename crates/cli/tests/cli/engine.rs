//! Running the binary, once or as an engine.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The binary, without what the environment may say about colour and data.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orris"));
    for name in ["ORRIS_DATA_DIR", "ORRIS_LOG", "ORRIS_FAULT", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end.
pub(crate) fn orris(arguments: &[&str]) -> Output {
    command().args(arguments).stdin(Stdio::null()).output().expect("the binary starts")
}

/// Runs it on a data directory, expects that it goes well, and returns what it wrote.
pub(crate) fn read(data: &Path, arguments: &[&str]) -> String {
    let output = command().arg("--data-dir").arg(data).args(arguments).output().expect("the binary starts");
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns what `look` finds, as soon as it finds something.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "{what} has not come within {DEADLINE:?}");
        std::thread::yield_now();
    }
}

/// A running production; it is ended with the test.
pub(crate) struct Engine {
    child: Child,
    lines: Receiver<String>,
}

impl Engine {
    /// Starts a production, and returns when it is ready, with its start page.
    pub(crate) fn start(production: &Path) -> (Engine, String) {
        Self::start_as(command(), production)
    }

    /// The same, where the system grants so many open files unless more are asked for.
    pub(crate) fn start_with_files(limit: u32, production: &Path) -> (Engine, String) {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -Sn {limit} && exec \"$0\" \"$@\"")]);
        shell.arg(command().get_program());
        Self::start_as(shell, production)
    }

    /// The same, with a program that has arguments already.
    pub(crate) fn start_as(mut program: Command, production: &Path) -> (Engine, String) {
        let mut child = program
            .arg("run")
            .arg(production)
            // Any free port.
            .env("SOCKETS_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut engine = Engine { child, lines };
        let page = engine.until("ready in");
        (engine, page)
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Reads what it writes, up to a line that has `wanted` in it.
    pub(crate) fn until(&mut self, wanted: &str) -> String {
        let mut page = String::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(DEADLINE) else {
                let mut log = String::new();
                let _ended = self.child.kill();
                let _read = self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut log));
                panic!("\"{wanted}\" has not come; it wrote:\n{page}\nand logged:\n{log}");
            };
            page += &(line + "\n");
            if page.contains(wanted) {
                return page;
            }
        }
    }

    /// Asks it to stop, as Ctrl-C does, and waits until it has; returns its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &id]).status().expect("kill is there");
        assert!(killed.success());
        eventually("the end", || self.child.try_wait().expect("a child can be waited for")).code()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_waited = self.child.wait();
    }
}
