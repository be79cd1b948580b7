//! Edits in tables.

use super::*;

const MESSAGE: &str = "MSH|^~\\&|LAB|||~\rPID|1||a^b&c~d~|x\r\nOBX|1||A\r  OBX|2||B||6~7\nZZ1\r\rNTE|1";

type Step<'a> = fn(&mut Editor, &Path) -> Done;

/// What becomes of the text from PID on, or the error.
fn edited(path: &str, step: Step<'_>) -> Result<String, String> {
    let message = Message::read(MESSAGE.into(), "").unwrap();
    let mut editor = Editor::of(&message);
    step(&mut editor, &path.parse().unwrap()).map_err(|error| error.to_string())?;
    let found = editor.finish();
    let again = Message::read(found.text().to_owned().into(), "").unwrap();
    assert_eq!(found.lines(), again.lines(), "{path}: {:?}", found.text());
    assert_eq!(message.text(), MESSAGE);
    Ok(found.text().to_owned())
}

/// Each case is a path, what it was in [`MESSAGE`] and what it becomes.
fn check(step: Step<'_>, cases: &[(&str, &str, &str)]) {
    for (path, old, new) in cases {
        assert_eq!(MESSAGE.matches(old).count(), 1, "{path}: {old:?}");
        assert_eq!(edited(path, step).as_deref(), Ok(&*MESSAGE.replacen(old, new, 1)), "{path}");
    }
}

#[test]
fn a_value_is_set_where_the_path_leads() {
    check(
        |editor, path| editor.set(path, "N|"),
        &[
            ("PID-1", "PID|1|", "PID|N\\F\\|"),
            ("PID-2", "1||a", "1|N\\F\\|a"),
            ("PID-3", "a^b&c~d~", "N\\F\\"),
            ("PID-3[1]", "a^b&c~d~", "N\\F\\~d~"),
            ("PID-3[2]", "~d~", "~N\\F\\~"),
            ("PID-3[3]", "~d~", "~d~N\\F\\"),
            ("PID-3[-1]", "~d~", "~d~N\\F\\"),
            ("PID-3[5]", "~d~", "~d~~~N\\F\\"),
            ("PID-3.1", "a^b", "N\\F\\^b"),
            ("PID-3.2", "a^b&c", "a^N\\F\\"),
            ("PID-3.2.2", "b&c", "b&N\\F\\"),
            ("PID-3.2.4", "b&c", "b&c&&N\\F\\"),
            ("PID-3.4.2", "b&c", "b&c^^&N\\F\\"),
            ("PID-3[2].2", "~d~", "~d^N\\F\\~"),
            ("PID-3[4].1.2", "~d~", "~d~~&N\\F\\"),
            ("PID-6[2].2", "|x", "|x||~^N\\F\\"),
            ("PID-7[-1]", "|x", "|x|||N\\F\\"),
            ("OBX[2]-5[-1]", "6~7", "6~N\\F\\"),
            ("OBX[-1]-4", "2||B||", "2||B|N\\F\\|"),
            ("OBX-4", "1||A", "1||A|N\\F\\"),
            ("OBX[*]-5[*].2", "6~7", "6^N\\F\\~7^N\\F\\"),
            ("ZZ1-2", "ZZ1", "ZZ1||N\\F\\"),
            ("NTE-1", "NTE|1", "NTE|N\\F\\"),
            ("MSH-3", "LAB", "N\\F\\"),
            ("MSH-8", "|~\r", "|~||N\\F\\\r"),
        ],
    );
    let each = edited("OBX[*]-5", |editor, path| editor.set(path, "N")).unwrap();
    assert_eq!(each, MESSAGE.replace("A\r", "A||N\r").replace("6~7", "N"));
}

