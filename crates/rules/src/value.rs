//! What an expression comes to.

use std::borrow::Cow;

/// The value of an expression.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// The message has nothing at that place.
    Missing,
    /// The message has the place, and it is empty. Compares as `Missing` does.
    Empty,
    /// The HL7 null, `""` in the message: "delete what you know".
    Null,
    /// A text, unescaped; never empty.
    Text(Cow<'a, str>),
    /// A number: one that the expression holds, as it was written, or a result of arithmetic.
    Number(Cow<'a, str>),
    /// What a condition came to.
    Boolean(bool),
}

impl<'a> Value<'a> {
    pub(crate) fn of_text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Value::Empty } else { Value::Text(text) }
    }

    pub(crate) fn number(number: crate::arithmetic::Exact) -> Self {
        Value::Number(Cow::Owned(number.to_string()))
    }

    /// As people read it: nothing for what is missing, empty or null.
    pub fn text(&self) -> &str {
        match self {
            Value::Missing | Value::Empty | Value::Null => "",
            Value::Text(text) | Value::Number(text) => text,
            Value::Boolean(true) => "true",
            Value::Boolean(false) => "false",
        }
    }
}

impl std::fmt::Debug for Value<'_> {
    /// Shows the kind of the value, never what stands in a message.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Missing => f.write_str("Missing"),
            Value::Empty => f.write_str("Empty"),
            Value::Null => f.write_str("Null"),
            Value::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Value::Number(number) => write!(f, "Number({number})"),
            Value::Boolean(value) => write!(f, "Boolean({value})"),
        }
    }
}
