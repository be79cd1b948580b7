//! Custom schemas: what they change, what they share, and what is wrong with them.

use super::*;
use crate::schema::Schema;

fn field(name: &str, datatype: &str) -> CustomField {
    CustomField { name: Some(name.into()), datatype: Some(datatype.into()), ..CustomField::default() }
}

fn structure(id: &str, changes: Vec<Change>) -> CustomStructure {
    CustomStructure { id: id.into(), changes, ..CustomStructure::default() }
}

fn put(key: &str, place: &str, add: &str) -> Change {
    let place = Some(place.to_owned());
    let (after, before) = if key == "after" { (place, None) } else { (None, place) };
    Change { after, before, add: Some(add.into()), ..Change::default() }
}

fn hospital() -> Custom {
    let zpd = CustomSegment { id: "ZPD".into(), name: None, fields: vec![field("Level", "IS")] };
    Custom { name: "Hospital".into(), base: "2.5.1".into(), segments: vec![zpd], ..Custom::default() }
}

fn added(custom: &Custom) -> (Schemas, Arc<Schema>) {
    let mut schemas = Schemas::default();
    assert_eq!(schemas.add(custom), []);
    let schema = schemas.get(&custom.name).unwrap();
    (schemas, schema)
}

#[test]
fn only_what_is_different_is_different() {
    let (schemas, custom) = added(&hospital());
    let base = schemas.get("2.5.1").unwrap();
    assert_eq!((custom.base(), custom.version()), (Some("2.5.1"), "2.5.1"));
    assert_eq!(custom.segments().len(), base.segments().len() + 1);
    assert!(std::ptr::eq(custom.segment("PID").unwrap(), base.segment("PID").unwrap()), "it is shared");
    assert_eq!(custom.segment("ZPD").unwrap().field(1).unwrap().datatype, "IS");
    assert!(base.segment("ZPD").is_none());
    assert!(schemas.names().eq(Schemas::default().names().chain(["Hospital"])));
}

#[test]
fn fields_are_changed_added_and_leave_gaps() {
    let sex = CustomField {
        number: Some(8),
        usage: Some(Usage::Required),
        max: Some(None),
        length: Some(2),
        table: Some("0002".into()),
        ..CustomField::default()
    };
    let far = CustomField { number: Some(45), ..field("Far", "ST") };
    let fields = vec![sex, field("Next", "ST"), far, field("Farther", "CX")];
    let pid = CustomSegment { id: "PID".into(), name: None, fields };
    // What follows a number has the next one: field 9 is changed.
    let (schemas, custom) = added(&Custom { segments: vec![pid], ..hospital() });
    let pid = custom.segment("PID").unwrap();
    let sex = pid.field(8).unwrap();
    assert_eq!((&*sex.name, sex.usage, sex.min, sex.max), ("Administrative Sex", Usage::Required, 1, None));
    assert_eq!((sex.length, sex.table.as_deref(), &*sex.datatype), (Some(2), Some("0002"), "IS"));
    assert_eq!((&*pid.field(9).unwrap().name, &*pid.field(9).unwrap().datatype), ("Next", "ST"));
    let between = pid.field(40).unwrap();
    assert_eq!((between.number, between.name.as_str(), between.max), (40, "", None));
    assert_eq!((&*pid.field(45).unwrap().name, &*pid.field(46).unwrap().name), ("Far", "Farther"));
    assert_eq!((pid.fields.len(), &*pid.name), (46, "Patient Identification"));
    assert_eq!(schemas.get("2.5.1").unwrap().segment("PID").unwrap().fields.len(), 39);
}

#[test]
fn structures_are_changed_at_their_places() {
    let change = |remove: Option<&str>, replace: Option<(&str, &str)>| Change {
        remove: remove.map(str::to_owned),
        replace: replace.map(|(place, _)| place.to_owned()),
        with: replace.map(|(_, with)| with.to_owned()),
        ..Change::default()
    };
    let like = Change { like: Some("ADT_A02".into()), ..put("after", "PV1", "<ZPD|{OBX}>") };
    let structures = vec![
        structure("ADT_A02", vec![put("after", "PID", "[{ZPD}]"), change(Some("ROL[2]"), None)]),
        structure("ORM_O01", vec![put("before", "PATIENT.NTE", "[ZPD]"), change(Some("INSURANCE"), None)]),
        structure(
            "ACK",
            vec![change(None, Some(("MSA", "(REPLY: MSA [ZPD])"))), put("after", "REPLY.ZPD", "[NTE]")],
        ),
        structure("ZZZ_Z01", vec![like]),
        CustomStructure {
            id: "ZZZ_Z02".into(),
            whole: Some("MSH {ZPD}".into()),
            ..CustomStructure::default()
        },
    ];
    let (_, custom) = added(&Custom { structures, ..hospital() });
    let shown = |id: &str| custom.structure(id).unwrap().to_string();
    assert_eq!(shown("ADT_A02"), "MSH [{SFT}] EVN PID [{ZPD}] [PD1] [{ROL}] PV1 [PV2] [{DB1}] [{OBX}] [PDA]");
    assert!(
        shown("ORM_O01")
            .starts_with("MSH [{NTE}] [PATIENT: PID [PD1] [ZPD] [{NTE}] [PATIENT_VISIT: PV1 [PV2]] [GT1]")
    );
    assert_eq!(shown("ACK"), "MSH [{SFT}] (REPLY: MSA [ZPD] [NTE]) [{ERR}]");
    assert!(shown("ZZZ_Z01").contains("PV1 <ZPDgrp: ZPD | {OBX}>"), "{}", shown("ZZZ_Z01"));
    assert_eq!(shown("ZZZ_Z02"), "MSH {ZPD}");
}

