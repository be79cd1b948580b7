//! Whether the segments of a message are those of its structure, in their order.

use super::{At, Report, Rule, Severity, ZSegments, later};
use crate::schema::map::{Plan, Problem, ProblemKind};
use crate::schema::{Structure, StructureMap};

/// Segments that HL7 lets follow any other: a continued one, and the mark of a continued message.
const ANYWHERE: [&str; 2] = ["ADD", "DSC"];

pub(super) fn check(report: &mut Report<'_>, z_segments: ZSegments) {
    let schema = report.schema;
    let Some((structure, plan)) = schema.structure(report.structure).zip(schema.plan(report.structure))
    else {
        let at = At { field: 9, value: report.message.get(&super::values::MSH_9), ..At::default() };
        report.add(Rule::Structure, Severity::Error, at, |report| {
            format!(
                ", field 9: schema \"{}\" has no structure for this type of message",
                report.schema.name()
            )
        });
        return;
    };
    let map = report.message.map(plan);
    let map = &*map;
    for problem in &map.problems {
        if report.is_full() {
            return;
        }
        match problem.kind {
            ProblemKind::Missing => missing(report, structure, plan, map, *problem),
            _ => unfit(report, structure, map, *problem, z_segments),
        }
    }
}

fn severity(doubtful: bool) -> Severity {
    if doubtful { Severity::Warning } else { Severity::Error }
}

fn missing(
    report: &mut Report<'_>,
    structure: &Structure,
    plan: &Plan,
    map: &StructureMap,
    problem: Problem,
) {
    let at = At { segment: problem.segment, ..At::default() };
    report.add(Rule::SegmentMissing, severity(structure.doubtful), at, |report| {
        let group = match problem.group {
            0 => "a message".to_owned(),
            group => map.path(group),
        };
        format!(" begins {group} without {}, required by {}", plan.what(problem.node), report.doc_type())
    });
}

fn unfit(
    report: &mut Report<'_>,
    structure: &Structure,
    map: &StructureMap,
    problem: Problem,
    z_segments: ZSegments,
) {
    let Some(segment) = report.message.segment_at(problem.segment) else { return };
    let id = segment.id();
    let at = At { segment: problem.segment, value: Some(segment.raw()), ..At::default() };
    if ANYWHERE.contains(&id) {
        return;
    }
    let (rule, text) = match problem.kind {
        ProblemKind::OutOfOrder => (Rule::SegmentOrder, " stands behind segments that follow it in"),
        ProblemKind::TooMany => (Rule::SegmentCount, " is one more than there may be in"),
        ProblemKind::NoPlace => (Rule::SegmentOrder, " cannot stand there in"),
        ProblemKind::NotInStructure if !segment.is_well_formed() => {
            report.add(Rule::SegmentUnknown, Severity::Error, at, |_| " is no segment".to_owned());
            return;
        }
        ProblemKind::NotInStructure if id.starts_with('Z') && z_segments == ZSegments::Tolerate => return,
        ProblemKind::NotInStructure | ProblemKind::Missing => (Rule::SegmentUnknown, " is not in"),
    };
    let later = || rule == Rule::SegmentUnknown && later::has_segment(report.schema, &structure.id, id);
    let severity = severity(structure.doubtful || later());
    report.add(rule, severity, at, |report| {
        let within = match map.place(problem.segment) {
            Some(place) if place.group > 0 => format!(", {}", map.path(place.group)),
            _ => String::new(),
        };
        format!("{text} {}{within}", report.doc_type())
    });
}
