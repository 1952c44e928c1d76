//! An explanation as JSON and as lines for people, and the first difference between two canonical forms.

use super::Told;
use super::labels::Labels;
use qaqpa_kit::fault::Language;
use qaqpa_kit::redact;
use serde_json::{Value, json};

/// Bytes shown on either side of a difference.
const AROUND_BYTES: usize = 40;
/// Columns of a terminal that lines for people fit into.
const COLUMNS: usize = 100;

/// Everything that was found out.
pub(super) fn report(
    told: &[Told],
    source: &[u8],
    language: Language,
    shows_canonical: bool,
    difference: Option<Value>,
) -> Value {
    let signatures: Vec<Value> = told
        .iter()
        .map(|one| {
            let covered: Vec<Value> = one
                .explanation
                .iter()
                .flat_map(|explanation| &explanation.covered)
                .map(|covered| {
                    let canonical = String::from_utf8_lossy(&covered.canonical);
                    json!({
                        "uri": covered.uri,
                        "element": covered.element,
                        "at": covered.at,
                        "canonical_bytes": covered.canonical.len(),
                        "digest": if covered.is_digest_right { "right" } else { "wrong" },
                        "canonical": shows_canonical.then_some(canonical),
                    })
                })
                .collect();
            let at = one.reason.as_ref().and_then(|(_, at)| *at);
            let place = at.map(|at| line_and_column(source, at));
            json!({
                "part": one.part,
                "valid": one.reason.is_none(),
                "reason": one.reason.as_ref().map(|(word, _)| word),
                "at": at,
                "line": place.map(|(line, _)| line),
                "column": place.map(|(_, column)| column),
                "covered": covered,
                "certificate": one.certificate,
                "hints": one.hints.iter().map(|hint| {
                    json!({ "hint": hint.word(), "text": hint.text(language) })
                }).collect::<Vec<_>>(),
            })
        })
        .collect();
    let is_valid = told.iter().all(|one| one.reason.is_none());
    json!({ "valid": is_valid, "signatures": signatures, "difference": difference })
}

/// Line and column of an offset, both from 1; the column counts bytes.
fn line_and_column(source: &[u8], at: usize) -> (usize, usize) {
    let before = source.get(..at).unwrap_or(source);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    (line, before.len() - start + 1)
}

/// Where the canonical form of the first covered element differs from the other file's.
pub(super) fn difference(ours: &[Told], theirs: &[Told]) -> Value {
    let form = |told: &[Told]| {
        let explanations = told.iter().filter_map(|one| one.explanation.as_ref());
        let mut covered = explanations.flat_map(|one| &one.covered);
        covered.next().map(|covered| covered.canonical.clone())
    };
    let (Some(ours), Some(theirs)) = (form(ours), form(theirs)) else {
        return json!({ "told": "one of the two covers nothing that could be compared" });
    };
    let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    if same == ours.len() && same == theirs.len() {
        return json!({ "told": "none", "canonical_bytes": same });
    }
    let around = |bytes: &[u8]| {
        let start = same.saturating_sub(AROUND_BYTES);
        let end = bytes.len().min(same + AROUND_BYTES);
        let text = String::from_utf8_lossy(bytes.get(start..end).unwrap_or_default()).into_owned();
        redact::ids(&text).into_owned()
    };
    json!({ "told": "first difference", "at": same, "file": around(&ours), "other": around(&theirs) })
}

/// The same for people: a paragraph a signature.
pub(super) fn lines(report: &Value, language: Language) -> String {
    let labels = Labels::of(language);
    let mut out = String::new();
    for one in report["signatures"].as_array().into_iter().flatten() {
        out.push_str(&paragraph(one, labels));
    }
    let difference = &report["difference"];
    match difference["told"].as_str() {
        None => {}
        Some("first difference") => out.push_str(&format!(
            "{} {}\n  {} {}\n  {} {}\n",
            labels.difference,
            difference["at"],
            labels.file,
            visible(&difference["file"]),
            labels.other,
            visible(&difference["other"])
        )),
        Some("none") => {
            let bytes = &difference["canonical_bytes"];
            out.push_str(&format!("{} {bytes}\n", labels.no_difference));
        }
        Some(_) => out.push_str(&format!("{}\n", labels.not_comparable)),
    }
    out
}

/// A text in lines of at most [`COLUMNS`]: the first begins with `mark`, the others below its text. A word that
/// is longer alone stays whole, to be copied.
fn folded(mark: &str, text: &str) -> String {
    let width = |text: &str| text.chars().count();
    let indent = width(mark);
    let mut out = mark.to_owned();
    let mut column = indent;
    for word in text.split(' ') {
        if column > indent && column + 1 + width(word) > COLUMNS {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        }
        if column > indent {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width(word);
    }
    out.push('\n');
    out
}

/// On one line, white space that may be the whole difference included.
fn visible(value: &Value) -> String {
    format!("\"{}\"", text(value).replace('\n', "\\n").replace('\t', "\\t"))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One signature: the verdict, what it covers, whose it is, and the advice.
fn paragraph(one: &Value, labels: &Labels) -> String {
    let mut verdict = match one["valid"] == true {
        true => labels.good.to_owned(),
        false => text(&one["reason"]),
    };
    if !one["at"].is_null() {
        let [at, line, column, end] = labels.place;
        let (byte, row, place) = (&one["at"], &one["line"], &one["column"]);
        verdict.push_str(&format!("{at}{byte}{line}{row}{column}{place}{end}"));
    }
    let mut out = format!("{}: {verdict}\n", labels.part(&text(&one["part"])));
    for covered in one["covered"].as_array().into_iter().flatten() {
        let (name, uri) = (text(&covered["element"]), text(&covered["uri"]));
        if name.is_empty() {
            out.push_str(&format!("  {} \"{uri}\": {}\n", labels.covers, labels.covers_nothing));
            continue;
        }
        let is_right = covered["digest"] == "right";
        let digest = if is_right { labels.digest_right } else { labels.digest_wrong };
        let (at, bytes) = (&covered["at"], &covered["canonical_bytes"]);
        let (place, counted) = (labels.place[0], labels.canonical_bytes);
        let said = format!("\"{uri}\" <{name}>{place}{at}, {bytes} {counted}, {digest}");
        out.push_str(&folded(&format!("  {} ", labels.covers), &said));
        if let Some(canonical) = covered["canonical"].as_str() {
            out.push_str(&format!("{canonical}\n"));
        }
    }
    if let Some(certificate) = one["certificate"].as_object() {
        let signer = &certificate["signer"];
        let trust = match certificate["trust"].as_str() {
            Some("trusted") => labels.trusted.to_owned(),
            Some("not_judged") => labels.not_judged.to_owned(),
            _ => text(&certificate["trust"]),
        };
        let days = format!("{} … {}", text(&signer["not_before"]), text(&signer["not_after"]));
        for (label, fact) in [
            (labels.signer, text(&signer["subject"])),
            (labels.issuer, text(&signer["issuer"])),
            (labels.valid, days),
            (labels.trust, trust),
        ] {
            out.push_str(&folded(&format!("  {label} "), &fact));
        }
    }
    for hint in one["hints"].as_array().into_iter().flatten() {
        out.push_str(&folded("  →  ", &text(&hint["text"])));
    }
    out
}
