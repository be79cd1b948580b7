//! A folder served as a web site, and the program that drives a browser.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

use crate::{Program, eventually, test_file};

/// What `python3 -m http.server` serves, as the pages' README says; ended with the test.
pub struct Page(Child);

impl Page {
    /// Serves a folder at a port of this machine, and waits until it can be read.
    ///
    /// # Panics
    /// When Python cannot be started.
    pub fn serve(folder: &Path, port: u16) -> Page {
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1", "--directory"]);
        command.arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
        let page = Page(command.spawn().expect("python3 serves the page"));
        eventually("the page is served", || TcpStream::connect(("127.0.0.1", port)).ok());
        page
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _already_ended = self.0.kill();
        let _already_waited = self.0.wait();
    }
}

/// A program of `tests/browser` that follows orders, one JSON line each; see `browser/board.mjs`.
pub struct Browser {
    program: Program,
    orders: ChildStdin,
    given: usize,
}

impl Browser {
    /// Starts `node` with a program of `tests/browser`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(program: &str, arguments: &[&str]) -> Browser {
        let mut command = Command::new("node");
        command.arg(test_file("browser").join(program)).args(arguments);
        let (program, orders) = Program::told(&mut command);
        Browser { program, orders, given: 0 }
    }

    /// Gives an order, and waits until it was followed.
    ///
    /// # Panics
    /// When the browser says that it could not; it says what the page shows instead.
    pub fn follow(&mut self, order: Value) {
        writeln!(self.orders, "{order}").expect("the browser listens");
        self.given += 1;
        let answer = eventually(&format!("the browser follows {order}"), || {
            assert!(!self.program.ended() || self.program.lines().len() >= self.given, "the browser ended");
            self.program.lines().get(self.given - 1).cloned()
        });
        assert!(answer.starts_with("{\"ok\":"), "{answer}");
    }
}
