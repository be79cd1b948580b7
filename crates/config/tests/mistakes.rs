//! What newcomers get wrong, and exactly what they are told: one file in `mistakes/` for each.
//!
//! A file holds a production, and below the line `# findings` what is found. After a change of the
//! words, `ORRIS_UPDATE=1 cargo test -p orris-config --test mistakes` writes them anew; read them then.

mod fakes;

use std::path::Path;

const MARK: &str = "# findings\n";

/// The environment of every case.
fn env(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("52774".to_owned()),
        "WORD" => Some("soon".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn findings(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("production.yaml");
    std::fs::write(&path, text).expect("a file");
    let report = orris_config::load(&path, &[], fakes::CATALOGUE, &env);
    assert_eq!(report.has_errors(), report.production.is_none(), "a production is given when it can run");
    let here = format!("{}/", folder.path().display());
    // Every finding is also shown with its line.
    for finding in &report.findings {
        assert!(
            report.human(false).contains(&format!("{}:{}:{}", finding.file, finding.line, finding.column))
        );
    }
    report.lines().replace(&here, "")
}

#[test]
fn every_mistake_is_told_exactly() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let update = std::env::var_os("ORRIS_UPDATE").is_some();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of cases") {
        let path = entry.expect("a case").path();
        let case = std::fs::read_to_string(&path).expect("a case");
        let (production, wanted) = case.split_once(MARK).unwrap_or((&case, ""));
        let found: String = findings(production).lines().map(|line| format!("# {line}\n")).collect();
        cases += 1;
        if update {
            std::fs::write(&path, format!("{production}{MARK}{found}")).expect("a case can be written");
        } else if found != wanted {
            wrong.push(format!("{}:\nfound\n{found}wanted\n{wanted}", path.display()));
        }
    }
    assert!(cases >= 40, "only {cases} cases were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
