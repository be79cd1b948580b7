//! Good productions: includes, overlays, `${…}`, the definition, and the resolved form.

mod fakes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use orris_config::{ProductionDef, Report};
use serde_json::json;

const ARTICLE: &str = r#"# yaml-language-server: $schema=../../docs/schema/production.schema.json
production: Test.Production
description: HL7 files dropped into a folder are told to every open browser.
actor_pool_size: 2

services:
  HL7FileService:
    type: hl7.file
    targets: [MsgRouter, User.SocketInvocation]
    settings:
      file_path: in
      file_spec: "*.hl7"
      archive_path: archive
  User.WebSocketServer:
    type: websocket
    settings:
      listen: 127.0.0.1:52774
      path: /csp/user/User.WebSocketServer.cls

processes:
  MsgRouter:
    type: hl7.router
    pool_size: 0
    settings:
      bad_message_handler: BadMessageHandler
      rules:
        - name: admissions
          when: MSH-9.1 = "ADT" and PV1-2 in ("I", "E")
          send: [HL7FileOperation]
        - otherwise: true
          send: [HL7FileOperation]
  User.SocketInvocation:
    type: socket.invocation
    settings:
      server: User.WebSocketServer
      message: "Something has change!"

operations:
  HL7FileOperation:
    type: hl7.file
    failure_timeout: 10m
    settings: { file_path: out, file_name: "%f_%Q" }
  BadMessageHandler:
    type: hl7.file
    enabled: false
    throttle: 100ms
    settings: { file_path: bad, file_name: "%f_%Q" }
"#;

/// A folder with files, of which `production.yaml` is the production.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Case { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self, overlays: &[&str]) -> Report {
        let env = |name: &str| match name {
            "PORT" => Some("5000".to_owned()),
            "ON" => Some("true".to_owned()),
            "VERSION" => Some("2.5.1".to_owned()),
            "SOCKET_PASSWORD" => Some("swordfish".to_owned()),
            _ => None,
        };
        let overlays: Vec<PathBuf> = overlays.iter().map(|name| self.path(name)).collect();
        orris_config::load(&self.path("production.yaml"), &overlays, fakes::CATALOGUE, &env)
    }

    fn lines(&self, overlays: &[&str]) -> String {
        self.load(overlays).lines().replace(&format!("{}/", self.folder.path().display()), "")
    }

    fn good(&self, overlays: &[&str]) -> ProductionDef {
        let report = self.load(overlays);
        report.production.unwrap_or_else(|| panic!("{:?}", report.findings))
    }
}

#[test]
fn the_definition_has_what_was_written_and_the_defaults() {
    let case = Case::new(&[("production.yaml", ARTICLE)]);
    let production = case.good(&[]);
    assert_eq!(production.name, "Test.Production");
    assert_eq!((production.actor_pool_size, production.grace_period), (2, Duration::from_secs(30)));
    let names: Vec<&str> = production.items.iter().map(|item| &*item.name).collect();
    assert_eq!(
        names,
        [
            "HL7FileService",
            "User.WebSocketServer",
            "MsgRouter",
            "User.SocketInvocation",
            "HL7FileOperation",
            "BadMessageHandler"
        ]
    );
    let router = production.item("MsgRouter").expect("the router");
    assert_eq!((router.component.type_name, router.pool_size, router.enabled), ("hl7.router", 0, true));
    assert_eq!(router.business_type(), model::BusinessType::BusinessProcess);
    let sends_to: Vec<&str> = router.sends_to.iter().map(|name| &**name).collect();
    assert_eq!(sends_to, ["HL7FileOperation", "BadMessageHandler"]);
    assert!(router.targets.is_empty());
    assert_eq!((router.retry_interval, router.failure_timeout), (Duration::from_secs(5), None));
    let out = production.item("HL7FileOperation").expect("the operation");
    assert_eq!(out.failure_timeout, Some(Duration::from_secs(600)));
    assert_eq!(out.settings, json!({"file_path": "out", "file_name": "%f_%Q"}));
    let bad = production.item("BadMessageHandler").expect("the handler");
    assert_eq!((bad.enabled, bad.throttle), (false, Some(Duration::from_millis(100))));
    assert_eq!(
        case.lines(&[]),
        "production.yaml:25:28: warning: item \"MsgRouter\": bad_message_handler names \"BadMessageHandler\", \
         which is not enabled: messages wait in its queue\n"
    );
}

