//! The full tree of a message, made by the `hl7-parser` crate.
//!
//! That parser is thorough, but made for well-formed messages: what it cannot read it leaves out
//! without a word, together with all that follows. So it is given a normal form, in which each segment
//! ends in CR, blank lines and indentation are gone, MSH-2 has four characters, and every segment has a
//! field separator; and afterwards the tree is checked to be complete.

use crate::Message;

pub use hl7_parser::message::{
    Component, Field, Message as Tree, Repeat, Segment as TreeSegment, Subcomponent,
};

/// Why there is no tree of a message: a line in it is no segment. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no tree: segment {segment} at byte {offset} is no segment; expected three letters or digits and a field separator"
)]
pub struct TreeError {
    /// The segment, counted from 1.
    pub segment: usize,
    /// The byte in the message's text, counted from 0.
    pub offset: usize,
}

impl Message {
    /// The whole message as a tree of segments, fields, repetitions, components and subcomponents.
    ///
    /// Costs some thirty times as much as reading the message; to look at single values, use a path.
    /// Ranges in the tree are places in its own normal form of the text.
    ///
    /// # Errors
    /// When a line is no segment, so that the tree could not be complete.
    pub fn tree(&self) -> Result<Tree<'_>, TreeError> {
        let normal = self.normal(|| normal_form(self));
        let error = |segment: usize| {
            let offset = self.segments().nth(segment - 1).map_or(0, |segment| segment.offset());
            TreeError { segment, offset }
        };
        let mut tree = Tree::parse(normal).map_err(|_| error(1))?;
        let complete = tree.raw_value().len() == normal.len() && tree.segments.len() == self.segments().len();
        if let Some(at) = self.segments().skip(1).position(|segment| segment.id() == "MSH") {
            // It would number the fields of a second MSH like those of any other segment.
            return Err(error(at + 2));
        }
        if !complete {
            return Err(error((tree.segments.len() + 1).min(self.segments().len())));
        }
        for (segment, own) in tree.segments.iter_mut().zip(self.segments()) {
            // It finds an empty field where a segment ends without a separator.
            segment.fields.truncate(own.field_count());
        }
        Ok(tree)
    }
}

/// The message in the form that the parser takes.
fn normal_form(message: &Message) -> String {
    let separators = message.separators();
    let mut normal = String::with_capacity(message.text().len() + 8);
    for (at, segment) in message.segments().enumerate() {
        if at > 0 {
            normal.push('\r');
            normal.push_str(segment.raw());
            if segment.field_count() == 0 {
                normal.push(separators.field as char);
            }
            continue;
        }
        normal.push_str("MSH");
        normal.push(separators.field as char);
        // A role that nobody plays is given to a character that no text has.
        for (role, unused) in separators.encoding().into_iter().zip(1..5u8) {
            normal.push(role.unwrap_or(unused) as char);
        }
        let declared = segment.field(2).map_or(0, str::len);
        normal.push_str(&segment.raw()[4 + declared..]);
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<String, TreeError> {
        let message = Message::read(text.to_owned().into(), "").unwrap();
        let tree = message.tree()?;
        let segments =
            tree.segments.iter().map(|segment| format!("{} {}", segment.name, segment.fields.len()));
        Ok(segments.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn the_tree_is_complete() {
        for (text, expected) in [
            ("MSH|^~\\&|A\rPID|1||", "MSH 3, PID 3"),
            ("MSH|^~\\&|A\n\nPID|1||\r\n  PV1|1\r", "MSH 3, PID 3, PV1 1"),
            ("MSH|^~\\&|A\rDSC\rZZ1\rZZ2|", "MSH 3, DSC 0, ZZ1 0, ZZ2 1"),
            ("MSH|^~\\&", "MSH 2"),
            ("MSH|^~\\&|", "MSH 3"),
            ("MSH|^~\\&#|A|B", "MSH 4"),
            ("MSH|^~|A|B\rPID|1|a&b", "MSH 4, PID 2"),
            ("MSH|^~&|A|B\rPID|1|a&b", "MSH 4, PID 2"),
        ] {
            assert_eq!(shape(text).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn it_agrees_with_the_message() {
        let text = "MSH|^~\\&#|A|||||C^D&E~F|ADT^A01\rPID|1||4711^^^H&1&ISO~4712";
        let message = Message::read(text.into(), "").unwrap();
        let tree = message.tree().unwrap();
        assert_eq!(tree.segments[0].field(9).unwrap().raw_value(), "ADT^A01");
        let repeats: Vec<_> = tree.segments[1].field(3).unwrap().repeats().collect();
        assert_eq!(repeats[1].raw_value(), "4712");
        assert_eq!(repeats[0].component(4).unwrap().subcomponent(3).unwrap().raw_value(), "ISO");
    }

    #[test]
    fn a_message_that_would_lose_its_end_has_no_tree() {
        for (text, segment, offset) in [
            ("MSH|^~\\&|A\rPID|1\rPI|1\rPV1|1", 3, 17),
            ("MSH|^~\\&|A\rfree text\rPV1|1", 2, 11),
            ("MSH|^~\\&|A\rPID^1", 2, 11),
            ("MSH|^~\\&|A\rPV1|1\rMSH|^~\\&|B", 3, 17),
        ] {
            assert_eq!(shape(text), Err(TreeError { segment, offset }), "{text:?}");
        }
    }
}
