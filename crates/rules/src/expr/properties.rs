//! What holds of every expression: it reads back as it is written, and runs as it reads.

mod dates;

use proptest::prelude::*;

use crate::ast::{Arg, Ast, Calculation, Call, Condition, Literal, Op, Operand, Sign};
use crate::facts::Fact;
use crate::functions::Function;
use crate::pattern::{Pattern, PatternKind};
use crate::test::test;
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

/// Something to calculate with, which is no text that is written out.
fn term() -> impl Strategy<Value = Operand> {
    let number = prop::sample::select(vec!["7", "-1.5", "0", "0.50", "12"]);
    let number = number.prop_map(|number| Operand::Literal(Literal::Number(number.to_owned())));
    let leaf = prop_oneof![2 => path(), 1 => number];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let sign = prop::sample::select(vec![Sign::Minus, Sign::Times]);
        let calculation = (inner.clone(), sign, inner.clone());
        prop_oneof![
            2 => calculation.prop_map(|(left, sign, right)| {
                Operand::Calculation(Box::new(Calculation { left, sign, right }))
            }),
            1 => inner.prop_map(|inner| Operand::Negative(Box::new(inner))),
        ]
    })
}

fn call(name: &str, args: Vec<Operand>) -> Operand {
    Operand::Call(Box::new(Call {
        function: Function::named(name).unwrap(),
        args: args.into_iter().map(Arg::Value).collect(),
        table: None,
        schedule: None,
        formats: Vec::new(),
    }))
}

fn operand() -> BoxedStrategy<Operand> {
    let digit = || (-2_i64..4).prop_map(|number| Operand::Literal(Literal::Number(number.to_string())));
    let leaf = prop_oneof![4 => plain_operand(), 1 => term()];
    leaf.prop_recursive(2, 8, 3, move |inner| {
        let one = (prop::sample::select(vec!["upper", "lower", "length", "number"]), inner.clone());
        prop_oneof![
            2 => one.prop_map(|(name, it)| call(name, vec![it])),
            1 => (inner.clone(), digit(), digit()).prop_map(|(it, from, to)| call("substring", vec![it, from, to])),
            1 => (inner.clone(), plain_operand(), plain_operand())
                .prop_map(|(it, old, new)| call("replace", vec![it, old, new])),
            1 => prop::collection::vec(inner.clone(), 1..4).prop_map(|all| call("default", all)),
            1 => prop::collection::vec(inner.clone(), 1..4).prop_map(|all| call("min", all)),
            2 => (inner.clone(), inner.clone()).prop_map(|(left, right)| {
                Operand::Calculation(Box::new(Calculation { left, sign: Sign::Plus, right }))
            }),
            2 => dates::call_of(inner.clone()),
            1 => (compare(plain_operand()), inner.clone(), inner).prop_map(|(condition, one, other)| {
                let test = test(&condition);
                let args = vec![Arg::Condition(condition, test), Arg::Value(one), Arg::Value(other)];
                let function = Function::named("if").unwrap();
                Operand::Call(Box::new(Call { function, args, table: None, schedule: None, formats: Vec::new() }))
            }),
        ]
    })
    .boxed()
}

fn compare<S: Strategy<Value = Operand> + Clone>(operand: S) -> impl Strategy<Value = Condition> {
    let op = prop::sample::select(Op::ALL.map(|(_, op)| op).to_vec());
    (operand.clone(), op, operand).prop_map(|(left, op, right)| Condition::Compare { left, op, right })
}

fn plain_operand() -> impl Strategy<Value = Operand> + Clone {
    let fact = prop::sample::select(Fact::ALL.map(|(_, fact)| fact).to_vec()).prop_map(Operand::Fact);
    prop_oneof![6 => path(), 2 => fact, 3 => literal().prop_map(Operand::Literal)]
}