#[test]
fn the_resolved_form_reads_as_the_same_production_and_stays_the_same() {
    let case = Case::new(&[("production.yaml", ARTICLE)]);
    let first = case.good(&[]).resolved;
    let again = Case::new(&[("production.yaml", &first)]).good(&[]);
    assert_eq!(again.resolved, first);
    assert!(first.starts_with("production: Test.Production\ndescription: HL7 files"), "{first}");
    let of = |production: ProductionDef| -> Vec<serde_json::Value> {
        production.items.into_iter().map(|item| item.settings).collect()
    };
    assert_eq!(of(again), of(case.good(&[])));
}

const SERVER: &str = r#"production: P
services:
  Web:
    type: websocket
    enabled: ${ON}
    pool_size: ${WORKERS:-3}
    targets: [Out]
    settings:
      listen: "127.0.0.1:${PORT}"
      path: ${PORT}
      max_sockets: "${PORT}"
      users:
        anna: ${file:secrets/anna}
        bert: "${SOCKET_PASSWORD}!"
        carl: written here
operations:
  Out:
    type: hl7.file
    comment: $${PORT} is not ${ON}
    settings: { file_path: "${FOLDER:-out}" }
"#;

#[test]
fn values_are_filled_in_by_the_type_that_is_wanted_and_secrets_are_never_shown() {
    let case = Case::new(&[("production.yaml", SERVER), ("secrets/anna", "hunter2\n")]);
    let production = case.good(&[]);
    let web = production.item("Web").expect("the server");
    assert_eq!((web.enabled, web.pool_size), (true, 3));
    let users = json!({"anna": "hunter2", "bert": "swordfish!", "carl": "written here"});
    assert_eq!(
        web.settings,
        json!({"listen": "127.0.0.1:5000", "path": "5000", "max_sockets": 5000, "users": users})
    );
    assert_eq!(production.item("Out").expect("the operation").comment, "${PORT} is not true");
    for hidden in ["hunter2", "swordfish", "written here"] {
        assert!(!production.resolved.contains(hidden), "{}", production.resolved);
        assert!(!format!("{production:?}").contains(hidden));
    }
    assert!(production.resolved.contains("anna: <secret>"), "{}", production.resolved);
    assert!(production.resolved.contains("comment: $${PORT} is not true"), "{}", production.resolved);
}

#[test]
fn a_secret_is_in_no_finding() {
    let text = SERVER.replace("127.0.0.1:${PORT}", "${file:secrets/anna}");
    let case = Case::new(&[("production.yaml", &text), ("secrets/anna", "hunter2\n")]);
    let report = case.load(&[]);
    let all = format!("{}{}{}{:?}", report.lines(), report.human(true), report.json(), report.findings);
    assert!(!all.contains("hunter2"), "{all}");
    assert!(case.lines(&[]).contains("listen: address is <secret>; expected host:port"), "{all}");
}

#[test]
fn included_files_bring_items_in_the_order_of_their_names() {
    let case = Case::new(&[
        ("production.yaml", "production: P\ninclude: [items/*.yaml, 'more/**/*.yaml', 'none/*.yaml']\n"),
        ("items/b.yaml", "operations:\n  B:\n    type: hl7.file\n    settings: { file_path: b }\n"),
        (
            "items/a.yaml",
            "services:\n  A:\n    type: hl7.file\n    targets: [B, C]\n    settings: { file_path: a }\n",
        ),
        ("more/deep/er/c.yaml", "operations:\n  C:\n    type: hl7.file\n    settings: { file_path: c }\n"),
        ("items/.hidden.yaml", "nothing: of this\n"),
    ]);
    let production = case.good(&[]);
    let names: Vec<&str> = production.items.iter().map(|item| &*item.name).collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(case.lines(&[]), "production.yaml:2:43: warning: include \"none/*.yaml\" matches no file\n");
    assert!(!production.resolved.contains("include"), "{}", production.resolved);
}

