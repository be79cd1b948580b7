//! The rules of a router at work on one message, wherever that is: on a thread of the engine, or where code
//! may run.

use hl7::Message as Hl7;
use model::{Decision, Event, EventKind, HostContext, Message, Outgoing};
use rules::{Facts, Routing, RuleSet, RuleStep, Trouble};
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

impl Routes {
    /// Decides where a message goes; `desk` is where the code of transforms runs.
    pub(super) fn route(
        &self,
        request: &Message,
        message: &Hl7,
        host: &HostContext,
        mut desk: Option<&mut Desk<'_>>,
    ) -> Decision {
        let doc_type = self.types.as_ref().map(|types| types.of(message));
        let doc_type = doc_type.as_deref().unwrap_or(request.body.doc_type());
        let trouble = Trouble::default();
        let now = Some(moment(host.clock().now()));
        let known = message::facts(&request.header, Some(&request.body), Some(message));
        let facts = Facts { doc_type, now, trouble: Some(&trouble), ..known };
        let (mut account, mut made) = (Account::new(self.rule_log), Made::new(&self.made_types));
        let (mut sends, mut failed) = (Vec::new(), None);
        let routing = self.rules.route(&facts, &mut |step| {
            account.step(&step);
            let RuleStep::Sends(routed) = step else { return };
            match made.body(routed.transforms, (request, message), &facts, desk.as_deref_mut()) {
                Ok(body) => {
                    sends.push(Outgoing { body, ..self.outgoing(routed.target, routed.rule.to_owned()) });
                }
                Err(reason) => {
                    failed.get_or_insert(format!("rule \"{}\": {reason}", routed.rule));
                }
            }
        });
        let tell = |kind, text| {
            let event = Event::new(kind, host.name(), text);
            host.event(event.about(request.header.id, request.header.session));
        };
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
        match wrong {
            Some(reason) => self.bad(reason),
            None if sends.is_empty() => Decision::Discarded(said),
            None => Decision::send(sends),
        }
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
