//! A day is the same day in whatever form a bank sends it, and a file that breaks its word is refused.

use crate::day::{Row, Seed, neutral, row};
use crate::files::{Said, run};
use crate::writers::{
    DESCRIPTION, archive, camt, columns, cp866, mt102, mt940, one_c, windows_1251, workbook,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Payments of the day, and how many of each kind.
const ROWS: u64 = 120;
const KINDS: u64 = 12;
const EACH: u64 = ROWS / KINDS;

/// Both sides: of every twelve payments, four agree.
fn day() -> (Vec<Row>, Vec<Row>) {
    let mut seed = Seed(26);
    let (mut journal, mut register) = (Vec::new(), Vec::new());
    for number in 0..ROWS {
        let mut ours = row(number, &mut seed);
        (ours[4], ours[5]) = ("108125".to_owned(), "911".to_owned());
        let mut theirs = ours.clone();
        match number % KINDS {
            1 => register.push(theirs.clone()), // twice
            2 => {
                journal.push(ours);
                continue;
            }
            3 => {
                register.push(theirs);
                continue;
            }
            4 => theirs[6] = (theirs[6].parse::<u64>().unwrap() + 1).to_string(),
            5 => theirs[5] = "912".to_owned(),
            6 => theirs[2] = "900101300017".to_owned(),
            7 => theirs[10] = "2026-11-23".to_owned(),
            8 => {
                theirs[8] = "RETURNED".to_owned();
                register.push(theirs);
                continue;
            }
            9 => ours[8] = "EXPIRED".to_owned(),
            _ => {}
        }
        journal.push(ours);
        register.push(theirs);
    }
    (journal, register)
}

fn counts(pairs: &[(&str, u64)]) -> Value {
    let counts: BTreeMap<_, _> = pairs.iter().filter(|(_, count)| *count > 0).copied().collect();
    json!(counts)
}

fn reconciled(journal: &[Row], register: &[u8], more: &[&str]) -> (Said, tempfile::TempDir) {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name);
    std::fs::write(at("journal.csv"), neutral("journal", "2026-11-22", journal, "\n")).unwrap();
    std::fs::write(at("register"), register).unwrap();
    std::fs::write(at("columns.toml"), DESCRIPTION).unwrap();
    let columns = at("columns.toml");
    let more: Vec<&str> = more
        .iter()
        .map(|word| if *word == "COLUMNS" { columns.to_str().unwrap() } else { word })
        .collect();
    let files =
        [("--journal", at("journal.csv")), ("--register", at("register")), ("--out", at("out"))];
    let files: Vec<_> = files.iter().map(|(option, path)| (*option, path.as_path())).collect();
    (run(&files, &more), house)
}

#[test]
fn a_day_is_the_same_day_in_every_form() {
    let (journal, register) = day();
    let expected = [
        ("DUPLICATE_IN_BANK", EACH),
        ("MISSING_IN_BANK", EACH),
        ("MISSING_IN_GATEWAY", EACH),
        ("AMOUNT_MISMATCH", EACH),
        ("REQUISITE_MISMATCH", 2 * EACH),
        ("LATE_CUTOFF", EACH),
        ("RETURN_UNLINKED", EACH),
        ("LATE_CREDIT", EACH),
    ];
    let whole = counts(&expected);
    let with = |changes: &[(&str, u64)]| {
        let changed = expected.map(|(name, count)| {
            let change = changes.iter().find(|(other, _)| *other == name);
            change.map_or((name, count), |change| *change)
        });
        counts(&changed)
    };
    // No IIN in an MT940: what differs in nothing else agrees.
    let without_iin = with(&[("REQUISITE_MISMATCH", EACH)]);
    let payments: Vec<Row> = register.iter().filter(|row| row[8] == "POSTED").cloned().collect();
    let without_returns = with(&[("RETURN_UNLINKED", 0)]);
    let own = &["--columns", "COLUMNS"][..];
    let credits = &["--payments", "credits"][..];
    let text = one_c(&register);
    let bom = ["\u{feff}".as_bytes(), text.as_bytes()].concat();
    type Case<'c> = (&'c str, Vec<u8>, &'c [&'c str], &'c Value, u64);
    let cases: [Case<'_>; 15] = [
        ("neutral", neutral("register", "2026-11-22", &register, "\n"), &[], &whole, 4),
        ("camt.053 v2", camt(&register, "camt.053", 2), &[], &whole, 4),
        ("camt.053 v4", camt(&register, "camt.053", 4), &[], &whole, 4),
        ("camt.053 v8", camt(&register, "camt.053", 8), &[], &whole, 4),
        ("camt.053 v13", camt(&register, "camt.053", 13), &["--no-short-cut"], &whole, 4),
        ("camt.054 v8", camt(&register, "camt.054", 8), &["--format", "camt.054"], &whole, 4),
        ("mt940", mt940(&register), credits, &without_iin, 5),
        ("mt102", mt102(&payments), &[], &without_returns, 4),
        ("1c utf-8", text.clone().into_bytes(), credits, &whole, 4),
        ("1c utf-8 with its mark", bom, credits, &whole, 4),
        ("1c windows-1251", windows_1251(&text), credits, &whole, 4),
        ("1c cp866", cp866(&text), credits, &whole, 4),
        ("columns", columns(&register), own, &whole, 4),
        ("workbook", workbook(&register), own, &whole, 4),
        (
            "workbook, asked for",
            workbook(&register),
            &["--format", "xlsx", own[0], own[1]],
            &whole,
            4,
        ),
    ];
    for (name, bytes, more, breaks, matched) in cases {
        let (said, _house) = reconciled(&journal, &bytes, more);
        assert_eq!(said.code, 0, "{name}: {}", said.errors);
        assert_eq!(&said.line["breaks"], breaks, "{name}");
        assert_eq!(said.line["matched"], matched * EACH, "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: one row a case")]
