//! Other people's MLLP programs on loopback, both ways: python-hl7 (`mllp_send`, its asyncio server and
//! client) and node-hl7 (client and server). Their scripts are in `tests/peers`; `make peers` installs
//! what they need.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orris_tests::{Engine, Program, admission, eventually, free_port, test_file, text};
use store::Reader;

/// A running engine in a folder of its own, with certificates for those who want them.
struct Site {
    engine: Engine,
    folder: tempfile::TempDir,
    port: u16,
}

impl Site {
    /// `service` are more settings of the way in, `operations` all of the ways out. Between them stands a
    /// router that sends everything to `Out`.
    fn start(service: &str, operations: &str) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        certify(&folder.path().join("data"));
        let port = free_port();
        let production = format!(
            "production: Peers
services:
  In:
    type: hl7.tcp
    targets: [Router]
    settings: {{ listen: '127.0.0.1:{port}', {service} }}
processes:
  Router:
    type: hl7.router
    settings: {{ response_from: [Out], rules: [ {{ otherwise: true, send: [Out] }} ] }}
operations:
  Out:
{operations}
"
        );
        let mut engine = Engine::start(folder.path(), &production, &[]);
        assert!(engine.ready(), "{}{}", engine.printed(), engine.log());
        Site { engine, folder, port }
    }

    /// One whose messages end in files, one each.
    fn to_files(service: &str) -> Site {
        Site::start(service, "    type: hl7.file\n    settings: { file_path: out, file_name: '{MSH-10}' }")
    }

    /// One whose messages go on to the peer at `port`.
    fn to_peer(service: &str, port: &str, settings: &str) -> Site {
        let operation = format!(
            "    type: hl7.tcp\n    retry_interval: 100ms\n    failure_timeout: 3s\n    settings: {{ address: '127.0.0.1:{port}', {settings} }}"
        );
        Site::start(service, &operation)
    }

    /// A file of the site's folder, where certificates are as well.
    fn data(&self, name: &str) -> PathBuf {
        self.engine.data_dir().join(name)
    }

    /// Writes a message to a file of its own, and says where.
    fn message(&self, control_id: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{control_id}.hl7"));
        fs::write(&path, text).expect("the folder can be written");
        path
    }

    /// Files with an admission for each of these control ids.
    fn admissions(&self, control_ids: &[&str]) -> Vec<PathBuf> {
        control_ids.iter().map(|id| self.message(id, &admission(id))).collect()
    }

    /// Waits until `Out` has come to an end with `count` messages: their statuses by number of them.
    fn ended(&self, count: i64) -> BTreeMap<String, i64> {
        let reader = Reader::open(self.engine.data_dir()).expect("a reader beside the engine");
        let query = "SELECT Status, count(*) FROM MessageHeader WHERE TargetConfigName = 'Out' \
                     AND Type = 'Request' AND Status IN ('Completed', 'Suspended', 'Error', 'Discarded') GROUP BY Status";
        eventually(&format!("{count} messages have been through Out"), || {
            let table = reader.sql(query, 100).expect("readable");
            let rows = table.rows.iter().map(|row| (text(&row[0]), text(&row[1]).parse().unwrap_or(0)));
            let found: BTreeMap<String, i64> = rows.collect();
            (found.values().sum::<i64>() == count).then_some(found)
        })
    }

    /// The one value of a query.
    fn value(&self, query: &str) -> String {
        let reader = Reader::open(self.engine.data_dir()).expect("a reader beside the engine");
        let table = reader.sql(query, 100).expect("readable");
        table.rows.first().map(|row| text(&row[0])).unwrap_or_default()
    }

    /// What `Out` wrote for that message, once it is there.
    fn written(&self, control_id: &str) -> String {
        let file = self.data("out").join(control_id);
        eventually(&format!("{} is written", file.display()), || fs::read_to_string(&file).ok())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.engine.stop().status.success(), "{}", self.engine.log());
        }
    }
}

/// An authority, and certificates from it for `localhost`: `server.pem` and `client.pem` with their keys.
fn certify(dir: &Path) {
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    };
    fs::create_dir_all(dir).expect("a folder");
    let key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Orris test authority");
    let own = authority.self_signed(&key).expect("signed");
    fs::write(dir.join("ca.pem"), own.pem()).expect("written");
    let issuer = Issuer::new(authority, key);
    for (name, usage) in
        [("server", ExtendedKeyUsagePurpose::ServerAuth), ("client", ExtendedKeyUsagePurpose::ClientAuth)]
    {
        let key = KeyPair::generate().expect("a key");
        let mut params =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &issuer).expect("signed");
        fs::write(dir.join(format!("{name}.pem")), certificate.pem()).expect("written");
        fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).expect("written");
    }
}

fn python() -> Command {
    Command::new(test_file("peers/venv/bin/python"))
}

/// The receiver of python-hl7, and its port.
fn python_server(tls: &[PathBuf]) -> (Program, String) {
    let mut command = python();
    command.arg(test_file("peers/server.py"));
    if !tls.is_empty() {
        command.arg("--tls").args(tls);
    }
    let mut server = Program::start(&mut command);
    let port = server.said("listening");
    (server, port)
}

