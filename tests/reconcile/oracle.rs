//! DuckDB is asked the same question in SQL, on many seeds and sizes.

use crate::day::Day;
use crate::files::reconcile;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

#[test]
fn all_categories_are_those_that_sql_finds_and_those_that_were_put_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    let mut days = Vec::new();
    for seed in 0..52_u64 {
        let rows = [0, 1, 7, 100, 1_500][seed as usize % 5] + seed;
        let day = Day::seeded(seed, rows, [1, 3, 40][seed as usize % 3]);
        let name = folder.path().join(seed.to_string());
        day.write(&name);
        names.push(name);
        days.push(day);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Command::new(root.join("target/tools/venv/bin/python3"))
        .arg(root.join("tests/clients/reconcile_oracle.py"))
        .args(&names)
        .output()
        .expect("`make tools` installs it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8(out.stdout).unwrap();
    let said: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(said.len(), days.len());
    for ((day, name), sql) in days.iter().zip(&names).zip(&said) {
        for more in [&[][..], &["--no-short-cut"]] {
            let ours = reconcile(name, more).line;
            for field in ["matched", "breaks", "rows"] {
                assert_eq!(ours[field], sql[field], "{field} of {}", name.display());
            }
            assert_eq!(ours["matched"], day.matched, "{}", name.display());
            assert_eq!(ours["breaks"], serde_json::json!(day.breaks), "{}", name.display());
        }
    }
}
