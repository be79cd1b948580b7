//! What holds of every expression: it reads back as it is written, and runs as it reads.

use proptest::prelude::*;

use crate::ast::{Ast, Condition, Literal, Op, Operand};
use crate::facts::Fact;
use crate::{Expr, Facts};

fn literal() -> impl Strategy<Value = Literal> {
    let text = prop_oneof![
        prop::sample::select(vec!["ADT", "A01", "I", "E", "7", "12", "7.0", "", "\"\"", "a&b"])
            .prop_map(str::to_owned),
        "[ -~\n\r\té]{0,6}",
    ];
    let number = prop::sample::select(vec!["7", "7.0", "12", "-1.5", "0", "0.50", "99999999999999999999"]);
    prop_oneof![
        5 => text.prop_map(Literal::Text),
        3 => number.prop_map(|number| Literal::Number(number.to_owned())),
        1 => Just(Literal::Null),
    ]
}

fn path() -> impl Strategy<Value = Operand> {
    let paths =
        ["MSH-9.1", "MSH-10", "PID-3.1", "PID-3[*].1", "PID-3[2]", "OBX[*]-5", "OBX[2]-5", "OBX-5", "ZZZ-1"];
    prop::sample::select(paths.to_vec())
        .prop_map(|path| Operand::Path(path.parse::<hl7::Path>().unwrap().into()))
}

fn operand() -> impl Strategy<Value = Operand> {
    let fact = prop::sample::select(Fact::ALL.map(|(_, fact)| fact).to_vec()).prop_map(Operand::Fact);
    prop_oneof![6 => path(), 2 => fact, 3 => literal().prop_map(Operand::Literal)]
}

fn condition() -> impl Strategy<Value = Condition> {
    let op = prop::sample::select(Op::ALL.map(|(_, op)| op).to_vec());
    let compare =
        (operand(), op, operand()).prop_map(|(left, op, right)| Condition::Compare { left, op, right });
    let list = (operand(), prop::collection::vec(literal(), 1..4))
        .prop_map(|(left, list)| Condition::In { left, list });
    let leaf = prop_oneof![6 => compare, 2 => list, 1 => any::<bool>().prop_map(Condition::Constant)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::And),
            prop::collection::vec(inner, 2..4).prop_map(Condition::Or),
        ]
    })
}

/// A message whose fields hold what the expressions look for.
fn message() -> impl Strategy<Value = String> {
    let value = || {
        let values =
            vec!["", "\"\"", "ADT", "A01", "I", "7", "7.0", "007", "12", "-1.5", "a\\T\\b", "x", " 7 "];
        prop::sample::select(values)
    };
    (value(), value(), prop::collection::vec(value(), 0..4), prop::collection::vec(value(), 0..4)).prop_map(
        |(code, control, ids, results)| {
            let mut text = format!("MSH|^~\\&|||||||{code}^A01|{control}|P|2.5\r");
            if !ids.is_empty() {
                text += &format!("PID|1||{}^^^H\r", ids.join("^^^H~"));
            }
            for result in results {
                text += &format!("OBX|1|ST|||{result}\r");
            }
            text
        },
    )
}

/// A value as plainly as can be: none for nothing.
#[derive(Clone, PartialEq, Debug)]
enum Plain {
    Nothing,
    Null,
    Text(String),
}

fn plain(raw: &str) -> Plain {
    match raw {
        "" => Plain::Nothing,
        raw => Plain::Text(raw.replace("\\T\\", "&")),
    }
}

/// All values of an operand, found by walking the message's text.
fn values(operand: &Operand, text: &str, facts: &Facts<'_>) -> Vec<Plain> {
    let found = match operand {
        Operand::Literal(Literal::Text(text)) if text.is_empty() => vec![Plain::Nothing],
        Operand::Literal(Literal::Text(text) | Literal::Number(text)) => vec![Plain::Text(text.clone())],
        Operand::Literal(Literal::Null) => vec![Plain::Null],
        Operand::Fact(fact) => vec![plain(&fact.of(facts))],
        Operand::Path(path) => walk(&path.to_string(), text),
    };
    if found.is_empty() { vec![Plain::Nothing] } else { found }
}

