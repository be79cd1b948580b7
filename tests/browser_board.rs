//! The hospital's boards in a real browser: two wards, a patient who comes, moves and leaves, a result
//! from the lab, an engine that is killed, and pages that come back.

use std::fs;
use std::path::Path;

use orris_tests::{Browser, Engine, MllpClient, Page, eventually, field, framed, free_port, test_file};
use serde_json::json;

/// Copies a folder of the project, without what runs have left in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (path, into) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true if entry.file_name() == "data" => {}
            true => copy(&path, &into),
            false => drop(fs::copy(path, into).expect("copied")),
        }
    }
}

/// The production with its lab and its page, at ports that are free.
struct Hospital {
    root: std::path::PathBuf,
    folder: tempfile::TempDir,
    engine: Engine,
    _lab: Engine,
    wards: u16,
    orders: u16,
    boards: String,
}

impl Hospital {
    fn start() -> Hospital {
        let root = test_file("../productions/hospital");
        let folder = tempfile::tempdir().expect("a folder");
        let ports = [2575, 2576, 2577, 2585, 8087].map(|port: u16| (port, free_port()));
        let at_free_ports = |file: &Path| {
            let text = fs::read_to_string(file).expect("a text");
            let moved = ports.iter().fold(text, |text, (port, free)| {
                text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{free}"))
            });
            // So little is told again at a time that a page has to ask more than once.
            let moved = moved.replace("path: /board", "path: /board\n      replay_limit: 2");
            fs::write(file, &moved).expect("written");
            moved
        };
        copy(&root, folder.path());
        for item in fs::read_dir(folder.path().join("items")).expect("items") {
            at_free_ports(&item.expect("an item").path());
        }
        let lab = at_free_ports(&folder.path().join("lab.yaml"));
        let at_lab = folder.path().join("lab");
        fs::create_dir(&at_lab).expect("made");
        let mut lab = Engine::start(&at_lab, &lab, &[]);
        let mut engine = Hospital::run(folder.path());
        assert!(lab.ready() && engine.ready(), "{}{}", lab.log(), engine.log());
        let boards = format!("ws://127.0.0.1:{}/board", ports[4].1);
        Hospital { root, folder, engine, _lab: lab, wards: ports[0].1, orders: ports[1].1, boards }
    }

    fn run(folder: &Path) -> Engine {
        let production = fs::read_to_string(folder.join("production.yaml")).expect("the production");
        Engine::start(folder, &production, &[])
    }

    /// Kills it as a power cut does, and starts it again.
    fn restart(&mut self) {
        self.engine = Hospital::run(self.folder.path());
        assert!(self.engine.ready(), "{}", self.engine.log());
    }

    fn send(&self, port: u16, file: &str) {
        let message = fs::read_to_string(self.root.join("messages").join(file)).expect("a sample");
        let mut sender = MllpClient::connect(port).expect("the engine listens");
        sender.send(&framed(&message)).expect("sent");
        let answer = sender.heard().unwrap_or_default();
        assert_eq!(field(&answer, "MSA", 1), "AA", "{file}: {answer}");
    }

    fn until_open(&self, sockets: usize) {
        eventually(&format!("{sockets} rows in WebSocketSession"), || {
            (self.engine.open_sockets().len() == sockets).then_some(())
        });
    }
}

/// The driver of the pages, in the words of the test.
struct Boards(Browser);

impl Boards {
    fn open(&mut self, ward: &str) {
        self.0.follow(json!({ "open": ward }));
        self.is(ward, "open");
    }

    fn is(&mut self, ward: &str, state: &str) {
        self.0.follow(json!({ "ward": ward, "state": state }));
    }

    /// A board shows these beds, and no others.
    fn shows(&mut self, ward: &str, beds: &[&str]) {
        self.0.follow(json!({ "ward": ward, "beds": beds }));
    }

    fn close(&mut self, ward: &str) {
        self.0.follow(json!({ "close": ward }));
    }

    /// Takes a picture into the folder that ORRIS_PICTURES names, for somebody to look at.
    fn picture(&mut self, ward: &str, name: &str) {
        if let Some(folder) = std::env::var_os("ORRIS_PICTURES") {
            let file = Path::new(&folder).join(format!("{name}.png"));
            self.0.follow(json!({ "ward": ward, "picture": file }));
        }
    }
}

#[test]
fn boards_show_their_wards_and_no_others_and_come_back() {
    let mut hospital = Hospital::start();
    let port = free_port();
    let _page = Page::serve(&hospital.root.join("client"), port);
    let page = format!("http://127.0.0.1:{port}");
    let mut boards = Boards(Browser::start("board.mjs", &[&page, &hospital.boards]));
    boards.open("W2");
    boards.open("ICU");
    boards.picture("W2", "nobody");
    hospital.until_open(2);

    hospital.send(hospital.wards, "admission.hl7");
    boards.shows("W2", &["204 A: Contact isolation"]);
    boards.shows("ICU", &[]);
    hospital.send(hospital.wards, "transfer.hl7");
    // Had it heard of the admission, it would have done so before this.
    boards.shows("ICU", &["3 B: Contact isolation"]);
    boards.shows("W2", &[]);
    hospital.send(hospital.orders, "order.hl7");
    let dangerous = "3 B: K critically high, HCO3 low, Contact isolation";
    boards.shows("ICU", &[dangerous]);
    boards.picture("ICU", "dangerous");

    hospital.engine.kill();
    boards.is("ICU", "failed");
    boards.picture("ICU", "lost");
    boards.is("W2", "failed");
    hospital.restart();
    // Most likely nobody is back yet: who was away is told.
    hospital.send(hospital.wards, "admission.hl7");
    boards.is("W2", "open");
    boards.shows("W2", &["204 A: Contact isolation"]);
    boards.is("ICU", "open");
    boards.shows("ICU", &[dangerous]);
    hospital.until_open(2);

    boards.close("ICU");
    hospital.until_open(1);
    boards.open("ICU");
    // A new page has what was told before it was there.
    boards.shows("ICU", &[dangerous]);
    hospital.send(hospital.wards, "discharge.hl7");
    boards.shows("ICU", &[]);
    boards.shows("W2", &["204 A: Contact isolation"]);
    boards.close("ICU");
    boards.close("W2");
    hospital.until_open(0);
    assert!(hospital.engine.stop().status.success());
}
