//! The functions of the language: how they are called, what they are applied to, what they give.

mod dates;
mod run;
mod texts;

pub(crate) use self::run::{each, holds};

/// A function.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// What it is applied to; a `[*]` path at the first place is applied to value by value, unless that
    /// place is for all of them.
    pub(crate) params: &'static [Param],
    pub(crate) gives: Gives,
    pub(crate) id: Id,
}

/// One thing that a function is applied to.
#[derive(Debug, PartialEq)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) what: What,
    pub(crate) presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Needed,
    Optional,
    /// One or more.
    Repeated,
}

/// What can stand at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Value,
    /// All values of a `[*]` path.
    All,
    /// A value; a text that is written out is a mistake.
    Number,
    Condition,
    /// The name of a lookup table, written out.
    Table,
    /// The name of a schedule, written out.
    Schedule,
    /// A format of dates, written out.
    Format,
    /// A span of time, as in `30d`.
    Span,
    /// One of these words, written out.
    Word(&'static [&'static str]),
}

/// What comes of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    Text,
    Number,
    /// A part of the message, or what else there is to choose.
    Value,
    /// The same, and one whatever it is applied to.
    One,
    /// What one of its values is.
    Branches,
    Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Id {
    Lower,
    Upper,
    Length,
    Piece,
    Substring,
    Pad,
    Strip,
    Replace,
    Translate,
    Number,
    Round,
    Min,
    Max,
    If,
    Default,
    Join,
    Lookup,
    ConvertDatetime,
    CurrentDatetime,
    AddTime,
    TimeBetween,
    Age,
    DayOfWeek,
    Schedule,
    Exists,
    InList,
    IntersectsList,
    IsMissing,
    IsEmpty,
    IsNull,
}

/// How many values `min`, `max`, `default` and `join` take.
pub(crate) const MOST_VALUES: usize = 8;
/// The sides of `strip`.
pub(crate) const SIDES: &[&str] = &["both", "left", "right", "all"];
/// What a lookup takes its default for.
pub(crate) const EMPTIES: &[&str] = &["missing", "empty"];

const fn needed(name: &'static str, what: What) -> Param {
    Param { name, what, presence: Presence::Needed }
}

const fn optional(name: &'static str, what: What) -> Param {
    Param { name, what, presence: Presence::Optional }
}

const fn repeated(name: &'static str, what: What) -> Param {
    Param { name, what, presence: Presence::Repeated }
}

const fn function(name: &'static str, gives: Gives, id: Id, params: &'static [Param]) -> Function {
    Function { name, params, gives, id }
}

const VALUE: Param = needed("value", What::Value);

/// Every function.
pub(crate) static FUNCTIONS: [Function; 30] = [
    function("lower", Gives::Text, Id::Lower, &[VALUE]),
    function("upper", Gives::Text, Id::Upper, &[VALUE]),
    function("length", Gives::Number, Id::Length, &[VALUE, optional("separator", What::Value)]),
    function(
        "piece",
        Gives::Value,
        Id::Piece,
        &[
            VALUE,
            needed("separator", What::Value),
            needed("from", What::Number),
            optional("to", What::Number),
        ],
    ),
    function(
        "substring",
        Gives::Value,
        Id::Substring,
        &[VALUE, needed("from", What::Number), optional("to", What::Number)],
    ),
    function(
        "pad",
        Gives::Text,
        Id::Pad,
        &[VALUE, needed("width", What::Number), optional("character", What::Value)],
    ),
    function(
        "strip",
        Gives::Value,
        Id::Strip,
        &[
            VALUE,
            optional("side", What::Word(SIDES)),
            optional("remove", What::Value),
            optional("keep", What::Value),
        ],
    ),
    function(
        "replace",
        Gives::Value,
        Id::Replace,
        &[VALUE, needed("old", What::Value), needed("new", What::Value)],
    ),
    function(
        "translate",
        Gives::Value,
        Id::Translate,
        &[VALUE, needed("characters", What::Value), needed("by", What::Value)],
    ),
    function("number", Gives::Number, Id::Number, &[VALUE]),
    function(
        "round",
        Gives::Number,
        Id::Round,
        &[needed("number", What::Number), optional("decimals", What::Number)],
    ),
    function("min", Gives::Number, Id::Min, &[repeated("number", What::All)]),
    function("max", Gives::Number, Id::Max, &[repeated("number", What::All)]),
    function(
        "if",
        Gives::Branches,
        Id::If,
        &[needed("condition", What::Condition), needed("then", What::Value), needed("else", What::Value)],
    ),
    function("default", Gives::One, Id::Default, &[repeated("value", What::All)]),
    function("join", Gives::Text, Id::Join, &[needed("values", What::All), needed("separator", What::Value)]),
    function(
        "lookup",
        Gives::Value,
        Id::Lookup,
        &[
            needed("table", What::Table),
            needed("key", What::Value),
            optional("default", What::Value),
            optional("default_on", What::Word(EMPTIES)),
        ],
    ),
    function(
        "convert_datetime",
        Gives::Text,
        Id::ConvertDatetime,
        &[VALUE, needed("from", What::Format), needed("to", What::Format), optional("default", What::Value)],
    ),
    function("current_datetime", Gives::Text, Id::CurrentDatetime, &[optional("format", What::Format)]),
    function(
        "add_time",
        Gives::Text,
        Id::AddTime,
        &[needed("date", What::Value), needed("time", What::Span)],
    ),
    function(
        "time_between",
        Gives::Number,
        Id::TimeBetween,
        &[
            needed("from", What::Value),
            needed("to", What::Value),
            optional("unit", What::Word(&crate::date::UNITS)),
        ],
    ),
    function(
        "age",
        Gives::Number,
        Id::Age,
        &[needed("birth_date", What::Value), optional("at", What::Value)],
    ),
    function("day_of_week", Gives::Number, Id::DayOfWeek, &[needed("date", What::Value)]),
    function(
        "schedule",
        Gives::Condition,
        Id::Schedule,
        &[needed("name", What::Schedule), optional("time", What::Value)],
    ),
    function(
        "exists",
        Gives::Condition,
        Id::Exists,
        &[needed("table", What::Table), needed("key", What::Value)],
    ),
    function(
        "in_list",
        Gives::Condition,
        Id::InList,
        &[VALUE, needed("list", What::Value), optional("separator", What::Value)],
    ),
    function(
        "intersects_list",
        Gives::Condition,
        Id::IntersectsList,
        &[
            needed("values", What::All),
            needed("list", What::All),
            optional("values_separator", What::Value),
            optional("list_separator", What::Value),
        ],
    ),
    function("is_missing", Gives::Condition, Id::IsMissing, &[VALUE]),
    function("is_empty", Gives::Condition, Id::IsEmpty, &[VALUE]),
    function("is_null", Gives::Condition, Id::IsNull, &[VALUE]),
];