#[test]
fn what_is_removed_leaves_the_rest_in_its_place() {
    check(
        |editor, path| editor.remove(path),
        &[
            ("PID-1", "PID|1|", "PID||"),
            ("PID-3", "a^b&c~d~", ""),
            ("PID-3[*]", "a^b&c~d~", ""),
            ("PID-3[1]", "a^b&c~d~", "d~"),
            ("PID-3[2]", "~d~", "~"),
            ("PID-3[3]", "~d~", "~d"),
            ("PID-3[-1]", "~d~", "~d"),
            ("PID-3[4]", "~d~", "~d~"),
            ("PID-3.1", "a^b", "^b"),
            ("PID-3.2.1", "b&c", "&c"),
            ("PID-3[*].1", "a^b&c~d~", "^b&c~~"),
            ("PID-4[1]", "|x", "|"),
            ("PID-9.3", "|x", "|x"),
            ("PV1-1", "|x", "|x"),
            ("MSH-6[1]", "|~\r", "|\r"),
            ("PID", "PID|1||a^b&c~d~|x\r\n", ""),
            ("OBX[1]", "OBX|1||A\r", ""),
            ("OBX[2]", "  OBX|2||B||6~7\n", ""),
            ("OBX[*]", "OBX|1||A\r  OBX|2||B||6~7\n", ""),
            ("ZZ1", "ZZ1\r", ""),
            ("NTE", "\rNTE|1", ""),
            ("NTE[*]", "\rNTE|1", ""),
        ],
    );
    let count = |path: &str| {
        let mut editor = Editor::of(&Message::read(MESSAGE.into(), "").unwrap());
        editor.remove(&path.parse().unwrap()).unwrap()
    };
    assert_eq!(["PV1", "PV1-1", "PID-2", "PID-3[9]", "OBX[*]", "OBX[*]-5[*]"].map(count), [0, 0, 0, 0, 2, 1]);
    let mut editor = Editor::of(&Message::read("MSH|^~\\&|A\r\nNTE|1\r\nNTE|2".into(), "").unwrap());
    assert_eq!(editor.remove(&"NTE[*]".parse().unwrap()), Ok(2));
    assert_eq!(editor.finish().text(), "MSH|^~\\&|A");
}

#[test]
fn parts_are_inserted_and_appended() {
    check(
        |editor, path| editor.insert(path, "N"),
        &[
            ("PID-1", "PID|1", "PID|N|1"),
            ("MSH-3", "LAB", "N|LAB"),
            ("PID-3[2]", "~d~", "~N~d~"),
            ("PID-3[-1]", "~d~", "~d~N~"),
            ("PID-3[5]", "~d~", "~d~~~N"),
            ("PID-2[1]", "1||a", "1|N|a"),
            ("PID-2.1", "1||a", "1|N|a"),
            ("PID-3.2", "a^b", "a^N^b"),
            ("PID-3.2.2", "b&c", "b&N&c"),
            ("PID-6", "|x", "|x||N"),
            ("OBX[*]-5[*].1", "6~7", "N^6~N^7"),
        ],
    );
    check(
        |editor, path| editor.append(path, "N"),
        &[
            ("PID", "|x", "|x|N"),
            ("ZZ1", "ZZ1", "ZZ1|N"),
            ("MSH", "|~\r", "|~|N\r"),
            ("PID-2", "1||a", "1|N|a"),
            ("PID-3", "~d~", "~d~~N"),
            ("PID-4", "|x", "|x~N"),
            ("PID-3[2]", "~d~", "~d^N~"),
            ("PID-3[3]", "~d~", "~d~N"),
            ("PID-3.1", "a^b", "a&N^b"),
            ("PID-6", "|x", "|x||N"),
            ("OBX[2]-5[*]", "6~7", "6^N~7^N"),
        ],
    );
}