#[test]
fn tables_events_and_types_are_merged() {
    let table = |id: &str, only: bool| CustomTable {
        id: id.into(),
        name: None,
        codes: vec![("D".into(), "Divers".into()), ("A".into(), "Another".into())],
        only,
    };
    let tables = vec![table("0001", false), table("0002", true), table("Z001", false)];
    let events = vec![("ADT_A04".into(), "ADT_A02".into()), ("ADT_Z01".into(), "ADT_A01".into())];
    let xpn = CustomDatatype { id: "XPN".into(), name: None, components: vec![field("Nickname", "ZNN")] };
    let znn = CustomDatatype { id: "ZNN".into(), name: None, components: vec![field("One", "ST")] };
    let custom = Custom { tables, events, datatypes: vec![xpn, znn], ..hospital() };
    let (schemas, custom) = added(&custom);
    let codes = |id: &str| {
        let table = custom.table(id).unwrap();
        let codes: Vec<&str> = table.codes.iter().map(|(code, _)| code.as_str()).collect();
        (codes.join(""), table.is_complete())
    };
    assert_eq!(codes("0001"), ("ADFMNOU".to_owned(), false));
    assert_eq!(custom.table("0001").unwrap().meaning("A"), Some("Another"));
    assert_eq!(codes("0002"), ("AD".to_owned(), true));
    assert_eq!((codes("Z001"), custom.tables().count()), (("AD".to_owned(), true), 478));
    assert_eq!(schemas.get("2.5.1").unwrap().table("0001").unwrap().meaning("D"), None);
    let event = |trigger: &str| custom.structure_for("ADT", trigger);
    assert_eq!(
        (event("A04"), event("Z01"), event("A08")),
        (Some("ADT_A02"), Some("ADT_A01"), Some("ADT_A01"))
    );
    let last = custom.datatype("XPN").unwrap().components.last().unwrap();
    assert_eq!((&*last.name, last.number), ("Nickname", 15));
}

#[test]
fn one_is_built_upon_another() {
    let (mut schemas, _) = added(&hospital());
    let ward = Custom {
        name: "Ward".into(),
        base: "Hospital".into(),
        structures: vec![structure("ADT_A01", vec![put("after", "PID", "[ZPD]")])],
        ..Custom::default()
    };
    assert_eq!(schemas.add(&ward), []);
    let schema = schemas.get("Ward").unwrap();
    assert!(schema.structure("ADT_A01").unwrap().has_segment("ZPD"));
    assert_eq!((schema.base(), schema.version()), (Some("Hospital"), "2.5.1"));
    let again = schemas.add(&ward);
    assert_eq!((again[0].path.as_str(), again[0].message.as_str()), ("", "schema \"Ward\" is there already"));
}

#[test]
fn all_mistakes_are_told_at_once_at_their_places() {
    let mut custom = hospital();
    custom.segments[0].fields[0].datatype = Some("IZ".into());
    custom.structures = vec![CustomStructure {
        id: "ADT_A01".into(),
        whole: Some("MSH (ZPX: ZPD [ZPX]) ZPX".into()),
        ..CustomStructure::default()
    }];
    custom.events = vec![("ADT_A04".into(), "ADT_A1".into())];
    let mut schemas = Schemas::default();
    let mistakes = schemas.add(&custom);
    let told: Vec<_> =
        mistakes.iter().map(|mistake| (mistake.path.as_str(), mistake.range.clone())).collect();
    assert_eq!(
        told,
        [
            ("segments.ZPD.fields[0].type", None),
            ("structures.ADT_A01", Some(15..18)),
            ("events.ADT_A04", None)
        ]
    );
    assert!(schemas.get("Hospital").is_some(), "what names it can be looked at");
    // Without a base only what is wrong by itself is told.
    custom.base = "2.9".into();
    custom.name = "Other".into();
    let mistakes = schemas.add(&custom);
    let told: Vec<_> = mistakes.iter().map(|mistake| mistake.path.as_str()).collect();
    assert_eq!(told, ["base", "structures.ADT_A01"]);
}
