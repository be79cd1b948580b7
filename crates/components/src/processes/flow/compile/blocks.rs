//! Steps that hold other steps.

use super::super::program::{ANY_FAULT, FAULTS, Op};
use super::super::reading::join;
use super::super::reading::nearest;
use super::{At, Compiler};

impl Compiler {
    /// The steps under a key, if there are any.
    pub(super) fn under(&mut self, at: &At<'_>, key: &str) -> bool {
        at.map.get(key).is_some_and(|steps| self.steps(steps, &at.under(key)))
    }

    pub(super) fn needs(&mut self, at: &At<'_>, key: &str) {
        if !at.map.contains_key(key) {
            self.findings.error(at.path, format!("key \"{key}\" is missing; expected a list of steps"), None);
        }
    }

    pub(super) fn choice(&mut self, at: &At<'_>) -> bool {
        let of = self.of(at.map, at.path);
        self.needs(at, "then");
        let Some(condition) = self.condition(at.value, &at.place) else {
            self.under(at, "then");
            self.under(at, "else");
            return false;
        };
        if let Some(always) = condition.constant() {
            let message = format!("the condition is always {always}");
            self.findings.warning(&at.place, message, None);
        }
        let unless = self.push(Op::Unless { condition, of, to: 0 });
        let mut answered = false;
        let then_ends = self.way(&mut answered, |this| this.under(at, "then"));
        if !at.map.contains_key("else") {
            self.lands([unless]);
            self.ways_meet(answered);
            return false;
        }
        let behind = self.push(Op::Jump(0));
        self.lands([unless]);
        let else_ends = self.way(&mut answered, |this| this.under(at, "else"));
        self.ways_meet(answered);
        self.lands([behind]);
        then_ends && else_ends
    }

    /// `switch: [{ when, do }, …]` with `otherwise`.
    pub(super) fn switch(&mut self, at: &At<'_>) -> bool {
        let of = self.of(at.map, at.path);
        let mut answered = false;
        let (mut behind, mut all_end) = (Vec::new(), at.map.contains_key("otherwise"));
        for (index, case) in self.findings.list(at.value, &at.place).iter().enumerate() {
            let path = format!("{}[{index}]", at.place);
            let Some(map) = self.findings.map(case, &path) else { continue };
            self.findings.keys(map, &path, &["when", "do"]);
            let (Some(when), Some(steps)) = (map.get("when"), map.get("do")) else {
                self.findings.error(&path, "a case has to say \"when\" and \"do\"", None);
                continue;
            };
            let condition = self.condition(when, &join(&path, "when"));
            let unless =
                condition.map(|condition| self.push(Op::Unless { condition, of: of.clone(), to: 0 }));
            all_end &= self.way(&mut answered, |this| this.steps(steps, &join(&path, "do")));
            behind.push(self.push(Op::Jump(0)));
            self.lands(unless);
        }
        all_end &= self.way(&mut answered, |this| this.under(at, "otherwise"));
        self.ways_meet(answered);
        self.lands(behind);
        all_end
    }

    pub(super) fn parallel(&mut self, at: &At<'_>) {
        let fork = self.push(Op::Fork { branches: Vec::new() });
        let behind = self.push(Op::Jump(0));
        let mut begins = Vec::new();
        for (index, steps) in self.findings.list(at.value, &at.place).iter().enumerate() {
            begins.push(self.here());
            self.walled("a branch of parallel", |this| {
                this.steps(steps, &format!("{}[{index}]", at.place));
            });
            self.push(Op::EndBranch);
        }
        if let Op::Fork { branches } = &mut self.program.ops[fork] {
            *branches = begins;
        }
        self.lands([behind]);
    }

    pub(super) fn scope(&mut self, at: &At<'_>) {
        let scope = self.program.scope();
        self.push(Op::Enter { scope });
        self.within_scope(|this| this.steps(at.value, &at.place));
        self.push(Op::Leave);
        let mut behind = vec![self.push(Op::Jump(0))];
        // What went wrong may have done so behind the answer.
        let mut answered = false;
        if let Some(catches) = at.map.get("catch") {
            let place = at.under("catch");
            for (fault, steps) in self.findings.map(catches, &place).into_iter().flatten() {
                self.thrown(fault, &join(&place, fault));
                let begin = self.here();
                self.program.scopes[scope].catches.push((fault.clone(), begin));
                self.way(&mut answered, |this| this.steps(steps, &join(&place, fault)));
                behind.push(self.push(Op::Jump(0)));
            }
        }
        self.ways_meet(answered);
        if let Some(steps) = at.map.get("compensate") {
            self.program.scopes[scope].compensate = Some(self.here());
            self.walled("what undoes a scope", |this| {
                this.steps(steps, &at.under("compensate"));
            });
            self.push(Op::Undone);
        }
        if !at.map.contains_key("catch") && !at.map.contains_key("compensate") {
            let message = "a scope without \"catch\" and \"compensate\" has no effect";
            self.findings.warning(at.path, message, Some(format!("catch: {{ \"{ANY_FAULT}\": […] }}")));
        }
        self.lands(behind);
    }

    /// Tells a fault that there never is.
    fn thrown(&mut self, fault: &str, path: &str) {
        let known = || FAULTS.into_iter().chain(self.known.thrown.iter().map(String::as_str));
        if fault == ANY_FAULT || known().any(|known| known == fault) {
            return;
        }
        let known: Vec<&str> = known().collect();
        let help = match nearest(fault, &known) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("expected \"{ANY_FAULT}\" for any, or one of {}", known.join(", ")),
        };
        self.findings.warning(path, format!("nothing throws \"{fault}\" in this flow"), Some(help));
    }
}
