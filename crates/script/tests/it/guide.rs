//! The examples of the guide do what they say.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use orris_script::{Sandbox, Verdict};
use rules::{LookupTable, LookupTables};

use crate::{Noting, input, program};

/// The blocks of that language, in order.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).filter_map(|block| block.split("```").next()).collect()
}

/// What a block says about itself behind `// {what}: `.
fn expected<'a>(block: &'a str, what: &str) -> Option<&'a str> {
    let mark = format!("// {what}: ");
    block.lines().find_map(|line| line.strip_prefix(&mark))
}

#[test]
fn the_examples_of_the_guide_do_what_they_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/javascript.md");
    let guide = fs::read_to_string(path).unwrap();
    let message = blocks(&guide, "hl7")[0].trim_end().replace('\n', "\r");
    let examples = blocks(&guide, "js");
    assert!(examples.len() >= 6, "{}", examples.len());
    let wards = LookupTable { entries: [("W4".into(), "Surgery".into())].into(), ..LookupTable::default() };
    let tables = LookupTables::default().with("wards", wards);
    for example in examples {
        let program = program(example).with_tables(&tables);
        assert!(program.wrong_names(&tables).is_empty(), "{example}");
        let outcome = Sandbox::new(&program).unwrap().run(&input(&message), &Arc::new(Noting::default()));
        let verdict = match expected(example, "discarded") {
            Some(reason) => Verdict::Discard(reason.to_owned()),
            None => Verdict::Done,
        };
        assert_eq!(outcome.verdict, verdict, "{example}");
        let said: Vec<_> = outcome.said.iter().map(|said| said.text.as_str()).collect();
        assert_eq!(said.join("; "), expected(example, "says").unwrap_or_default(), "{example}");
        let sent: Vec<_> = outcome.sends.iter().map(|sent| sent.target.as_str()).collect();
        assert_eq!(sent.join(", "), expected(example, "sends").unwrap_or_default(), "{example}");
    }
    // The first example stands in a production.
    let yaml = blocks(&guide, "yaml")[0].split("code: |\n").nth(1).unwrap();
    let outcome = Sandbox::new(&program(yaml)).unwrap().run(&input(&message), &Arc::new(Noting::default()));
    assert_eq!((outcome.verdict, outcome.sends.len()), (Verdict::Done, 1));
}