fn walk(path: &str, text: &str) -> Vec<Plain> {
    let (segment, field) = path.split_once('-').unwrap();
    let (field, component) = field.split_once('.').map_or((field, None), |(f, c)| (f, Some(c)));
    let index = |part: &str| match part.split_once('[') {
        Some((name, index)) => (name.to_owned(), index.trim_end_matches(']').to_owned()),
        None => (part.to_owned(), "1".to_owned()),
    };
    let chosen = |index: &str, all: Vec<String>| match index {
        "*" => all,
        nth => all.into_iter().nth(nth.parse::<usize>().unwrap() - 1).into_iter().collect(),
    };
    let ((segment, occurrence), (field, repetition)) = (index(segment), index(field));
    let lines = text.split('\r').filter(|line| line.starts_with(&segment)).map(str::to_owned).collect();
    let mut found = Vec::new();
    for line in chosen(&occurrence, lines) {
        let number = field.parse::<usize>().unwrap() - usize::from(segment == "MSH");
        let Some(field) = line.split('|').nth(number) else { continue };
        for value in chosen(&repetition, field.split('~').map(str::to_owned).collect()) {
            let value = match component {
                Some(number) => {
                    value.split('^').nth(number.parse::<usize>().unwrap() - 1).unwrap_or("").to_owned()
                }
                None => value,
            };
            found.push(if value == "\"\"" { Plain::Null } else { plain(&value) });
        }
    }
    found
}

fn is_number(operand: &Operand) -> bool {
    matches!(operand, Operand::Literal(Literal::Number(_)))
}

fn is_text(operand: &Operand) -> bool {
    matches!(operand, Operand::Literal(Literal::Text(_)))
}

/// A number as a floating point number; near enough for the numbers that are generated.
fn number(text: &str) -> Option<f64> {
    let text = text.trim_matches(' ');
    if text.is_empty() || text.contains(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))) {
        return None;
    }
    text.parse().ok()
}

fn equals(numbers: bool, left: &Plain, right: &Plain) -> bool {
    match (left, right) {
        (Plain::Text(left), Plain::Text(right)) if numbers => {
            number(left).is_some_and(|left| Some(left) == number(right))
        }
        (left, right) => left == right,
    }
}

fn compares(op: Op, left: &Operand, right: &Operand, a: &Plain, b: &Plain) -> bool {
    let numbers = is_number(left) || is_number(right);
    if op == Op::Eq {
        return equals(numbers, a, b);
    }
    let (Plain::Text(a), Plain::Text(b)) = (a, b) else { return false };
    if op == Op::Contains {
        return a.contains(b.as_str());
    }
    let texts = !numbers && (is_text(left) || is_text(right));
    let order = match (number(a), number(b)) {
        (Some(a), Some(b)) if !texts => a.partial_cmp(&b),
        _ if numbers => None,
        _ => Some(a.cmp(b)),
    };
    order.is_some_and(|order| match op {
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// The language as its reference tells it, word by word.
fn naive(condition: &Condition, text: &str, facts: &Facts<'_>) -> bool {
    let values = |operand: &Operand| values(operand, text, facts);
    match condition {
        Condition::Constant(value) => *value,
        Condition::Not(inner) => !naive(inner, text, facts),
        Condition::And(all) => all.iter().all(|inner| naive(inner, text, facts)),
        Condition::Or(all) => all.iter().any(|inner| naive(inner, text, facts)),
        Condition::In { left, list } => values(left).iter().any(|a| {
            list.iter().any(|it| {
                let it = Operand::Literal(it.clone());
                equals(is_number(&it), a, &values(&it)[0])
            })
        }),
        Condition::Compare { left, op: Op::Ne, right } => {
            let equal = Condition::Compare { left: left.clone(), op: Op::Eq, right: right.clone() };
            !naive(&equal, text, facts)
        }
        Condition::Compare { left, op, right } => {
            let right_values = values(right);
            values(left).iter().any(|a| right_values.iter().any(|b| compares(*op, left, right, a, b)))
        }
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(condition in condition()) {
        let text = condition.to_string();
        let expr = Expr::compile(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(expr.ast(), &Ast::Condition(condition), "{}", text);
    }

    #[test]
    fn the_compiled_form_says_what_a_plain_reading_says(condition in condition(), text in message()) {
        let message = hl7::Message::read(text.clone().into_bytes().into(), "").unwrap();
        let facts = Facts {
            message: Some(&message), source: "I", target: "E", doc_type: "ADT", origin: "A01",
            session: 7, id: 12, class: "x", description: "", resent: "",
        };
        let expr = Expr::compile(&condition.to_string()).unwrap();
        prop_assert_eq!(expr.is_true(&facts), naive(&condition, &text, &facts), "{}\n{:?}", expr, text);
    }

    #[test]
    fn no_text_makes_the_compiler_stumble(text in "[ -~]{0,40}|[a-zA-Z0-9\\[\\]()=<>!\"',.*é -]{0,40}") {
        for error in Expr::problems(&text) {
            prop_assert!(error.range.start <= error.range.end && error.range.end <= text.len());
            prop_assert!(text.is_char_boundary(error.range.start) && text.is_char_boundary(error.range.end));
            prop_assert!(!error.message.is_empty());
        }
    }
}
