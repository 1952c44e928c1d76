//! The page of the peers: one bar an axis, ours beside the peer's, the floor as a line; nothing is loaded from elsewhere.

use super::gather::figure;
use serde_json::Value;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;\
    padding:0 1rem;color:#1b2733}h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}\
    th{text-align:left;font-weight:600;color:#5b6b7a}td,th{padding:.5rem .6rem;border-bottom:1px \
    solid #dde3e8;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums;\
    white-space:nowrap}.met{color:#1a7f4b}.not{color:#b3341f}.small{color:#5b6b7a;font-size:.85rem}\
    svg{display:block}@media print{body{margin:0}}";

/// Writes the page.
pub(super) fn page(all: &Value) -> String {
    let axes = all["axes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let met = axes.iter().filter(|axis| axis["met"] == true).count();
    let rows: String = axes.iter().map(row).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Qaqpa beside its peers</title><style>{STYLE}</style>\
         <h1>Qaqpa beside its peers</h1><p>{met} of {} floors are met. Each row was measured in turn \
         with its peer in one run; the ratio is ours divided by the peer’s, in the median of the \
         rounds. {}</p><table><thead><tr><th>axis<th>ours and the peer’s<th>ratio<th>floor</thead>\
         <tbody>{rows}</tbody></table></html>",
        axes.len(),
        weather(&all["calibrator"]),
    )
}

/// What the calibrator said.
fn weather(calibrator: &Value) -> String {
    let Some(readings) = calibrator["readings"].as_array() else {
        return "The machine was not calibrated.".to_owned();
    };
    let all: Vec<String> = readings.iter().map(figure).collect();
    let word = if calibrator["is_good"] == true { "a quiet machine" } else { "a slow machine" };
    format!(
        "openssl verified {} RSA-2048 signatures a second before the rounds of the proxies: {word}.",
        all.join(", ")
    )
}

fn row(axis: &Value) -> String {
    let text = |key: &str| escape(axis[key].as_str().unwrap_or_default());
    let (class, word) = if axis["met"] == true { ("met", "met") } else { ("not", "not met") };
    let bars = match axis["missing"].as_str() {
        Some(why) => format!("<span class=small>not measured: {}</span>", escape(why)),
        None => bars(axis, &text("peer_name")),
    };
    format!(
        "<tr><td>{}<div class=small>{}</div><td>{bars}<td class=n>{}<div class=small>{}</div>\
         <td class=\"n {class}\">{}<div class=small>{word}</div></tr>",
        text("axis"),
        text("unit"),
        figure(&axis["ratio_median"]),
        range(axis),
        floor(axis),
    )
}

/// From the least ratio to the greatest; nothing where there is no peer, or one round.
pub(super) fn range(axis: &Value) -> String {
    match axis["ratio_median"].as_f64() {
        Some(_) if axis["rounds"] != 1 => {
            format!("{} … {}", figure(&axis["ratio_min"]), figure(&axis["ratio_max"]))
        }
        _ => String::new(),
    }
}

/// The floor as people read it.
pub(super) fn floor(axis: &Value) -> String {
    let floor = figure(&axis["floor"]);
    match axis["floor_of"].as_str() {
        Some("ratio_at_most") => format!("≤ {floor} ×"),
        Some("ratio_at_least") => format!("≥ {floor} ×"),
        Some("ours_at_most") => format!("≤ {floor}"),
        _ => format!("≥ {floor}"),
    }
}

/// Two bars to one scale; one where there is no peer.
fn bars(axis: &Value, peer: &str) -> String {
    let of = |key: &str| axis[key].as_f64().unwrap_or_default();
    let (ours, theirs) = (of("ours"), of("peer"));
    let scale = 220.0 / ours.max(theirs).max(f64::MIN_POSITIVE);
    let bar = |top: u32, width: f64, color: &str, label: &str| {
        format!(
            "<rect x=0 y={top} width={width:.1} height=14 rx=2 fill=\"{color}\"/>\
             <text x={:.1} y={} font-size=12 fill=\"#1b2733\">{label}</text>",
            width + 6.0,
            top + 11
        )
    };
    let ours = bar(0, ours * scale, "#1f6fb2", &format!("{} qaqpa", figure(&axis["ours"])));
    if axis["peer"].is_null() {
        return format!("<svg width=440 height=16 role=img>{ours}</svg>");
    }
    let theirs = bar(20, theirs * scale, "#b8c4ce", &format!("{} {peer}", figure(&axis["peer"])));
    format!("<svg width=440 height=36 role=img>{ours}{theirs}</svg>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
