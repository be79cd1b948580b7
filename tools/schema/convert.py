#!/usr/bin/env python3
"""Turns a folder of HL7 v2 schema data in JSON into the text form under crates/hl7/data.

    convert.py FOLDER TARGET

FOLDER holds, for each version, VERSION.json (structures, segments, datatypes, events) and
VERSION.tables.json, and beside them REPORT.json and XCHECK_fields_vs_hl7apy.json, which say where the
sources of the data differ. What is in doubt is marked with "?", so that validation warns there and does
not reject. The form is described in crates/hl7/data/README.md.
"""

import json
import re
import sys
from pathlib import Path

VERSIONS = "2.1 2.2 2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1 2.8 2.8.1 2.8.2".split()

# Choices that may be sequences; still to be compared with the standard.
DOUBTFUL_CHOICES = set(
    "EHC_E04 EHC_E15 EHC_E20 EHC_E21 EHC_E24 QBP_E03 QBP_E22 RSP_E22 SDR_S31 SDR_S32".split()
)
# One source writes the choice of the order's detail as a sequence, which is plainly wrong: no doubt.
EXPLAINED = {"ORM_O01", "ORR_O02"}
# What the sources call versions that one of them lacks.
CHECKED_AS = {"2.7.1": "2.7"}
# Reasons in REPORT.json that make the repetition or the use of a field doubtful.
FIELD_DOUBTS = {"max-not-unanimous", "max-by-vote", "usage"}


def text(value):
    """One line of a text, without what a wrong charset left in it."""
    return re.sub(r"\s+", " ", value.replace("\u00c2", " ").replace("\u00a0", " ")).strip()


def element(node):
    """A segment or group in HL7's abstract message syntax."""
    if "s" in node:
        inner, bare = node["s"], node["s"]
    else:
        parts = [element(child) for child in node["c"]]
        inner = node["g"] + ": " + (" | " if node.get("choice") else " ").join(parts)
        bare = f"({inner})"
        if node.get("choice"):
            inner = bare = f"<{inner}>"
    match node["min"], node["max"]:
        case 1, 1:
            return bare
        case 0, 1:
            return f"[{inner}]"
        case 1, -1:
            return f"{{{inner}}}"
        case 0, -1:
            return f"[{{{inner}}}]"
    raise ValueError(f"cardinality of {node}")


def without_empty(nodes):
    """The same, without groups that hold nothing."""
    kept = []
    for node in nodes:
        if "c" in node:
            node = {**node, "c": without_empty(node["c"])}
        if "s" in node or node["c"]:
            kept.append(node)
    return kept


def doubtful_structures(report):
    return {entry[0] for entry in report["crosscheck_glion_dfa"]["differ"]} - EXPLAINED | DOUBTFUL_CHOICES


def doubtful_fields(report, check):
    doubtful = {(issue[1], issue[2]) for issue in report["issues"] if issue[0] in FIELD_DOUBTS}
    return doubtful | {(row[0], row[1]) for row in check.get("rep", []) + check.get("min", [])}


def part(entry, usage, most, doubt):
    """A field or component: number, type, use, length, table, name."""
    use = usage + {-1: "*", 0: "0", 1: ""}[most] + ("?" if doubt else "")
    table = entry.get("tbl") or "-"
    return f" {entry['n']} {entry['dt']} {use} {entry.get('len') or '-'} {table} {text(entry['name'])}".rstrip()


def definitions(data, report, check):
    doubtful = doubtful_structures(report)
    yield "[structures]"
    for name, nodes in data["structures"].items():
        mark = "?" if name in doubtful else ""
        yield f"{name}{mark} {' '.join(map(element, without_empty(nodes)))}"
    yield "[events]"
    events = {}
    for event, structure in data["events"].items():
        events.setdefault(structure, []).append(event)
    for structure, names in events.items():
        yield f"{structure} {' '.join(names)}"
    doubtful = doubtful_fields(report, check)
    yield "[segments]"
    for name, segment in data["segments"].items():
        yield f"{name} {text(segment['name'])}"
        for field in segment["fields"]:
            assert (field["u"] == "R") == (field["min"] == 1), field
            yield part(field, field["u"], field["max"], (name, field["n"]) in doubtful)
    yield "[datatypes]"
    for name, datatype in data["datatypes"].items():
        yield f"{name} {text(datatype['name'])}"
        for component in datatype.get("components", []):
            yield part(component, "R" if component["min"] else "O", 1, False)


def tables(data):
    for name, table in data["tables"].items():
        yield f"{name} {table['type']} {text(table['name'])}"
        for code, meaning in table["codes"]:
            yield f" {text(code)}\t{text(meaning)}".rstrip()


def main(folder, target):
    def read(name):
        return json.loads((folder / name).read_text(encoding="utf-8"))

    def write(name, lines):
        (target / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    reports, checks = read("REPORT.json"), read("XCHECK_fields_vs_hl7apy.json")
    for version in VERSIONS:
        check = checks.get(CHECKED_AS.get(version, version), {})
        write(f"{version}.txt", definitions(read(f"{version}.json"), reports[version], check))
        write(f"{version}.tables.txt", tables(read(f"{version}.tables.json")))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
