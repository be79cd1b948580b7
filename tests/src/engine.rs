//! The real binary as a child process, in a data directory of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::eventually;

/// How an engine ended.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code, or the signal that ended it.
    pub status: ExitStatus,
    /// What it wrote to standard error.
    pub log: String,
}

/// A running `orris run`.
pub struct Engine {
    child: Child,
    lines: Receiver<String>,
    printed: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
    data_dir: PathBuf,
}

/// The built binary: `ORRIS_BIN`, or the one beside this test's own build.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("ORRIS_BIN") {
        return named.into();
    }
    let own = std::env::current_exe().unwrap_or_default();
    let found = own.ancestors().map(|folder| folder.join("orris")).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("no binary \"orris\" beside {}; run \"cargo build\" first", own.display()))
}

impl Engine {
    /// Writes `production` into `folder` and starts it there, with the data in `folder/data`.
    /// Returns at once; see [`Engine::ready`].
    pub fn start(folder: &Path, production: &str, environment: &[(&str, &str)]) -> Engine {
        Engine::start_with(folder, production, environment, &[])
    }

    /// As [`Engine::start`], with more `arguments` for `orris run`.
    pub fn start_with(
        folder: &Path,
        production: &str,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Engine {
        Engine::start_by(Command::new(binary()), folder, production, environment, arguments)
    }

    /// As [`Engine::start`], so that its disk can be full: see [`Engine::limit_files`].
    pub fn start_limitable(folder: &Path, production: &str) -> Engine {
        let mut shell = Command::new("sh");
        // What is written past the limit is to fail as on a full disk, and not to end the process.
        shell.args(["-c", "trap '' XFSZ && exec \"$0\" \"$@\""]).arg(binary());
        Engine::start_by(shell, folder, production, &[], &[])
    }

    fn start_by(
        mut command: Command,
        folder: &Path,
        production: &str,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Engine {
        let file = folder.join("production.yaml");
        let data_dir = folder.join("data");
        fs::write(&file, production).expect("the test's folder can be written");
        let mut child = command
            .arg("run")
            .arg(&file)
            .arg("--data-dir")
            .arg(&data_dir)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let printed = Arc::new(Mutex::new(String::new()));
        let kept = printed.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                kept.lock().expect("no panic holds it").push_str(&(line.clone() + "\n"));
                let _nobody_waits_any_more = sender.send(line);
            }
        });
        let log = Arc::new(Mutex::new(String::new()));
        let (kept, errors) = (log.clone(), BufReader::new(child.stderr.take().expect("piped")));
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                kept.lock().expect("no panic holds it").push_str(&(line + "\n"));
            }
        });
        Engine { child, lines, printed, log, data_dir }
    }

    /// Waits until the engine says that it is ready. False when it ended before that.
    pub fn ready(&mut self) -> bool {
        eventually("the engine is ready", || {
            while let Ok(line) = self.lines.try_recv() {
                if line.contains("ready in") {
                    return Some(true);
                }
            }
            self.ended().then_some(false)
        })
    }

    /// Makes every file that would be larger than that one of a full disk; none for no limit.
    pub fn limit_files(&self, most: Option<u64>) {
        let process = Pid::from_child(&self.child);
        let limit = Rlimit { current: most, maximum: None };
        prlimit(Some(process), Resource::Fsize, limit).expect("the limit can be set");
    }

    /// Where its store is.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub fn printed(&self) -> String {
        self.printed.lock().expect("no panic holds it").clone()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("no panic holds it").clone()
    }

    /// Whether the process has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Ends it at once, as a power cut of the process: `kill -9`.
    pub fn kill(&mut self) -> Outcome {
        let _already_ended = self.child.kill();
        self.outcome()
    }

    /// Asks it to stop, as a service manager does, and waits until it has.
    pub fn stop(&mut self) -> Outcome {
        if let Some(id) = Pid::from_raw(self.child.id() as i32) {
            let _already_ended = kill_process(id, Signal::TERM);
        }
        eventually("the engine stops", || self.ended().then_some(()));
        self.outcome()
    }

    /// Waits for its end and says how it was.
    pub fn outcome(&mut self) -> Outcome {
        let status = self.child.wait().expect("a child can be waited for");
        Outcome { status, log: self.log() }
    }

    /// Runs another `orris` command on the same data directory.
    pub fn orris(&self, arguments: &[&str]) -> Output {
        orris(&self.data_dir, arguments)
    }

    /// The rows of `WebSocketSession`, as an engineer reads them.
    pub fn open_sockets(&self) -> Vec<serde_json::Value> {
        let answer = self.orris(&["sql", "--json", "SELECT ID, SessionID FROM WebSocketSession"]);
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        let text = String::from_utf8_lossy(&answer.stdout);
        let rows: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        rows.as_array().cloned().unwrap_or_default()
    }

    /// The resident memory of the process now, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// The most resident memory that the process has had, in KiB.
    pub fn most_resident_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    fn status_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process is there");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux says it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Processor time that the process has used, user and system.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("the process is there");
        // Fields 14 and 15 of proc(5), in ticks of 10 ms; the name in brackets may hold blanks.
        let after_name = stat.rsplit(')').next().unwrap_or("");
        let ticks =
            after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

/// Runs an `orris` command on a data directory.
pub fn orris(data_dir: &Path, arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .env("ORRIS_DATA_DIR", data_dir)
        .output()
        .expect("the binary starts")
}
