//! Arithmetic: `+ -`, then `* /`, then a minus before a value.

use super::{Node, Parser, quote};
use crate::ast::{Ast, Calculation, Nature, Operand, Sign};
use crate::token::Kind;

impl Parser<'_> {
    /// Values with `+` and `-` between them.
    pub(super) fn sum(&mut self, behind: bool) -> Node {
        self.calculation(behind, &[Sign::Plus, Sign::Minus], Self::product)
    }

    fn product(&mut self, behind: bool) -> Node {
        self.calculation(behind, &[Sign::Times, Sign::By], Self::factor)
    }

    fn calculation(&mut self, behind: bool, signs: &[Sign], part: fn(&mut Self, bool) -> Node) -> Node {
        let mut left = part(self, behind);
        while let Kind::Sign(sign) = *self.kind() {
            if !signs.contains(&sign) {
                break;
            }
            self.next();
            let right = part(self, true);
            let range = left.range.start..right.range.end;
            let (left_value, right_value) = (self.term(left, sign), self.term(right, sign));
            let ast = left_value.zip(right_value).map(|(left, right)| {
                Ast::Value(Operand::Calculation(Box::new(Calculation { left, sign, right })))
            });
            left = Node { ast, range };
        }
        left
    }

    /// `-PID-3`, or a value.
    fn factor(&mut self, behind: bool) -> Node {
        if *self.kind() != Kind::Sign(Sign::Minus) {
            return self.primary(behind);
        }
        let start = self.next().range.start;
        let node = self.nested(|parser| parser.factor(true));
        let range = start..node.range.end;
        let inner = self.term(node, Sign::Minus);
        Node { ast: inner.map(|inner| Ast::Value(Operand::Negative(Box::new(inner)))), range }
    }

    /// `node` as something that can be calculated with: a text can only be added to something.
    fn term(&mut self, node: Node, sign: Sign) -> Option<Operand> {
        let range = node.range.clone();
        let operand = self.operand(node)?;
        if sign != Sign::Plus && operand.nature() == Nature::Text {
            let found = quote(&self.text[range.clone()]);
            let help = "texts are joined by \"+\"; a number is written without quotes";
            self.error(range, format!("{found} is a text; \"{}\" wants numbers", sign.sign()), help);
            return None;
        }
        Some(operand)
    }
}
