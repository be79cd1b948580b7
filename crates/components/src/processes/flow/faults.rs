//! Scopes, branches and faults: what is caught where, and what is undone before that.

use model::{Ended, EventKind, LateAnswer};

use super::instance::{Fault, Frame, Then, Thread, Wait};
use super::run::{Go, Run};

impl Run<'_> {
    /// Begins branches, for which the thread waits.
    pub(super) fn fork(&mut self, id: u32, branches: &[usize]) -> Go {
        for at in branches {
            self.instance.last_thread += 1;
            let branch = self.instance.last_thread;
            self.instance.threads.push(Thread::new(branch, Some(id), *at));
        }
        Go::Wait(if branches.is_empty() { Wait::No } else { Wait::Branches(branches.len()) })
    }

    /// The thread is at its end: its parent may go on, or the flow is done.
    pub(super) fn ended(&mut self, id: u32) {
        let Some(at) = self.instance.threads.iter().position(|thread| thread.id == id) else { return };
        let ended = self.instance.threads.remove(at);
        let Some(parent) = ended.parent else {
            self.instance.threads.clear();
            return;
        };
        if let Some(thread) = self.thread(parent) {
            thread.done().extend(ended.done);
            if let Wait::Branches(left) = &mut thread.wait {
                *left -= 1;
                if *left == 0 {
                    thread.wait = Wait::No;
                }
            }
        }
    }

    /// The scope is done: it may have to be undone later.
    pub(super) fn leave(&mut self, id: u32) {
        let program = self.program;
        let Some(thread) = self.thread(id) else { return };
        let Some(Frame::Scope { scope, done }) = thread.frames.pop() else { return };
        let undoes = program.scopes.get(scope).is_some_and(|scope| scope.compensate.is_some());
        // What undoes the scope undoes what is within it.
        let done = if undoes { vec![scope] } else { done };
        thread.done().extend(done);
    }

    /// Something went wrong: what is caught is undone, and then its steps begin.
    pub(super) fn raise(&mut self, id: u32, fault: Fault) {
        let (mut id, mut undo) = (id, Vec::new());
        loop {
            let program = self.program;
            let Some(thread) = self.thread(id) else { return };
            thread.wait = Wait::No;
            while let Some(frame) = thread.frames.pop() {
                let (scope, done) = match frame {
                    Frame::Scope { scope, done } => (scope, done),
                    // A fault of what undoes: the others are undone all the same.
                    Frame::Undo { left, .. } => {
                        undo = [left, undo].concat();
                        continue;
                    }
                    Frame::Each { .. } => continue,
                };
                undo = [done, undo].concat();
                if let Some(at) = program.scopes.get(scope).and_then(|scope| scope.catch(&fault.name)) {
                    return self.undo(id, undo, Then::Catch(at), fault);
                }
            }
            undo = [std::mem::take(&mut thread.done), undo].concat();
            let Some(parent) = thread.parent else {
                return self.undo(id, undo, Then::Fail(fault.clone()), fault);
            };
            undo = [self.cancel_branches(parent), undo].concat();
            id = parent;
        }
    }

    /// Ends all branches of a thread; what they have done and is to be undone.
    fn cancel_branches(&mut self, parent: u32) -> Vec<usize> {
        let mut cancelled = vec![parent];
        let mut undo = Vec::new();
        // A branch stands behind the thread that began it.
        self.instance.threads.retain_mut(|thread| {
            let gone = thread.parent.is_some_and(|parent| cancelled.contains(&parent));
            if gone {
                cancelled.push(thread.id);
                undo.append(&mut thread.done);
                for frame in &mut thread.frames {
                    // What it was about to undo is still to be undone.
                    if let Frame::Scope { done: left, .. } | Frame::Undo { left, .. } = frame {
                        undo.append(left);
                    }
                }
            }
            !gone
        });
        let gone = |thread: &u32| *thread != parent && cancelled.contains(thread);
        self.instance.calls.retain(|_, call| !gone(&call.thread));
        undo
    }

    /// Undoes scopes, the last one first, and goes on with `then`.
    fn undo(&mut self, id: u32, scopes: Vec<usize>, then: Then, fault: Fault) {
        self.instance.context.insert("fault".to_owned(), fault.name.clone());
        self.instance.context.insert("fault_reason".to_owned(), fault.reason.clone());
        if let Then::Catch(_) = then {
            self.say(EventKind::Warning, format!("caught: {}", fault.reason));
        }
        self.push(id, Frame::Undo { left: scopes, then });
        let next = self.undo_next(id);
        if let (Go::To(at), Some(thread)) = (next, self.thread(id)) {
            thread.at = at;
        }
    }

    /// The next scope that is undone, or what comes behind.
    pub(super) fn undo_next(&mut self, id: u32) -> Go {
        let program = self.program;
        let Some(thread) = self.thread(id) else { return Go::Ended };
        let Some(Frame::Undo { left, .. }) = thread.frames.last_mut() else { return Go::Ended };
        while let Some(scope) = left.pop() {
            if let Some(at) = program.scopes.get(scope).and_then(|scope| scope.compensate) {
                return Go::To(at);
            }
        }
        match thread.frames.pop() {
            Some(Frame::Undo { then: Then::Catch(at), .. }) => Go::To(at),
            Some(Frame::Undo { then: Then::Fail(fault), .. }) => {
                self.fail(fault);
                Go::Ended
            }
            _ => Go::Ended,
        }
    }

    /// The flow ends with a fault that nobody caught.
    pub(super) fn fail(&mut self, fault: Fault) {
        self.instance.threads.clear();
        self.instance.calls.clear();
        if !std::mem::replace(&mut self.instance.replied, true) {
            self.step.answer = Some(LateAnswer { payload: None, error: Some(fault.reason.clone()) });
        }
        self.step.ended = Some(Ended::Failed(fault.reason));
    }
}