#[test]
fn schemas_are_in_the_library_whatever_file_they_stand_in() {
    let main = "production: P
include: [more.yaml]
schemas:
  Hospital:
    base: ${VERSION}
    segments: { PID: { fields: [{ name: Nickname, type: ST }] } }
services: { A: { type: hl7.file, targets: [B], settings: { file_path: a } } }
operations: { B: { type: hl7.file, settings: { file_path: b } } }
";
    let more = "schemas: { Ward: { base: Hospital, events: { ADT_Z01: ADT_A01 } } }\n";
    let case = Case::new(&[("production.yaml", main), ("more.yaml", more)]);
    let production = case.good(&[]);
    let schemas = production.library.get::<hl7::schema::Schemas>();
    let ward = schemas.get("Ward").expect("it is defined");
    assert_eq!((ward.base(), ward.version()), (Some("Hospital"), "2.5.1"));
    assert_eq!(ward.structure_for("ADT", "Z01"), Some("ADT_A01"));
    let known = schemas.get("2.5.1").and_then(|known| known.segment("PID").map(|pid| pid.fields.len()));
    let nickname = ward.segment("PID").and_then(|pid| pid.fields.last());
    assert_eq!(
        nickname.map(|field| (&*field.name, field.number)),
        known.map(|last| ("Nickname", last as u16 + 1))
    );
    assert!(production.resolved.contains("Nickname"), "{}", production.resolved);
}

#[test]
fn the_example_of_the_guide_is_right() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/schemas.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let example =
        page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let case = Case::new(&[("production.yaml", example)]);
    let schemas = case.good(&[]).library.get::<hl7::schema::Schemas>();
    let hospital = schemas.get("Hospital").expect("it is defined");
    let structure = |id: &str| hospital.structure(id).map(ToString::to_string).unwrap_or_default();
    assert_eq!(structure("ZWD_Z01"), "MSH EVN PID {BED: PV1 [{NTE}]}");
    assert!(structure("ADT_A01").contains("PID [{ZPD}] [PD1]"), "{}", structure("ADT_A01"));
    assert!(structure("ORU_R01").contains("PID [ZPD] [PD1]"), "{}", structure("ORU_R01"));
    assert_eq!(hospital.structure_for("ADT", "Z04"), Some("ADT_A01"));
    assert_eq!(case.lines(&[]), "");
}

#[test]
fn mistakes_in_included_files_are_told_where_they_are() {
    let item = |name: &str| format!("  {name}:\n    type: hl7.file\n    settings: {{ file_path: x }}\n");
    let case = Case::new(&[
        (
            "production.yaml",
            &format!("production: P\ninclude: [a.yaml, b.yaml, missing.yaml]\nservices:\n{}", item("A")),
        ),
        ("a.yaml", &format!("operations:\n{}targets: [A]\nprocess: {{}}\n", item("A"))),
        ("b.yaml", "operations: [x]\n"),
    ]);
    let missing = "cannot read \"missing.yaml\" (no such file or directory)";
    assert_eq!(
        case.lines(&[]),
        format!(
            "production.yaml:2:27: {missing}\n\
             a.yaml:5:1: key \"targets\" has no place in an included file; expected one of services, processes, operations, schemas, lookup_tables, schedules, connections, transforms, rules\n\
             a.yaml:6:1: key \"process\" has no place in an included file; did you mean \"processes\"?\n\
             b.yaml:1:13: operations is no map; expected items by name\n"
        )
    );
    std::fs::write(case.path("missing.yaml"), "operations: {}\n").expect("a file");
    std::fs::write(case.path("b.yaml"), "services: {}\n").expect("a file");
    std::fs::write(case.path("a.yaml"), format!("operations:\n{}", item("A"))).expect("a file");
    assert!(case.lines(&[]).contains(
        "a.yaml:2:3: item \"A\": another item has this name, in production.yaml line 4; expected one name for one item"
    ));
}

