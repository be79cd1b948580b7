//! Text to tokens. A slip that is easily recognised, such as `==` or `'ADT'`, is reported and read as
//! what was meant, so that the rest of the expression is looked at as well.

use std::ops::Range;

use hl7::schema::{PathContext, check_path, compile_path};

use crate::ast::{ESCAPES, Op, Sign};
use crate::facts::Fact;
use crate::pattern::PatternKind;
use crate::{ExprError, Scope};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Path(hl7::FieldPath),
    Fact(Fact),
    /// `context.NAME`.
    Variable(String),
    Text(String),
    Number(String),
    Op(Op),
    Match(PatternKind),
    Sign(Sign),
    And,
    Or,
    Not,
    In,
    Null,
    True,
    False,
    Open,
    Close,
    /// A square bracket that opens, where none can stand.
    OpenSquare,
    CloseSquare,
    Comma,
    /// A word that is nothing known; where it stands decides what is said about it.
    Unknown,
    /// Something that has been reported already.
    Bad,
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
}

/// The tokens of `text`, the last one `End`; what is wrong or doubtful goes to `report`.
pub(crate) fn tokens(text: &str, scope: &Scope, report: &mut Report) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, scope, report, behind_value: false, compared: false };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next();
        let end = token.kind == Kind::End;
        lexer.behind_value = token.kind.ends_value();
        lexer.compared = match token.kind {
            Kind::Op(_) | Kind::Match(_) | Kind::In | Kind::Close => true,
            Kind::And | Kind::Or | Kind::Comma | Kind::Open => false,
            _ => lexer.compared,
        };
        tokens.push(token);
        if end {
            return tokens;
        }
    }
}

/// What was found in a text.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) errors: Vec<ExprError>,
    /// What is doubtful.
    pub(crate) warnings: Vec<ExprError>,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    scope: &'a Scope,
    report: &'a mut Report,
    /// Whether a value ends here, so that a minus takes something away from it.
    behind_value: bool,
    /// Whether a comparison stands before this, so that `&` can only mean "and".
    compared: bool,
}

impl Kind {
    fn ends_value(&self) -> bool {
        use Kind::{Bad, Close, Fact, Null, Number, Path, Text, Unknown, Variable};
        matches!(self, Bad | Close | Fact(_) | Null | Number(_) | Path(_) | Text(_) | Unknown | Variable(_))
    }
}

/// Slips of the keyboard and of other languages: the sign, what it is read as, what to write.
const SLIPS: [(&str, Kind, &str); 13] = [
    ("===", Kind::Op(Op::Eq), "="),
    ("==", Kind::Op(Op::Eq), "="),
    ("!==", Kind::Op(Op::Ne), "!="),
    ("<>", Kind::Op(Op::Ne), "!="),
    ("=>", Kind::Op(Op::Ge), ">="),
    ("=<", Kind::Op(Op::Le), "<="),
    ("≠", Kind::Op(Op::Ne), "!="),
    ("≤", Kind::Op(Op::Le), "<="),
    ("≥", Kind::Op(Op::Ge), ">="),
    ("&&", Kind::And, "and"),
    ("||", Kind::Or, "or"),
    ("&", Kind::And, "and"),
    ("|", Kind::Or, "or"),
];