#[test]
fn segments_are_inserted_and_set() {
    check(
        |editor, path| editor.insert_before(path, "ZZ9|1").map(|()| 1),
        &[
            ("PID", "\rPID", "\rZZ9|1\rPID"),
            ("OBX[2]", "  OBX", "ZZ9|1\r  OBX"),
            ("NTE", "NTE", "ZZ9|1\rNTE"),
        ],
    );
    check(
        |editor, path| editor.insert_after(path, "ZZ9").map(|()| 1),
        &[
            ("MSH", "|~\r", "|~\rZZ9\r"),
            ("PID", "|x\r\n", "|x\rZZ9\r\n"),
            ("OBX[-1]", "6~7\n", "6~7\rZZ9\n"),
            ("NTE", "NTE|1", "NTE|1\rZZ9"),
        ],
    );
    check(|editor, _| editor.append_segment("ZZ9|").map(|()| 1), &[("MSH", "NTE|1", "NTE|1\rZZ9|")]);
    check(
        |editor, path| editor.set_raw(path, "ZZ9|~^"),
        &[("PID", "PID|1||a^b&c~d~|x", "ZZ9|~^"), ("OBX[2]", "OBX|2||B||6~7", "ZZ9|~^")],
    );
    for end in ["\n", "\r\n"] {
        let text = format!("MSH|^~\\&|A{end}PID|1");
        let mut editor = Editor::of(&Message::read(text.clone().into(), "").unwrap());
        editor.append_segment("NTE|1").unwrap();
        editor.insert_before(&"PID".parse().unwrap(), "EVN|").unwrap();
        assert_eq!(editor.finish().text(), format!("MSH|^~\\&|A{end}EVN|{end}PID|1{end}NTE|1"));
    }
}