/// The receiver of node-hl7-server, and its port.
fn node_server(tls: &[PathBuf]) -> (Program, String) {
    let port = free_port().to_string();
    let mut command = Command::new("node");
    command.arg(test_file("peers/server.mjs")).arg(&port).args(tls);
    let mut server = Program::start(&mut command);
    server.said("listening");
    (server, port)
}

/// Sends files with one of the two clients; the answers as it prints them.
fn client(which: &str, port: u16, tls: &[PathBuf], files: &[PathBuf]) -> Vec<String> {
    let mut command = match which {
        "python" => python(),
        _ => Command::new("node"),
    };
    command.arg(test_file(if which == "python" { "peers/client.py" } else { "peers/client.mjs" }));
    command.arg(port.to_string());
    if !tls.is_empty() {
        command.arg("--tls").args(tls);
    }
    Program::start(command.args(files)).finished()
}

/// An admission of two million bytes.
fn large(control_id: &str) -> String {
    let mut message = admission(control_id);
    let mut number = 0;
    while message.len() < 2_000_000 {
        number += 1;
        message.push_str(&format!("OBX|{number}|TX|NOTE^Note||{}||||||F\r", "plain words ".repeat(80)));
    }
    message
}

#[test]
fn mllp_send_delivers_a_file_of_messages() {
    let site = Site::to_files("ack_mode: immediate");
    let ids: Vec<String> = (1..=20).map(|number| format!("S{number:02}")).collect();
    let all: String = ids.iter().map(|id| admission(id)).collect();
    // Line feeds, as such files mostly have on disk.
    let file = site.message("all", &all.replace('\r', "\n"));
    let mut send = Command::new(test_file("peers/venv/bin/mllp_send"));
    send.args(["--loose", "-p", &site.port.to_string(), "-f"]).arg(file).arg("127.0.0.1");
    let answers = Program::start(&mut send).finished().join("\n");
    for id in &ids {
        assert!(
            answers.contains(&format!("MSA|AA|{id}")) || answers.contains(&format!("MSA|CA|{id}")),
            "{answers}"
        );
        assert!(site.written(id).contains(&format!("|{id}|")), "{id}");
    }
    assert_eq!(site.ended(20).get("Completed"), Some(&20));
}

#[test]
fn both_clients_deliver_and_are_answered() {
    for which in ["python", "node"] {
        let site = Site::to_files("ack_mode: immediate");
        let mut files = site.admissions(&["A1", "A2", "A3"]);
        let umlauts = admission("A4").replace("Sample", "M\u{fc}ster\u{142}");
        files.push(site.message("A4", &umlauts.replace("|P|2.5", "|P|2.5||||||UNICODE UTF-8")));
        files.push(site.message("A5", &large("A5")));
        let answers = client(which, site.port, &[], &files);
        assert_eq!(answers, ["AA A1", "AA A2", "AA A3", "AA A4", "AA A5"], "{which}");
        assert!(site.written("A4").contains("M\u{fc}ster\u{142}"), "{which}");
        assert!(site.written("A5").len() >= 2_000_000, "{which}");
        assert_eq!(site.ended(5).get("Completed"), Some(&5), "{which}");
    }
}

#[test]
fn what_is_no_good_is_refused_and_kept() {
    for which in ["python", "node"] {
        let site = Site::to_files("ack_mode: immediate, validation: structure");
        // Without EVN and PID it is no ADT_A01.
        let wrong = "MSH|^~\\&|WARD|NORTH|ORRIS|LAB|20260102030405||ADT^A01^ADT_A01|W1|P|2.5\rPV1|1|I\r";
        let mut files = vec![site.message("W1", wrong)];
        files.extend(site.admissions(&["W2"]));
        assert_eq!(client(which, site.port, &[], &files), ["AE W1", "AA W2"], "{which}");
        assert_eq!(site.ended(1).get("Completed"), Some(&1), "{which}");
        let refused = "SELECT count(*) FROM MessageHeader WHERE SourceConfigName = 'In' AND Status = 'Error'";
        assert_eq!(site.value(refused), "1", "{which}");
    }
}

#[test]
fn both_clients_speak_tls_and_show_their_certificate() {
    for which in ["python", "node"] {
        let site = Site::to_files("tls: { certificate: server.pem, key: server.key, client_ca: ca.pem }");
        let files = site.admissions(&["T1", "T2"]);
        let tls = ["ca.pem", "client.pem", "client.key"].map(|name| site.data(name));
        assert_eq!(client(which, site.port, &tls, &files), ["AA T1", "AA T2"], "{which}");
        assert_eq!(site.ended(2).get("Completed"), Some(&2), "{which}");
    }
}

