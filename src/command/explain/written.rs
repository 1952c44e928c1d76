//! An explanation as JSON and as lines for people, and the first difference between two canonical forms.

use super::Told;
use qaqpa_kit::fault::Language;
use qaqpa_kit::redact;
use serde_json::{Value, json};

/// Bytes shown on either side of a difference.
const AROUND_BYTES: usize = 40;

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
            let place = one.reason.as_ref().map(|(_, at)| line_and_column(source, *at));
            json!({
                "part": one.part,
                "valid": one.reason.is_none(),
                "reason": one.reason.as_ref().map(|(word, _)| word),
                "at": one.reason.as_ref().map(|(_, at)| at),
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
pub(super) fn lines(report: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut out = String::new();
    for one in report["signatures"].as_array().into_iter().flatten() {
        let verdict = match one["valid"] == true {
            true => "good".to_owned(),
            false => format!(
                "{} at byte {} (line {}, column {})",
                text(&one["reason"]),
                one["at"],
                one["line"],
                one["column"]
            ),
        };
        out.push_str(&format!("{} signature: {verdict}\n", text(&one["part"])));
        for covered in one["covered"].as_array().into_iter().flatten() {
            out.push_str(&format!(
                "  covers  \"{}\" <{}> at byte {}, {} canonical bytes, digest {}\n",
                text(&covered["uri"]),
                text(&covered["element"]),
                covered["at"],
                covered["canonical_bytes"],
                text(&covered["digest"])
            ));
            if let Some(canonical) = covered["canonical"].as_str() {
                out.push_str(&format!("{canonical}\n"));
            }
        }
        if let Some(certificate) = one["certificate"].as_object() {
            let signer = &certificate["signer"];
            out.push_str(&format!(
                "  signer  {}\n  issuer  {}\n  valid   {} … {}\n  trust   {}\n",
                text(&signer["subject"]),
                text(&signer["issuer"]),
                text(&signer["not_before"]),
                text(&signer["not_after"]),
                text(&certificate["trust"])
            ));
        }
        for hint in one["hints"].as_array().into_iter().flatten() {
            out.push_str(&format!("  →  {}\n", text(&hint["text"])));
        }
    }
    if let Some(difference) = report["difference"].as_object() {
        out.push_str(&format!("difference: {}", text(&difference["told"])));
        if let (Some(at), Some(ours), Some(theirs)) =
            (difference.get("at"), difference.get("file"), difference.get("other"))
        {
            out.push_str(&format!(" at canonical byte {at}\n  file    {ours}\n  other   {theirs}"));
        }
        out.push('\n');
    }
    out
}