#[test]
fn raw_values_are_not_escaped() {
    check(
        |editor, path| editor.set_raw(path, "N&\\F\\"),
        &[
            ("PID-3", "a^b&c~d~", "N&\\F\\"),
            ("PID-3[2]", "~d~", "~N&\\F\\~"),
            ("PID-3.1", "a^b", "N&\\F\\^b"),
        ],
    );
    check(|editor, path| editor.set_raw(path, "N~M^L&K"), &[("PID-3", "a^b&c~d~", "N~M^L&K")]);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_reason() {
    let cases: [(&str, Step<'_>, &str); 21] = [
        ("PV1-1", |e, p| e.set(p, ""), "message has 0 segments PV1; insert it first"),
        ("OBX[3]-1", |e, p| e.set(p, ""), "message has 2 segments OBX; insert it first"),
        ("PID", |e, p| e.set(p, ""), "is a whole segment; expected a field, or a raw segment to be set"),
        ("PID", |e, p| e.insert(p, ""), "is a whole segment; expected a field or a part of one"),
        (
            "MSH-1",
            |e, p| e.set(p, ""),
            "holds the separators; expected them to be changed for the whole message",
        ),
        ("MSH-2", |e, p| e.remove(p), "holds the separators"),
        ("MSH-2.1", |e, p| e.append(p, ""), "holds the separators"),
        ("MSH-1", |e, p| e.insert(p, ""), "holds the separators"),
        ("MSH", |e, p| e.remove(p), "is the first segment, which must stay; expected any other"),
        ("MSH[*]", |e, p| e.remove(p), "is the first segment, which must stay; expected any other"),
        ("MSH", |e, p| e.set_raw(p, "PID"), "is the first segment, which must stay"),
        ("MSH", |e, p| e.insert_before(p, "PID").map(|()| 1), "is the first segment; expected one behind it"),
        ("OBX[*]", |e, p| e.insert_after(p, "PID").map(|()| 1), "is each segment; expected one of them"),
        ("PID-1", |e, p| e.insert_after(p, "PID").map(|()| 1), "is a field; expected a whole segment"),
        (
            "PID",
            |e, p| e.insert_after(p, "pid|").map(|()| 1),
            "the new segment does not begin with three capital",
        ),
        (
            "PID",
            |e, p| e.insert_after(p, "PID^").map(|()| 1),
            "the new segment does not begin with three capital",
        ),
        (
            "PID",
            |e, p| e.insert_after(p, "BTS|1").map(|()| 1),
            "the new segment begins a message or belongs to",
        ),
        ("PID", |e, p| e.insert_after(p, "PID|\r").map(|()| 1), "the new segment holds a line end"),
        ("PID-3[*]", |e, p| e.insert(p, ""), "is each repetition; expected one, or the field to append to"),
        ("PID-3.1.1", |e, p| e.append(p, ""), "is a subcomponent, which has no parts"),
        ("PID-3[1]", |e, p| e.set_raw(p, "a~b"), "byte 1 of the value is a line end or a separator of what"),
    ];
    for (path, step, why) in cases {
        let error = edited(path, step).unwrap_err();
        assert!(error.starts_with(&format!("path \"{path}\": {why}")), "{error}");
    }
    let mut editor = Editor::of(&Message::read("MSH|^|A\rPID|a~b".into(), "").unwrap());
    let set = |editor: &mut Editor, path: &str| {
        editor.set(&path.parse().unwrap(), "N").map_err(|error| error.why.into_owned())
    };
    assert_eq!(
        set(&mut editor, "PID-1[2]"),
        Err("MSH-2 declares no separator between repetitions".to_owned())
    );
    assert_eq!(
        set(&mut editor, "PID-1.1.2"),
        Err("MSH-2 declares no separator between subcomponents".to_owned())
    );
    assert_eq!(set(&mut editor, "PID-1[-1].2.1"), Ok(1));
    assert_eq!(editor.finish().text(), "MSH|^|A\rPID|a~b^N");
}

#[test]
fn many_edits_go_one_after_the_other() {
    let mut editor = Editor::of(&Message::read("MSH|^~\\&|A".into(), "").unwrap());
    for number in 1..=3 {
        editor.append_segment("OBX").unwrap();
        let path = |field| format!("OBX[-1]-{field}").parse().unwrap();
        editor.set(&path(1), &number.to_string()).unwrap();
        editor.set(&path(5), "value").unwrap();
        editor.append(&path(5), "more").unwrap();
    }
    editor.set(&"OBX[*]-5[*].2".parse().unwrap(), "u").unwrap();
    editor.remove(&"OBX[2]".parse().unwrap()).unwrap();
    let message = editor.finish();
    assert_eq!(message.text(), "MSH|^~\\&|A\rOBX|1||||value^u~more^u\rOBX|3||||value^u~more^u");
    assert_eq!(message.get(&"OBX[2]-5[2].1".parse().unwrap()), Some("more"));
    assert!(!format!("{:?}", Editor::of(&message)).contains("value"));
}

#[test]
fn each_of_very_many_is_set_at_once() {
    let text = format!("MSH|^~\\&|A\r{}", "OBX|1||||v~w\r".repeat(50_000));
    let mut editor = Editor::of(&Message::read(text.into(), "").unwrap());
    assert_eq!(editor.set(&"OBX[*]-5[*]".parse().unwrap(), "longer"), Ok(100_000));
    assert_eq!(editor.remove(&"OBX[*]-5[1]".parse().unwrap()), Ok(50_000));
    let message = editor.finish();
    assert!(message.values(&"OBX[*]-5".parse().unwrap()).all(|value| value == "longer"));
    let mut editor = Editor::of(&message);
    assert_eq!(editor.remove(&"OBX[*]".parse().unwrap()), Ok(50_000));
    assert_eq!(editor.finish().text(), "MSH|^~\\&|A");
}

#[test]
fn a_changed_msh_18_says_how_the_message_is_written() {
    let message = Message::read(b"MSH|^~\\&|M\xFCller|||||||||||||||8859/1".to_vec().into(), "").unwrap();
    let written = |path: &str, value: &str| {
        let mut editor = Editor::of(&message);
        editor.set(&path.parse().unwrap(), value).unwrap();
        let changed = editor.finish();
        (
            changed.charset().name(),
            crate::write::to_bytes(&changed).unwrap().len() - changed.text().chars().count(),
        )
    };
    assert_eq!(written("MSH-4", "x"), ("ISO-8859-1", 0));
    assert_eq!(written("MSH-18", "UNICODE UTF-8"), ("UTF-8", 1));
    assert_eq!(written("MSH-18", "KLINGON"), ("ISO-8859-1", 0));
}
