//! What a run promises of its inputs, its folder and its end.

use crate::day::{Day, Row, Seed, neutral, row, sealed};
use crate::files::{command, contents, reconcile, run};
use serde_json::json;
use std::process::Stdio;

fn folder(day: &Day) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    day.write(folder.path());
    folder
}

#[test]
fn a_second_run_leaves_the_same_bytes() {
    let folder = folder(&Day::seeded(1, 900, 9));
    assert_eq!(reconcile(folder.path(), &[]).code, 0);
    let first = contents(&folder.path().join("out"));
    assert!(first.contains_key("manifest.json") && first.contains_key("breaks.csv"));
    assert_eq!(reconcile(folder.path(), &[]).code, 0);
    assert_eq!(contents(&folder.path().join("out")), first);
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    assert_eq!(reconcile(folder.path(), &["--no-short-cut"]).code, 0);
    assert_eq!(contents(&folder.path().join("out")), first);
}

#[test]
fn the_last_line_says_where_the_time_went() {
    let folder = folder(&Day::seeded(1, 900, 9));
    let said = reconcile(folder.path(), &[]);
    let seconds = |name| said.line.pointer(name).and_then(serde_json::Value::as_f64).unwrap();
    let (read, matched) = (seconds("/stages/read"), seconds("/stages/match"));
    assert!(read > 0.0 && matched > 0.0 && read + matched <= seconds("/seconds"));
}

#[test]
fn the_order_of_rows_and_how_they_are_split_change_no_break() {
    let day = Day::seeded(2, 900, 9);
    let house = folder(&day);
    assert_eq!(reconcile(house.path(), &[]).code, 0);
    let first = contents(&house.path().join("out"));
    let mut seed = Seed(7);
    for parts in [1, 2, 5] {
        let mut again = day.clone();
        seed.shuffle(&mut again.journal);
        seed.shuffle(&mut again.register);
        let house = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (side, rows) in [("journal", &again.journal), ("register", &again.register)] {
            for (part, rows) in rows.chunks(rows.len().div_ceil(parts)).enumerate() {
                let path = house.path().join(format!("{side}-{part}.csv"));
                let end = if part % 2 == 0 { "\n" } else { "\r\n" };
                std::fs::write(&path, neutral(side, "2026-11-22", rows, end)).unwrap();
                files.push((format!("--{side}"), path));
            }
        }
        // The same file a second time is no second file.
        files.push(files.last().unwrap().clone());
        let out = house.path().join("out");
        files.push(("--out".to_owned(), out.clone()));
        let files: Vec<_> =
            files.iter().map(|(option, path)| (option.as_str(), path.as_path())).collect();
        let said = run(&files, &[]);
        assert_eq!(said.code, 0, "{}", said.errors);
        for (name, bytes) in contents(&out) {
            // Inputs are named in the manifest, and it is another input.
            assert!(name == "manifest.json" || first[&name] == bytes, "{name} in {parts} parts");
        }
    }
}

