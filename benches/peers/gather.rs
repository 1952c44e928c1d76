//! Gathers the axes of all benches into one file and one page.

use super::{Fallible, axis, page};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// What stands around the table in the README.
const BEGIN: &str = "<!-- peers: written by `make figures` -->";
const END: &str = "<!-- end of peers -->";

/// Keeps the calibrator's readings for later gatherings.
pub(super) fn keep(calibrator: &Value) -> Fallible<()> {
    Ok(fs::write(axis::folder().with_file_name("calibrator.json"), calibrator.to_string())?)
}

/// Writes target/bench/peers.json and peers.html, and prints the table.
pub(super) fn gather() -> Fallible<()> {
    let folder = axis::folder();
    let mut files: Vec<_> =
        fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Fallible<_>>()?;
    files.sort();
    let mut axes: Vec<Value> = Vec::new();
    for file in files {
        axes.extend(serde_json::from_str::<Vec<Value>>(&fs::read_to_string(file)?)?);
    }
    let kept = folder.with_file_name("calibrator.json");
    let calibrator: Value = match fs::read_to_string(kept) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_none) => Value::Null,
    };
    let all = json!({ "calibrator": calibrator, "axes": axes });
    let path = folder.with_file_name("peers.json");
    fs::write(&path, serde_json::to_string_pretty(&all)?)?;
    let html = folder.with_file_name("peers.html");
    fs::write(&html, page::page(&all))?;
    print(&axes);
    println!("{}\n{}", path.display(), html.display());
    Ok(())
}

fn print(axes: &[Value]) {
    let mut table = Table::new();
    let head = ["axis", "ours", "peer", "", "ratio", "range", "floor", "met"];
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(head);
    for axis in axes {
        let text = |key: &str| axis[key].as_str().unwrap_or_default().to_owned();
        table.add_row([
            format!("{}, {}", text("axis"), text("unit")),
            figure(&axis["ours"]),
            axis["missing"].as_str().map_or_else(|| figure(&axis["peer"]), |_| "missing".into()),
            text("peer_name"),
            figure(&axis["ratio_median"]),
            page::range(axis),
            page::floor(axis),
            if axis["met"] == true { "yes" } else { "no" }.to_owned(),
        ]);
    }
    for column in [1, 2, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
}

/// Writes the table into the README, between its two marks.
pub(super) fn tell_readme() -> Fallible<()> {
    let peers = axis::folder().with_file_name("peers.json");
    let all: Value = serde_json::from_str(&fs::read_to_string(peers)?)?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path)?;
    let (before, rest) = readme.split_once(BEGIN).ok_or("the README has no mark of its table")?;
    let (_, after) = rest.split_once(END).ok_or("the README has no end of its table")?;
    let mut table = String::from(
        "| axis | ours | peer | ratio, range | goal | reached |\n|---|---|---|---|---|---|\n",
    );
    for axis in all.get("axes").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| axis[key].as_str().unwrap_or_default();
        let ratio = match axis["ratio_median"].as_f64() {
            Some(_) if text("floor_of").starts_with("ratio") => {
                let (ratio, range) = (figure(&axis["ratio_median"]), page::range(axis));
                if range.is_empty() {
                    format!("{ratio} ×")
                } else {
                    format!("{ratio} ×, {range}")
                }
            }
            _ => "–".to_owned(),
        };
        writeln!(
            table,
            "| {}, {} | {} | {} | {ratio} | {} | {} |",
            text("axis"),
            text("unit"),
            figure(&axis["ours"]),
            peer(axis),
            page::floor(axis),
            if axis["met"] == true { "yes" } else { "**no**" },
        )?;
    }
    Ok(fs::write(path, format!("{before}{BEGIN}\n{table}{END}{after}"))?)
}

/// The peer and its figure, why there is none, or a dash where nobody is compared.
fn peer(axis: &Value) -> String {
    let name = axis["peer_name"].as_str().unwrap_or_default();
    match (axis["missing"].as_str(), axis["peer"].as_f64()) {
        (Some(why), _) => format!("{name} missing: {why}"),
        (None, Some(_)) => format!("{name} {}", figure(&axis["peer"])),
        (None, None) => "–".to_owned(),
    }
}

/// A figure as people read it.
pub(super) fn figure(value: &Value) -> String {
    match value.as_f64() {
        None => "–".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}
