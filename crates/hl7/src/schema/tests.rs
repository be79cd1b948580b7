//! Every version is read whole, and says what the standard says.

use super::*;
use crate::Message;

/// Structures, segments, fields, data types, components, tables, codes and events of each version, as
/// they are in the source of the data.
const COUNTS: [(&str, [usize; 8]); 13] = [
    ("2.1", [39, 38, 435, 20, 8, 105, 353, 38]),
    ("2.2", [73, 62, 767, 69, 190, 163, 785, 72]),
    ("2.3", [114, 110, 1468, 92, 376, 284, 1805, 210]),
    ("2.3.1", [116, 110, 1485, 92, 404, 307, 2436, 222]),
    ("2.4", [192, 138, 1811, 94, 415, 408, 3735, 309]),
    ("2.5", [215, 150, 2095, 92, 435, 477, 4613, 353]),
    ("2.5.1", [213, 150, 2103, 93, 435, 477, 4739, 352]),
    ("2.6", [224, 170, 2466, 91, 445, 538, 5294, 355]),
    ("2.7", [206, 174, 2520, 89, 498, 535, 5311, 331]),
    ("2.7.1", [206, 174, 2520, 89, 498, 536, 5186, 331]),
    ("2.8", [220, 180, 2654, 88, 485, 557, 5301, 332]),
    ("2.8.1", [224, 180, 2659, 88, 485, 558, 5308, 336]),
    ("2.8.2", [225, 184, 2718, 89, 489, 565, 5581, 337]),
];

#[test]
fn every_version_is_there_whole() {
    let schemas = Schemas::default();
    assert!(schemas.names().eq(COUNTS.iter().map(|(name, _)| *name)));
    for (name, wanted) in COUNTS {
        let schema = schemas.get(name).unwrap();
        assert_eq!((&**schema.name(), schema.version(), schema.base()), (name, name, None));
        let found = [
            schema.structures().count(),
            schema.segments().count(),
            schema.segments().map(|segment| segment.fields.len()).sum(),
            schema.datatypes().count(),
            schema.datatypes().map(|datatype| datatype.components.len()).sum(),
            schema.tables().count(),
            schema.tables().map(|table| table.codes.len()).sum(),
            schema.events().count(),
        ];
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn an_event_has_its_structure() {
    let schemas = Schemas::default();
    let schema = schemas.get("2.5.1").unwrap();
    assert_eq!(schema.structure_for("ADT", "A04"), Some("ADT_A01"));
    assert_eq!(schema.structure_for("ADT", "Z99"), None);
    let message = Message::read("MSH|^~\\&|||||||ADT^A04|1|P|2.5.1".into(), "").unwrap();
    let doc_type = schemas.doc_type(&message, &CategoryChoice::default());
    assert_eq!(doc_type.to_string(), "2.5.1:ADT_A01");
}
