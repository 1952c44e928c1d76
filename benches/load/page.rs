//! The page of a load run: latency over load, CPU by thread, memory; one file, nothing loaded from elsewhere.

use super::Measured;
use super::report::{Stage, stages};
use std::fmt::Write as _;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
    padding:0 1rem;color:#1b2733}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}\
    p{color:#5b6b7a}text{font:12px system-ui,sans-serif;fill:#1b2733}.axis{stroke:#c3cdd6}\
    .grid{stroke:#eef1f4}svg{display:block;max-width:100%;height:auto}@media print{body{margin:0}}";

/// The quantiles drawn, with a colour each.
const QUANTILES: [(f64, &str, &str); 3] =
    [(0.5, "p50", "#1f6fb2"), (0.99, "p99", "#e08a1e"), (0.999, "p99.9", "#b3341f")];
const COLORS: [&str; 5] = ["#1f6fb2", "#e08a1e", "#5aa469", "#8d6bb8", "#8b97a3"];

/// Writes the page.
pub(super) fn page(measured: &[Measured]) -> String {
    let stages = stages(measured);
    let closed: Vec<&Stage<'_>> = stages.iter().filter(|stage| stage.arrivals.is_none()).collect();
    let mut curves = String::new();
    for arriving in stages.chunk_by(|one, next| one.name == next.name) {
        let points: Vec<&Stage<'_>> =
            arriving.iter().filter(|stage| stage.arrivals.is_some()).collect();
        if let Some(first) = points.first() {
            let _ok =
                write!(curves, "<h2>Latency over load: {}</h2>{}", first.name, curve(&points));
        }
    }
    let stepped: Vec<&Stage<'_>> =
        closed.iter().copied().filter(|stage| !stage.steps().is_empty()).collect();
    let steps = if stepped.is_empty() {
        String::new()
    } else {
        format!("<h2>CPU a call, by step, µs</h2>{}", columns(&stepped))
    };
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Qaqpa under load</title>\
         <style>{STYLE}</style><h1>Qaqpa under load</h1>\
         <p>The gateway has one core, its callers and agencies the other; every check is on, and every \
         answer is in the journal. Medians of the rounds.</p>{curves}{steps}\
         <h2>CPU a call, by thread, µs</h2>{}<h2>Memory at the end of each stage, MiB</h2>{}</html>",
        bars(&closed, |stage| stage.threads()),
        bars(&closed, |stage| vec![("resident".to_owned(), stage.median(|one| one.rss_mib))]),
    )
}

/// Quantiles of the latency, on a logarithmic scale, over the calls that arrive in a second.
fn curve(points: &[&Stage<'_>]) -> String {
    let rate = |stage: &Stage<'_>| stage.arrivals.unwrap_or_default();
    let rate_max = points.iter().map(|stage| rate(stage)).fold(1.0, f64::max) * 1.05;
    // From 0.1 ms to 10 s.
    let y = |ms: f64| 250.0 - (ms.clamp(0.1, 10_000.0).log10() + 1.0) / 5.0 * 230.0;
    let x = |per_second: f64| 60.0 + per_second / rate_max * 560.0;
    let mut svg = String::from("<svg viewBox=\"0 0 760 290\" width=760 height=290 role=img>");
    for (ms, label) in [
        (0.1, "0.1 ms"),
        (1.0, "1 ms"),
        (10.0, "10 ms"),
        (100.0, "100 ms"),
        (1e3, "1 s"),
        (1e4, "10 s"),
    ] {
        let at = y(ms);
        let _ok = write!(
            svg,
            "<line class=grid x1=60 x2=620 y1={at:.1} y2={at:.1} />\
             <text x=52 y={:.1} text-anchor=end>{label}</text>",
            at + 4.0
        );
    }
    for stage in points {
        let at = x(rate(stage));
        let _ok = write!(svg, "<text x={at:.1} y=268 text-anchor=middle>{:.0}</text>", rate(stage));
    }
    svg.push_str("<text x=340 y=286 text-anchor=middle>calls due in a second</text>");
    for (quantile, label, color) in QUANTILES {
        let place = |stage: &&Stage<'_>| {
            format!("{:.1},{:.1}", x(rate(stage)), y(stage.median(|one| one.latency_ms(quantile))))
        };
        let line: Vec<String> = points.iter().map(place).collect();
        let end =
            points.last().map_or(250.0, |stage| y(stage.median(|one| one.latency_ms(quantile))));
        let _ok = write!(
            svg,
            "<polyline points=\"{}\" fill=none stroke=\"{color}\" stroke-width=2 />\
             <text x=628 y={:.1} style=\"fill:{color}\">{label}</text>",
            line.join(" "),
            // Labels of lines that end together stand apart.
            end + match label {
                "p50" => 14.0,
                "p99" => 4.0,
                _ => -6.0,
            }
        );
    }
    svg + "</svg>"
}

/// A bar a step, for each stage.
fn columns(stages: &[&Stage<'_>]) -> String {
    let mut svg = String::new();
    for stage in stages {
        let steps = stage.steps();
        let widest = steps.first().map_or(f64::MIN_POSITIVE, |(_, us)| *us);
        let height = 20 * steps.len() + 10;
        let _ok = write!(
            svg,
            "<p>{}</p><svg viewBox=\"0 0 760 {height}\" width=760 height={height} role=img>",
            stage.name
        );
        for (row, (name, us)) in steps.iter().enumerate() {
            let (top, width) = (20 * row, us / widest * 420.0);
            let _ok = write!(
                svg,
                "<text x=262 y={} text-anchor=end>{name}</text><rect x=270 y={top} \
                 width={width:.1} height=15 fill=\"{}\" /><text x={:.1} y={}>{us:.1}</text>",
                top + 12,
                COLORS.first().copied().unwrap_or_default(),
                width + 276.0,
                top + 12
            );
        }
        svg.push_str("</svg>");
    }
    svg
}

/// One bar a stage, in pieces with their names.
fn bars(stages: &[&Stage<'_>], pieces: impl Fn(&Stage<'_>) -> Vec<(String, f64)>) -> String {
    let total = |stage: &Stage<'_>| pieces(stage).iter().map(|(_, value)| value).sum::<f64>();
    let widest = stages.iter().map(|stage| total(stage)).fold(f64::MIN_POSITIVE, f64::max);
    let mut names: Vec<String> = Vec::new();
    let height = 34 * stages.len() + 24;
    let mut svg = format!("<svg viewBox=\"0 0 760 {height}\" width=760 height={height} role=img>");
    for (row, stage) in stages.iter().enumerate() {
        let (top, mut left) = (34 * row + 24, 270.0);
        let _ok = write!(svg, "<text x=262 y={} text-anchor=end>{}</text>", top + 14, stage.name);
        for (name, value) in pieces(stage) {
            let color = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name.clone());
                names.len() - 1
            });
            let color = COLORS.get(color).or(COLORS.last()).copied().unwrap_or_default();
            let width = value / widest * 420.0;
            let _ok = write!(
                svg,
                "<rect x={left:.1} y={top} width={width:.1} height=20 fill=\"{color}\">\
                 <title>{name}: {value:.1}</title></rect>"
            );
            left += width;
        }
        let _ok =
            write!(svg, "<text x={:.1} y={}>{:.0}</text>", left + 6.0, top + 14, total(stage));
    }
    for (at, name) in names.iter().enumerate() {
        let color = COLORS.get(at).or(COLORS.last()).copied().unwrap_or_default();
        let left = 270 + 120 * at;
        let _ok = write!(
            svg,
            "<rect x={left} y=2 width=10 height=10 fill=\"{color}\" /><text x={} y=11>{name}</text>",
            left + 15
        );
    }
    svg + "</svg>"
}
