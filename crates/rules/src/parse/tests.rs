//! What is wrong is found, with its place and what to write instead.

use super::Parsed;
use crate::{ExprError, Scope};

fn parse(text: &str, wants_condition: bool) -> Result<Parsed, Vec<ExprError>> {
    super::parse(text, wants_condition, &Scope::default())
}

/// `marked` is the expression with its wrong place in `⟨ ⟩`; `said` and `help` are parts of the texts.
#[track_caller]
fn check(marked: &str, said: &str, help: &str) {
    let start = marked.find('⟨').expect("a marked place");
    let end = marked.find('⟩').expect("a marked place") - '⟨'.len_utf8();
    let text = marked.replace(['⟨', '⟩'], "");
    let errors = parse(&text, true).err().unwrap_or_default();
    let Some(first) = errors.first() else { panic!("{text}: nothing was found") };
    assert_eq!(first.range, start..end, "{text}: {first}\n{}", first.caret(&text));
    assert!(first.message.contains(said), "{text}: {first}");
    assert!(first.help.as_deref().unwrap_or_default().contains(help), "{text}: {first}");
    assert_eq!(errors.len(), 1, "{text}: {errors:#?}");
}

#[test]
fn slips_of_other_languages() {
    check(r#"MSH-9.1 ⟨==⟩ "ADT""#, "\"==\" is not an operator", "write \"=\"");
    check(r#"MSH-9.1 ⟨<>⟩ "ADT""#, "not an operator", "write \"!=\"");
    check(r#"PID-8 = "F" ⟨&&⟩ PID-8 != "M""#, "not an operator", "write \"and\"");
    check(r#"PID-8 = "F" ⟨||⟩ PID-8 = "M""#, "not an operator", "write \"or\"");
    check(r#"⟨!⟩(PID-8 = "F")"#, "not an operator", "write \"not\"");
    check("MSH-9.1 = ⟨'ADT'⟩", "single quote", "write \"ADT\"");
    check("MSH-9.1 = ⟨“ADT”⟩", "typographic quote", "write \"ADT\"");
    check(r#"PV1-2 in ⟨[⟩"I", "E"]"#, "round brackets", "in (\"I\", \"E\")");
    check(r#"⟨{PID:5.1}⟩ = "x""#, "braces", "write PID-5.1");
    check(
        r#"⟨{PIDgrpgrp(1).ORCgrp(2).OBR:UniversalServiceIdentifier}⟩ = "x""#,
        "braces",
        "write PIDgrpgrp[1].ORCgrp[2].OBR.",
    );
    check(r#"⟨HL7.{PID:5.1}⟩ = "x""#, "braces", "write PID-5.1");
    check(r#"⟨source.{PID:5.1}⟩ = "x""#, "braces", "write PID-5.1");
    check(r#"⟨target.{PID:PatientName}⟩ = "x""#, "braces", "write target.PID.PatientName");
    check(r#"MSH-9.1 ⟨[⟩ "AD""#, "not an operator", "write \"contains\"");
    check(r#"PID-5.1 ⟨&⟩ PID-5.2 = "x""#, "not an operator", "joined with \"+\"");
    check(r#"PID-5.1 ⟨_⟩ PID-5.2 = "x""#, "not an operator", "joined with \"+\"");
    check(r#"PID-8 = "F" ⟨&⟩ PV1-2 = "I""#, "not an operator", "write \"and\"");
    check(r#"contains(PID-8, "F") ⟨&⟩ PV1-2 = "I""#, "not an operator", "write \"and\"");
    check(r#"⟨..⟩upper(PID-5) = "x""#, "not an operator", "take it away");
    check(r#"⟨In⟩(PV1-2, "I,O")"#, "\"In\" is not known", "in_list");
    check("PID-7 > ⟨2026-12-31⟩", "calculated as a difference", "\"20261231\"");
    check("MSH-9.1 ⟨≠⟩ \"x\"", "not an operator", "write \"!=\"");
    check("⟨1⟩", "expected a condition", "write \"true\"");
    check(r#"PID-3⟨(⟩2).1 = "x""#, "bracket cannot follow a path", "PID-3[2].1");
    check(r#"OBX-5 ⟨%⟩ 2 > 1"#, "no meaning", "arithmetic has");
}

#[test]
fn words_that_are_not_known() {
    check(r#"⟨sorce⟩ = "x""#, "\"sorce\" is not known", "did you mean \"source\"?");
    check(r#"⟨doc.typ⟩ = "x""#, "is not known", "did you mean \"doc.type\"?");
    check(r#"MSH-4 ⟨contians⟩ "x""#, "not an operator", "did you mean \"contains\"?");
    check(r#"PID-8 = "F" ⟨AND⟩ PID-8 = "M""#, "", "\"and\"");
    check("PV1-2 = ⟨I⟩", "not known", "in quotes: \"I\"");
    check("MSH-9.1 = ⟨ADT⟩", "ADT without quotes is a whole segment", "write \"ADT\"");
    check("MSH-9.1 ⟨is⟩ null", "not an operator", "write \"=\"");
    check("PID-3 ⟨exists⟩", "not an operator", "write != \"\"");
    check(r#"⟨lowr⟩(PID-5) = "x" and true"#, "function \"lowr\" is not known", "did you mean \"lower\"?");
    check(r#"⟨ToUpper⟩(PID-5) = "x""#, "is not known", "upper");
    check(r#"⟨SubString⟩(PID-5, 1) = "x""#, "is not known", "did you mean \"substring\"?");
    check(r#"⟨InFile⟩(PID-5, "x")"#, "is not known", "make a lookup table of the file");
    check(r#"⟨DateDiff⟩(PID-7, MSH-7) > 1"#, "is not known", "time_between");
    check(r#"⟨weather⟩(PID-5) = "x""#, "is not known", "the guide lists");
    check(r#"⟨context.x⟩ = "x""#, "\"context.x\" is not known", "flow");
    check(r#"⟨env.SITE⟩ = "x""#, "do not see the environment", "${env:SITE}");
    check(r#"MSH-9.1 ⟨not⟩ = "ADT""#, "cannot stand before", "write \"!=\"");
    check(r#"PV1-2 ⟨IN⟩ ("I")"#, "in capitals", "write \"in\"");
    check("⟨weather⟩ = 1", "not known", "expected a path");
    check("⟨weather⟩", "not known", "'\"weather\"'");
}

#[test]
fn what_is_missing() {
    check("⟨⟩", "nothing here", "");
    check("MSH-9.1 =⟨⟩", "ends here; expected a value", "a path");
    check(r#"⟨=⟩ "ADT""#, "expected a value before \"=\"", "");
    check(r#"PID-8 = "F" and⟨⟩"#, "ends here", "");
    check(r#"⟨(⟩PID-8 = "F""#, "never closed", "\")\"");
    check(r#"PID-8 = "F"⟨)⟩"#, "never opened", "take it away");
    check(r#"PID-8 = ⟨"⟩F"#, "quote is never closed", "");
    check(r#"PV1-2 ⟨in⟩ "I""#, "not followed by a list", "write in (\"I\")");
    check("PV1-2 ⟨in⟩ PID-8", "not followed by a list", "write a list");
    check("PV1-2 in (⟨)⟩", "value is missing", "");
    check(r#"PV1-2 in ("I", ⟨)⟩"#, "value is missing before this bracket", "");
    check(r#"PV1-2 in ("I"⟨"E"⟩)"#, "comma is missing", "");
    check(r#"PV1-2 in ⟨(⟩"I", "E""#, "never closed", "");
    check("PV1-2 in (⟨PID-8⟩)", "is a path", "compare with it");
    check("PV1-2 in (⟨INP⟩)", "not a text or number", "\"INP\"");
}

#[test]
fn what_stands_in_a_wrong_place() {
    check(r#"PV1-2 ⟨"I"⟩"#, "operator is missing", "contains");
    check(r#"PV1-2 ⟨resembles⟩ "I" and true"#, "not an operator", "expected an operator");
    check("⟨PV1-2⟩", "expected a condition", "write PV1-2 != \"\"");
    check(r#"PV1-2 = "I" or ⟨"E"⟩"#, "expected a condition", "in (\"I\", \"E\")");
    check(r#"PV1-2 = "I" ⟨PID-8⟩ = "F""#, "follows a finished condition", "\"and\" or \"or\"");
    check(r#"PID-7 = "1" ⟨=⟩ "1""#, "follows a finished comparison", "\"and\"");
    check(r#"⟨(PID-7 = "1")⟩ = "1""#, "a condition is no value", "");
    check(r#"PID-8 = "F⟨\x⟩""#, "no escape", "\\\\");
    check("OBX-5 = ⟨1.2.3⟩", "not a number", "\"1.2.3\"");
    check("OBX-5 = ⟨7a⟩", "not a number", "\"7a\"");
    check("PID-8 = \"F\" ⟨;⟩", "no meaning", "");
}

#[test]
fn several_errors_are_found_at_once() {
    let text = r#"MSH-9.1 == 'ADT' and sorce = "x" or PV1-2 in [I]"#;
    let errors = parse(text, true).err().unwrap();
    let found: Vec<_> = errors.iter().map(|error| &text[error.range.clone()]).collect();
    assert_eq!(found, ["==", "'ADT'", "sorce", "[", "I"], "{errors:#?}");
}

#[test]
fn a_wrong_path_is_marked_where_it_is_wrong() {
    for (text, help) in [
        (r#"pid-3.1 = "x""#, "\"PID-3.1\""),
        (r#"MSH:9.1 = "x""#, "\"MSH-9.1\""),
        (r#"PID- = "x""#, "\"PID\""),
        (r#"PID-3[0] = "x""#, ""),
        (r#"PID-x = "x""#, ""),
    ] {
        let errors = parse(text, true).err().unwrap();
        assert_eq!(errors.len(), 1, "{text}: {errors:#?}");
        assert!(errors[0].range.end <= text.find(' ').unwrap(), "{text}: {errors:#?}");
        assert!(errors[0].help.as_deref().unwrap_or_default().contains(help), "{text}: {errors:#?}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let deep = |levels: usize| format!("{}true{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&deep(60), true).is_ok());
    let errors = parse(&deep(100_000), true).err().unwrap();
    assert!(errors.iter().any(|error| error.message.contains("more than 64 brackets")), "{errors:#?}");
    assert!(parse(&"not ".repeat(100_000), true).is_err());
}

#[test]
fn functions_are_checked() {
    check("⟨upper⟩() = \"X\"", "\"upper\" has 0 values; expected 1 value", "write upper(value)");
    check(
        "⟨piece⟩(PID-3, \"^\") = \"X\"",
        "\"piece\" has 2 values; expected 3 to 4 values",
        "piece(value, separator, from[, to])",
    );
    check("⟨contains⟩(PID-3)", "\"contains\" has 1 value; expected 2 values", "contains(value, text)");
    check("upper(⟨PID-3 = 1⟩) = \"X\"", "a condition is no value", "");
    check("if(⟨PID-3⟩, 1, 2) = 1", "is a value; expected a condition", "PID-3 != \"\"");
    check("⟨upper(PID-3)⟩", "is a value; expected a condition", "");
    check("round(⟨\"x\"⟩) = 1", "number of \"round\" is a number; found the text \"x\"", "without quotes");
    check("substring(PID-3, ⟨\"1\"⟩) = \"x\"", "from of \"substring\" is a number", "");
    check("strip(PID-3, ⟨\"lft\"⟩) = \"x\"", "side of \"strip\" is \"lft\"", "did you mean \"left\"?");
    check("schedule(⟨\"nights\"⟩)", "schedule \"nights\" is not known", "define it under schedules");
    check("schedule(⟨PID-5⟩)", "name of \"schedule\" has to be written out", "in quotes");
    check("add_time(PID-7, ⟨30⟩) = \"x\"", "needs a unit", "\"30d\"");
    check("add_time(PID-7, ⟨\"30 days\"⟩) = \"x\"", "no span of time", "ms, s, m, h, d, mo or y");
    check("time_between(PID-7, MSH-7, ⟨\"days\"⟩) > 1", "unit of \"time_between\" is", "d, mo, y");
    check("lookup(⟨\"wards\"⟩, PV1-3) = \"x\"", "lookup table \"wards\" is not known", "lookup_tables");
    check("exists(⟨PID-3⟩, PV1-3)", "table of \"exists\" has to be written out", "quotes");
    check("convert_datetime(PID-7, ⟨\"%Q\"⟩, \"hl7\") = \"x\"", "\"%Q\" is no format of dates", "%Y-%m-%d");
    check("convert_datetime(PID-7, ⟨\"%H:%M\"⟩, \"hl7\") = \"x\"", "which says no year", "hl7");
    check("upper⟨(⟩PID-3", "this bracket is never closed", "close it");
}

#[test]
fn patterns_and_arithmetic_are_checked() {
    check("PID-3 matches ⟨\"[0-9\"⟩", "the pattern cannot be read: unclosed character class", "doubled");
    check("PID-3 matches ⟨\"a)(b\"⟩", "the pattern cannot be read", "");
    check("PID-3 matches ⟨PID-4⟩", "wants a pattern that is written out", "in quotes");
    check("PID-3 matches ⟨\"(((a{99}){99}){99}){99}\"⟩", "the pattern is too large", "");
    check("⟨\"a\"⟩ * 2 = 4", "\"a\" is a text; \"*\" wants numbers", "joined by");
    check("2 - ⟨upper(PID-3)⟩ = 4", "is a text; \"-\" wants numbers", "");
    check("(PID-3 = 1) + 2 = 4".replace("(PID-3 = 1)", "⟨(PID-3 = 1)⟩").as_str(), "no value", "");
    check("PID-3 + = 4".replace("+ =", "+ ⟨=⟩").as_str(), "expected a value before \"=\"", "");
}
