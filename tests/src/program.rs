//! Other people's programs as child processes, and what they print.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::eventually;

/// A program that runs beside the test, and ends with it.
pub struct Program {
    name: String,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Program {
    /// Starts it. Its errors go to the test's own output.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Program {
        Program::spawn(command.stdin(Stdio::null()))
    }

    /// Starts it, and says where it can be told something.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn told(command: &mut Command) -> (Program, ChildStdin) {
        let mut program = Program::spawn(command.stdin(Stdio::piped()));
        let input = program.child.stdin.take().expect("piped");
        (program, input)
    }

    fn spawn(command: &mut Command) -> Program {
        let name = format!("{command:?}");
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (kept, output) = (lines.clone(), BufReader::new(child.stdout.take().expect("piped")));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                kept.lock().expect("no panic holds it").push(line);
            }
        });
        Program { name, child, lines }
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// The lines that it has printed so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic holds it").clone()
    }

    /// What stands behind `word` on the first line that begins with it, once there is one.
    ///
    /// # Panics
    /// When the program ends without it.
    pub fn said(&mut self, word: &str) -> String {
        eventually(&format!("{} says {word:?}", self.name), || {
            let found = self
                .lines()
                .iter()
                .find_map(|line| line.strip_prefix(word).map(|rest| rest.trim().to_owned()));
            if found.is_none() && self.ended() {
                panic!("{} ended without saying {word:?}: {:?}", self.name, self.lines());
            }
            found
        })
    }

    /// Waits for its end, and says the lines that it printed.
    ///
    /// # Panics
    /// When it fails.
    pub fn finished(mut self) -> Vec<String> {
        let name = self.name.clone();
        let status =
            eventually(&format!("{name} ends"), || self.child.try_wait().expect("it can be waited for"));
        assert!(status.success(), "{name}: {status}: {:?}", self.lines());
        self.lines()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

/// A file of the project's own tests, as in `peers/server.py`.
pub fn test_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
