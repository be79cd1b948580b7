//! `orris hl7` on the project's own messages: what is printed, what is written, and the exit codes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::engine::{command, orris, text};

fn messages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/messages")
}

/// The path of one of the project's messages.
fn sample(name: &str) -> String {
    messages().join(name).to_str().expect("a readable path").to_owned()
}

/// Runs it, expects this exit code, and returns what it wrote and what it said.
fn run(arguments: &[&str], code: i32) -> (String, String) {
    let output = orris(&[&["hl7"], arguments].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    (text(&output.stdout), said)
}

fn json(arguments: &[&str], code: i32) -> Value {
    serde_json::from_str(&run(arguments, code).0).expect("JSON")
}

/// A file with that content, in a folder that goes away with the test.
fn file(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("written");
    path.to_str().expect("a readable path").to_owned()
}

/// Compares with the file of that name beside the tests, or writes it when ORRIS_SNAPSHOTS is set.
fn check_snapshot(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/hl7").join(name);
    if std::env::var_os("ORRIS_SNAPSHOTS").is_some() {
        fs::write(&path, found).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} differs; found:\n{found}\nexpected:\n{expected}", path.display());
}

#[test]
fn a_message_is_shown_as_a_tree() {
    let place = messages();
    for (name, arguments) in [
        ("show.txt", &["show", "repetitions.hl7"][..]),
        ("show_batch.txt", &["show", "batch.hl7", "--path", "PID", "--raw"]),
        ("show_escapes.txt", &["show", "escapes.hl7", "--path", "OBX"]),
        ("show_odd.txt", &["show", "line_no_segment.hl7", "null.hl7", "charset_utf8_but_latin1.hl7"]),
        ("show_colour.txt", &["show", "null.hl7", "--path", "PID", "--color", "always"]),
        ("split.txt", &["split", "concat_one_broken.hl7"]),
    ] {
        let output = command().arg("hl7").args(arguments).current_dir(&place).output().expect("it starts");
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        check_snapshot(name, &text(&output.stdout));
    }
}

#[test]
fn every_readable_message_can_be_shown_and_its_paths_lead_back() {
    let mut seen = 0;
    for entry in fs::read_dir(messages()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let path = path.to_str().expect("a readable path");
        let shown = orris(&["hl7", "show", path, "--json"]);
        if !shown.status.success() {
            assert!(text(&shown.stderr).contains("holds no HL7 message"), "{path}: {}", text(&shown.stderr));
            continue;
        }
        let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
        let message = &shown[0];
        for segment in message["segments"].as_array().expect("segments").iter().take(2) {
            for field in
                segment["fields"].as_array().expect("fields").iter().filter(|field| !field["value"].is_null())
            {
                let wanted = field["path"].as_str().expect("a path");
                let value = json(&["get", wanted, path, "--decoded", "--message", "1", "--json"], 0);
                assert_eq!(value[0]["value"], field["value"], "{path} {wanted}");
                seen += 1;
            }
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn get_prints_values_one_a_line() {
    let file = sample("repetitions.hl7");
    assert_eq!(run(&["get", "PID-3[*].1", "PID-5.1", &file], 0).0, "SB-1\nSB-2\nTarn\n");
    assert_eq!(run(&["get", "PID.PatientName.GivenName", "PID-3.count", &file], 0).0, "Pell\n3\n");
    let escaped = sample("escapes.hl7");
    assert_eq!(run(&["get", "PID-5.1", &escaped], 0).0, "O\\T\\Dell\n");
    assert_eq!(run(&["get", "PID-5.1", "--decoded", &escaped], 0).0, "O&Dell\n");
    let found = json(&["get", "--json", "MSH-10", &sample("batch.hl7")], 0);
    assert_eq!((found[1]["value"].as_str(), found[1]["message"].as_u64()), (Some("OR0032"), Some(2)));
    assert_eq!(run(&["get", "MSH-10", "--message", "2", &sample("batch.hl7")], 0).0, "OR0032\n");
    let none = run(&["get", "PV2-3", &file, &escaped], 1).1;
    assert!(none.contains("no value at PV2-3 in 2 messages"), "{none}");
}

#[test]
fn standard_input_is_a_file_too() {
    let mut child = command()
        .args(["hl7", "get", "PID-5.1", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let content = fs::read(sample("mllp_two.hl7")).expect("a sample");
    child.stdin.take().expect("piped").write_all(&content).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(&output.stdout).lines().count(), 2);
}

#[test]
fn wrong_usage_is_2_and_a_file_without_a_message_1() {
    let plain = sample("plain.hl7");
    for (arguments, code, words) in [
        (&["get", "PIDX-3", &plain][..], 2, "segment is \"PIDX\", expected three capital letters"),
        (&["get", "PID-3", "nowhere.hl7"], 2, "nor is there a file of that name"),
        (&["get", "PID-3"], 2, "there is no file, or - for standard input"),
        (&["show", "/nowhere.hl7"], 1, "\"/nowhere.hl7\" cannot be read"),
        (&["show", &sample("x12.hl7")], 1, "holds no HL7 message"),
        (&["show", &sample("empty.hl7")], 1, "there is nothing in it"),
        (&["show", &plain, "--message", "2"], 2, "--message is 2, but"),
        (&["show", &plain, "--schema", "2.55"], 2, "unknown schema \"2.55\"; did you mean \"2.5\"?"),
        (&["show", &plain, "--charset", "klingon"], 2, "--charset is \"klingon\""),
        (&["show", &plain, "--path", "PV2"], 1, "nothing is at PV2 in 1 message"),
        (&["diff", &plain, "/nowhere.hl7"], 2, "cannot be read"),
    ] {
        let (written, said) = run(arguments, code);
        assert!(said.starts_with("error: ") && said.contains(words), "{arguments:?}: {said}");
        assert_eq!(written, "", "{arguments:?}");
    }
}

#[test]
fn what_is_no_message_is_told_beside_the_others() {
    let (shown, said) = run(&["get", "MSH-10", &sample("concat_one_broken.hl7")], 0);
    assert_eq!(shown, "OR0031\nOR0032\n");
    assert!(said.contains(":3: left out 24 bytes that are no message: MSH-2 is empty"), "{said}");
}

const OLD: &str = "MSH|^~\\&|LAB|N|ORRIS|N|20261123131500||ORU^R01^ORU_R01|A1|P|2.5\rPID|1||77^^^N||Moreau^Basile||19590902|M\r\
    OBR|1|||2345-7^Glucose\rOBX|1|NM|2345-7^Glucose||5.4|mmol/L|||||F\rOBX|2|ST|NOTE||fasting \\T\\ rested||||||F\r";
const NEW: &str = "MSH!^~\\&!LAB!N!ORRIS!N!20261123131600!!ORU^R01^ORU_R01!A1!P!2.5\nPID!1!!77^^^N!!Moureau^Basile!!\"\"!M!!!!!!555-12\n\
    OBR!1!!!2345-7^Glucose\nOBX!1!NM!2345-7^Glucose!!5.4!mmol/L!!!!!F\nOBX!2!NM!2951-2^Sodium!!140!mmol/L\nOBX!3!ST!NOTE!!fasting \\T\\ rested!!!!!!F\n";

#[test]
fn a_difference_is_told_by_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (file(&folder, "old.hl7", OLD.as_bytes()), file(&folder, "new.hl7", NEW.as_bytes()));
    let output = command().args(["hl7", "diff", "old.hl7", "new.hl7"]).current_dir(folder.path()).output();
    let output = output.expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    check_snapshot("diff.txt", &text(&output.stdout));

    let found = json(&["diff", &old, &new, "--json"], 1);
    let paths: Vec<_> = found["messages"][0]["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| (change["path"].as_str().expect("a path"), change["change"].as_str().expect("a word")))
        .collect();
    let expected = [
        ("MSH-1", "changed"),
        ("MSH-7", "changed"),
        ("PID-5.1", "changed"),
        ("PID-7", "changed"),
        ("PID-14", "added"),
        ("OBX[2]", "added"),
    ];
    assert_eq!(paths, expected);
    let ignored = "MSH-1,MSH-7,PID.PatientName.FamilyName,PID-7,PID-14";
    let rest = json(&["diff", &old, &new, "--json", "--ignore", ignored], 1);
    let left = rest["messages"][0]["changes"].as_array().expect("changes");
    assert_eq!((left.len(), left[0]["path"].as_str()), (1, Some("OBX[2]")), "{rest}");
    assert_eq!(run(&["diff", &old, &old], 0).0, "same  1 message\n");
}

#[test]
fn messages_are_matched_by_their_control_id() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = OLD.replace("|A1|", "|A2|").replace("5.4", "6.4");
    let old = file(&folder, "old.hl7", format!("{OLD}{one}").as_bytes());
    let new = file(&folder, "new.hl7", format!("{one}{OLD}").as_bytes());
    assert_eq!(run(&["diff", &old, &new], 0).0, "same  2 messages\n");
    let lone = file(&folder, "lone.hl7", one.as_bytes());
    let (shown, _) = run(&["diff", &old, &lone], 1);
    assert!(shown.contains("old.hl7:1 message 1 \"A1\" is only there"), "{shown}");
}

#[test]
fn the_pieces_of_every_sample_are_the_sample() {
    for entry in fs::read_dir(messages()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("pieces");
        let (input, output) = (path.to_str().expect("readable"), place.to_str().expect("readable"));
        run(&["split", input, "-d", output, "--everything"], 0);
        let mut names: Vec<_> =
            fs::read_dir(&place).expect("made").map(|entry| entry.expect("an entry").path()).collect();
        names.sort();
        let pieces: Vec<u8> = names.iter().flat_map(|name| fs::read(name).expect("a piece")).collect();
        assert!(pieces == fs::read(&path).expect("a sample"), "{}", path.display());
    }
}

#[test]
fn split_overwrites_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_str().expect("readable");
    let batch = sample("batch.hl7");
    run(&["split", &batch, "-d", place, "--name", "{id}.hl7"], 0);
    assert!(folder.path().join("OR0032.hl7").exists());
    let again = run(&["split", &batch, "-d", place, "--name", "{id}.hl7"], 1).1;
    assert!(again.contains("is there already"), "{again}");
}

#[test]
fn set_changes_what_it_was_told_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let batch = fs::read(sample("batch.hl7")).expect("a sample");
    let place = file(&folder, "batch.hl7", &batch);
    let (written, _) = run(&["set", "PID-8=X", "PID-5.1=O^Dell", "--message", "2", &place], 0);
    let expected = text(&batch).replace("Fenwick^Odo||19780412|F", "O\\S\\Dell^Odo||19780412|X");
    assert!(written == expected && written != text(&batch), "{written}");

    let out = folder.path().join("out.hl7");
    run(&["set", "--raw", "PID-5=A^B", &place, "-o", out.to_str().expect("readable")], 0);
    assert_eq!(run(&["get", "PID-5", out.to_str().expect("readable")], 0).0, "A^B\nA^B\n");
    assert!(fs::read(&place).expect("a file") == batch, "the input is not touched");
    run(&["set", "MSH-10=NEW", "--in-place", &place], 0);
    assert_eq!(run(&["get", "MSH-10", &place], 0).0, "NEW\nNEW\n");
    run(&["set", "MSH-10=OR0031", "--message", "1", "--in-place", &place], 0);
    run(&["set", "MSH-10=OR0032", "--message", "2", "--in-place", &place], 0);
    assert!(fs::read(&place).expect("a file") == batch, "set back, every byte is as it was");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing is left aside");

    let link = folder.path().join("link.hl7");
    std::os::unix::fs::symlink(&out, &link).expect("a link");
    run(&["set", "PID-8=M", "--in-place", link.to_str().expect("readable")], 0);
    assert!(link.is_symlink(), "a link stays one");
    assert_eq!(run(&["get", "PID-8", out.to_str().expect("readable")], 0).0, "M\nM\n");
}

#[test]
fn a_value_set_to_itself_changes_no_byte_of_any_sample() {
    let mut seen = 0;
    for entry in fs::read_dir(messages()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let path = path.to_str().expect("a readable path");
        let Ok(id) = String::from_utf8(orris(&["hl7", "get", "MSH-10", path]).stdout) else { continue };
        let ids: Vec<_> = id.lines().collect();
        let [id] = ids[..] else { continue };
        let output = orris(&["hl7", "set", &format!("MSH-10={id}"), path]);
        assert!(output.status.success(), "{path}: {}", text(&output.stderr));
        assert!(output.stdout == fs::read(path).expect("a sample"), "{path}");
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn set_says_what_is_wrong_and_writes_nothing() {
    let (plain, latin) = (sample("plain.hl7"), sample("charset_latin1.hl7"));
    for (arguments, code, words) in [
        (&["set", "PID-8", &plain][..], 2, "\"PID-8\" sets nothing; expected PATH=VALUE"),
        (&["set", "PID=x", &plain], 2, "is a whole segment"),
        (&["set", "PID-8=F"], 2, "there is no file"),
        (&["set", "PV2-3=F", &plain], 1, "nothing was written"),
        (&["set", "PID-8=F", "--in-place", "-"], 2, "standard input cannot be changed in place"),
        (&["set", "PID-5.2=\u{65e5}", &latin], 1, "another charset in MSH-18"),
    ] {
        let (written, said) = run(arguments, code);
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert_eq!(written, "", "{arguments:?}");
    }
}

#[test]
fn check_finds_what_is_wrong_without_showing_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = OLD.replace("19590902", "195909AB").replace("5.4", "high");
    fs::write(folder.path().join("wrong.hl7"), &wrong).expect("written");
    let check = |arguments: &[&str]| {
        let mut command = command();
        command.args(["hl7", "check", "wrong.hl7"]).args(arguments).current_dir(folder.path());
        let output = command.output().expect("it starts");
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let shown = check(&[]);
    check_snapshot("check.txt", &shown);
    for value in ["195909AB", "high", "Moreau"] {
        assert!(!shown.contains(value), "a finding shows no value:\n{shown}");
    }
    let values = check(&["--values"]);
    assert!(values.contains("195909AB") && values.contains("^^^^"), "{values}");
    let found: Value = serde_json::from_str(&check(&["--json"])).expect("JSON");
    let paths: Vec<_> = found["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["path"].as_str())
        .collect();
    assert!(paths.contains(&Some("PID-7.1")) && paths.contains(&Some("OBX[1]-5")), "{found}");
    assert_eq!(found["ok"], false);
    let fine = run(&["check", "--level", "structure", &sample("plain.hl7")], 0).0;
    assert_eq!(fine, "ok  1 message in 1 file: 0 errors, 0 warnings\n");
    let broken = run(&["check", &sample("concat_one_broken.hl7")], 1).0;
    assert!(broken.contains("error[unreadable]: MSH-2 is empty"), "{broken}");
}

#[test]
fn an_acknowledgement_goes_back_to_the_sender() {
    let at = ["--time", "20260301083001", "--control-id", "K1"];
    let plain = sample("plain.hl7");
    let (written, _) = run(&[&["ack", &plain][..], &at].concat(), 0);
    let expected =
        "MSH|^~\\&|LAB|SEABROOK|ADMIT|SEABROOK|20260301083001||ACK^A01^ACK|K1|P|2.5.1\rMSA|AA|OR0001\r";
    assert_eq!(written, expected);
    let refusal = ["--code", "AE", "--text", "no such patient", "--error", "204", "--at", "PID-3.1"];
    let (written, _) = run(&[&["ack", &plain][..], &at, &refusal].concat(), 0);
    assert!(
        written.contains("\rMSA|AE|OR0001|no such patient\rERR||PID^1^3^1^1|204^Unknown key"),
        "{written}"
    );
    assert!(run(&["ack", &plain, "--code", "XX"], 2).1.contains("expected one of AA, AE, AR"));
}

/// Letters as `a` and `A`, digits as `9`, everything else as it is.
fn shape(text: &str) -> String {
    let shape = |char: char| match char {
        char if char.is_ascii_digit() => '9',
        char if char.is_uppercase() => 'A',
        char if char.is_alphabetic() => 'a',
        char => char,
    };
    text.chars().map(shape).collect()
}

#[test]
fn anonymized_messages_keep_their_form_and_lose_the_people() {
    let folder = tempfile::tempdir().expect("a folder");
    let admission = "MSH|^~\\&|WARD|NORTH|ORRIS|LAB|20260102030405||ADT^A01^ADT_A01|7|P|2.5\rEVN|A01|20260102030405\r\
        PID|1||SB-4711^^^NORTH^MR~998877^^^GOV^SS||Samplesen^Robin^Q^^Dr.||19700109|F|||1 Exampleroad^^Sampletown^ST^00123^GB||(020) 7946-0018|||M|||123-45-6789\r\
        NK1|1|Samplesen^Kim|SPO|\"\"|0000000\rPV1|1|I|2N^201^A^NORTH||||1234^Healer^Dana|||MED\r\
        OBX|1|NM|8867-4^Heart rate^LN||72|/min||||||F\rOBX|2|TX|NOTE||seen by Dr. Healer\\.br\\calm|||||||F\rNTE|1||brother is Lou\rZPI|1|secret 42\r";
    let place = file(&folder, "in.hl7", admission.repeat(2).as_bytes());
    let (written, said) = run(&["anonymize", "--seed", "7", &place], 0);
    for word in [
        "Samplesen",
        "Robin",
        "4711",
        "998877",
        "Healer",
        "Exampleroad",
        "Sampletown",
        "7946",
        "6789",
        "19700109",
        "seen",
        "Lou",
        "secret",
        "Kim",
        "00123",
    ] {
        assert!(!written.contains(word), "\"{word}\" is still in\n{written}");
    }
    for word in [
        "ADT^A01^ADT_A01|7|P|2.5",
        "^^^NORTH^MR~",
        "^^^GOV^SS|",
        "|F|||",
        "^ST^",
        "^GB|",
        "|SPO|\"\"|",
        "|I|2N^201^A^NORTH|",
        "8867-4^Heart rate^LN||72|/min",
        "\\.br\\",
        "^^Dr.|",
        "|MED",
    ] {
        assert!(written.contains(word), "\"{word}\" is not in\n{written}");
    }
    assert_eq!(shape(&written), shape(&admission.repeat(2)));
    let (first, second) = written.split_at(written.len() / 2);
    assert_eq!(first, second, "the same values become the same");
    assert!(said.starts_with("2 messages: replaced "), "{said}");
    assert_eq!(run(&["anonymize", "--seed", "7", &place], 0).0, written, "the seed decides");
    assert_ne!(run(&["anonymize", "--seed", "8", &place], 0).0, written);
    let kept = run(&["anonymize", "--keep", "PID-7,PID-3.1", &place], 0).0;
    assert!(kept.contains("19700109") && kept.contains("SB-4711") && !kept.contains("Robin"), "{kept}");
}

#[test]
fn what_cannot_be_read_is_not_handed_on() {
    let (written, said) = run(&["anonymize", &sample("concat_one_broken.hl7")], 1);
    assert!(said.contains("are no message and cannot be anonymized"), "{said}");
    assert_eq!(written, "");
}

#[test]
fn every_sample_can_be_anonymized_in_its_own_charset_and_structure() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = 0;
    for entry in fs::read_dir(messages()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let path = path.to_str().expect("a readable path");
        let written = orris(&["hl7", "anonymize", path]);
        if !written.status.success() {
            continue;
        }
        let after = file(&folder, "after.hl7", &written.stdout);
        let structure = |file: &str| {
            let shown = json(&["show", file, "--json"], 0);
            let messages = shown.as_array().expect("messages").iter().map(|message| {
                let segments = message["segments"].as_array().expect("segments").iter();
                let ids: Vec<_> = segments.map(|segment| segment["segment"].to_string()).collect();
                (message["charset"].to_string(), ids)
            });
            messages.collect::<Vec<_>>()
        };
        let (before, now) = (structure(path), structure(&after));
        let ids = |all: &[(String, Vec<String>)]| all.iter().map(|(_, ids)| ids.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&now), ids(&before), "{path}");
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn the_schemas_of_a_production_name_its_own_segments() {
    let folder = tempfile::tempdir().expect("a folder");
    let production = "production: Test.Production\nschemas:\n  Hospital:\n    base: 2.5\n    segments:\n      ZPD:\n        \
        fields:\n          - { name: Ward Level, type: IS }\n          - { name: Carer, type: XPN }\nservices:\n  In: { type: hl7.file, targets: [Out], settings: { file_path: in } }\n\
        operations:\n  Out: { type: hl7.file, settings: { file_path: out } }\n";
    let production = file(&folder, "production.yaml", production.as_bytes());
    let message =
        file(&folder, "in.hl7", b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\rZPD|3|Samplesen^Kim\r");
    let own = ["--schema", "Hospital", "--production", &production];
    let shown = run(&[&["show", &message, "--path", "ZPD"][..], &own].concat(), 0).0;
    for word in ["Hospital:ADT_A01", "Ward Level", "Carer", "Family Name", "Samplesen"] {
        assert!(shown.contains(word), "\"{word}\" is not in\n{shown}");
    }
    assert_eq!(run(&[&["get", "ZPD.Carer.GivenName", &message][..], &own].concat(), 0).0, "Kim\n");
    let known = run(&[&["anonymize", &message][..], &own].concat(), 0).0;
    assert!(known.contains("\rZPD|3|") && !known.contains("Samplesen"), "a code stays, a name goes: {known}");
    let unknown = run(&["anonymize", &message], 0).0;
    assert!(!unknown.contains("Samplesen") && !unknown.contains("Kim"), "{unknown}");
    assert!(run(&["show", &message, "--schema", "Hospital"], 2).1.contains("unknown schema \"Hospital\""));
}

#[test]
fn an_expression_is_tried_on_messages() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = b"MSH|^~\\&|LAB||||||ADT^A01|7|P|2.5\rPID|1||4711||Doe^Jane||\"\"\rPV1|1|I\r";
    let file = file(&folder, "a.hl7", message);
    let expr = |arguments: &[&str], code: i32| {
        let output = orris(&[&["expr"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    for (asked, said) in [
        ("upper(PID-5.1) + \", \" + PID-5.2", "\"DOE, Jane\"\n"),
        ("PID-3 * 2", "9422\n"),
        ("PID-7", "null\n"),
        ("PID-8", "missing\n"),
        ("PV1-2 in (\"I\", \"E\")", "true\n"),
    ] {
        assert_eq!(expr(&[asked, &file], 0).0, said, "{asked}");
    }
    let explained = "false\n  PV1-2 = \"O\" and length(PID-5.1) > 2  is  false\n    PV1-2 = \"O\"  is  false\n      \
        PV1-2  is  \"I\"\n    length(PID-5.1) > 2  is  true\n      length(PID-5.1)  is  3\n        \
        PID-5.1  is  \"Doe\"\n";
    assert_eq!(expr(&["--explain", "PV1-2 = \"O\" and length(PID-5.1) > 2", &file], 0).0, explained);
    let (_, wrong) = expr(&["uper(PID-5.1) == \"X\"", &file], 2);
    assert!(wrong.contains("did you mean \"upper\"?\n  uper(PID-5.1) == \"X\"\n  ^^^^"), "{wrong}");
    assert!(wrong.contains("write \"=\""), "{wrong}");
    let json: Value = serde_json::from_str(&expr(&["--json", "PID-3", &file], 0).0).expect("JSON");
    assert_eq!(json[0]["values"], serde_json::json!(["4711"]));
}

#[test]
fn an_expression_is_tried_at_another_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let message =
        file(&folder, "a.hl7", b"MSH|^~\\&|LAB||||||ADT^A01|7|P|2.5\rPID|1||4711||Doe^Jane||20001231\r");
    let production = b"production: P\nschedules:\n  nights: [{ from: \"22:00\", to: \"06:00\" }]\nrules:\n  \
        All: [{ when: schedule(\"nights\"), send: [Out] }]\nservices:\n  \
        In: { type: hl7.file, targets: [Out], settings: { file_path: in } }\noperations:\n  \
        Out: { type: hl7.file, settings: { file_path: out } }\n";
    let production = file(&folder, "production.yaml", production);
    let expr = |arguments: &[&str]| {
        // In winter this zone is one hour ahead.
        let output = command()
            .env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
            .args(["expr"])
            .args(arguments)
            .output()
            .expect("it starts");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    for (at, asked, said) in [
        ("2026-11-23 21:59", "schedule(\"nights\")", "false\n"),
        ("2026-11-23 22:00", "schedule(\"nights\")", "true\n"),
        ("2026-11-23T21:00:00Z", "schedule(\"nights\")", "true\n"),
        ("2026-11-23", "current_datetime()", "\"20261123000000+0100\"\n"),
        ("2026-12-31", "age(PID-7)", "26\n"),
    ] {
        let found = expr(&["--production", &production, "--at", at, asked, &message]);
        assert_eq!((found.0, found.1.as_str()), (Some(0), said), "{at} {asked}: {}", found.2);
    }
    let (code, _, said) = expr(&["schedule(\"nights\")", &message]);
    assert!(code == Some(2) && said.contains("say by --production"), "{said}");
    let (code, _, said) = expr(&["--at", "noon", "PID-7", &message]);
    assert!(code == Some(2) && said.contains("--at: time is \"noon\""), "{said}");
}
