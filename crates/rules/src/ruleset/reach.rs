//! Which rules can be reached.

use super::check::Rules;
use super::{Compiled, Rule};
use crate::Expr;

/// Which rules can still be reached.
#[derive(Default)]
pub(super) struct Reach {
    /// The rule that takes everything and stops.
    ended: Option<String>,
    /// The rule that is true of everything.
    taken: Option<String>,
    /// Where `otherwise` was.
    otherwise: Option<usize>,
    /// Rules that stop, with what they ask.
    stops: Vec<(String, String)>,
}

impl Reach {
    pub(super) fn look_at(&mut self, i: usize, rule: &Rule, compiled: &Compiled, rules: &mut Rules<'_>) {
        let name = &compiled.name;
        let asked = asked(rule, compiled);
        let same = self.stops.iter().find(|(_, other)| *other == asked && !rule.otherwise);
        if let Some(otherwise) = self.otherwise {
            let message = format!("this rule stands behind \"otherwise\" (rule {})", otherwise + 1);
            rules.error(i, "", message, "\"otherwise\" is for what no rule wanted; make it the last rule");
        } else if let Some(ended) = &self.ended {
            let message =
                format!("this rule can never be reached: \"{ended}\" takes every message and stops");
            rules.warning(i, "", message, "put it before that rule");
        } else if let (true, Some(taken)) = (rule.otherwise, &self.taken) {
            let message = format!("\"otherwise\" can never be reached: \"{taken}\" takes every message");
            rules.warning(i, ".otherwise", message, "take it away");
        } else if let Some((other, _)) = same {
            let message = format!("this rule can never be reached: \"{other}\" asks the same and stops");
            rules.warning(i, "", message, "make one rule of both");
        }
        let always = compiled.constraints.is_empty() && compiled.force.is_always() && compiled.each.is_none();
        let stops = compiled.stop || rule.delete;
        if rule.otherwise {
            self.otherwise.get_or_insert(i);
        } else if always && Expr::constant_of(&compiled.when) == Some(true) && rules.is_sound(i) {
            if compiled.delegate.is_none() {
                self.taken.get_or_insert_with(|| name.clone());
            }
            if stops {
                self.ended.get_or_insert_with(|| name.clone());
            }
        } else if stops {
            self.stops.push((name.clone(), asked));
        }
    }
}

/// All that a rule asks, as one text.
fn asked(rule: &Rule, compiled: &Compiled) -> String {
    let when: Vec<String> = compiled.when.iter().map(Expr::to_string).collect();
    let each = (&rule.source, &rule.doc_type, &rule.doc_category, &rule.for_each, &rule.effective);
    format!("{each:?} {when:?}")
}