const SIGNS: [(&str, Kind); 15] = [
    ("!=", Kind::Op(Op::Ne)),
    ("<=", Kind::Op(Op::Le)),
    (">=", Kind::Op(Op::Ge)),
    ("=", Kind::Op(Op::Eq)),
    ("<", Kind::Op(Op::Lt)),
    (">", Kind::Op(Op::Gt)),
    ("(", Kind::Open),
    (")", Kind::Close),
    ("[", Kind::OpenSquare),
    ("]", Kind::CloseSquare),
    (",", Kind::Comma),
    ("+", Kind::Sign(Sign::Plus)),
    ("-", Kind::Sign(Sign::Minus)),
    ("*", Kind::Sign(Sign::Times)),
    ("/", Kind::Sign(Sign::By)),
];

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Token {
        let start = self.at;
        self.at += bytes;
        Token { kind, range: start..self.at }
    }

    fn error(&mut self, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.report.errors.push(ExprError::new(range, message).help(help));
    }

    fn next(&mut self) -> Token {
        self.at = self.text.len() - self.rest().trim_start().len();
        let Some(first) = self.rest().chars().next() else {
            return self.take(0, Kind::End);
        };
        let digit_follows = self.rest()[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
        match first {
            '"' => self.text_literal('"'),
            '\'' | '“' | '”' | '„' | '‘' | '’' => self.foreign_quote(first),
            '0'..='9' => self.number(),
            '-' if digit_follows && !self.behind_value => self.number(),
            '.' if digit_follows => self.number(),
            'a'..='z' | 'A'..='Z' | '_' => self.word(),
            '{' => self.braces(),
            _ => self.sign(first),
        }
    }

    fn sign(&mut self, first: char) -> Token {
        if let Some(token) = self.foreign_sign(first) {
            return token;
        }
        if let Some((slip, kind, right)) = SLIPS.iter().find(|(slip, ..)| self.rest().starts_with(slip)) {
            let token = self.take(slip.len(), kind.clone());
            self.error(
                token.range.clone(),
                format!("\"{slip}\" is not an operator"),
                format!("write \"{right}\""),
            );
            return token;
        }
        if let Some((sign, kind)) = SIGNS.iter().find(|(sign, _)| self.rest().starts_with(sign)) {
            return self.take(sign.len(), kind.clone());
        }
        if first == '!' {
            let token = self.take(1, Kind::Not);
            self.error(token.range.clone(), "\"!\" is not an operator", "write \"not\"");
            return token;
        }
        let token = self.take(first.len_utf8(), Kind::Bad);
        let help = match first {
            '%' => "arithmetic has + - * and /",
            _ => "a condition is written as in PID-8 = \"F\" and PV1-2 in (\"I\", \"E\")",
        };
        self.error(token.range.clone(), format!("\"{first}\" has no meaning here"), help);
        token
    }

    /// A sign that means something else in the rules of another engine: `PID-5.1 & " "`, `MSH-9.1 [ "AD"`,
    /// `..ToUpper(PID-5)`.
    fn foreign_sign(&mut self, first: char) -> Option<Token> {
        let blank_before = self.text[..self.at].ends_with(' ');
        let behind = &self.rest()[first.len_utf8()..];
        let single = !behind.starts_with(first);
        let call =
            behind.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
        let (length, kind, help) = match first {
            '&' if single && self.behind_value && !self.compared => {
                (1, Kind::Sign(Sign::Plus), "texts are joined with \"+\"")
            }
            '[' if self.behind_value && blank_before => (1, Kind::Op(Op::Contains), "write \"contains\""),
            '.' if call => (2, Kind::Bad, "take it away"),
            _ => return None,
        };
        let token = self.take(length, kind);
        let sign = &self.text[token.range.clone()];
        self.error(token.range.clone(), format!("\"{sign}\" is not an operator"), help);
        if first == '.' { Some(self.next()) } else { Some(token) }
    }

    /// A text in double quotes, from the opening quote on.
    fn text_literal(&mut self, close: char) -> Token {
        let start = self.at;
        let mut text = String::new();
        let mut at = start + 1;
        while let Some(c) = self.text[at..].chars().next() {
            at += c.len_utf8();
            if c == close {
                self.at = at;
                return Token { kind: Kind::Text(text), range: start..at };
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            let escaped = self.text[at..].chars().next();
            at += escaped.map_or(0, char::len_utf8);
            match ESCAPES.iter().find(|(letter, _)| Some(*letter) == escaped) {
                Some((_, stands_for)) => text.push(*stands_for),
                None => {
                    let found = &self.text[at - 1 - escaped.map_or(0, char::len_utf8)..at];
                    let message = format!("\"{found}\" is no escape within quotes");
                    let range = at - found.len()..at;
                    self.error(range, message, "write \\\\ for a backslash, \\\" for a quote");
                }
            }
        }
        self.error(start..start + 1, "this quote is never closed", "close the text with \"");
        self.take(self.text.len() - start, Kind::Bad)
    }

    /// A text in quotes of another kind: reported, and read as a text.
    fn foreign_quote(&mut self, first: char) -> Token {
        let start = self.at;
        let inside = &self.text[start + first.len_utf8()..];
        let is_close = |c: char| matches!(c, '\'' | '“' | '”' | '‘' | '’') || (first != '\'' && c == '"');
        let Some(length) = inside.find(is_close) else {
            let range = start..start + first.len_utf8();
            self.error(range, "this quote is never closed", "a text is written in double quotes");
            return self.take(self.text.len() - start, Kind::Bad);
        };
        let text = inside[..length].to_owned();
        let close = inside[length..].chars().next().map_or(0, char::len_utf8);
        let token = self.take(first.len_utf8() + length + close, Kind::Text(text.clone()));
        let message = format!("{} is not a quote of this language", quoted(first));
        self.error(token.range.clone(), message, format!("write \"{text}\""));
        token
    }

    fn number(&mut self) -> Token {
        let sign = usize::from(self.rest().starts_with('-'));
        let end = |c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_');
        let rest = &self.rest()[sign..];
        let written = &self.rest()[..sign + rest.find(end).unwrap_or(rest.len())];
        let written = written.to_owned();
        if let Some(date) = date_length(self.rest()) {
            let token = self.take(date, Kind::Bad);
            let date = &self.text[token.range.clone()];
            let help = format!(
                "a date is a text, in quotes: \"{date}\"; as HL7 has it \"{}\"",
                date.replace('-', "")
            );
            self.error(token.range.clone(), "a date without quotes is calculated as a difference", help);
            return token;
        }
        if crate::number::Decimal::read(&written).is_some() && !written.ends_with('.') {
            return self.take(written.len(), Kind::Number(written));
        }
        let token = self.take(written.len(), Kind::Bad);
        let message = format!("\"{written}\" is not a number");
        self.error(
            token.range.clone(),
            message,
            format!("a text is written in quotes: \"{written}\"; a number as in 7 or -1.5"),
        );
        token
    }

    /// A keyword, a path, a fact or an unknown word. A path goes on through `-` and `[…]`, so that it
    /// is one word: `PID-3[2].1`.
    fn word(&mut self) -> Token {
        let bytes = self.rest().as_bytes();
        let mut length = 0;
        while let Some(byte) = bytes.get(length) {
            let next = bytes.get(length + 1).copied().unwrap_or(b' ');
            length += match byte {
                b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => 1,
                b'.' | b'-' if next.is_ascii_alphanumeric() => 1,
                // What is wrong with a path is best said by whoever reads paths.
                b'.' | b'-' if begins_with_segment(&bytes[..length]) => 1,
                b':' if next.is_ascii_digit() && begins_with_segment(&bytes[..length]) => 1,
                b'[' => index_length(&bytes[length..]),
                _ => break,
            };
        }
        let word = self.rest()[..length].to_owned();
        let behind = &self.rest()[length..];
        if behind.starts_with('{') || behind.starts_with(".{") {
            return self.braces();
        }
        if let Some(kind) = keyword(&word) {
            return self.take(length, kind);
        }
        if let Some(fact) = Fact::named(&word) {
            return self.take(length, Kind::Fact(fact));
        }
        if let Some(name) = word.strip_prefix("context.") {
            return self.variable(length, name);
        }
        if let Some(name) = word.strip_prefix("env.") {
            return self.environment(length, name);
        }
        let small = word.to_lowercase();
        // `In(PV1-2, …)` is a function of another engine, and reported as such.
        let call = self.rest()[length..].starts_with('(') && !self.behind_value;
        if let Some(kind) = keyword(&small).filter(|kind| !call || *kind == Kind::Not) {
            let token = self.take(length, kind);
            let message = format!("\"{word}\" is in capitals");
            self.error(token.range.clone(), message, format!("write \"{small}\""));
            return token;
        }
        self.path_or_unknown(&word)
    }

    /// `context.NAME`, as far as there is such a name.
    fn variable(&mut self, length: usize, name: &str) -> Token {
        let Some(help) = self.scope.context.instead_of(name) else {
            return self.take(length, Kind::Variable(name.to_owned()));
        };
        let token = self.take(length, Kind::Bad);
        self.error(token.range.clone(), format!("\"context.{name}\" is not known"), help);
        token
    }

    /// `env.NAME`: the environment is filled in when a production is read, where it can be checked.
    fn environment(&mut self, length: usize, name: &str) -> Token {
        let token = self.take(length, Kind::Bad);
        let help = format!("write \"${{env:{name}}}\", which is filled in when the production is read");
        self.error(token.range.clone(), "expressions do not see the environment", help);
        token
    }

    fn path_or_unknown(&mut self, word: &str) -> Token {
        if !looks_like_path(word) {
            return self.take(word.len(), Kind::Unknown);
        }
        let start = self.at;
        let said = |error: hl7::PathError| ExprError {
            range: start + error.range.start..start + error.range.end,
            message: error.message,
            help: error.help,
        };
        match check_path(word, &self.scope.paths) {
            Ok(checked) => {
                self.report.warnings.extend(checked.doubts.into_iter().map(said));
                self.take(word.len(), Kind::Path(checked.path))
            }
            Err(error) => {
                let mut error = said(error);
                let meant =
                    || right_path(word, &self.scope.paths).map(|path| format!("did you mean \"{path}\"?"));
                error.help = error.help.or_else(meant);
                self.report.errors.push(error);
                self.take(word.len(), Kind::Bad)
            }
        }
    }

    /// A path as another engine writes it, `{PID:5.1}`, `HL7.{PID:5.1}`, `target.{PID:5.1}`.
    fn braces(&mut self) -> Token {
        let open = self.rest().find('{').unwrap_or_default();
        let length = self.rest().find('}').map_or(open + 1, |end| end + 1);
        let inside = self.rest()[open + 1..length.max(open + 2) - 1].trim().to_owned();
        let target = if self.rest().starts_with("target.") { "target." } else { "" };
        let token = self.take(length, Kind::Bad);
        let help = match right_path(&inside, &self.scope.paths) {
            Some(path) => format!("write {target}{path}"),
            None => format!("write paths without braces, as in {target}PID-5.1"),
        };
        self.error(token.range.clone(), "a path in braces is not of this language", help);
        token
    }
}

fn keyword(word: &str) -> Option<Kind> {
    Some(match word {
        "and" => Kind::And,
        "or" => Kind::Or,
        "not" => Kind::Not,
        "in" => Kind::In,
        "contains" => Kind::Op(Op::Contains),
        "starts_with" => Kind::Op(Op::StartsWith),
        "ends_with" => Kind::Op(Op::EndsWith),
        "matches" => Kind::Match(PatternKind::Matches),
        "like" => Kind::Match(PatternKind::Like),
        "null" => Kind::Null,
        "true" => Kind::True,
        "false" => Kind::False,
        _ => return None,
    })
}

/// The bytes of a date such as `2026-12-31` at the start of `text`.
fn date_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_date = bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    (is_date && !bytes.get(10).is_some_and(u8::is_ascii_digit)).then_some(10)
}

