//! Whatever the steps: a transform makes what a naive one makes, which takes the whole message apart into
//! lists in lists, changes the lists, and writes them again.

use hl7::schema::Schemas;
use hl7::{Index, Message, Path};
use proptest::prelude::*;

use super::*;

/// Subcomponents, components, repetitions, fields.
type Component = Vec<String>;
type Repetition = Vec<Component>;
type Field = Vec<Repetition>;

#[derive(Debug, Clone)]
struct Segment {
    id: String,
    fields: Vec<Field>,
}

fn component(text: &str) -> Component {
    text.split('&').map(str::to_owned).collect()
}

fn repetition(text: &str) -> Repetition {
    text.split('^').map(component).collect()
}

fn field(text: &str) -> Field {
    text.split('~').map(repetition).collect()
}

fn apart(text: &str) -> Vec<Segment> {
    let segment = |line: &str| {
        let mut parts = line.split('|');
        let id = parts.next().unwrap_or_default().to_owned();
        Segment { id, fields: parts.map(field).collect() }
    };
    text.split('\r').map(segment).collect()
}

fn together(segments: &[Segment]) -> String {
    let repetition = |repetition: &Repetition| {
        repetition.iter().map(|component| component.join("&")).collect::<Vec<_>>().join("^")
    };
    let field = |field: &Field| field.iter().map(repetition).collect::<Vec<_>>().join("~");
    let segment = |segment: &Segment| {
        let fields = segment.fields.iter().map(field);
        std::iter::once(segment.id.clone()).chain(fields).collect::<Vec<_>>().join("|")
    };
    segments.iter().map(segment).collect::<Vec<_>>().join("\r")
}

fn empty<T: PartialEq>(list: &[T], nothing: &T) -> bool {
    list.is_empty() || (list.len() == 1 && list[0] == *nothing)
}

/// Item `number` of a list, which becomes long enough for it.
fn grown<T: Clone>(list: &mut Vec<T>, number: usize, nothing: T) -> &mut T {
    if list.len() < number {
        list.resize(number, nothing);
    }
    &mut list[number - 1]
}

fn nothing() -> Field {
    vec![vec![vec![String::new()]]]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Do {
    Set,
    Append,
    Remove,
}

/// The naive transform of one step; none where it cannot be done.
fn naive(segments: &mut Vec<Segment>, what: Do, path: &Path, value: &str) -> Option<()> {
    let id = path.segment();
    let all: Vec<usize> = (0..segments.len()).filter(|at| segments[*at].id == id).collect();
    let mut lines = match path.occurrence() {
        None => all.iter().take(1).copied().collect::<Vec<_>>(),
        Some(Index::Nth(number)) => all.get(number as usize - 1).into_iter().copied().collect(),
        Some(Index::Last) => all.last().into_iter().copied().collect(),
        Some(Index::All) => all.clone(),
    };
    let Some(number) = path.field() else {
        lines.iter().rev().for_each(|line| drop(segments.remove(*line)));
        return Some(());
    };
    if lines.is_empty() && what != Do::Remove && !path.is_plural() {
        if let Some(Index::Nth(wanted)) = path.occurrence()
            && wanted as usize > all.len() + 1
        {
            return None;
        }
        segments.push(Segment { id: id.to_owned(), fields: Vec::new() });
        lines.push(segments.len() - 1);
    }
    for line in lines {
        let fields = &mut segments[line].fields;
        if what == Do::Remove && fields.len() < number.into() {
            continue;
        }
        if path.repetition() == Some(Index::All) && fields.len() < number.into() {
            continue;
        }
        in_field(grown(fields, number.into(), nothing()), what, path, value);
    }
    Some(())
}

fn in_field(field: &mut Field, what: Do, path: &Path, value: &str) {
    let [component, _] = path.parts();
    let numbers: Vec<usize> = match path.repetition() {
        None if component == 0 => {
            match what {
                Do::Append if !empty(field, &nothing()[0]) => field.push(repetition(value)),
                Do::Remove => *field = nothing(),
                _ => *field = vec![repetition(value)],
            }
            return;
        }
        Some(Index::All) if component == 0 && what == Do::Remove => {
            *field = nothing();
            return;
        }
        None => vec![1],
        Some(Index::Nth(number)) => vec![number as usize],
        Some(Index::Last) => vec![field.len()],
        Some(Index::All) => (1..=field.len()).collect(),
    };
    for number in numbers {
        if what == Do::Remove && field.len() < number {
            continue;
        }
        if component > 0 {
            in_repetition(grown(field, number, nothing()[0].clone()), what, path, value);
        } else if what == Do::Remove {
            field.remove(number - 1);
            if field.is_empty() {
                *field = nothing();
            }
        } else {
            let one = grown(field, number, nothing()[0].clone());
            match what {
                Do::Append if !empty(one, &nothing()[0][0]) => one.push(vec![value.to_owned()]),
                _ => *one = repetition(value),
            }
        }
    }
}

fn in_repetition(repetition: &mut Repetition, what: Do, path: &Path, value: &str) {
    let [number, part] = path.parts().map(usize::from);
    if what == Do::Remove && repetition.len() < number {
        return;
    }
    let one = grown(repetition, number, vec![String::new()]);
    match (what, part) {
        (Do::Remove, 0) => *one = vec![String::new()],
        (Do::Remove, part) if one.len() < part => {}
        (Do::Remove, part) => one[part - 1].clear(),
        (Do::Append, _) if !empty(one, &String::new()) => one.push(value.to_owned()),
        (_, 0) => *one = vec![value.to_owned()],
        (_, part) => *grown(one, part, String::new()) = value.to_owned(),
    }
}

fn a_path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["ZAA", "ZBB", "ZCC"]);
    let index = prop::sample::select(vec!["", "", "[1]", "[2]", "[3]", "[-1]", "[*]"]);
    (segment, index.clone(), 0_u16..5, index, 0_u16..4, 0_u16..4).prop_map(
        |(segment, occurrence, field, repetition, component, part)| {
            let mut path = format!("{segment}{occurrence}");
            if field > 0 {
                path += &format!("-{field}{repetition}");
                if component > 0 {
                    path += &format!(".{component}");
                    if part > 0 {
                        path += &format!(".{part}");
                    }
                }
            }
            path
        },
    )
}