fn condition() -> impl Strategy<Value = Condition> {
    let list = (operand(), prop::collection::vec(literal(), 1..4))
        .prop_map(|(left, list)| Condition::In { left, list });
    let kind = prop::sample::select(vec![PatternKind::Matches, PatternKind::Like]);
    let text = prop::sample::select(vec!["A.*", "[0-9]+", "%A%", "7_0", "x", "12|7"]);
    let pattern = (operand(), kind, text)
        .prop_map(|(left, kind, text)| Condition::Match { left, pattern: Pattern::new(kind, text).unwrap() });
    let listed = (operand(), plain_operand()).prop_map(|(it, list)| match call("in_list", vec![it, list]) {
        Operand::Call(call) => Condition::Call(call),
        _ => unreachable!(),
    });
    let leaf = prop_oneof![6 => compare(operand()), 2 => list, 1 => pattern, 1 => listed, 1 => any::<bool>().prop_map(Condition::Constant)];
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
        let values = vec![
            "",
            "\"\"",
            "ADT",
            "A01",
            "I",
            "7",
            "7.0",
            "007",
            "12",
            "-1.5",
            "a\\T\\b",
            "x",
            " 7 ",
            "20240229",
            "20231231235959.5-0330",
        ];
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
        Operand::Literal(Literal::Text(text)) => vec![plain_text(text.clone())],
        Operand::Literal(Literal::Number(text)) => vec![Plain::Text(text.clone())],
        Operand::Literal(Literal::Null) => vec![Plain::Null],
        Operand::Fact(fact) => vec![plain_text(fact.of(facts).into_owned())],
        Operand::Path(path) => walk(&path.to_string(), text),
        Operand::Variable(_) => Vec::new(),
        Operand::Negative(inner) => values(inner, text, facts)
            .iter()
            .map(|it| from_millionths(millionths(it).map(|it| -it)))
            .collect(),
        Operand::Calculation(it) => calculation(it, text, facts),
        Operand::Call(call) => function(call, text, facts),
    };
    if found.is_empty() { vec![Plain::Nothing] } else { found }
}

fn plain_text(text: String) -> Plain {
    if text.is_empty() { Plain::Nothing } else { Plain::Text(text) }
}

fn said(value: &Plain) -> &str {
    match value {
        Plain::Text(text) => text,
        _ => "",
    }
}

fn calculation(it: &Calculation, text: &str, facts: &Facts<'_>) -> Vec<Plain> {
    let (lefts, rights) = (values(&it.left, text, facts), values(&it.right, text, facts));
    let numbers = it.sign != Sign::Plus
        || (is_number(&it.left) || is_number(&it.right)) && !is_text(&it.left) && !is_text(&it.right);
    let one = |left: &Plain, right: &Plain| {
        if !numbers {
            return plain_text(format!("{}{}", said(left), said(right)));
        }
        let (Some(a), Some(b)) = (millionths(left), millionths(right)) else { return Plain::Nothing };
        from_millionths(match it.sign {
            Sign::Plus => Some(a + b),
            Sign::Minus => Some(a - b),
            _ => {
                a.checked_mul(b).filter(|product| product % 1_000_000 == 0).map(|product| product / 1_000_000)
            }
        })
    };
    lefts.iter().flat_map(|left| rights.iter().map(move |right| one(left, right))).collect()
}

/// A number as millionths; near enough for the numbers that are generated.
fn millionths(value: &Plain) -> Option<i128> {
    let text = said(value).trim_matches(' ');
    number(text)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    let whole: i128 = format!("0{}", whole.trim_start_matches(['-', '+'])).parse().ok()?;
    Some(sign * (whole * 1_000_000 + format!("{fraction:0<6}").parse::<i128>().ok()?))
}

fn from_millionths(number: Option<i128>) -> Plain {
    let Some(number) = number else { return Plain::Nothing };
    let digits = format!("{:07}", number.abs());
    let (whole, fraction) = digits.split_at(digits.len() - 6);
    let all = format!("{}{whole}.{fraction}", if number < 0 { "-" } else { "" });
    Plain::Text(all.trim_end_matches('0').trim_end_matches('.').to_owned())
}

