//! Steps in JavaScript: read, and not run.

use std::sync::Arc;

use super::super::code::Code;
use super::super::program::Op;
use super::{At, Compiler};

impl Compiler {
    pub(super) fn code(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        let name = match at.map.get("as") {
            Some(name) => self.findings.text(name, &at.under("as")).unwrap_or_default(),
            None => of.clone(),
        };
        if at.map.contains_key("as") && !name.is_empty() {
            self.findings.name(&name, &at.under("as"));
        }
        let Some(text) = self.findings.text(at.value, &at.place) else { return };
        let program = match script::Program::compile(&text) {
            Ok(program) => program,
            Err(error) => return self.findings.within(&at.place, error.range, error.message, None),
        };
        for (word, instead) in [
            ("sockets", "call a process of type script, which has them"),
            ("suspend", "use reject(reason), which is the fault \"rejected\""),
        ] {
            if let Some(range) = program.first_use(word) {
                let message = format!("there is no \"{word}\" in the code of a flow");
                self.findings.within(&at.place, Some(range), message, Some(instead.to_owned()));
            }
        }
        for (target, range) in program.sends_to() {
            if target.is_empty() {
                let message = "the target of send is empty; expected the name of an item".to_owned();
                self.findings.within(&at.place, Some(range), message, None);
            } else {
                self.targets.push((at.place.clone(), target, Some(range)));
            }
        }
        let named = Arc::new(program.sends_to().into_iter().map(|(name, _)| name).collect());
        self.push(Op::Code(Code { program, named, of, name }));
    }
}
