//! What templates come to, and what is wrong with them.

use super::Template;
use crate::Facts;

const MESSAGE: &str = "MSH|^~\\&|A\\T\\B||||||ADT^A01|4711|P|2.5\r\
    PID|1||1^^^H~2||\"\"||\"quoted\\X0D\\\"\r";

#[track_caller]
fn check(template: &str, expected: &str) {
    let message = hl7::Message::read(MESSAGE.as_bytes().to_vec().into(), "").unwrap();
    let facts = Facts { message: Some(&message), source: "From", ..Facts::default() };
    let compiled = Template::compile(template).unwrap_or_else(|error| panic!("{template}: {error}"));
    assert_eq!(compiled.render(&facts), expected, "{template}");
}

#[test]
fn values_stand_between_double_braces() {
    check("Something has change!", "Something has change!");
    check("", "");
    check("{{ MSH-9.1 }}", "ADT");
    check("a {{MSH-9.1}}{{MSH-9.2}} b", "a ADTA01 b");
    check("{{ MSH-3 }} from {{ source }}", "A&B from From");
    check("{ } }} { {{ PID-5 }}{{ PID-19 }}", "{ } }} { ");
    check("{{ PID-3[*].1 }}", "1, 2");
    check(r#"{{ MSH-9.1 = "ADT" }}"#, "true");
    check(r#"{{ "{{ a }} | b" }}"#, "{{ a }} | b");
    check(r#"{{ "\"" }}"#, "\"");
}

#[test]
fn json_makes_whole_json_values() {
    check(r#"{"type": {{ MSH-9.1 | json }}}"#, r#"{"type": "ADT"}"#);
    check("{{ PID-5 | json }}", "null");
    check("{{ PID-19 | json }}", "\"\"");
    check("{{ PID-7|json }}", r#""\"quoted\r\"""#);
    check("{{ PID-3[*].1 | json }}", r#"["1","2"]"#);
    check("{{ ZZZ[*]-1 | json }}", "[]");
    check("{{ PID-3.count | json }} {{ ZZZ.count | json }} {{ PID-3.count }}", "2 0 2");
    check(r#"{{ MSH-9.1 = "ORU" | json }}"#, "false");
    check(r#"{{ "\u{1}" | json }}"#.replace("\\u{1}", "\u{1}").as_str(), "\"\\u0001\"");
}

#[test]
fn a_literal_is_known_to_be_one() {
    assert!(Template::compile("Something has change!").unwrap().is_literal());
    assert!(!Template::compile("{{ source }}").unwrap().is_literal());
}

#[test]
fn what_is_wrong_is_marked() {
    for (text, place, said) in [
        ("a {{ MSH-9.1", "{{", "never closed"),
        ("a {{ sorce }} b", "sorce", "did you mean \"source\"?"),
        ("{{ MSH-9.1 | jsn }}", "jsn", "did you mean \"json\"?"),
        ("{{ MSH-9.1 | upper }}", "upper", "expected one of json"),
        ("ü {{ MSH-9.1 == \"A\" }}", "==", "write \"=\""),
        ("{{ }}", " ", "nothing here"),
    ] {
        let problems = Template::problems(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:#?}");
        assert_eq!(&text[problems[0].range.clone()], place, "{text}");
        assert!(problems[0].to_string().contains(said), "{text}: {}", problems[0]);
        assert_eq!(Template::compile(text).unwrap_err(), problems[0]);
    }
    assert_eq!(Template::problems("{{ sorce }} {{ doc.tpye }}").len(), 2);
}
