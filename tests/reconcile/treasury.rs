//! Gateway, banks and Treasury of one day: every seeded difference is found on its leg, and sums by КБК and administrator add up.

use crate::day::{Row, Seed, neutral, row, sealed};
use crate::files::contents;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

const ADMINISTRATORS: [(&str, &str); 2] =
    [("990140000017", "2180101"), ("980140000018", "1220202")];

/// The three sides of a day.
#[derive(Clone, Default)]
struct Day {
    journal: Vec<Row>,
    register: Vec<Row>,
    treasury: Vec<Row>,
}

impl Day {
    /// `rows` payments on which all agree, then those that differ somehow.
    fn seeded(seed: u64, rows: u64) -> Self {
        let mut seed = Seed(seed);
        let mut day = Self::default();
        for number in 0..rows {
            let mut row = row(number, &mut seed);
            let (payee, _) = ADMINISTRATORS[seed.below(2) as usize];
            payee.clone_into(&mut row[3]);
            row[4] = ["108125", "204101"][seed.below(2) as usize].to_owned();
            let mut sides = [true; 3];
            let mut credited = row.clone();
            match number {
                0 | 1 => sides[1] = false, // the bank left it out, the Treasury has it
                2 => sides[2] = false,     // taken, not credited
                3 => sides = [true, false, false], // only the gateway
                4 => sides = [false, false, true], // only the Treasury
                5 => credited[6] = (row[6].parse::<u64>().unwrap() + 7).to_string(),
                6 => credited[4] = "101999".to_owned(),
                7 => credited[10] = "2026-11-23".to_owned(),
                _ => {}
            }
            let is_refused = number == 8;
            let mut taken = row.clone();
            if is_refused {
                // Nobody paid: of no account for the Treasury.
                (row[8], taken[8]) = ("EXPIRED".to_owned(), "REJECTED".to_owned());
                sides[2] = false;
            }
            if number == 9 {
                day.treasury.push(credited.clone());
            }
            let [in_journal, in_register, in_treasury] = sides;
            day.journal.extend(in_journal.then_some(row));
            day.register.extend(in_register.then_some(taken));
            day.treasury.extend(in_treasury.then_some(credited));
        }
        seed.shuffle(&mut day.register);
        seed.shuffle(&mut day.treasury);
        day
    }

    fn write(&self, folder: &Path) {
        for (name, rows) in [("journal", &self.journal), ("register", &self.register)] {
            let bytes = neutral(name, "2026-11-22", rows, "\n");
            std::fs::write(folder.join(format!("{name}.csv")), bytes).unwrap();
        }
        std::fs::write(folder.join("treasury.csv"), statement(&self.treasury)).unwrap();
    }
}

fn statement(rows: &[Row]) -> Vec<u8> {
    let sum: u64 = rows.iter().map(|row| row[6].parse::<u64>().unwrap()).sum();
    let count = rows.len();
    let mut text = format!("#treasury;v=1;opdate=2026-11-22;count={count};sum={sum};enc=utf-8\n");
    for row in rows {
        let administrator = ADMINISTRATORS.iter().find(|(payee, _)| *payee == row[3]).unwrap().1;
        let [id, receipt, _, payee, kbk, _, amount, ccy, _, _, value, _] = row;
        writeln!(
            text,
            "{id};{receipt};{payee};{administrator};{kbk};{amount};{ccy};{value};BANKKZ9A"
        )
        .unwrap();
    }
    sealed(text.as_bytes())
}

fn run(folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
    command.args(["reconcile", "treasury", "--day", "2026-11-22"]);
    for side in ["journal", "register", "treasury"] {
        command.arg(format!("--{side}")).arg(folder.join(format!("{side}.csv")));
    }
    command.arg("--out").arg(folder.join("out")).output().unwrap()
}

