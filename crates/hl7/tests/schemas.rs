//! The schemas in the binary are the texts under `data/`, and those are what the converter makes of
//! the folder that `ORRIS_SCHEMAS` names.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use orris_hl7::schema::{FieldDef, Schema, Schemas};

fn data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// A field or component as a line of the text.
fn line(part: &FieldDef) -> String {
    let mut marks = match part.max {
        None => "*".to_owned(),
        Some(1) => String::new(),
        Some(most) => most.to_string(),
    };
    marks += if part.doubtful { "?" } else { "" };
    let length = part.length.map_or_else(|| "-".to_owned(), |length| length.to_string());
    let table = part.table.as_deref().unwrap_or("-");
    let FieldDef { number, name, datatype, usage, .. } = part;
    format!(" {number} {datatype} {}{marks} {length} {table} {name}", usage.letter()).trim_end().to_owned()
        + "\n"
}

/// A version as the lines of its text, without their order, which the maps of a schema do not keep.
fn written(schema: &Schema) -> String {
    let mut text = String::new();
    for structure in schema.structures() {
        let mark = if structure.doubtful { "?" } else { "" };
        writeln!(text, "{}{mark} {structure}", structure.id).unwrap();
    }
    for (event, structure) in schema.events() {
        writeln!(text, "event {structure} {event}").unwrap();
    }
    for segment in schema.segments() {
        writeln!(text, "{}", format!("{} {}", segment.id, segment.name).trim_end()).unwrap();
        text.extend(segment.fields.iter().map(line));
    }
    for datatype in schema.datatypes() {
        writeln!(text, "{}", format!("{} {}", datatype.id, datatype.name).trim_end()).unwrap();
        text.extend(datatype.components.iter().map(line));
    }
    for table in schema.tables() {
        let who = if table.user_defined { "user" } else { "hl7" };
        writeln!(text, "{}", format!("{} {who} {}", table.id, table.name).trim_end()).unwrap();
        for (code, meaning) in &table.codes {
            writeln!(text, "{}", format!(" {code}\t{meaning}").trim_end()).unwrap();
        }
    }
    text
}

/// The lines of the committed texts of a version, in the form of [`written`].
fn committed(name: &str) -> String {
    let read = |name: String| std::fs::read_to_string(data().join(name)).unwrap();
    let mut text = String::new();
    let mut section = String::new();
    for line in read(format!("{name}.txt")).lines() {
        if line.starts_with('[') {
            section = line.to_owned();
        } else if section == "[events]" {
            let (structure, events) = line.split_once(' ').unwrap();
            for event in events.split(' ') {
                writeln!(text, "event {structure} {event}").unwrap();
            }
        } else {
            text += line;
            text.push('\n');
        }
    }
    for line in read(format!("{name}.tables.txt")).lines() {
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[test]
fn nothing_of_the_texts_is_lost() {
    let schemas = Schemas::default();
    for name in schemas.names() {
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let (found, wanted) = (sorted(&written(&schemas.get(name).unwrap())), sorted(&committed(name)));
        let missing: Vec<_> =
            wanted.iter().filter(|line| found.binary_search(line).is_err()).take(5).collect();
        assert_eq!(missing, Vec::<&String>::new(), "{name}");
        assert_eq!(found.len(), wanted.len(), "{name}");
        assert!(found == wanted, "{name}");
    }
}

/// Without `ORRIS_SCHEMAS` it is seen that the texts are those of a converter that is there.
#[test]
fn the_texts_are_what_the_converter_makes() {
    let converter = data().join("../../../tools/schema/convert.py");
    assert!(converter.is_file(), "{}", converter.display());
    let Some(source) = std::env::var_os("ORRIS_SCHEMAS") else { return };
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemas");
    std::fs::create_dir_all(&target).unwrap();
    let ended = Command::new("python3").arg(&converter).arg(&source).arg(&target).status().unwrap();
    assert!(ended.success(), "{ended}");
    for entry in std::fs::read_dir(data()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let made = std::fs::read(target.join(path.file_name().unwrap())).unwrap();
            assert!(made == std::fs::read(&path).unwrap(), "{} is not what is made", path.display());
        }
    }
}
