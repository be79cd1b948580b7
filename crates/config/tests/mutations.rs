//! Whatever is in the files, reading them ends, and every finding points into them.

mod fakes;

use std::path::Path;

use orris_config::{Report, Source};

const GOOD: &str = r#"production: Test.Production
description: "files \"for\" ${WARD:-all} wards, äöü"
grace_period: 30s
x-common: &common { type: hl7.file, retry_interval: 7s }
services:
  In:
    type: hl7.file
    targets: [Route, Say]
    settings:
      file_path: ./in
      file_spec: "*.hl7"
      confirm_complete: rename
  Web:
    type: websocket
    settings: { listen: 127.0.0.1:52774, path: '/it''s', users: { anna: "${PASSWORD}" } }
processes:
  Route:
    type: hl7.router
    settings:
      bad_message_handler: Bad
      rules:
        - name: admissions
          when: >-
            MSH-9.1 = "ADT"
            and PV1-2 in ("I", "E")
          send: [Out]
        - otherwise: true
          send:
            - Out
  Say:
    type: socket.invocation
    settings:
      server: Web
      message: |
        Something has change!
          Look.
operations:
  Out: { <<: *common, settings: { file_path: out } }
  Bad:
    <<: *common
    failure_timeout: 10m
    settings: { file_path: bad }
"#;

/// How many changed productions are tried.
const SEEDS: u64 = 500;

/// What is put in: what YAML and `${…}` are made of, and what they are not.
const PIECES: [&str; 38] = [
    ":", ": ", "- ", "\n", "\n\n", "\r\n", "\t", " ", "  ", "[", "]", "{", "}", ",", "\"", "'", "|", ">-",
    "&a ", "*a", "*common", "<<: ", "!x ", "!!int ", "${", "}", "${A}", "${A:-b}", "#", "---\n", "...\n",
    "%", "@", "ä", "🌈", "\u{0}", "\\", "0x1f",
];

/// A generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    /// A place in the text where a character begins.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn mutated(numbers: &mut Numbers) -> String {
    let mut text = GOOD.to_owned();
    for _ in 0..=numbers.below(2) {
        let (one, other) = (numbers.place(&text), numbers.place(&text));
        let range = one.min(other)..one.max(other);
        let short = range.start..text.ceil_char_boundary(range.end.min(range.start + 12));
        match numbers.below(7) {
            0 | 1 => text.insert_str(one, PIECES[numbers.below(PIECES.len())]),
            2 => text.replace_range(short, PIECES[numbers.below(PIECES.len())]),
            3 => text.replace_range(short, ""),
            4 => {
                let copy = text[range].to_owned();
                text.insert_str(other, &copy);
            }
            5 => text.truncate(one.max(20)),
            _ => {
                // A line moves in or out.
                let start = text[..one].rfind('\n').map_or(0, |at| at + 1);
                match text[start..].starts_with("  ") && numbers.below(2) == 0 {
                    true => text.replace_range(start..start + 2, ""),
                    false => text.insert_str(start, "  "),
                }
            }
        }
    }
    text
}

fn env(name: &str) -> Option<String> {
    (name != "A").then(|| name.to_owned())
}

/// Panics unless each finding lies within the file that it names.
fn assert_places(report: &Report, seed: u64, text: &str) {
    for finding in &report.findings {
        let source: &Source =
            report.sources.iter().find(|source| source.name == finding.file).expect("a file that was read");
        let line = source.text.split('\n').nth(finding.line - 1).map(|line| line.trim_end_matches('\r'));
        let width = line.map(|line| line.chars().count());
        assert!(
            width.is_some_and(|width| finding.column >= 1 && finding.column - 1 + finding.length <= width),
            "seed {seed}: {} with length {} is not in\n{text}",
            finding.line(),
            finding.length
        );
    }
}

#[test]
fn the_production_that_is_changed_is_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("production.yaml");
    std::fs::write(&path, GOOD).expect("a file");
    let report = orris_config::load(&path, &[], fakes::CATALOGUE, &env);
    assert_eq!(report.lines(), "");
    assert!(report.production.is_some());
}

#[test]
fn every_finding_of_a_changed_production_lies_within_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("production.yaml");
    let mut good = 0;
    for seed in 1..=SEEDS {
        let text = mutated(&mut Numbers(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15)));
        good += u64::from(check(&path, &text, seed));
    }
    assert!(
        (SEEDS / 50..SEEDS).contains(&good),
        "the changes are neither harmless nor all fatal: {good} were good"
    );
}

/// Whether the text is a good production; panics where it is not treated as every text has to be.
fn check(path: &Path, text: &str, seed: u64) -> bool {
    std::fs::write(path, text).expect("a file");
    let loaded = std::panic::catch_unwind(|| {
        let report = orris_config::load(path, &[], fakes::CATALOGUE, &env);
        let shown = report.human(seed.is_multiple_of(2));
        (report, shown)
    });
    let Ok((report, shown)) = loaded else { panic!("seed {seed} panics:\n{text}") };
    assert_places(&report, seed, text);
    assert_eq!(report.has_errors(), report.production.is_none(), "seed {seed}:\n{text}");
    assert_eq!(shown.is_empty(), report.findings.is_empty(), "seed {seed}");
    let good = report.production.is_some();
    if let Some(production) = report.production {
        // What is shown as the resolved form is a production again, and the same one.
        if !production.resolved.contains("<secret>") {
            std::fs::write(path, &production.resolved).expect("a file");
            let again = orris_config::load(path, &[], fakes::CATALOGUE, &env);
            let again = again.production.unwrap_or_else(|| panic!("seed {seed}: {}", production.resolved));
            assert_eq!(again.resolved, production.resolved, "seed {seed}");
        }
    }
    good
}