#[test]
fn a_file_that_breaks_a_promise_is_refused_whole_with_its_row_and_reason() {
    let good = Day::seeded(3, 20, 1_000);
    let text = String::from_utf8(neutral("register", "2026-11-22", &good.register, "\n")).unwrap();
    let body = text.split_at(text.rfind("#end").unwrap()).0;
    let lines: Vec<&str> = body.lines().collect();
    let with = |line: usize, new: &str| {
        let mut lines = lines.clone();
        lines[line] = new;
        sealed(format!("{}\n", lines.join("\n")).as_bytes())
    };
    let cut = body.as_bytes().to_vec();
    let short = lines[5].rsplit_once(';').unwrap().0;
    let cases: [(&str, Vec<u8>, Option<u64>, &str); 10] = [
        ("empty", Vec::new(), None, "empty"),
        ("cut off", cut, None, "trailer"),
        ("other digest", text.replace(";POSTED;", ";POSTEd;").into_bytes(), Some(22), "sha256"),
        ("other count", with(0, &lines[0].replace("count=20", "count=21")), None, "count=21"),
        ("other sum", with(0, &lines[0].replace("sum=", "sum=1")), None, "sum="),
        ("a field short", with(5, short), Some(6), "11 fields"),
        ("no amount", with(7, &lines[7].replace(";KZT", "x;KZT")), Some(8), "amount_tiyn"),
        ("a journal", with(0, &lines[0].replace("#register", "#journal")), Some(1), "#journal"),
        ("control", with(9, &lines[9].replace("GW", "G\u{1}")), Some(10), "control"),
        ("more", [text.as_bytes(), b"\n"].concat(), Some(23), "follows"),
    ];
    for (name, bytes, line, reason) in cases {
        let house = folder(&good);
        std::fs::write(house.path().join("register.csv"), bytes).unwrap();
        let said = reconcile(house.path(), &["--json"]);
        assert_eq!(said.code, 1, "{name}");
        assert_eq!(said.line["breaks"], json!({"FILE_INTEGRITY": 1}), "{name}");
        assert_eq!(said.line["matched"], 0, "{name}");
        let refused = &said.line["refused"];
        assert_eq!(refused["line"], json!(line), "{name}: {refused}");
        assert!(refused["reason"].as_str().unwrap().contains(reason), "{name}: {refused}");
        assert!(!house.path().join("out/manifest.json").exists(), "{name}");
    }
}

#[test]
fn what_stays_open_finds_its_other_half_on_another_day() {
    let mut seed = Seed(9);
    let rows: Vec<Row> = (0..3).map(|number| row(number, &mut seed)).collect();
    let house = tempfile::tempdir().unwrap();
    let put = |name: &str, side: &str, day: &str, rows: &[Row]| {
        let path = house.path().join(name);
        std::fs::write(&path, neutral(side, day, rows, "\n")).unwrap();
        path
    };
    let ours = put("j1", "journal", "2026-11-22", &rows);
    let theirs = put("r1", "register", "2026-11-22", &rows[..1]);
    let first = house.path().join("first");
    let said = run(&[("--journal", &ours), ("--register", &theirs), ("--out", &first)], &[]);
    assert_eq!(said.line["breaks"], json!({"MISSING_IN_BANK": 2}));
    // Two days later the bank has one of the two.
    let ours = put("j2", "journal", "2026-11-24", &[]);
    let theirs = put("r2", "register", "2026-11-24", &rows[1..2]);
    let second = house.path().join("second");
    let open = first.join("open.csv");
    let files: [(&str, &std::path::Path); 4] =
        [("--journal", &ours), ("--register", &theirs), ("--open", &open), ("--out", &second)];
    let said = run(&files, &[]);
    assert_eq!(
        said.line["breaks"],
        json!({"MISSING_IN_BANK": 1, "LATE_CUTOFF": 1}),
        "{}",
        said.errors
    );
    assert_eq!(said.line["carried"], json!({"journal": 2, "register": 0}));
    let ids = |folder: &std::path::Path, id: &str| {
        let text = std::fs::read_to_string(folder.join("breaks.jsonl")).unwrap();
        let lines =
            text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter(|line| line["key"] == id).collect::<Vec<_>>()
    };
    let (before, after) = (ids(&first, &rows[2][0]), ids(&second, &rows[2][0]));
    assert_eq!(before[0]["id"], after[0]["id"], "a break keeps its id while it lives");
    assert_eq!((&before[0]["age"], &after[0]["age"]), (&json!("0"), &json!("2-3")));
    assert_eq!(ids(&second, &rows[1][0])[0]["state"], "AUTO_CLOSED");
    // Its own day cannot be taken up again.
    let again = [
        ("--journal", ours.as_path()),
        ("--register", &theirs),
        ("--open", &second.join("open.csv")),
        ("--out", &first),
    ]
    .map(|(option, path)| (option, path.to_owned()));
    let again: Vec<_> = again.iter().map(|(option, path)| (*option, path.as_path())).collect();
    assert_eq!(run(&again, &[]).code, 1);
}

