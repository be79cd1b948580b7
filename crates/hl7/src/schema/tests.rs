//! Every version is read whole, and says what the standard says.

use super::*;

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
fn events_have_their_structures() {
    let schemas = Schemas::default();
    for (category, code, trigger, wanted) in [
        ("2.5.1", "ADT", "A04", Some("ADT_A01")),
        ("2.5.1", "ADT", "A08", Some("ADT_A01")),
        ("2.3", "ORU", "R01", Some("ORU_R01")),
        ("2.8.2", "MDM", "T03", Some("MDM_T01")),
        ("2.5.1", "ADT", "Z99", None),
        ("2.5.1", "ADT_", "A04", None),
        ("2.5.1", "", "", None),
    ] {
        let schema = schemas.get(category).unwrap();
        assert_eq!(schema.structure_for(code, trigger), wanted, "{category} {code} {trigger}");
    }
}

#[test]
fn known_definitions_are_as_the_standard_has_them() {
    let schemas = Schemas::default();
    let schema = schemas.get("2.5.1").unwrap();
    let pid = schema.segment("PID").unwrap();
    assert_eq!((&*pid.name, pid.fields.len()), ("Patient Identification", 39));
    let list = pid.field(3).unwrap();
    assert_eq!((&*list.name, &*list.datatype), ("Patient Identifier List", "CX"));
    assert_eq!((list.usage, list.min, list.max, list.length), (Usage::Required, 1, None, Some(250)));
    let sex = pid.field(8).unwrap();
    assert_eq!((sex.table.as_deref(), sex.max, sex.doubtful), (Some("0001"), Some(1), false));
    let xpn = schema.datatype("XPN").unwrap();
    assert_eq!(xpn.component(7).map(|component| &*component.name), Some("Name Type Code"));
    assert!(schema.datatype("ST").unwrap().is_primitive());
    assert_eq!(schema.table("0001").unwrap().meaning("F"), Some("Female"));
    assert_eq!(schema.table("0001").unwrap().name, "Administrative Sex");
    assert_eq!(schema.segment("OBX").unwrap().field(20).unwrap().max, Some(0), "reserved");
    assert_eq!(
        schema.structure("ORM_O01").unwrap().to_string(),
        "MSH [{NTE}] [PATIENT: PID [PD1] [{NTE}] [PATIENT_VISIT: PV1 [PV2]] [{INSURANCE: IN1 [IN2] [IN3]}] \
         [GT1] [{AL1}]] {ORDER: ORC [ORDER_DETAIL: <OBRRQDRQ1RXOODSODT_SUPPGRP: OBR | RQD | RQ1 | RXO | ODS | \
         ODT> [{NTE}] [CTD] [{DG1}] [{OBSERVATION: OBX [{NTE}]}]] [{FT1}] [{CTI}] [BLG]}"
    );
    // A component that was withdrawn leaves a gap.
    let xpn = schemas.get("2.8.2").unwrap().datatype("XPN").cloned().unwrap();
    assert!(xpn.component(6).is_none());
    assert_eq!(xpn.component(7).map(|component| component.number), Some(7));
}

#[test]
fn what_is_in_doubt_is_marked() {
    let schemas = Schemas::default();
    let doubtful = |category: &str| {
        let schema = schemas.get(category).unwrap();
        let structures = schema.structures().filter(|structure| structure.doubtful).count();
        let fields = schema.segments().flat_map(|segment| &segment.fields).filter(|field| field.doubtful);
        (structures, fields.count())
    };
    assert_eq!(DOUBTFUL.map(|(category, ..)| doubtful(category)), DOUBTFUL.map(|(_, both)| both));
    let schema = schemas.get("2.5.1").unwrap();
    assert!(schema.structure("MFN_M01").unwrap().doubtful);
    assert!(!schema.structure("ORM_O01").unwrap().doubtful);
    assert!(schema.segment("OBX").unwrap().field(23).unwrap().doubtful);
}

/// Structures and fields in doubt; a change of the data shows here.
const DOUBTFUL: [(&str, (usize, usize)); 4] =
    [("2.1", (2, 15)), ("2.5", (17, 0)), ("2.5.1", (10, 3)), ("2.8.2", (32, 139))];

/// What a schema names is in it, but for what the source lacks as well.
#[test]
fn a_schema_is_whole_in_itself() {
    let schemas = Schemas::default();
    let mut missing = Vec::new();
    for name in schemas.names() {
        let schema = schemas.get(name).unwrap();
        let parts = schema.segments().flat_map(|segment| &segment.fields);
        for part in parts.chain(schema.datatypes().flat_map(|datatype| &datatype.components)) {
            let special = ["varies", "CM", "NUL", "WD", "OSD"].contains(&&*part.datatype);
            if schema.datatype(&part.datatype).is_none() && !special {
                missing.push(format!("{name} data type {}", part.datatype));
            }
        }
        for structure in schema.structures() {
            named(&structure.elements, &mut |id| {
                if schema.segment(id).is_none() && id != ANY_SEGMENT {
                    missing.push(format!("{name} segment {id}"));
                }
            });
        }
        for segment in schema.segments() {
            let numbers = segment.fields.iter().map(|field| usize::from(field.number));
            assert!(numbers.eq(1..=segment.fields.len()), "{name} {}", segment.id);
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

fn named(elements: &[Element], tell: &mut dyn FnMut(&str)) {
    for element in elements {
        match &element.group {
            Some(group) => named(&group.elements, tell),
            None => tell(&element.name),
        }
    }
}

#[test]
fn structures_are_written_as_they_were_read() {
    for name in Schemas::default().names() {
        for structure in Schemas::default().get(name).unwrap().structures() {
            let text = structure.to_string();
            let again = syntax::read(&text, &|name| name.into()).unwrap();
            assert_eq!(again, structure.elements, "{name} {}: {text}", structure.id);
        }
    }
}