fn begins_with_segment(word: &[u8]) -> bool {
    let capital = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    word.len() >= 3
        && word[..3].iter().all(capital)
        && word.get(3).is_none_or(|byte| !byte.is_ascii_alphabetic())
}

/// The bytes of `[…]` at the start of `bytes`, as far as it can belong to a path.
fn index_length(bytes: &[u8]) -> usize {
    let inside = |byte: &u8| matches!(byte, b'0'..=b'9' | b'*' | b'-' | b'a'..=b'z' | b'A'..=b'Z');
    let end = 1 + bytes[1..].iter().take_while(|byte| inside(byte)).count();
    end + usize::from(bytes.get(end) == Some(&b']'))
}

/// Whether `word` can have been meant as a path: `PID`, `pid-3`, `PID-3[1]`, `ORDER.OBX`, but not
/// `doc.name`.
fn looks_like_path(word: &str) -> bool {
    let capital = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let word = word.strip_prefix("target.").unwrap_or(word);
    let segment = word.len() == 3 && word.bytes().all(capital);
    let first = word.split('.').next().unwrap_or_default();
    let named = first.len() < word.len() && first.len() >= 3 && first.bytes().all(capital);
    segment || named || word.contains(['-', '[', ':']) || first.ends_with("grp")
}

/// The path that `wrong` was most likely meant to be: `pid-3`, `PID:5.1`, `PID-3(2).1`,
/// `ORCgrp(2).OBX:ObservationValue`.
pub(crate) fn right_path(wrong: &str, context: &PathContext) -> Option<String> {
    numbers(wrong).or_else(|| {
        let text = wrong.replace("()", "[*]").replace('(', "[").replace(')', "]").replace(':', ".");
        compile_path(&text, context).ok().map(|_| text).filter(|text| text != wrong)
    })
}

fn numbers(wrong: &str) -> Option<String> {
    let mut text = wrong.to_uppercase().replace('(', "[").replace(')', "]").replace(':', "-");
    if text.as_bytes().get(3) == Some(&b'.') {
        text.replace_range(3..4, "-");
    }
    let path: hl7::Path = text.parse().ok()?;
    Some(path.to_string()).filter(|path| path != wrong)
}

fn quoted(quote: char) -> &'static str {
    match quote {
        '\'' => "a single quote",
        _ => "a typographic quote",
    }
}
