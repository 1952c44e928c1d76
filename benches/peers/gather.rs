//! Gathers the axes of all benches into one file and one page.

use super::{Fallible, axis, page};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};
use std::fs;

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
        let range = format!("{}–{}", figure(&axis["ratio_min"]), figure(&axis["ratio_max"]));
        table.add_row([
            format!("{}, {}", text("axis"), text("unit")),
            figure(&axis["ours"]),
            axis["missing"].as_str().map_or_else(|| figure(&axis["peer"]), |_| "missing".into()),
            text("peer_name"),
            figure(&axis["ratio_median"]),
            range,
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

/// A figure as people read it.
pub(super) fn figure(value: &Value) -> String {
    match value.as_f64() {
        None => "–".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}
