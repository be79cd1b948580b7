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
        if text.contains("answer") {
            self.answer.is_given();
        }
        let program = match script::Program::compile(&text) {
            Ok(program) => program,
            Err(error) => return self.findings.within(&at.place, error.range, error.message, None),
        };
        if let Some(range) = program.first_use("suspend") {
            let message = "there is no \"suspend\" in the code of a flow".to_owned();
            let help = "use reject(reason), which is the fault \"rejected\"".to_owned();
            self.findings.within(&at.place, Some(range), message, Some(help));
        }
        if let Some(range) = program.first_use("sockets") {
            self.program.sockets.push((at.place.clone(), range));
        }
        for unknown in program.wrong_names(&self.words.tables) {
            self.findings.within(&at.place, Some(unknown.range), unknown.message, unknown.help);
        }
        for (target, range) in program.sends_to() {
            if target.is_empty() {
                let message = "the target of send is empty; expected the name of an item".to_owned();
                self.findings.within(&at.place, Some(range), message, None);
            } else {
                self.targets.push((at.place.clone(), target, Some(range)));
            }
        }
        let program = program.with_tables(&self.words.tables);
        let named = Arc::new(program.sends_to().into_iter().map(|(name, _)| name).collect());
        self.push(Op::Code(Code { program, named, of, name }));
    }
}