#[test]
fn a_lone_row_tells_its_nearest_candidates() {
    let mut seed = Seed(4);
    let ours = row(1, &mut seed);
    let mut theirs = ours.clone();
    theirs[0] = "GW2611220000000X".to_owned();
    let day = Day { journal: vec![ours], register: vec![theirs], ..Day::default() };
    let house = folder(&day);
    let said = reconcile(house.path(), &[]);
    assert_eq!(said.line["breaks"], json!({"MISSING_IN_BANK": 1, "MISSING_IN_GATEWAY": 1}));
    let text = std::fs::read_to_string(house.path().join("out/breaks.jsonl")).unwrap();
    assert!(text.contains("same receipt: GW2611220000000X (e2e_id)"), "{text}");
    assert!(text.contains("same payer and amount: GW26112200000001 (e2e_id)"), "{text}");
}

#[test]
fn a_formula_in_a_row_stays_text_in_every_table() {
    let mut seed = Seed(5);
    let mut evil = row(1, &mut seed);
    evil[0] = "=cmd|' /C calc'!A0".to_owned();
    evil[1] = "@SUM(A1)".to_owned();
    let day = Day { register: vec![evil], ..Day::default() };
    let house = folder(&day);
    assert_eq!(reconcile(house.path(), &[]).code, 0);
    let text = std::fs::read_to_string(house.path().join("out/breaks.csv")).unwrap();
    assert!(text.contains(",'=cmd|' /C calc'!A0,") && text.contains(",'@SUM(A1),"), "{text}");
    assert!(!text.contains(",=cmd") && !text.contains(",@SUM"), "{text}");
}

#[test]
fn a_killed_run_leaves_no_half_and_the_next_one_is_whole() {
    let house = folder(&Day::seeded(6, 6_000, 9));
    let (journal, register) = (house.path().join("journal.csv"), house.path().join("register.csv"));
    let out = house.path().join("killed");
    let files = [("--journal", journal.as_path()), ("--register", &register), ("--out", &out)];
    let mut killed = 0;
    for round in 0..12_u64 {
        let mut child =
            command(&files).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Not a span of time, a point of progress: so many looks at whether it is still there.
        for _ in 0..round * 400 {
            if child.try_wait().unwrap().is_some() {
                break;
            }
        }
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        if out.exists() {
            let names: Vec<String> = contents(&out).into_keys().collect();
            let is_whole = |name: &String| !name.starts_with('.');
            let is_finished = names.iter().any(|name| name == "manifest.json");
            assert!(is_finished || !names.iter().any(is_whole) || round > 0, "{names:?}");
        }
    }
    assert!(killed > 0, "no run was killed");
    assert_eq!(run(&files, &[]).code, 0);
    assert_eq!(reconcile(house.path(), &[]).code, 0);
    assert_eq!(contents(&out), contents(&house.path().join("out")));
}

#[test]
fn a_wrong_command_line_is_usage_and_another_bank_is_refused() {
    let day = Day::seeded(8, 5, 1_000);
    let house = folder(&day);
    assert_eq!(run(&[], &["--journal"]).code, 64);
    assert_eq!(reconcile(house.path(), &["--cut-off", "25:00"]).code, 64);
    let text = std::fs::read_to_string(house.path().join("register.csv")).unwrap();
    let (body, _) = text.split_at(text.rfind("#end").unwrap());
    let body = body.replace("BANKKZ9A", "BANKKZ9B");
    std::fs::write(house.path().join("register.csv"), sealed(body.as_bytes())).unwrap();
    let said = reconcile(house.path(), &[]);
    assert_eq!(said.code, 1);
    assert!(said.errors.contains("another bank"), "{}", said.errors);
}
