//! Workbooks as people leave them: what a reader could only half read is refused with its row.

use crate::writers::book;
use serde_json::{Value, json};
use std::process::Command;

const HEADS: [&str; 3] = ["e2e_id", "amount", "value_date"];

/// A cell of words at its place.
fn words(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn row(number: usize, cells: &str) -> String {
    format!("<row r=\"{number}\">{cells}</row>")
}

/// A payment in a row.
fn payment(number: usize, id: &str) -> String {
    let [a, b, c] = ["A", "B", "C"].map(|column| format!("{column}{number}"));
    let amount = format!("<c r=\"{b}\"><v>2.5</v></c>");
    row(number, &(words(&a, id) + &amount + &words(&c, "2026-11-22")))
}

fn sheet(rows: &str, more: &str) -> String {
    let cells: String =
        HEADS.iter().zip(["A1", "B1", "C1"]).map(|(head, place)| words(place, head)).collect();
    format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>\
         {}{rows}</sheetData>{more}</worksheet>",
        row(1, &cells)
    )
}

/// What `qaqpa register` says of it: the last line of its output, or why it was refused.
fn looked_at(sheets: &[&str]) -> Result<Value, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("register.xlsx");
    std::fs::write(&file, book(sheets)).unwrap();
    let out =
        Command::new(env!("CARGO_BIN_EXE_qaqpa")).args(["register", "--json"]).arg(file).output();
    let out = out.unwrap();
    if !out.status.success() {
        return Err(String::from_utf8(out.stderr).unwrap());
    }
    let line: Value = serde_json::from_slice(&out.stdout).unwrap();
    Ok(json!([line["rows"], line["sum_tiyn"]]))
}

fn merged(region: &str) -> String {
    format!("<mergeCells count=\"1\"><mergeCell ref=\"{region}\"/></mergeCells>")
}

#[test]
fn a_workbook_is_read_whole_or_refused_with_the_row_that_is_to_blame() {
    let two = payment(2, "GW1") + &payment(3, "GW2");
    let good = sheet(&two, "");
    let headless = "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>Notes</t></is></c></row>\
        <row><c><v>1</v></c></row></sheetData></worksheet>";
    let only_heads = sheet("", "");
    for sheets in [
        vec![good.as_str()],
        vec![&good, headless],
        vec![&good, &only_heads],
        vec!["<worksheet><sheetData/></worksheet>", &good],
    ] {
        assert_eq!(looked_at(&sheets), Ok(json!([2, 500])), "{sheets:?}");
    }
    // Merged across a row, or where no column of ours stands.
    for region in ["C2:D2", "E2:E3"] {
        assert_eq!(looked_at(&[&sheet(&two, &merged(region))]), Ok(json!([2, 500])), "{region}");
    }
    let again = payment(2, "GW1").replace("</row>", "<c r=\"B2\"><v>999</v></c></row>");
    for (sheets, reason) in [
        (vec![sheet(&two, &merged("A2:A3"))], "register.xlsx:3: a cell is merged"),
        (vec![sheet(&two, &merged("B1:B2"))], "register.xlsx:2: a cell is merged"),
        (vec![sheet(&again, "")], "register.xlsx:2: one place of the sheet holds two cells"),
        (vec![sheet(&(payment(2, "GW1") + &payment(2, "GW2")), "")], "holds two cells"),
        (
            vec![good, sheet(&payment(2, "GW3"), "")],
            "the sheet Sheet2 has rows under the same heads",
        ),
    ] {
        let sheets: Vec<&str> = sheets.iter().map(String::as_str).collect();
        let refused = looked_at(&sheets).expect_err(reason);
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
}
