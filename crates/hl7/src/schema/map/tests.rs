//! Maps of messages by their segments' ids, written as trees.

use super::*;
use crate::schema::{Element, Schemas};

/// The tree of a message of these segments: `MSH PATIENT(PID) ORDER(ORC)`, and what does not fit.
fn tree(category: &str, structure: &str, ids: &str) -> String {
    let schema = Schemas::default().get(category).unwrap();
    let plan = Plan::of(schema.structure(structure).unwrap());
    let ids: Vec<_> = ids.split_whitespace().collect();
    shown(&plan, &ids)
}

fn shown(plan: &Plan, ids: &[&str]) -> String {
    let map = walk::walk(plan, ids.iter().copied());
    assert_eq!(map.places.len(), ids.len());
    let mut text = String::new();
    let mut open: Vec<usize> = vec![0];
    for (at, id) in ids.iter().enumerate() {
        let Some(place) = map.place(at) else {
            text.push_str(&format!(" -{id}"));
            continue;
        };
        while !map.is_within(place.group, *open.last().unwrap()) {
            open.pop();
            text.push(')');
        }
        let mut inner = Vec::new();
        let mut group = place.group;
        while group != *open.last().unwrap() {
            inner.push(group);
            group = map.groups[group].parent;
        }
        for group in inner.into_iter().rev() {
            text.push_str(&format!(" {}(", map.groups[group].name));
            open.push(group);
        }
        text.push_str(&format!(" {id}"));
    }
    text.push_str(&")".repeat(open.len() - 1));
    let name = |problem: &Problem| match problem.kind {
        ProblemKind::NotInStructure | ProblemKind::NoPlace => ids[problem.segment].to_owned(),
        _ => format!("{}/{}", map.path(problem.group), plan.nodes[problem.node].name),
    };
    for problem in &map.problems {
        text.push_str(&format!("; {:?} {}", problem.kind, name(problem)));
    }
    text.replace("( ", "(").trim_start().to_owned()
}

#[test]
fn segments_come_to_their_groups() {
    for (structure, ids, expected) in [
        ("ADT_A01", "MSH EVN PID PV1", "MSH EVN PID PV1"),
        // ROL belongs to what stands before it
        (
            "ADT_A01",
            "MSH EVN PID ROL PV1 ROL ROL PR1 ROL PR1 IN1 ROL IN1",
            "MSH EVN PID ROL PV1 ROL ROL PROCEDURE(PR1 ROL) PROCEDURE(PR1) INSURANCE(IN1 ROL) INSURANCE(IN1)",
        ),
        (
            "ORU_R01",
            "MSH PID NTE PV1 ORC OBR NTE OBX NTE OBX OBR OBX SPM OBX PID OBR OBX DSC",
            "MSH PATIENT_RESULT(PATIENT(PID NTE VISIT(PV1)) ORDER_OBSERVATION(ORC OBR NTE OBSERVATION(OBX NTE) \
             OBSERVATION(OBX)) ORDER_OBSERVATION(OBR OBSERVATION(OBX) SPECIMEN(SPM OBX))) \
             PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX))) DSC",
        ),
        // a result without a patient
        ("ORU_R01", "MSH OBR OBX", "MSH PATIENT_RESULT(ORDER_OBSERVATION(OBR OBSERVATION(OBX)))"),
        (
            "ORM_O01",
            "MSH NTE PID NTE PV1 ORC OBR NTE OBX ORC RXO ORC",
            "MSH NTE PATIENT(PID NTE PATIENT_VISIT(PV1)) ORDER(ORC ORDER_DETAIL(OBRRQDRQ1RXOODSODT_SUPPGRP(OBR) \
             NTE OBSERVATION(OBX))) ORDER(ORC ORDER_DETAIL(OBRRQDRQ1RXOODSODT_SUPPGRP(RXO))) ORDER(ORC)",
        ),
        ("ADT_A17", "MSH EVN PID PV1 PID PV1 OBX", "MSH EVN PID PV1 PID PV1 OBX"),
    ] {
        assert_eq!(tree("2.5.1", structure, ids), expected, "{ids}");
    }
    assert_eq!(
        tree("2.5.1", "OML_O21", "MSH PID PV1 ORC TQ1 OBR NTE OBX SPM SAC ORC OBR"),
        "MSH PATIENT(PID PATIENT_VISIT(PV1)) ORDER(ORC TIMING(TQ1) OBSERVATION_REQUEST(OBR NTE OBSERVATION(OBX) \
         SPECIMEN(SPM CONTAINER(SAC)))) ORDER(ORC OBSERVATION_REQUEST(OBR))"
    );
    // the next order, and a prior result of it
    assert_eq!(
        tree("2.5.1", "OML_O21", "MSH ORC OBR OBX ORC OBR OBX PID OBR OBX ORC OBR"),
        "MSH ORDER(ORC OBSERVATION_REQUEST(OBR OBSERVATION(OBX))) ORDER(ORC OBSERVATION_REQUEST(OBR \
         OBSERVATION(OBX) PRIOR_RESULT(PATIENT_PRIOR(PID) ORDER_PRIOR(OBR OBSERVATION_PRIOR(OBX))))) \
         ORDER(ORC OBSERVATION_REQUEST(OBR))"
    );
    assert_eq!(
        tree("2.4", "MFN_M03", "MSH MFI MFE OM1 OM2 MFE OM1 ZZ1"),
        "MSH MFI MF_TEST(MFE OM1 OM2) MF_TEST(MFE OM1 ZZ1)"
    );
}