#[test]
fn python_server_accepts_refuses_and_misbehaves() {
    let (server, port) = python_server(&[]);
    let site = Site::to_peer("", &port, "response_timeout: 500ms");
    let ids = ["A-1", "AE-2", "LOST-3", "CUT-4", "AR-5", "CA-6", "A-7"];
    let answers = client("python", site.port, &[], &site.admissions(&ids));
    assert_eq!(answers.len(), ids.len(), "accepted when it is stored: {answers:?}");
    assert!(answers.iter().all(|answer| answer.starts_with("AA ")), "{answers:?}");
    let ended = site.ended(7);
    assert_eq!((ended.get("Completed"), ended.get("Suspended")), (Some(&5), Some(&1)), "{ended:?}");
    assert_eq!(ended.get("Error"), Some(&1), "a rejection fails when the time is up: {ended:?}");
    let got = server.lines();
    let times = |id: &str| got.iter().filter(|line| line.starts_with(&format!("{id} "))).count();
    assert_eq!(
        [0, 1, 2, 3, 5, 6].map(|at| times(ids[at])),
        [1, 1, 2, 2, 1, 1],
        "what had no whole answer came again: {got:?}"
    );
    assert!(times("AR-5") > 3, "a rejection is tried again until the failure timeout: {got:?}");
}

#[test]
fn an_answer_for_another_message_is_not_taken_for_this_one() {
    let (server, port) = python_server(&[]);
    let actions = "reply_code_actions: ':I?=RF,:?R=RF,:?E=S,:~=S,:?A=C,:*=S', response_timeout: 2s";
    let site = Site::to_peer("", &port, actions);
    client("python", site.port, &[], &site.admissions(&["OTHER-1", "A-2"]));
    assert_eq!(site.ended(2).get("Completed"), Some(&2));
    let got = server.lines();
    let order: Vec<&str> = got.iter().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(order, ["OTHER-1", "OTHER-1", "A-2"], "it was tried again, first");
}

#[test]
fn node_server_accepts_and_refuses() {
    let (server, port) = node_server(&[]);
    // It never forgets what it got on a connection, and would answer all of it again.
    let site = Site::to_peer("", &port, "stay_connected: 0s");
    let mut files = site.admissions(&["A-1", "AE-2", "AR-3"]);
    files.push(site.message("A-4", &large("A-4")));
    client("node", site.port, &[], &files);
    let ended = site.ended(4);
    assert_eq!((ended.get("Completed"), ended.get("Suspended")), (Some(&2), Some(&1)), "{ended:?}");
    assert_eq!(ended.get("Error"), Some(&1), "a rejection fails when the time is up: {ended:?}");
    let got = server.lines();
    let times = |id: &str| got.iter().filter(|line| line.starts_with(&format!("{id} "))).count();
    assert_eq!(["A-1", "AE-2", "A-4"].map(times), [1, 1, 1], "each once: {got:?}");
    let last = got.last().expect("it got messages");
    assert!(last.starts_with("A-4 ") && last.len() == "A-4 2000000".len(), "{got:?}");
}

#[test]
fn both_servers_speak_tls_and_ask_for_a_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    certify(folder.path());
    let tls = ["server.pem", "server.key", "ca.pem"].map(|name| folder.path().join(name));
    for (which, (server, port)) in [("python", python_server(&tls)), ("node", node_server(&tls))] {
        let at = |name: &str| folder.path().join(name).display().to_string();
        let settings = format!(
            "stay_connected: 0s, tls: {{ ca: '{}', certificate: '{}', key: '{}', server_name: localhost }}",
            at("ca.pem"),
            at("client.pem"),
            at("client.key")
        );
        let site = Site::to_peer("", &port, &settings);
        client("python", site.port, &[], &site.admissions(&["T-1", "T-2"]));
        assert_eq!(site.ended(2).get("Completed"), Some(&2), "{which}");
        assert_eq!(server.lines().len(), 3, "{which}: {:?}", server.lines());
    }
}

#[test]
fn a_flood_of_refusals_suspends_each_and_holds_nothing_up() {
    let (server, port) = python_server(&[]);
    let site = Site::to_peer("ack_mode: immediate", &port, "window: 8");
    let ids: Vec<String> = (0..500).map(|number| format!("AE-{number}")).collect();
    let all: String = ids.iter().map(|id| admission(id)).collect();
    let file = site.message("flood", &(all + &admission("A-last")));
    let mut send = Command::new(test_file("peers/venv/bin/mllp_send"));
    send.args(["--loose", "-q", "-p", &site.port.to_string(), "-f"]).arg(file).arg("127.0.0.1");
    Program::start(&mut send).finished();
    let ended = site.ended(501);
    assert_eq!((ended.get("Suspended"), ended.get("Completed")), (Some(&500), Some(&1)), "{ended:?}");
    assert_eq!(server.lines().len(), 502);
}

#[test]
fn the_answer_of_the_last_receiver_goes_back_to_the_first_sender() {
    let (_server, port) = python_server(&[]);
    for which in ["python", "node"] {
        let site =
            Site::to_peer("ack_mode: application, response_timeout: 20s", &port, "response_timeout: 10s");
        let answers = client(which, site.port, &[], &site.admissions(&["A-1", "AE-2", "A-3"]));
        assert_eq!(answers, ["AA A-1", "AE AE-2", "AA A-3"], "{which}");
    }
}