#[test]
fn syntax_errors_of_all_files_are_told() {
    let case = Case::new(&[
        ("production.yaml", "production: P\ninclude: [a.yaml]\n"),
        ("a.yaml", "services:\n\tA: x\n"),
        ("site.yaml", "services: [\n"),
    ]);
    let lines = case.lines(&["site.yaml"]);
    assert!(lines.contains("a.yaml:2:1: the line is indented with a tab"), "{lines}");
    assert!(lines.contains("site.yaml:1:11: the list in brackets"), "{lines}");
    assert_eq!(lines.lines().count(), 2, "{lines}");
}

#[test]
fn overlays_change_what_is_there_one_after_the_other() {
    let case = Case::new(&[
        ("production.yaml", SERVER),
        ("secrets/anna", "hunter2"),
        (
            "site.yaml",
            "grace_period: 1m\nservices:\n  Web:\n    settings:\n      path: /here\n      users: { dora: x }\n",
        ),
        ("empty.yaml", "processes:\nservices:\n  Web:\n    settings:\n      # path: /nowhere\n"),
        ("more.yaml", "services:\n  Web:\n    targets: [Out]\n    settings: { path: /there }\n"),
    ]);
    let production = case.good(&["site.yaml", "more.yaml", "empty.yaml"]);
    assert_eq!(production.grace_period, Duration::from_secs(60));
    let settings = &production.item("Web").expect("the server").settings;
    assert_eq!(settings["path"], "/there");
    assert_eq!(settings["users"]["dora"], "x");
    assert_eq!(settings["users"]["anna"], "hunter2");
}

#[test]
fn an_overlay_cannot_name_what_is_not_there() {
    let case = Case::new(&[
        ("production.yaml", ARTICLE),
        (
            "site.yaml",
            "include: [x.yaml]\nservices:\n  HL7FileServce: { enabled: false }\n  MsgRouter: { enabled: false }\n  \
             HL7FileService:\n    settings: { file_pth: other, polling_interval: 3 }\n    targets: [Nobody]\nprocesss: {}\n",
        ),
    ]);
    let lines = case.lines(&["site.yaml"]);
    let found: Vec<&str> = lines.lines().filter(|line| line.starts_with("site.yaml")).collect();
    assert_eq!(
        found,
        [
            "site.yaml:1:1: include has no place in an overlay",
            "site.yaml:3:3: overlay names \"HL7FileServce\", which is not under \"services\" of this production; did you mean \"HL7FileService\"?",
            "site.yaml:4:3: overlay names \"MsgRouter\", which is not under \"services\" of this production; it stands under \"processes\"",
            "site.yaml:6:17: item \"HL7FileService\": unknown setting \"file_pth\"; did you mean \"file_path\"?",
            "site.yaml:6:52: item \"HL7FileService\": polling_interval is 3; expected a duration with its unit, as in 250ms, 5s, 10m, 2h or 1d; did you mean 3s?",
            "site.yaml:7:15: item \"HL7FileService\": target \"Nobody\" is not an item of this production",
            "site.yaml:8:1: unknown key \"processs\"; did you mean \"processes\"?",
        ]
    );
}

#[test]
fn files_that_cannot_be_read_are_findings() {
    let case = Case::new(&[("latin1.yaml", "")]);
    assert_eq!(
        case.lines(&[]).replace(case.folder.path().to_str().expect("a name"), "."),
        "production.yaml:1:1: cannot read \"production.yaml\" (no such file or directory)\n"
    );
    std::fs::write(case.path("production.yaml"), b"production: P\ndescription: \xe4\n").expect("a file");
    assert_eq!(case.lines(&[]), "production.yaml:2:14: the file is not UTF-8; save it as UTF-8\n");
    std::fs::write(case.path("production.yaml"), "\u{feff}production: P\nx: 1\n").expect("a file");
    assert!(
        case.lines(&[]).contains("production.yaml:2:1: unknown key \"x\""),
        "a mark at the start is no column"
    );
}

