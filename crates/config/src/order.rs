//! `order_by`: what several workers of one item keep the order by.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

use hl7::PathError;
use hl7::schema::{CategoryChoice, FieldPath, PathContext, Schemas, check_path};
use model::{BodyClass, MessageBody};

/// Where in a message the value stands by which the order is kept, as in `PID-3.1`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OrderBy(FieldPath);

impl OrderBy {
    /// Reads a path, which may have names and groups of these schemas: those of the version in MSH-12.
    ///
    /// # Errors
    /// When it is no path, or none to a single value.
    pub fn compile(text: &str, schemas: &Schemas) -> Result<Self, PathError> {
        let mut checked = check_path(text, &PathContext::new(schemas, &CategoryChoice::default()))?;
        // A field that no message has would put every message behind all others.
        if let Some(doubt) = checked.doubts.pop() {
            return Err(doubt);
        }
        let path = checked.path;
        let wrong = match (path.is_plural(), path.is_count(), path.field()) {
            (false, false, Some(_)) => return Ok(OrderBy(path)),
            (true, ..) => "leads to several values",
            (_, true, _) => "counts",
            (.., None) => "is a whole segment",
        };
        let message = format!("path \"{text}\" {wrong}; expected one value, as in PID-3.1");
        Err(PathError { range: 0..text.len(), message, help: None })
    }

    /// The same number for the same value. None where there is none: no HL7, no such segment, an empty
    /// field. Two values may have one number; then they are kept in order without need.
    pub fn key(&self, body: &MessageBody) -> Option<u64> {
        if body.class() != BodyClass::HL7 {
            return None;
        }
        // As components read it, so that it is parsed once.
        let message = body.parsed(|body| hl7::Message::read(body.content().clone(), body.charset())).ok()?;
        let value = self.0.value(&message)?;
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
        Self::compile(text, &Schemas::default())
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
    fn names_and_groups_lead_to_the_same_value() {
        let text = "MSH|^~\\&|A|B|C|D|20260101||ORU^R01^ORU_R01|1|P|2.5\rPID|1||4711^^^HOSP\rOBR|1||F1\rOBX|1\rOBR|2||F2\r";
        assert_eq!(key("PID.PatientIdentifierList.IDNumber", text), key("PID-3.1", text));
        assert_eq!(key("PATIENT.PID-3.1", text), key("PID-3.1", text));
        assert_eq!(key("ORDER_OBSERVATION[2].OBR.FillerOrderNumber", text), key("OBR[2]-3", text));
        assert!(
            key("ORDER_OBSERVATION[2].OBR-3", text).is_some_and(|second| Some(second) != key("OBR-3", text))
        );
        assert_eq!(key("ORDER_OBSERVATION[3].OBR-3", text), None);
    }

    #[test]
    fn a_path_to_several_values_is_no_order() {
        let error = "PID-3[*].1".parse::<OrderBy>().unwrap_err();
        assert!(error.message.contains("several values"), "{}", error.message);
        let error = "OBX.count".parse::<OrderBy>().unwrap_err();
        assert!(error.message.contains("counts"), "{}", error.message);
        let error = "PID".parse::<OrderBy>().unwrap_err();
        assert!(error.message.contains("whole segment"), "{}", error.message);
        let error = "PID-999".parse::<OrderBy>().unwrap_err();
        assert!(error.message.contains("fields"), "{}", error.message);
        assert!("ZPD-9".parse::<OrderBy>().is_ok(), "nobody knows how many fields ZPD has");
        assert!("PID_3".parse::<OrderBy>().is_err());
    }
}