/// Functions that are the opposite of another, or of an operator.
pub(crate) const OPPOSITES: [(&str, &str); 6] = [
    ("does_not_contain", "contains"),
    ("does_not_start_with", "starts_with"),
    ("does_not_match", "matches"),
    ("does_not_intersect_list", "intersects_list"),
    ("not_in", "in_list"),
    ("not_like", "like"),
];

/// Operators that can be written as functions of two values, and the operator.
pub(crate) const OPERATORS: [(&str, &str); 6] = [
    ("contains", "contains"),
    ("starts_with", "starts_with"),
    ("ends_with", "ends_with"),
    ("matches", "matches"),
    ("regex_match", "matches"),
    ("like", "like"),
];

/// Functions that other engines have, and what to do here.
pub(crate) const FOREIGN: [(&str, &str); 13] = [
    ("tolower", "write lower(…)"),
    ("toupper", "write upper(…)"),
    ("replacestr", "write replace(…)"),
    ("in", "write PV1-2 in (\"I\", \"E\"), or in_list(PV1-2, \"I,E\")"),
    ("infile", "expressions read no files; make a lookup table of the file and write exists(\"table\", key)"),
    (
        "infilecolumn",
        "expressions read no files; make a lookup table of the file and write exists(\"table\", key)",
    ),
    (
        "notinfile",
        "expressions read no files; make a lookup table of the file and write not exists(\"table\", key)",
    ),
    ("dateadd", "write add_time(date, \"30d\")"),
    ("datediff", "write time_between(from, to, \"d\")"),
    ("now", "write current_datetime()"),
    ("weekday", "write day_of_week(date)"),
    ("rule", "a rule hands on to other rules by \"delegate\""),
    ("count", "write OBX.count, or PID-3.count"),
];

impl Function {
    pub(crate) fn named(name: &str) -> Option<&'static Function> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// Whether it is applied to each value of its first place.
    pub(crate) fn is_of_each(&self) -> bool {
        self.params.first().is_some_and(|param| matches!(param.what, What::Value | What::Number))
            || self.id == Id::Lookup
    }

    /// How few and how many values it takes.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let needed = self.params.iter().filter(|param| param.presence != Presence::Optional).count();
        let repeats = self.params.last().is_some_and(|param| param.presence == Presence::Repeated);
        (needed, if repeats { MOST_VALUES } else { self.params.len() })
    }

    /// What is wanted at place `at`.
    pub(crate) fn param(&self, at: usize) -> Option<&'static Param> {
        let last = self.params.last().filter(|param| param.presence == Presence::Repeated);
        self.params.get(at).or(last)
    }

    /// How it is called, as in `piece(value, separator, from[, to])`.
    pub(crate) fn usage(&self) -> String {
        let mut text = format!("{}(", self.name);
        let mut optional = 0;
        for (at, Param { name, presence, .. }) in self.params.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            if *presence == Presence::Optional {
                text += "[";
                optional += 1;
            }
            text += comma;
            text += name;
            if *presence == Presence::Repeated {
                text += ", …";
            }
        }
        text + &"]".repeat(optional) + ")"
    }
}