fn function(call: &Call, text: &str, facts: &Facts<'_>) -> Vec<Plain> {
    let all = |at: usize| call.value(at).map(|it| values(it, text, facts)).unwrap_or_default();
    let first = |at: usize| all(at).first().cloned().unwrap_or(Plain::Nothing);
    let whole = |at: usize| said(&first(at)).parse::<i64>().unwrap_or(0);
    let each = |change: &dyn Fn(&str) -> String| -> Vec<Plain> {
        let one = |value: &Plain| match value {
            Plain::Text(text) => plain_text(change(text)),
            other => other.clone(),
        };
        all(0).iter().map(one).collect()
    };
    match call.function.name {
        "upper" => each(&str::to_uppercase),
        "lower" => each(&str::to_lowercase),
        "replace" => each(&|text| match said(&first(1)) {
            "" => text.to_owned(),
            old => text.replace(old, said(&first(2))),
        }),
        "substring" => each(&|text| {
            let characters: Vec<char> = text.chars().collect();
            let place = |at: i64| if at < 0 { at + characters.len() as i64 + 1 } else { at };
            let (from, to) = (place(whole(1)), place(whole(2)));
            let within = |at: i64| at >= from && at <= to;
            (1..)
                .zip(characters.iter())
                .filter(|(at, _)| within(*at))
                .map(|(_, character)| *character)
                .collect()
        }),
        "length" => all(0).iter().map(|it| Plain::Text(said(it).chars().count().to_string())).collect(),
        "number" => all(0).iter().map(|it| from_millionths(millionths(it))).collect(),
        "if" => {
            let Arg::Condition(condition, _) = &call.args[0] else { return Vec::new() };
            all(if naive(condition, text, facts) { 1 } else { 2 })
        }
        "default" => {
            let every: Vec<Plain> = (0..call.args.len()).flat_map(all).collect();
            let text = every.iter().find(|it| matches!(it, Plain::Text(_)));
            let text = text.or_else(|| every.iter().find(|it| **it != Plain::Nothing));
            text.into_iter().cloned().collect()
        }
        "min" => {
            let every = (0..call.args.len()).flat_map(all);
            vec![from_millionths(every.filter_map(|it| millionths(&it)).min())]
        }
        other => dates::function(other, &all),
    }
}

/// A pattern held against a text, by trying all ways.
fn fits(pattern: &Pattern, text: &str) -> bool {
    match (pattern.kind, pattern.text.as_str()) {
        (PatternKind::Matches, "A.*") => text.starts_with('A') && !text.contains('\n'),
        (PatternKind::Matches, "[0-9]+") => {
            !text.is_empty() && text.chars().all(|character| character.is_ascii_digit())
        }
        (PatternKind::Matches, "12|7") => text == "12" || text == "7",
        (PatternKind::Like, "%A%") => text.contains('A'),
        (PatternKind::Like, "7_0") => {
            text.chars().count() == 3 && text.starts_with('7') && text.ends_with('0')
        }
        (_, exact) => text == exact,
    }
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

/// Whether it is always a number.
fn is_number(operand: &Operand) -> bool {
    match operand {
        Operand::Literal(literal) => matches!(literal, Literal::Number(_)),
        Operand::Negative(_) => true,
        Operand::Calculation(it) => {
            it.sign != Sign::Plus
                || (is_number(&it.left) || is_number(&it.right)) && !is_text(&it.left) && !is_text(&it.right)
        }
        Operand::Call(call) if call.function.name == "if" => {
            (1..3).all(|at| is_number(call.value(at).unwrap()))
        }
        Operand::Call(call) => {
            ["length", "number", "min", "time_between", "age", "day_of_week"].contains(&call.function.name)
        }
        _ => false,
    }
}

/// Whether it is always a text.
fn is_text(operand: &Operand) -> bool {
    match operand {
        Operand::Literal(literal) => matches!(literal, Literal::Text(_)),
        Operand::Calculation(it) => !is_number(operand) && it.sign == Sign::Plus,
        Operand::Call(call) if call.function.name == "if" => {
            (1..3).all(|at| is_text(call.value(at).unwrap()))
        }
        Operand::Call(call) => ["upper", "lower", "add_time"].contains(&call.function.name),
        _ => false,
    }
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
    match op {
        Op::Contains => return a.contains(b.as_str()),
        Op::StartsWith => return a.starts_with(b.as_str()),
        Op::EndsWith => return a.ends_with(b.as_str()),
        _ => {}
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
        Condition::Match { left, pattern } => {
            values(left).iter().any(|a| matches!(a, Plain::Text(text) if fits(pattern, text)))
        }
        Condition::Call(call) => {
            let list = values(call.value(1).unwrap());
            let items: Vec<&str> = said(&list[0]).split(',').map(str::trim).collect();
            values(call.value(0).unwrap())
                .iter()
                .any(|it| *it != Plain::Nothing && items.contains(&said(it)) && !said(it).is_empty())
        }
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
            session: 7, id: 12, class: "x", description: "", resent: "", ..Facts::default()
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
