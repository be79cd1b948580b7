//! What ends a wait: an answer, or the time.

use model::{BodyClass, Message, MessageBody};

use super::instance::{Fault, Kept, Stands, Wait};
use super::run::Run;

impl Run<'_> {
    /// Takes the answer to a call; false when nobody waits for it any more.
    pub(super) fn answered(&mut self, call: u32, answer: &Message) -> bool {
        let Some(state) = self.instance.calls.get_mut(&call) else { return false };
        if state.stands != Stands::Pending {
            return false;
        }
        let header = &answer.header;
        let name = state.name.clone();
        let failed = if answer.body.class() == BodyClass::DAMAGED {
            Some("the answer cannot be read back from the store".to_owned())
        } else {
            header.is_error.then(|| header.error_status.clone())
        };
        state.stands = failed.clone().map_or(Stands::Answered, Stands::Failed);
        match failed {
            Some(reason) => self.set_outcome(&name, "failed", &reason),
            None => self.set_outcome(&name, "answered", ""),
        }
        if let Some(body) = header.body {
            self.instance
                .messages
                .insert(name.clone(), Kept::Stored { message: header.id, body: Some(body) });
            self.bodies.insert(name, answer.body.clone());
        } else {
            // An older answer of that name is not taken for this one.
            self.instance.messages.remove(&name);
            self.bodies.remove(&name);
        }
        self.look();
        true
    }

    /// Goes on wherever a wait is over.
    pub(super) fn look(&mut self) {
        let threads: Vec<u32> = self.instance.threads.iter().map(|thread| thread.id).collect();
        for id in threads {
            let now = self.now;
            // One fault may have ended others.
            let Some(thread) = self.thread(id) else { continue };
            let over = thread.wait.is_over(now);
            match &thread.wait {
                Wait::Until(_) if over => thread.wait = Wait::No,
                Wait::Calls { calls, any, ignore_errors, .. } => {
                    let (calls, any, ignore_errors) = (calls.clone(), *any, *ignore_errors);
                    self.look_at(id, &calls, (any, over), ignore_errors);
                }
                _ => {}
            }
        }
    }

    fn look_at(&mut self, id: u32, calls: &[u32], (any, over): (bool, bool), ignore_errors: bool) {
        let stands = |call: &u32| self.instance.calls.get(call).map(|call| call.stands.clone());
        let all: Vec<Stands> = calls.iter().filter_map(stands).collect();
        let pending = all.iter().filter(|stands| **stands == Stands::Pending).count();
        let answered = all.contains(&Stands::Answered);
        let enough = pending == 0 || (any && answered);
        if !enough && !over {
            return;
        }
        let mut fault = None;
        for call in calls {
            let Some(state) = self.instance.calls.remove(call) else { continue };
            match state.stands {
                Stands::Pending if !enough => {
                    self.set_outcome(&state.name, "timeout", "");
                    let reason = format!("call \"{}\" was not answered in time", state.name);
                    fault.get_or_insert(Fault { name: "timeout".to_owned(), reason });
                }
                Stands::Failed(why) if !(any && answered) => {
                    let reason = format!("call \"{}\" failed: {why}", state.name);
                    fault.get_or_insert(Fault { name: "failed".to_owned(), reason });
                }
                _ => {}
            }
        }
        match fault.filter(|_| !ignore_errors) {
            Some(fault) => self.raise(id, fault),
            None => {
                if let Some(thread) = self.thread(id) {
                    thread.wait = Wait::No;
                }
            }
        }
    }
}

/// An empty body, of an answer that has none.
pub(super) fn nothing() -> MessageBody {
    MessageBody::new(BodyClass::BYTES, Vec::new())
}
