//! Writes an act: elements and attributes in one order, which is that of exclusive canonicalization.

use super::{Act, ID, NAMESPACE};
use qaqpa_kit::xml::writer::{push_attribute, push_element};

/// The whole document.
pub(super) fn document(act: &Act) -> String {
    let mut out = format!("<SignedAct xmlns=\"{NAMESPACE}\">\n");
    element(act, &mut out);
    out.push_str("\n</SignedAct>\n");
    out
}

/// The element that is signed.
pub(super) fn element(act: &Act, out: &mut String) {
    out.push_str("<Act");
    push_attribute(out, "Id", ID);
    out.push_str(">\n");
    for (name, text) in [("Kind", &act.kind), ("Subject", &act.subject)] {
        push_element(out, name, text);
        out.push('\n');
    }
    let [from, to] = &act.period;
    empty(out, "Period", &[("from", from), ("to", to)]);
    for party in &act.parties {
        let fields = [("bin", &party.bin), ("name", &party.name), ("role", &party.role)];
        empty(out, "Party", &fields);
    }
    for total in &act.totals {
        let (rows, sum) = (total.rows.to_string(), total.sum_tiyn.to_string());
        empty(out, "Total", &[("name", &total.name), ("rows", &rows), ("sum_tiyn", &sum)]);
    }
    for (category, count) in &act.breaks {
        empty(out, "Break", &[("category", category), ("count", &count.to_string())]);
    }
    for count in &act.counts {
        let [given, refused, in_time, late] = count.numbers.map(|number| number.to_string());
        empty(
            out,
            "Count",
            &[
                ("branch", &count.branch),
                ("given", &given),
                ("in_time", &in_time),
                ("late", &late),
                ("refused", &refused),
                ("service", &count.service),
                ("unit", &count.unit),
            ],
        );
    }
    for (name, files) in [("Input", &act.inputs), ("File", &act.files)] {
        for file in files {
            let bytes = file.bytes.to_string();
            let fields = [("bytes", &bytes), ("name", &file.name), ("sha256", &file.sha256)];
            empty(out, name, &fields);
        }
    }
    let [program, version, rules] = &act.made_by;
    empty(out, "MadeBy", &[("program", program), ("rules", rules), ("version", version)]);
    out.push_str("</Act>");
}

/// An element of attributes alone, with a line of its own.
fn empty(out: &mut String, name: &str, attributes: &[(&str, &String)]) {
    out.push('<');
    out.push_str(name);
    for (name, value) in attributes {
        push_attribute(out, name, value);
    }
    out.push_str("></");
    out.push_str(name);
    out.push_str(">\n");
}
