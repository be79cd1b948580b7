//! Steps that ask sets of rules.

use rules::{RuleContext, RuleSet};

use super::super::asking::Rules;
use super::super::program::Op;
use super::{At, Compiler, rules_name};

impl Compiler {
    pub(super) fn rule(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        let Some(set) = self.findings.text(at.value, &at.place) else { return };
        let name = rules_name(at.map).unwrap_or_default();
        if at.map.contains_key("as") {
            self.findings.name(&name, &at.under("as"));
        }
        let context = RuleContext {
            scope: self.words.clone(),
            transforms: self.program.transforms.clone(),
            sets: self.library.get(),
        };
        match RuleSet::named(&set, &context) {
            Ok(set) => {
                let mut targets: Vec<&str> = set.targets();
                targets.sort_unstable();
                targets.dedup();
                // Whom a set sends to is told where it is asked: it belongs to no item.
                self.targets.extend(targets.iter().map(|to| (at.place.clone(), (*to).to_owned(), None)));
                self.push(Op::Rules(Rules { set, of, name }));
            }
            Err(findings) => {
                for finding in findings {
                    self.findings.error(&at.place, finding.message, finding.help);
                }
            }
        }
    }
}
