//! Expressions in a flow: about one of its messages, its context, and the request that began it.

use std::collections::BTreeMap;
use std::ops::Range;

use hl7::{Message as Hl7, ReadError};
use model::{BodyClass, Caller, MessageBody};
use rules::{Expr, ExprError, Facts, Scope, Template, Variables};

/// A compiled condition.
#[derive(Debug)]
pub(super) struct Condition(Expr);

/// A compiled value.
#[derive(Debug, Clone)]
pub(super) struct Value(Expr);

/// A compiled text with values in it.
#[derive(Debug, Clone)]
pub(super) struct Text(Template);

/// What is wrong with an expression, and where in its text.
pub(super) struct Wrong {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl From<ExprError> for Wrong {
    fn from(error: ExprError) -> Self {
        Wrong { range: error.range, message: error.message, help: error.help }
    }
}

fn all(errors: Vec<ExprError>) -> Vec<Wrong> {
    errors.into_iter().map(Wrong::from).collect()
}

impl Condition {
    pub(super) fn compile(text: &str, scope: &Scope) -> Result<Self, Vec<Wrong>> {
        Expr::condition(text, scope).map(Condition).map_err(all)
    }

    pub(super) fn holds(&self, view: &View<'_>) -> bool {
        self.0.is_true(&view.facts())
    }

    /// What it always is, where that is plain to see.
    pub(super) fn constant(&self) -> Option<bool> {
        self.0.constant()
    }
}

impl Value {
    pub(super) fn compile(text: &str, scope: &Scope) -> Result<Self, Vec<Wrong>> {
        Expr::value(text, scope).map(Value).map_err(all)
    }

    pub(super) fn text(&self, view: &View<'_>) -> String {
        self.0.eval(&view.facts()).text().to_owned()
    }

    pub(super) fn texts(&self, view: &View<'_>) -> Vec<String> {
        let facts = view.facts();
        self.0.eval_all(&facts).iter().map(|value| value.text().to_owned()).collect()
    }
}

impl Text {
    pub(super) fn compile(text: &str, scope: &Scope) -> Result<Self, Vec<Wrong>> {
        let problems = Template::problems_with(text, &scope.paths);
        if !problems.is_empty() {
            return Err(all(problems));
        }
        Template::compile_with(text, &scope.paths).map(Text).map_err(|error| vec![error.into()])
    }

    pub(super) fn render(&self, view: &View<'_>) -> String {
        self.0.render(&view.facts())
    }
}

/// The variables of an instance.
struct Context<'a>(&'a BTreeMap<String, String>);

impl Variables for Context<'_> {
    fn value(&self, name: &str) -> rules::Value<'_> {
        match self.0.get(name) {
            None => rules::Value::Missing,
            Some(text) if text.is_empty() => rules::Value::Empty,
            Some(text) => rules::Value::Text(text.as_str().into()),
        }
    }
}

/// What an expression can ask about.
pub(super) struct View<'a> {
    message: Option<Hl7>,
    body: Option<&'a MessageBody>,
    caller: &'a Caller,
    context: Context<'a>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        body: Option<&'a MessageBody>,
        caller: &'a Caller,
        context: &'a BTreeMap<String, String>,
    ) -> Self {
        View { message: body.and_then(read), body, caller, context: Context(context) }
    }

    /// The HL7 message that paths are about.
    pub(super) fn message(&self) -> Option<&Hl7> {
        self.message.as_ref()
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            message: self.message.as_ref(),
            source: &self.caller.source,
            doc_type: self.body.map_or("", MessageBody::doc_type),
            origin: self.body.map_or("", MessageBody::name),
            session: self.caller.session.0,
            id: self.caller.request.0,
            class: self.body.map_or("", |body| body.class().0),
            context: Some(&self.context),
            ..Facts::default()
        }
    }
}

/// The HL7 message that a body holds, if it does.
pub(super) fn read(body: &MessageBody) -> Option<Hl7> {
    if body.class() != BodyClass::HL7 {
        return None;
    }
    let read: Result<Hl7, ReadError> = body.parsed(|body| Hl7::read(body.content().clone(), body.charset()));
    read.ok()
}
