//! Patterns: `matches` and `like`.

use super::{Node, Parser};
use crate::ast::{Ast, Condition, Literal, Operand};
use crate::pattern::{Pattern, PatternKind};

impl Parser<'_> {
    /// `left matches "pattern"`; the pattern is written out, so that it is known to be one.
    pub(super) fn is_like(&mut self, left: Node, kind: PatternKind) -> Node {
        let word = self.next().range;
        let right = self.sum(true);
        let range = left.range.start..right.range.end.max(word.end);
        let left = self.operand(left);
        let pattern = self.pattern(kind, right);
        let ast = left.zip(pattern).map(|(left, pattern)| {
            let condition = Condition::Match { left, pattern };
            self.doubt(&condition, range.clone());
            Ast::Condition(condition)
        });
        Node { ast, range }
    }

    pub(super) fn pattern(&mut self, kind: PatternKind, node: Node) -> Option<Pattern> {
        let Ast::Value(Operand::Literal(Literal::Text(text))) = node.ast? else {
            let message = format!("\"{}\" wants a pattern that is written out", kind.sign());
            self.error(node.range, message, "write a text in quotes, as in PID-3.1 matches \"[0-9]{4}\"");
            return None;
        };
        match Pattern::new(kind, &text) {
            Ok(pattern) => Some(pattern),
            Err(wrong) => {
                let help = "a regular expression, whose backslashes are doubled within quotes";
                self.error(node.range, format!("the pattern cannot be read: {wrong}"), help);
                None
            }
        }
    }
}
