//! The tutorial's outputs are what a reader sees: every command of every step, with engines that run and
//! messages over MLLP. Times, ids and ports are a reader's own, and count for nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::engine::{DEADLINE, Engine, command, text};
use crate::tutorial::{follow, project, steps, take_messages};

/// The ports of the tutorial, and free ones in their stead.
struct Ports(Vec<(String, String)>);

impl Ports {
    fn free() -> Ports {
        let held: Vec<_> = [2575, 2576, 2577, 2585, 8087]
            .map(|port: u16| (port, TcpListener::bind("127.0.0.1:0").expect("a free port")))
            .into();
        let free = |socket: &TcpListener| socket.local_addr().expect("an address").port();
        Ports(held.iter().map(|(port, socket)| (port.to_string(), free(socket).to_string())).collect())
    }

    fn moved(&self, page: &str) -> String {
        let at = |port: &String| format!("127.0.0.1:{port}");
        self.0.iter().fold(page.to_owned(), |page, (port, free)| page.replace(&at(port), &at(free)))
    }

    fn of(&self, port: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == port);
        found.map(|(_, free)| free.as_str()).unwrap_or_else(|| panic!("port {port}"))
    }
}

/// `to PORT FILE`: what the shell's function does with curl, but no longer than the answer takes.
fn to(port: &str, message: &Path) -> String {
    let message = fs::read(message).expect("a message");
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("the engine listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    stream.write_all(&[b"\x0b", &message[..], b"\x1c\r"].concat()).expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1c\r") {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).expect("an answer");
        assert!(count > 0, "the connection ended before the answer");
        answer.extend(&some[..count]);
    }
    text(&answer).replace(['\x0b', '\x1c'], "").replace('\r', "\n")
}

/// What the shell says in the reader's folder.
fn shell(line: &str, folder: &Path) -> String {
    let program = command().get_program().to_owned();
    let place = Path::new(&program).parent().expect("a folder").to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1; {line}")]).current_dir(folder).stdin(Stdio::null());
    shell.env("PATH", format!("{}:{path}", place.display())).env("ORRIS_DATA_DIR", folder.join("data"));
    for name in ["COLUMNS", "CLICOLOR_FORCE", "ORRIS_LOG"] {
        shell.env_remove(name);
    }
    text(&shell.output().expect("sh").stdout)
}

/// An output without what differs from run to run: every number is one, and long times are short ones.
fn same_for_all(output: &str) -> String {
    let mut plain = String::new();
    for character in output.chars() {
        match character {
            '0'..='9' if plain.ends_with('0') => {}
            '0'..='9' => plain.push('0'),
            other => plain.push(other),
        }
    }
    plain.replace("0.0 s", "0 ms").replace("0 s ", "0 ms ")
}

/// Runs a command line, and what only looks again and again until it shows what the page says.
fn does(line: &str, wanted: &str, folder: &Path, ports: &Ports) -> String {
    let (sends, looks): (Vec<_>, Vec<_>) = line.split("; ").partition(|piece| piece.starts_with("to "));
    let mut said = String::new();
    for words in sends.iter().map(|send| send.split(' ').collect::<Vec<_>>()) {
        said += &to(ports.of(words[1]), &folder.join(words[2]));
    }
    let patience = if updates() { Duration::from_secs(8) } else { DEADLINE };
    let begun = Instant::now();
    loop {
        let found = said.clone() + &shell(&looks.join("; "), folder);
        if same_for_all(&found) == same_for_all(wanted) || begun.elapsed() > patience {
            return found;
        }
        std::thread::yield_now();
    }
}

fn updates() -> bool {
    std::env::var_os("ORRIS_SNAPSHOTS").is_some()
}

/// The commands of a step with their outputs, as in `$ orris trace`.
fn commands(step: &str) -> impl Iterator<Item = (&str, &str)> {
    let blocks = step.split("\n```\n$ ").skip(1);
    blocks.map(|block| {
        let block = block.split("\n```").next().unwrap_or_default();
        block.split_once('\n').unwrap_or((block, ""))
    })
}

/// Set ORRIS_SNAPSHOTS to write the outputs anew that are no longer true.
#[test]
fn the_outputs_of_the_tutorial_are_what_a_reader_sees() {
    let file = project().join("docs/guide/tutorial.md");
    let mut page = fs::read_to_string(&file).expect("the tutorial");
    let ports = Ports::free();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    take_messages(folder);
    let lab = fs::read_to_string(project().join("productions/hospital/lab.yaml")).expect("the lab");
    fs::write(folder.join("lab.yaml"), ports.moved(&lab)).expect("written");
    let (mut engine, mut lab): (Option<Engine>, Option<Engine>) = (None, None);
    let (mut seen, mut untrue) = (0, Vec::new());
    for step in steps(&page.clone()) {
        follow(&ports.moved(step), folder);
        if let Some(mut running) = engine.take() {
            assert_eq!(running.stop(), Some(0));
        }
        engine = Some(Engine::start(&folder.join("production.yaml")).0);
        if step.contains("`orris run lab.yaml") {
            let mut program = command();
            program.arg("--data-dir").arg(folder.join("data/lab"));
            lab = Some(Engine::start_as(program, &folder.join("lab.yaml")).0);
        }
        if step.contains("Stop the lab with Ctrl-C") {
            assert_eq!(lab.take().expect("the lab runs").stop(), Some(0));
        }
        for (line, wanted) in commands(step) {
            let wanted = wanted.to_owned() + "\n";
            let found = does(line, &wanted, folder, &ports);
            seen += 1;
            if same_for_all(&found) != same_for_all(&wanted) {
                page = page.replace(&format!("$ {line}\n{wanted}"), &format!("$ {line}\n{found}"));
                untrue.push(format!("$ {line}\n{found}\nbut the page says\n{wanted}"));
            }
        }
    }
    assert!(seen >= 12, "{seen} commands");
    if updates() {
        fs::write(&file, page).expect("written");
    }
    assert!(untrue.is_empty(), "{}; run this with ORRIS_SNAPSHOTS=1", untrue.join("\n"));
}