#[test]
fn anchors_share_what_items_have_in_common() {
    let case = Case::new(&[(
        "production.yaml",
        "production: P\nx-common: &common { type: hl7.file, retry_interval: 7s }\nservices:\n  In:\n    type: hl7.file\n    \
         targets: [A]\n    settings: { file_path: in }\noperations:\n  A:\n    <<: *common\n    settings: { file_path: a }\n",
    )]);
    let production = case.good(&[]);
    assert_eq!(production.item("A").expect("the item").retry_interval, Duration::from_secs(7));
    assert!(!production.resolved.contains("x-common"), "{}", production.resolved);
}

#[test]
fn a_finding_is_shown_like_a_good_compiler_shows_it() {
    let text = ARTICLE.replace("[MsgRouter, User", "[MsgRoutr, User");
    let case = Case::new(&[("production.yaml", &text)]);
    let report = case.load(&[]);
    let here = format!("{}/", case.folder.path().display());
    let shown = report.human(false).replace(&here, "");
    let wanted = r#"error: item "HL7FileService": target "MsgRoutr" is not an item of this production
 --> production.yaml:9:15
  |
9 |     targets: [MsgRoutr, User.SocketInvocation]
  |               ^^^^^^^^
  |
  = help: did you mean "MsgRouter"?
"#;
    assert!(shown.contains(wanted), "{shown}");
    assert!(shown.ends_with("1 error, 1 warning\n"), "{shown}");
    assert!(report.human(true).contains('\u{1b}'), "colour");
    let json = &report.json()[0];
    assert_eq!(
        (&json["level"], &json["line"], &json["column"], &json["length"], &json["item"], &json["help"]),
        (
            &json!("error"),
            &json!(9),
            &json!(15),
            &json!(8),
            &json!("HL7FileService"),
            &json!("did you mean \"MsgRouter\"?")
        )
    );
}

#[test]
fn the_schema_has_every_component_with_its_settings() {
    let schema = orris_config::json_schema(fakes::CATALOGUE);
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert_eq!(schema["required"], json!(["production"]));
    let services = &schema["properties"]["services"]["additionalProperties"]["oneOf"];
    let types: Vec<&str> = services
        .as_array()
        .expect("alternatives")
        .iter()
        .filter_map(|item| item["properties"]["type"]["const"].as_str())
        .collect();
    assert_eq!(types, ["hl7.file", "websocket"]);
    let file = &services[0]["properties"];
    assert_eq!(file["settings"]["required"], json!(["file_path"]));
    assert_eq!(file["settings"]["properties"]["file_path"]["description"], "The folder to take files from.");
    assert_eq!(services[0]["required"], json!(["type", "settings"]));
    assert_eq!(services[1]["required"], json!(["type"]));
    assert_eq!(file["retry_interval"]["default"], "5s");
    let mut rest = schema.clone();
    // Steps stand in each other without end.
    let steps = rest.as_object_mut().and_then(|own| own.remove("definitions")).expect("definitions");
    assert_eq!(steps["transform_steps"]["items"]["oneOf"].as_array().expect("alternatives").len(), 13);
    assert_eq!(
        rest["properties"]["transforms"]["additionalProperties"]["properties"]["steps"]["$ref"],
        "#/definitions/transform_steps"
    );
    rest["properties"]["transforms"] = json!(null);
    assert!(!rest.to_string().contains("$ref"), "nothing else is left to look up");
}