fn a_file_that_breaks_a_promise_of_its_own_is_refused_whole() {
    let (journal, register) = day();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let change = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let statement = text(camt(&register, "camt.053", 8));
    let count = format!("<NbOfNtries>{}<", register.len());
    let swift = text(mt940(&register));
    let batch = text(mt102(&register));
    let exchange = one_c(&register);
    let table = text(columns(&register));
    let book = archive(
        "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>amount</t></is></c></row>\
         <row><c><f>1+1</f><v>2</v></c></row></sheetData></worksheet>",
    );
    let bomb = archive(&format!("<worksheet>{}</worksheet>", " ".repeat(40 << 20)));
    let first = "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-22";
    type Case<'c> = (&'c str, Vec<u8>, &'c [&'c str], Option<u64>, &'c str);
    let cases: [Case<'_>; 20] = [
        (
            "balance",
            change(&statement, "KZT\">1000000.00", "KZT\">1000000.01"),
            &[],
            Some(8 + register.len() as u64),
            "CLBD",
        ),
        (
            "opening in debt",
            change(&statement, first, &first.replace("CRDT", "DBIT")),
            &[],
            None,
            "CLBD",
        ),
        ("count", change(&statement, &count, "<NbOfNtries>7<"), &[], None, "NbOfNtries"),
        ("sum", change(&statement, "<Sum>", "<Sum>1"), &[], None, "Sum"),
        (
            "cut off",
            statement.split_at(statement.find("</Stmt>").unwrap()).0.into(),
            &[],
            None,
            "cut off",
        ),
        ("entity", change(&statement, "a &amp; b", "a &evil; b"), &[], None, "entity"),
        ("dtd", change(&statement, "\n<Document", "\n<!DOCTYPE x><Document"), &[], Some(2), "DTD"),
        (
            "too exact",
            change(
                &statement,
                "<Ntry><Amt Ccy=\"KZT\">",
                "<Ntry><Amt Ccy=\"KZT\">0.001</Amt><Amt Ccy=\"KZT\">",
            ),
            &[],
            None,
            "exact",
        ),
        ("status", change(&statement, "BOOK", "LOST"), &[], None, "Sts"),
        (
            "swift balance",
            change(&swift, ":62F:C261122KZT", ":62F:C261122KZT1"),
            &[],
            None,
            "closing",
        ),
        ("swift page", change(&swift, ":60M:C261122KZT", ":60M:C261122KZT1"), &[], None, ":60M:"),
        ("swift gap", change(&swift, ":28C:326/1", ":28C:324/1"), &[], None, ":28C:"),
        (
            "batch sum",
            change(&batch, ":32A:261122KZT", ":32A:261122KZT1"),
            &[],
            Some(1 + 1),
            ":32A:",
        ),
        (
            "batch cut off",
            batch.split_at(batch.find(":32A:").unwrap()).0.into(),
            &[],
            None,
            ":32A:",
        ),
        (
            "1c balance",
            change(&exchange, "КонечныйОстаток=", "КонечныйОстаток=1"),
            &[],
            None,
            "КонечныйОстаток",
        ),
        (
            "1c turnover",
            change(&exchange, "СуммаПриход=", "СуммаПриход=1"),
            &[],
            None,
            "ВсегоПоступило",
        ),
        ("1c cut off", exchange.replace("КонецФайла", "").into_bytes(), &[], None, "КонецФайла"),
        ("columns cut off", change(&table, "Total", "Tota"), &["--columns", "COLUMNS"], None, ""),
        ("formula", book, &[], Some(2), "formula"),
        ("bomb", bomb, &[], None, "unpacks"),
    ];
    for (name, bytes, more, line, reason) in cases {
        let (said, house) = reconciled(&journal, &bytes, more);
        assert_eq!(said.code, 1, "{name}: {}", said.line);
        assert_eq!(said.line["breaks"], json!({"FILE_INTEGRITY": 1}), "{name}");
        let refused = &said.line["refused"];
        assert!(refused["reason"].as_str().unwrap().contains(reason), "{name}: {refused}");
        if let Some(line) = line {
            assert_eq!(refused["line"], line, "{name}: {refused}");
        }
        assert!(!house.path().join("out/manifest.json").exists(), "{name}");
    }
}

#[test]
fn a_banks_own_register_is_read_by_its_manifest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let samples = root.join("adapters/acquiring/samples/register");
    let house = tempfile::tempdir().unwrap();
    let neutral = house.path().join("neutral.csv");
    let out = Command::new(env!("CARGO_BIN_EXE_qaqpa"))
        .args(["register", "--json", "--columns", "acquiring", "--header", "BANKKZ9A:2026-11-22"])
        .arg("--out")
        .arg(&neutral)
        .arg(samples.join("day.register.csv"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let expected = std::fs::read_to_string(samples.join("day.expected.txt")).unwrap();
    assert_eq!(std::fs::read_to_string(neutral).unwrap(), expected);
}

#[test]
fn statements_of_ten_banks_hold_what_a_stranger_finds_in_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Command::new(root.join("target/tools/venv/bin/python3"))
        .arg(root.join("tests/clients/mt940_peer.py"))
        .arg(env!("CARGO_BIN_EXE_qaqpa"))
        .arg(root.join("target/tools/mt-940"))
        .output()
        .expect("`make tools` installs it");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    assert!(said.contains("49 files agree"), "{said}");
}
