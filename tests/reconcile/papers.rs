//! The workbook, as openpyxl opens it, and the page, as Chromium shows and prints it.

use crate::day::{Day, Seed, row, sealed};
use crate::files::{reconcile, run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What openpyxl reads in a workbook.
fn opened(path: &Path) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Command::new(root.join("target/tools/venv/bin/python3"))
        .arg(root.join("tests/clients/xlsx_check.py"))
        .arg(path)
        .output()
        .expect("`make tools` installs it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The column of a sheet with this head: type, value and format of each cell.
fn column(sheet: &Value, head: &str) -> Vec<Value> {
    let rows = sheet["rows"].as_array().unwrap();
    let heads = rows[0].as_array().unwrap();
    let at = heads.iter().position(|cell| cell[1] == head).unwrap_or_else(|| panic!("{head}"));
    rows[1..].iter().map(|row| row[at].clone()).collect()
}

#[test]
fn a_spreadsheet_finds_numbers_dates_a_frozen_head_filters_and_no_formula() {
    let house = tempfile::tempdir().unwrap();
    let mut day = Day::seeded(21, 300, 3);
    let mut evil = row(900, &mut Seed(5));
    evil[0] = "=cmd|' /C calc'!A0".to_owned();
    evil[1] = "@SUM(A1)".to_owned();
    evil[6] = "999999999999999999".to_owned();
    day.register.push(evil);
    day.write(house.path());
    assert_eq!(reconcile(house.path(), &[]).code, 0);
    let book = opened(&house.path().join("out/breaks.xlsx"));
    assert_eq!(book["made"], "2026-11-22T00:00:00");
    let sheets = book["sheets"].as_object().unwrap();
    let breaks = &sheets["breaks"];
    let text = std::fs::read_to_string(house.path().join("out/breaks.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(breaks["rows"].as_array().unwrap().len(), lines.len() + 1);
    assert_eq!(breaks["frozen"], "A2");
    assert_eq!(breaks["filter"], format!("A1:AL{}", lines.len() + 1));
    let columns = ["id", "category", "priority", "since", "register_amount", "register_posted_at"];
    let columns = columns.map(|head| column(breaks, head));
    for (at, line) in lines.iter().enumerate() {
        let [id, category, priority, since, amount, posted] =
            columns.each_ref().map(|column| &column[at]);
        assert_eq!((&id[0], &id[1]), (&json!("s"), &line["id"]));
        assert_eq!(category[1], line["category"]);
        assert_eq!((&since[0], &since[1]), (&json!("d"), &json!("2026-11-22T00:00:00")));
        let tiyn = line["register"]["amount_tiyn"].as_i64();
        match tiyn {
            None => assert!(amount[1].is_null() && posted[1].is_null(), "{line}"),
            // A spreadsheet would round it.
            Some(tiyn) if tiyn > 999_999_999_999_999 => {
                assert_eq!((&amount[0], &amount[1]), (&json!("s"), &json!(tiyn.to_string())));
                assert_eq!(priority[0], "s");
            }
            Some(tiyn) => {
                let shown = format!("{:.2}", amount[1].as_f64().unwrap());
                assert_eq!(shown.replace('.', ""), format!("{tiyn:03}"));
                assert_eq!((&amount[0], &amount[2]), (&json!("n"), &json!("#,##0.00")));
                assert_eq!(posted[0], "d");
            }
        }
    }
    let cells = sheets.values().flat_map(|sheet| sheet["rows"].as_array().unwrap());
    let cells: Vec<&Value> = cells.flat_map(|row| row.as_array().unwrap()).collect();
    assert!(cells.iter().all(|cell| cell[0] != "f"), "a formula");
    assert!(cells.iter().any(|cell| cell[0] == "s" && cell[1] == "=cmd|' /C calc'!A0"));
    let pairs = std::fs::read_to_string(house.path().join("out/pairs.csv")).unwrap();
    assert_eq!(sheets["pairs"]["rows"].as_array().unwrap().len(), pairs.lines().count());
    assert!(sheets["columns"]["rows"].as_array().unwrap().len() > 20);
}

/// Prints a page by Chromium, and returns what it makes of the page as text.
fn dumped(page: &Path) -> String {
    let out = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("`make tools` installs it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn a_browser_shows_the_page_in_three_languages_and_runs_nothing_of_it() {
    let house = tempfile::tempdir().unwrap();
    let mut day = Day::seeded(22, 200, 4);
    let mut evil = row(900, &mut Seed(5));
    evil[0] = "<script>document.title='x'</script>".to_owned();
    day.register.push(evil);
    day.write(house.path());
    let said = reconcile(house.path(), &[]);
    for (language, word) in
        [("kk", "Банкте жоқ"), ("ru", "Нет в банке"), ("en", "Missing in the bank")]
    {
        let page = house.path().join(format!("out/report.{language}.html"));
        // One start of a browser is enough; the three pages differ in words alone.
        let shown = match language {
            "kk" => dumped(&page),
            _ => std::fs::read_to_string(page).unwrap(),
        };
        assert!(shown.contains(&format!("<html lang=\"{language}\">")), "{shown}");
        assert!(shown.contains(&format!(">{word}</text>")), "the plot: {shown}");
        assert!(shown.contains("&lt;script&gt;") && !shown.contains("<script"), "{shown}");
        let breaks = &said.line["breaks"]["MISSING_IN_BANK"];
        assert!(shown.contains(&format!("<title>0: {breaks}</title>")), "{breaks}: {shown}");
        assert!(!shown.contains(&day.register[0][2]), "an IIN in full");
    }
}

#[test]
fn the_terminal_speaks_three_languages_and_ends_with_one_object() {
    let house = tempfile::tempdir().unwrap();
    Day::seeded(23, 50, 2).write(house.path());
    let (journal, register) = (house.path().join("journal.csv"), house.path().join("register.csv"));
    for (language, word) in [("kk", "Шлюз журналы"), ("ru", "Журнал шлюза"), ("en", "Gateway's")]
    {
        let out = house.path().join(language);
        let files = [("--journal", journal.as_path()), ("--register", &register), ("--out", &out)];
        let said = run(&files, &["--lang", language]);
        assert!(said.text.contains(word) && said.text.contains("MISSING_IN_BANK"), "{}", said.text);
        assert!(said.line["matched"].as_u64().unwrap() > 0, "{}", said.text);
        let quiet = run(&files, &["--json"]);
        assert_eq!(quiet.text.lines().count(), 1, "{}", quiet.text);
    }
}

/// Results of three days of two banks, and one without a break; their folders.
fn results(house: &Path) -> Vec<PathBuf> {
    let days = [("A", "2026-11-21"), ("A", "2026-11-22"), ("B", "2026-11-22")];
    let mut folders = Vec::new();
    for (number, (bank, day)) in (0..).zip(days) {
        let folder = house.join(format!("{bank}-{day}"));
        std::fs::create_dir(&folder).unwrap();
        let rarity = if bank == "B" { 1 << 40 } else { 2 + number };
        Day::seeded(31 + number, 120, rarity).write(&folder);
        for name in ["journal.csv", "register.csv"] {
            let file = folder.join(name);
            let text = std::fs::read_to_string(&file).unwrap();
            let (rows, _) = text.rsplit_once("#end").unwrap();
            std::fs::write(&file, sealed(of(rows, bank, day).as_bytes())).unwrap();
        }
        assert_eq!(reconcile(&folder, &[]).code, 0);
        folders.push(folder.join("out"));
    }
    folders
}

/// The same rows of another bank and operating day.
fn of(rows: &str, bank: &str, day: &str) -> String {
    let (head, rest) = rows.split_once('\n').unwrap();
    let fields = head.split(';').map(|field| match field.split_once('=') {
        Some(("bank", _)) => format!("bank={bank}"),
        Some(("opdate", _)) => format!("opdate={day}"),
        _ => field.to_owned(),
    });
    format!("{}\n{rest}", fields.collect::<Vec<_>>().join(";"))
}

fn page(out: &Path, folders: &[PathBuf], language: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
    command.args(["reconcile", "page", "--lang", language, "--out"]).arg(out).args(folders);
    command.output().unwrap()
}

#[test]
fn results_of_banks_and_days_are_one_page_that_adds_them_up_and_is_the_same_at_every_run() {
    let house = tempfile::tempdir().unwrap();
    let mut folders = results(house.path());
    let file = house.path().join("page.html");
    let mut pages = Vec::new();
    for language in ["kk", "ru", "en"] {
        let said = page(&file, &folders, language);
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        pages.push(std::fs::read_to_string(&file).unwrap());
        folders.rotate_left(1);
    }
    let again = page(&file, &folders, "en");
    assert!(again.status.success());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), pages[2], "whatever their order");
    let manifest = |folder: &Path| -> Value {
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
    };
    let breaks = |folder: &PathBuf| -> u64 {
        let found = manifest(folder);
        found["breaks"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
    };
    let all: u64 = folders.iter().map(breaks).sum();
    let matched: u64 =
        folders.iter().map(|folder| manifest(folder)["matched"].as_u64().unwrap()).sum();
    assert!(pages[2].contains(&format!("<td class=n>{matched}</td><td class=n>{all}</td>")));
    assert!(pages[2].contains("<h2>B</h2>\n<p>No breaks</p>"), "{}", pages[2]);
    let shown = dumped(&file);
    assert!(shown.contains("A · 2026-11-21") && shown.contains("2026-11-21 – 2026-11-22"));
    // For the bank's days one, and one for each of its two days.
    assert_eq!(shown.matches("<svg ").count(), 3);
    assert!(!shown.contains("<script") && pages[0].contains("Салыстырулар жиынтығы"));
}

#[test]
fn a_page_is_made_of_whole_results_alone_each_day_once() {
    let house = tempfile::tempdir().unwrap();
    let folders = results(house.path());
    let file = house.path().join("page.html");
    let refused = |folders: &[PathBuf], reason: &str| {
        let said = page(&file, folders, "en");
        let errors = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(1), "{reason}");
        assert!(errors.contains(reason), "{reason}: {errors}");
        assert!(!file.exists(), "{reason}");
    };
    refused(&[folders[0].clone(), folders[0].clone()], "2026-11-21 of A is there twice");
    refused(&[house.path().to_owned()], "no finished run");
    let breaks = folders[0].join("breaks.jsonl");
    let text = std::fs::read_to_string(&breaks).unwrap();
    std::fs::write(&breaks, text.split_once('\n').unwrap().1).unwrap();
    refused(&folders, "not the breaks that the manifest counts");
    std::fs::write(folders[0].join("manifest.json"), "{\"kind\":\"treasury\"}").unwrap();
    refused(&folders, "no result of a bank's day");
}