#[test]
fn lookup_tables_come_from_the_production_and_from_files() {
    let tables = "\nlookup_tables:\n  sexes:\n    entries: { F: female, M: male, 1: one }\n    default: \"?\"\n  \
        wards: { file: tables/wards.csv, key: code, value: name, separator: \";\", missing: error }\n  \
        units: { file: tables/units.yaml }\n";
    let csv = "name;code\nSurgery;A\n\"Ear; Nose\";B\n";
    let case = Case::new(&[
        ("production.yaml", &format!("{ARTICLE}{tables}")),
        ("tables/wards.csv", csv),
        ("tables/units.yaml", "mg/dl: MGDL\n7: seven\n"),
    ]);
    let report = case.load(&[]);
    assert!(!report.has_errors(), "{}", report.lines());
    let def = report.production.expect("a production");
    let found = def.library.get::<rules::LookupTables>();
    assert_eq!(found.names(), ["sexes", "units", "wards"]);
    let get = |table: &str, key: &str| found.get(table).and_then(|table| table.get(key).map(str::to_owned));
    assert_eq!(get("sexes", "F").as_deref(), Some("female"));
    assert_eq!(get("sexes", "1").as_deref(), Some("one"));
    assert_eq!(get("wards", "B").as_deref(), Some("Ear; Nose"));
    assert_eq!(get("units", "7").as_deref(), Some("seven"));
    assert_eq!(found.get("sexes").and_then(|table| table.default.clone()).as_deref(), Some("?"));
    assert!(found.get("wards").is_some_and(|table| table.strict));
    assert!(def.resolved.contains("file: tables/wards.csv") && !def.resolved.contains("Surgery"));
}

#[test]
fn what_is_wrong_in_a_lookup_table_is_told_at_its_line() {
    let tables = "\nlookup_tables:\n  wards: { file: wards.csv }\n  units: { file: units.yaml }\n  \
        gone: { file: gone.csv }\n  none: {}\n  other: { file: a.xml }\n";
    let case = Case::new(&[
        ("production.yaml", &format!("{ARTICLE}{tables}")),
        ("wards.csv", "code,name\nA,Surgery\nA,Medicine\nB\n"),
        ("units.yaml", "mg: [1]\n"),
        ("a.xml", ""),
    ]);
    let report = case.load(&[]);
    assert!(report.production.is_none());
    let lines = report.lines();
    for wanted in [
        "wards.csv:3:1: key \"A\" stands for something else already (entry 2); take one of the lines away",
        "wards.csv:4:1: the line has 1 columns; expected at least 2",
        "units.yaml:1:5: ",
        "gone.csv\" (",
        "table \"none\" has neither entries nor a file",
        "\"a.xml\" is no file of entries",
    ] {
        assert!(lines.contains(wanted), "{wanted}\n{lines}");
    }
}

#[test]
fn sets_of_rules_are_read_and_checked_where_they_stand() {
    let sets = "\nrules:\n  wards:\n    - when: PV1-3.1 = \"A\"\n      send: HL7FileOperation\n";
    let report = Case::new(&[("production.yaml", &format!("{ARTICLE}{sets}"))]).load(&[]);
    assert!(!report.has_errors(), "{}", report.lines());
    let def = report.production.expect("a production");
    let found = def.library.get::<rules::RuleSets>();
    assert_eq!(found.0.get("wards").and_then(Option::as_ref).map(Vec::len), Some(1));
    assert!(def.resolved.contains("- when: PV1-3.1"), "{}", def.resolved);

    let sets = "\nrules:\n  wards:\n    - when: PV1-3.1 == \"A\"\n      send: [A]\n    - delegate: wards\n      \
        wen: x\n  others:\n    - { when: [\"true\", 'PID-8 = X'], send: [A] }\n";
    let report = Case::new(&[("production.yaml", &format!("{ARTICLE}{sets}"))]).load(&[]);
    let lines = report.lines();
    let line = ARTICLE.lines().count() + 1;
    for wanted in [
        format!(":{}:7: unknown key \"wen\" in \"[1]\"", line + 6),
        format!(":{}:21: \"==\" is not an operator; write \"=\"", line + 3),
        format!(":{}: set \"wards\" comes round to itself", format_args!("{}:17", line + 5)),
        format!(":{}:33: \"X\" is not known; a text is written in quotes: \"X\"", line + 8),
    ] {
        assert!(lines.contains(&wanted), "{wanted}\n{lines}");
    }
}
