//! Expressions in a flow: about one of its messages, its context, and the request that began it.

use std::collections::BTreeMap;
use std::ops::Range;

use hl7::Message as Hl7;
use model::{BodyClass, Caller, MessageBody, Timestamp};
use rules::{Expr, ExprError, Facts, Scope, Template, Trouble};

use super::instance::Fault;
use crate::message::{minutes_ahead, moment};

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

    pub(super) fn holds(&self, view: &View<'_>) -> Result<bool, Fault> {
        view.unless_trouble(self.0.is_true(&view.facts()))
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

    pub(super) fn text(&self, view: &View<'_>) -> Result<String, Fault> {
        view.unless_trouble(self.0.eval(&view.facts()).text().to_owned())
    }

    pub(super) fn texts(&self, view: &View<'_>) -> Result<Vec<String>, Fault> {
        let facts = view.facts();
        view.unless_trouble(self.0.eval_all(&facts).iter().map(|value| value.text().to_owned()).collect())
    }
}

impl Text {
    pub(super) fn compile(text: &str, scope: &Scope) -> Result<Self, Vec<Wrong>> {
        Template::compile_in(text, scope).map(Text).map_err(all)
    }

    pub(super) fn render(&self, view: &View<'_>) -> Result<String, Fault> {
        view.unless_trouble(self.0.render(&view.facts()))
    }
}

/// What an expression can ask about.
pub(super) struct View<'a> {
    message: Option<Hl7>,
    body: Option<&'a MessageBody>,
    caller: &'a Caller,
    context: &'a BTreeMap<String, String>,
    now: Timestamp,
    trouble: Trouble,
}

impl<'a> View<'a> {
    pub(super) fn new(
        body: Option<&'a MessageBody>,
        caller: &'a Caller,
        context: &'a BTreeMap<String, String>,
        now: Timestamp,
    ) -> Self {
        View { message: body.and_then(read), body, caller, context, now, trouble: Trouble::default() }
    }

    /// The HL7 message that paths are about.
    pub(super) fn message(&self) -> Option<&Hl7> {
        self.message.as_ref()
    }

    /// What was found, unless a lookup failed that must not.
    pub(super) fn unless_trouble<T>(&self, found: T) -> Result<T, Fault> {
        match self.trouble.first() {
            None => Ok(found),
            Some(reason) => Err(Fault { name: "lookup".to_owned(), reason: reason.to_owned() }),
        }
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
            now: Some(moment(self.now)),
            zone: Some(minutes_ahead),
            context: Some(self.context),
            trouble: Some(&self.trouble),
            ..Facts::default()
        }
    }
}

/// The HL7 message that a body holds, if it does.
pub(super) fn read(body: &MessageBody) -> Option<Hl7> {
    (body.class() == BodyClass::HL7).then(|| crate::message::hl7(body))?.ok()
}
