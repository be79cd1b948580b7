//! Loops, and the words that leave one or go on with its next round.

use serde_json::Value;

use super::super::program::Op;
use super::{At, Compiler, VALUE, text};

/// What steps are within, as far as `break` and `continue` see.
pub(super) enum Around {
    /// A loop.
    Loop(Loop),
    /// What cannot be left by a jump.
    Wall(&'static str),
}

/// A loop that is being compiled.
#[derive(Default)]
pub(super) struct Loop {
    /// How many scopes have begun within it, and not ended.
    scopes: usize,
    /// Whether it goes over values.
    over_values: bool,
    /// The jumps behind it, and those to its next round.
    breaks: Vec<usize>,
    continues: Vec<usize>,
}

impl Compiler {
    /// Fills in where a jump leads: here.
    pub(super) fn lands(&mut self, jumps: impl IntoIterator<Item = usize>) {
        self.lead(jumps, self.here());
    }

    fn lead(&mut self, jumps: impl IntoIterator<Item = usize>, place: usize) {
        for at in jumps {
            match &mut self.program.ops[at] {
                Op::Jump(to) | Op::Unless { to, .. } | Op::Next { end: to, .. } => *to = place,
                _ => {}
            }
        }
    }

    pub(super) fn for_each(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        self.needs(at, "do");
        let name = text(at.map, "as").unwrap_or(VALUE).to_owned();
        self.findings.name(&name, &at.under("as"));
        let Some(values) = self.value(at.value, &at.place) else { return };
        self.push(Op::Each { values, of });
        let next = self.push(Op::Next { name, end: 0 });
        let (breaks, continues) = self.rounds(at, true);
        self.lead(continues, next);
        self.push(Op::Jump(next));
        self.lands([next].into_iter().chain(breaks));
    }

    pub(super) fn repeat(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        self.needs(at, "do");
        let Some(condition) = self.condition(at.value, &at.place) else { return };
        let begin = self.push(Op::Unless { condition, of, to: 0 });
        let (breaks, continues) = self.rounds(at, false);
        self.lead(continues, begin);
        self.push(Op::Jump(begin));
        self.lands([begin].into_iter().chain(breaks));
    }

    /// `until`: the steps are done once at least.
    pub(super) fn until(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        self.needs(at, "do");
        let Some(condition) = self.condition(at.value, &at.place) else { return };
        let begin = self.here();
        let (breaks, continues) = self.rounds(at, false);
        self.lands(continues);
        self.push(Op::Unless { condition, of, to: begin });
        self.lands(breaks);
    }

    /// The steps of a loop, with the jumps that leave it and those to its next round.
    fn rounds(&mut self, at: &At<'_>, over_values: bool) -> (Vec<usize>, Vec<usize>) {
        self.around.push(Around::Loop(Loop { over_values, ..Loop::default() }));
        self.under(at, "do");
        match self.around.pop() {
            Some(Around::Loop(Loop { breaks, continues, .. })) => (breaks, continues),
            _ => (Vec::new(), Vec::new()),
        }
    }

    /// Compiles what cannot be left by a jump.
    pub(super) fn walled(&mut self, what: &'static str, steps: impl FnOnce(&mut Self)) {
        self.around.push(Around::Wall(what));
        steps(self);
        self.around.pop();
    }

    /// Compiles the steps of a scope: a jump out of them ends it.
    pub(super) fn within_scope<T>(&mut self, steps: impl FnOnce(&mut Self) -> T) -> T {
        self.count_scopes(1);
        let done = steps(self);
        self.count_scopes(-1);
        done
    }

    fn count_scopes(&mut self, by: isize) {
        if let Some(Around::Loop(around)) = self.around.last_mut() {
            around.scopes = around.scopes.saturating_add_signed(by);
        }
    }

    /// `break` and `continue`: scopes that are left by them are done.
    pub(super) fn jump(&mut self, word: &str, value: &Value, path: &str) {
        if !matches!(value, Value::Null | Value::Bool(true)) {
            let message = format!("{word} has a value; expected the word alone");
            return self.findings.error(path, message, Some(format!("write - {word}")));
        }
        let breaks = word == "break";
        let (scopes, over_values) = match self.around.last() {
            Some(Around::Loop(around)) => (around.scopes, around.over_values),
            Some(Around::Wall(what)) => {
                let message = format!("{word} would leave {what}; expected a loop within");
                return self.findings.error(path, message, None);
            }
            None => {
                let message =
                    format!("{word} stands in no loop; expected for_each, while or until around it");
                return self.findings.error(path, message, None);
            }
        };
        for _ in 0..scopes {
            self.push(Op::Leave);
        }
        if breaks && over_values {
            self.push(Op::LeaveLoop);
        }
        let jump = self.push(Op::Jump(0));
        if let Some(Around::Loop(around)) = self.around.last_mut() {
            if breaks { &mut around.breaks } else { &mut around.continues }.push(jump);
        }
    }

    /// Takes away everything from that place on.
    pub(super) fn take_back(&mut self, to: usize) {
        self.program.ops.truncate(to);
        if let Some(Around::Loop(around)) = self.around.last_mut() {
            around.breaks.retain(|at| *at < to);
            around.continues.retain(|at| *at < to);
        }
    }
}