#[test]
fn what_does_not_fit_is_met_half_way() {
    for (structure, ids, expected) in [
        ("ADT_A01", "MSH EVN PID", "MSH EVN PID; Missing /PV1"),
        ("ADT_A01", "MSH EVN PID DG1", "MSH EVN PID DG1; Missing /PV1"),
        ("ADT_A01", "MSH EVN PV1 PID", "MSH EVN PV1 PID; OutOfOrder /PID"),
        ("ADT_A01", "MSH EVN PID NK1 ROL PV1", "MSH EVN PID NK1 ROL PV1; OutOfOrder /ROL"),
        ("ADT_A01", "MSH EVN PID PV1 AL1 OBX", "MSH EVN PID PV1 AL1 OBX; OutOfOrder /OBX"),
        ("ADT_A01", "MSH EVN PID PID PV1 PV1", "MSH EVN PID PID PV1 PV1; TooMany /PID; TooMany /PV1"),
        ("ADT_A01", "MSH EVN PID PV1 IN2", "MSH EVN PID PV1 INSURANCE(IN2); Missing INSURANCE[1]/IN1"),
        (
            "ADT_A01",
            "MSH ZZ1 EVN PID XYZ PV1",
            "MSH -ZZ1 EVN PID -XYZ PV1; NotInStructure ZZ1; NotInStructure XYZ",
        ),
        (
            "ORU_R01",
            "MSH PID",
            "MSH PATIENT_RESULT(PATIENT(PID)); Missing PATIENT_RESULT[1]/ORDER_OBSERVATION",
        ),
        ("ORU_R01", "MSH", "MSH; Missing /PATIENT_RESULT"),
        (
            "ORU_R01",
            "MSH PID OBX OBX",
            "MSH PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBSERVATION(OBX) OBSERVATION(OBX))); \
             Missing PATIENT_RESULT[1].ORDER_OBSERVATION[1]/OBR",
        ),
        (
            "ORM_O01",
            "MSH PID ORC OBR OBX OBR",
            "MSH PATIENT(PID) ORDER(ORC ORDER_DETAIL(OBRRQDRQ1RXOODSODT_SUPPGRP(OBR) OBSERVATION(OBX))) \
             ORDER(ORDER_DETAIL(OBRRQDRQ1RXOODSODT_SUPPGRP(OBR))); Missing ORDER[2]/ORC",
        ),
    ] {
        assert_eq!(tree("2.5.1", structure, ids), expected, "{ids}");
    }
}

/// The segments of the shortest message of a structure, or of one in which everything stands, and
/// twice where it may.
fn instance<'a>(elements: &'a [Element], all: bool, into: &mut Vec<&'a str>) {
    for element in elements {
        let times = match (all, element.max) {
            (false, _) => element.min,
            (true, Some(max)) => max,
            (true, None) => 2,
        };
        for _ in 0..times {
            match &element.group {
                None => into.push(if element.name == "ANYHL7SEGMENT" { "ZZZ" } else { &element.name }),
                Some(group) if group.choice => instance(&group.elements[..1], true, into),
                Some(group) => instance(&group.elements, all, into),
            }
        }
    }
}

#[test]
fn every_structure_maps_a_message_made_of_it() {
    let schemas = Schemas::default();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for version in schemas.names() {
        let schema = schemas.get(version).unwrap();
        for structure in schema.structures() {
            let plan = Plan::of(structure);
            for all in [false, true] {
                let mut ids = Vec::new();
                instance(&structure.elements, all, &mut ids);
                let map = walk::walk(&plan, ids.iter().copied());
                seen += 1;
                if !map.problems.is_empty() {
                    wrong.push(format!(
                        "{version}:{} {all}: {structure}\n   {}",
                        structure.id,
                        shown(&plan, &ids)
                    ));
                }
            }
        }
    }
    assert!(seen > 4_000, "{seen}");
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
}
