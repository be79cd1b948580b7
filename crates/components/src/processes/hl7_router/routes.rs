//! The rules of a router at work on one message, wherever that is: on a thread of the engine, or where code
//! may run.

use hl7::Message as Hl7;
use model::{Decision, Event, EventKind, HostContext, Message, Outgoing, Timestamp};
use rules::{Facts, Routing, RuleSet, RuleStep, Trouble, Variables};
use script::Desk;

use super::super::rule_log::{Account, RuleLog, end_of};
use super::super::script::{cut, kind};
use super::ANY;
use super::sending::Made;
use crate::hl7::doc_type::DocTypes;
use crate::message::{self, moment};

/// What decides where messages go.
pub(super) struct Routes {
    pub(super) rules: RuleSet,
    pub(super) bad_message_handler: Option<String>,
    pub(super) response_from: Vec<String>,
    /// Of what type messages are, where a setting says so; else it is for their bodies to say.
    pub(super) types: Option<DocTypes>,
    /// Of what type the messages are that transforms make: the setting is about those that come.
    pub(super) made_types: DocTypes,
    pub(super) rule_log: RuleLog,
}

/// A message that rules are to decide about.
#[derive(Clone, Copy)]
pub(super) struct Asking<'m> {
    pub(super) request: &'m Message,
    /// What it holds.
    pub(super) message: &'m Hl7,
    pub(super) now: Timestamp,
    pub(super) context: Option<&'m dyn Variables>,
}

/// What rules come to.
pub(super) struct Verdict<'a> {
    pub(super) routing: Routing<'a>,
    pub(super) sends: Vec<Outgoing>,
    /// Why nothing is sent all the same: a transform or a lookup failed.
    pub(super) wrong: Option<String>,
    /// Why it is sent nowhere.
    pub(super) said: String,
}

/// Hears what is told about a message.
pub(super) type Tell<'t> = &'t mut dyn FnMut(EventKind, String);

/// Tells what `host` has to say about a message.
pub(super) fn teller<'a>(request: &'a Message, host: &'a HostContext) -> impl FnMut(EventKind, String) + 'a {
    move |kind, text| {
        let event = Event::new(kind, host.name(), text);
        host.event(event.about(request.header.id, request.header.session));
    }
}

impl Routes {
    /// Decides what becomes of a message; `desk` is where the code of transforms runs.
    pub(super) fn route(
        &self,
        request: &Message,
        message: &Hl7,
        host: &HostContext,
        desk: Option<&mut Desk<'_>>,
    ) -> Decision {
        let asking = Asking { request, message, now: host.clock().now(), context: None };
        let verdict = self.judge(asking, desk, &mut |_| {}, &mut teller(request, host));
        match verdict.wrong {
            Some(reason) => self.bad(reason),
            None if verdict.sends.is_empty() => Decision::Discarded(verdict.said),
            None => Decision::send(verdict.sends),
        }
    }

    /// Where a message goes by the rules; `step` hears all that happens, `tell` what is told of it.
    pub(super) fn judge<'a>(
        &'a self,
        asking: Asking<'_>,
        mut desk: Option<&mut Desk<'_>>,
        step: &mut dyn FnMut(&RuleStep<'a>),
        tell: Tell<'_>,
    ) -> Verdict<'a> {
        let Asking { request, message, now, context } = asking;
        let doc_type = self.types.as_ref().map(|types| types.of(message));
        let doc_type = doc_type.as_deref().unwrap_or(request.body.doc_type());
        let trouble = Trouble::default();
        let known = message::facts(&request.header, Some(&request.body), Some(message));
        let facts = Facts { doc_type, now: Some(moment(now)), trouble: Some(&trouble), context, ..known };
        let (mut account, mut made) = (Account::new(self.rule_log), Made::new(&self.made_types));
        let (mut sends, mut failed) = (Vec::new(), None);
        let routing = self.rules.route(&facts, &mut |happens| {
            account.step(&happens);
            step(&happens);
            let RuleStep::Sends(routed) = happens else { return };
            match made.body(routed.transforms, (request, message), &facts, desk.as_deref_mut()) {
                Ok(body) => {
                    sends.push(Outgoing { body, ..self.outgoing(routed.target, routed.rule.to_owned()) });
                }
                Err(reason) => {
                    failed.get_or_insert(format!("rule \"{}\": {reason}", routed.rule));
                }
            }
        });
        for said in desk.iter_mut().flat_map(|desk| desk.said()) {
            tell(kind(said.level), cut(said.text));
        }
        let wrong = trouble.first().map(str::to_owned).or(failed);
        let said = match (&wrong, routing) {
            (Some(reason), _) => reason.clone(),
            (None, Routing::Matched(rule)) if sends.is_empty() => {
                format!("rule \"{rule}\" matched and sends it nowhere")
            }
            (None, routing) => end_of(routing),
        };
        if let Some(text) = account.close(&said, wrong.is_some() || routing == Routing::Unmatched) {
            tell(EventKind::Trace, text);
        }
        Verdict { routing, sends, wrong, said }
    }

    /// The request's own body for `target`, whose answer may be the sender's.
    pub(super) fn outgoing(&self, target: &str, description: String) -> Outgoing {
        let answers = self.response_from.iter().any(|name| name == ANY || name == target);
        Outgoing { answers, ..Outgoing::same_body(target, description) }
    }

    pub(super) fn bad(&self, reason: String) -> Decision {
        match &self.bad_message_handler {
            Some(handler) => {
                let sent = self.outgoing(handler, format!("bad message: {reason}"));
                Decision::reject(format!("{reason}; sent to \"{handler}\""), vec![sent])
            }
            None => {
                let reason = format!("{reason}; kept here, since there is no bad_message_handler");
                Decision::reject(reason, Vec::new())
            }
        }
    }
}