fn said(out: &Output) -> Value {
    let text = String::from_utf8_lossy(&out.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{out:?}"))
}

#[test]
fn each_leg_tells_its_own_breaks_and_none_is_invented() {
    for seed in 0..5 {
        let house = tempfile::tempdir().unwrap();
        let day = Day::seeded(seed, 60 + seed);
        day.write(house.path());
        let out = run(house.path());
        assert_eq!(out.status.code(), Some(0), "{out:?}");
        let legs = said(&out)["legs"].clone();
        let breaks = |leg: &str| legs[leg]["breaks"].clone();
        assert_eq!(
            breaks("journal-register"),
            json!({"MISSING_IN_BANK": 3}),
            "two that the Treasury has, one that nobody has"
        );
        assert_eq!(
            breaks("register-treasury"),
            json!({
                "MISSING_IN_TREASURY": 1, "MISSING_IN_BANK": 3, "AMOUNT_MISMATCH": 1,
                "REQUISITE_MISMATCH": 1, "LATE_CUTOFF": 1, "DUPLICATE_IN_TREASURY": 1,
            })
        );
        assert_eq!(
            breaks("journal-treasury"),
            json!({
                "MISSING_IN_TREASURY": 2, "MISSING_IN_GATEWAY": 1, "AMOUNT_MISMATCH": 1,
                "REQUISITE_MISMATCH": 1, "LATE_CUTOFF": 1, "DUPLICATE_IN_TREASURY": 1,
            })
        );
        let first = contents(&house.path().join("out"));
        assert_eq!(run(house.path()).status.code(), Some(0));
        assert_eq!(
            contents(&house.path().join("out")),
            first,
            "a second run leaves the same bytes"
        );
        let text = String::from_utf8(first["breaks.csv"].clone()).unwrap();
        let lines = text.lines().count() - 1;
        assert_eq!(lines, 3 + 8 + 7, "{text}");
    }
}

#[test]
fn every_leg_is_what_sql_finds_in_it() {
    let house = tempfile::tempdir().unwrap();
    let folders: Vec<_> = (0..6)
        .map(|seed| {
            let folder = house.path().join(seed.to_string());
            std::fs::create_dir(&folder).unwrap();
            let mut day = Day::seeded(100 + seed, 40 + 9 * seed);
            let mut dice = Seed(seed);
            // The bank sends some twice, one without its id, one refused, one of another currency.
            let again = day.register[dice.below(30) as usize].clone();
            day.register.push(again);
            day.register[31][0] = String::new();
            "REJECTED".clone_into(&mut day.register[32][8]);
            "USD".clone_into(&mut day.treasury[33][7]);
            day.write(&folder);
            folder
        })
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Command::new(root.join("target/tools/venv/bin/python3"))
        .arg(root.join("tests/clients/reconcile_oracle.py"))
        .arg("--treasury")
        .args(&folders)
        .output()
        .expect("`make tools` installs it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text.lines().count(), folders.len());
    for (folder, line) in folders.iter().zip(text.lines()) {
        let found: Value = serde_json::from_str(line).unwrap();
        let legs = said(&run(folder))["legs"].clone();
        for (leg, found) in found.as_object().unwrap() {
            assert_eq!(legs[leg]["matched"], found["matched"], "{leg}");
            assert_eq!(legs[leg]["breaks"], found["breaks"], "{leg}");
        }
        // I11 over all three: what was taken of a side is what its two legs have of it.
        assert_eq!(legs.as_object().unwrap().len(), 3);
    }
}

#[test]
fn sums_by_kbk_and_administrator_are_those_of_the_rows() {
    let house = tempfile::tempdir().unwrap();
    let day = Day::seeded(9, 80);
    day.write(house.path());
    let told = said(&run(house.path()));
    let text = std::fs::read_to_string(house.path().join("out/totals.csv")).unwrap();
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    let place = |name: &str| heads.iter().position(|head| *head == name).unwrap();
    let is_taken = |row: &&Row| row[8] == "POSTED";
    for (name, rows) in
        [("journal", &day.journal), ("register", &day.register), ("treasury", &day.treasury)]
    {
        let mut all = (0, 0);
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let (kbk, administrator) = (cells[0], cells[1]);
            let mine = rows.iter().filter(is_taken).filter(|row| {
                let known = ADMINISTRATORS.iter().find(|(payee, _)| *payee == row[3]);
                row[4] == kbk && known.is_some_and(|(_, code)| *code == administrator)
            });
            let amounts: Vec<u64> = mine.map(|row| row[6].parse().unwrap()).collect();
            let number = |name: String| cells[place(&name)].parse::<u64>().unwrap();
            assert_eq!(number(format!("{name}_rows")), amounts.len() as u64, "{line}");
            assert_eq!(number(format!("{name}_tiyn")), amounts.iter().sum::<u64>(), "{line}");
            all = (all.0 + amounts.len() as u64, all.1 + amounts.iter().sum::<u64>());
        }
        assert_eq!(told["sides"][name]["taken"], all.0);
        assert_eq!(told["sides"][name]["sum_tiyn"], all.1);
    }
    assert!(text.contains("101999,"), "the Treasury's own КБК: {text}");
    assert!(text.contains(",DIFFERS,"), "{text}");
    let page = std::fs::read_to_string(house.path().join("out/report.kk.html")).unwrap();
    assert!(page.contains("Қазынашылық") && page.contains("2180101"), "{page}");
}

#[test]
fn a_statement_that_breaks_a_promise_is_refused_whole() {
    let house = tempfile::tempdir().unwrap();
    let day = Day::seeded(3, 20);
    day.write(house.path());
    let good = String::from_utf8(statement(&day.treasury)).unwrap();
    let (body, _) = good.split_at(good.find("#end").unwrap());
    for (text, reason) in [
        (body.to_owned(), "no trailer"),
        (good.replace(";BANKKZ9A", ";BANKKZ9B"), "sha256"),
        (body.replace("count=", "count=1"), "count="),
        (body.replace("2026-11-22;count", "2026-11-21;count"), "another opdate"),
        (body.replacen(";2180101;", ";x;", 1), "administrator"),
    ] {
        let bytes = if text.contains("#end") || reason == "no trailer" {
            text.into_bytes()
        } else {
            sealed(text.as_bytes())
        };
        std::fs::write(house.path().join("treasury.csv"), bytes).unwrap();
        let out = run(house.path());
        assert_eq!(out.status.code(), Some(1), "{reason}");
        let told = said(&out)["refused"]["reason"].as_str().unwrap().to_owned();
        assert!(told.contains(reason), "{reason}: {told}");
        assert!(!house.path().join("out/manifest.json").exists(), "{reason}");
    }
}
