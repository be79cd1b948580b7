//! `order_by`: what several workers of one item keep the order by.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

use hl7::{Path, PathError};
use model::{BodyClass, MessageBody};

/// Where in a message the value stands by which the order is kept, as in `PID-3.1`.
#[derive(Debug, Clone, Copy)]
pub struct OrderBy(Path);

impl OrderBy {
    /// The same number for the same value. None where there is none: no HL7, no such segment, an empty
    /// field. Two values may have one number; then they are kept in order without need.
    pub fn key(&self, body: &MessageBody) -> Option<u64> {
        if body.class() != BodyClass::HL7 {
            return None;
        }
        // As components read it, so that it is parsed once.
        let message = body.parsed(|body| hl7::Message::read(body.content().clone(), body.charset())).ok()?;
        let value = message.value(&self.0)?;
        let value = value.trim();
        // The null of HL7 names nobody.
        if value.is_empty() || value == "\"\"" {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl FromStr for OrderBy {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        let path: Path = text.parse()?;
        if path.is_plural() {
            let message = format!("path \"{text}\" leads to several values; expected one, as in PID-3.1");
            return Err(PathError { range: 0..text.len(), message, help: None });
        }
        Ok(OrderBy(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str, text: &str) -> Option<u64> {
        let order: OrderBy = path.parse().unwrap();
        order.key(&MessageBody::new(BodyClass::HL7, text.as_bytes().to_vec()))
    }

    #[test]
    fn one_value_has_one_key_and_what_has_no_value_has_none() {
        let message = |pid: &str| format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\r{pid}\r");
        let one = key("PID-3.1", &message("PID|1||4711^^^HOSP|"));
        assert!(one.is_some());
        assert_eq!(one, key("PID-3.1", &message("PID|2||4711 ^^^OTHER~9|x")));
        assert_ne!(one, key("PID-3.1", &message("PID|1||4712^^^HOSP|")));
        for without in ["PID|1||^^^HOSP|", "PID|1|", "PID|1||\"\"|", "PV1|1|"] {
            assert_eq!(key("PID-3.1", &message(without)), None, "{without}");
        }
        assert_eq!(key("PID-3.1", "no message"), None);
        let order: OrderBy = "PID-3.1".parse().unwrap();
        let bytes = MessageBody::new(BodyClass::BYTES, message("PID|1||4711|"));
        assert_eq!(order.key(&bytes), None);
        let body = MessageBody::new(BodyClass::HL7, message("PID|1||4711|"));
        assert!(order.key(&body).is_some());
        let shared: Result<hl7::Message, hl7::ReadError> = body.parsed(|_| panic!("it was parsed already"));
        assert!(shared.is_ok());
    }

    #[test]
    fn a_path_to_several_values_is_no_order() {
        let error = "PID-3[*].1".parse::<OrderBy>().unwrap_err();
        assert!(error.message.contains("several values"), "{}", error.message);
        assert!("PID_3".parse::<OrderBy>().is_err());
    }
}