fn a_step() -> impl Strategy<Value = (Do, String, String)> {
    let what = prop::sample::select(vec![Do::Set, Do::Append, Do::Remove]);
    let sound = |(what, path, _): &(Do, String, String)| {
        let path: Path = path.parse().unwrap();
        let [_, part] = path.parts();
        match what {
            Do::Remove => true,
            Do::Set => path.field().is_some(),
            // A segment gets no fields this way, and a subcomponent has no parts.
            Do::Append => path.field().is_some() && part == 0,
        }
    };
    (what, a_path(), "[a-z]{1,3}").prop_filter("a step that can be written", sound)
}

fn a_message() -> impl Strategy<Value = String> {
    let segment = "Z(AA|BB|CC)(\\|[a-c^~&]{0,6}){0,4}";
    prop::collection::vec(segment, 0..6).prop_map(|segments| {
        format!("MSH|^~\\&|A\r{}", segments.join("\r")).trim_end_matches('\r').to_owned()
    })
}

proptest! {
    #[test]
    fn steps_make_what_naive_steps_make(text in a_message(), steps in prop::collection::vec(a_step(), 1..8)) {
        let defs = steps.iter().map(|(what, path, value)| {
            let (path, value) = (path.clone(), ValueDef::Text(value.clone()));
            StepDef::from(match what {
                Do::Set => ActionDef::Set { path, value },
                Do::Append => ActionDef::Append { path, value },
                Do::Remove => ActionDef::Remove { path },
            })
        });
        let def = TransformDef { steps: defs.collect(), ..TransformDef::named("t") };
        let (transforms, findings) = Transforms::compile(&[def], &Schemas::default(), &Scope::default());
        prop_assert!(findings.iter().all(|finding| !finding.is_error), "{findings:?}");
        let source = Message::read(text.clone().into(), "").unwrap();
        let made = transforms.get("t").unwrap().apply(&source, &Facts::default());
        let mut segments = apart(&text);
        // MSH is taken apart by other rules, and is not changed here.
        let header = segments.remove(0);
        let naive = steps.iter().try_for_each(|(what, path, value)| {
            naive(&mut segments, *what, &path.parse().unwrap(), value)
        });
        segments.insert(0, header);
        let header_end = text.find('\r').unwrap_or(text.len());
        let wanted = naive.map(|()| together(&segments[1..]));
        let body = |made: &Message| made.text()[header_end..].trim_start_matches('\r').to_owned();
        prop_assert_eq!(made.as_ref().ok().map(body), wanted, "{:?}", made);
        if let Ok(made) = made {
            let again = Message::read(made.text().to_owned().into(), "").unwrap();
            let raw = |message: &Message| message.segments().map(|own| own.raw().to_owned()).collect::<Vec<_>>();
            prop_assert_eq!(raw(&again), raw(&made), "the index fits the text");
        }
    }
}
