//! The monthly comparison of services: by number and by quality, acts that add up, and 357 of them signed.

use crate::day::{Seed, sealed};
use crate::files::contents;
use qaqpa::command::demo::scratch::{Endpoints, Scratch};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type Counts = BTreeMap<[String; 4], [u64; 4]>;

/// A month of some agencies, branches and services.
fn month(agencies: u64, branches: u64, services: u64, seed: u64) -> Counts {
    let mut seed = Seed(seed);
    let mut counts = Counts::new();
    for agency in 0..agencies {
        for branch in 0..branches {
            for service in 0..services {
                let (given, refused) = (seed.below(500), seed.below(20));
                let late = seed.below(given + refused + 1);
                let key = [
                    format!("agency-{agency:02}"),
                    format!("S{service:03}"),
                    format!("branch-{branch:02}"),
                    format!("{:02}0000000", 10 + branch),
                ];
                counts.insert(key, [given, refused, given + refused - late, late]);
            }
        }
    }
    counts
}

fn file(folder: &Path, name: &str, party: &str, counts: &Counts) -> PathBuf {
    let sum: u64 = counts.values().map(|numbers| numbers[0] + numbers[1]).sum();
    let count = counts.len();
    let mut text =
        format!("#counts;v=1;party={party};month=2026-11;count={count};sum={sum};enc=utf-8\n");
    for (key, numbers) in counts {
        writeln!(text, "{};{}", key.join(";"), numbers.map(|n| n.to_string()).join(";")).unwrap();
    }
    let path = folder.join(name);
    std::fs::write(&path, sealed(text.as_bytes())).unwrap();
    path
}

/// Runs the comparison of two files into `out`.
fn compare(folder: &Path, agency: &Path, centre: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
    command.args(["reconcile", "counts", "--month", "2026-11", "--agency"]).arg(agency);
    command.arg("--centre").arg(centre).arg("--out").arg(folder.join("out")).args(more);
    command.output().unwrap()
}

fn said(out: &Output) -> Value {
    let text = String::from_utf8_lossy(&out.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|_| panic!("{out:?}"))
}

#[test]
fn differences_of_number_and_of_quality_are_found_and_none_is_invented() {
    let house = tempfile::tempdir().unwrap();
    let ours = month(3, 4, 5, 1);
    let mut theirs = ours.clone();
    let keys: Vec<_> = theirs.keys().cloned().collect();
    theirs.remove(&keys[0]);
    let one = theirs.get_mut(&keys[7]).unwrap();
    (one[0], one[2]) = (one[0] + 1, one[2] + 1);
    let two = theirs.get_mut(&keys[9]).unwrap();
    (two[2], two[3]) = (two[3] + 500, two[2]);
    two[0] = two[2] + two[3] - two[1];
    let three = theirs.get_mut(&keys[11]).unwrap();
    *three = [three[0], three[1], three[0] + three[1], 0];
    let four = theirs.get_mut(&keys[11]).map(|numbers| *numbers).unwrap();
    let is_quality = four != ours[&keys[11]];
    let agency = file(house.path(), "ours.csv", "gateway", &ours);
    let centre = file(house.path(), "theirs.csv", "centre", &theirs);
    let out = compare(house.path(), &agency, &centre, &[]);
    let told = said(&out);
    assert!(is_quality, "the seed gave no late case");
    assert_eq!(
        told["differences"],
        json!({"MISSING_AT_CENTRE": 1, "NUMBER_MISMATCH": 2, "QUALITY_MISMATCH": 1})
    );
    assert_eq!(told["agreed"], 56);
    assert_eq!(told["acts"], 3 * 4 + 3);
    let first = contents(&house.path().join("out"));
    assert!(!first.keys().any(|name| name.starts_with("act")), "nobody signs without parties");
    let text = String::from_utf8(first["differences.csv"].clone()).unwrap();
    assert_eq!(text.lines().count(), 5);
    compare(house.path(), &agency, &centre, &[]);
    assert_eq!(contents(&house.path().join("out")), first, "a second run leaves the same bytes");
    // A file of another month, and one that breaks its word.
    let mut bytes = std::fs::read(&centre).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&centre, &bytes).unwrap();
    let out = compare(house.path(), &agency, &centre, &[]);
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out)["refused"]["reason"].as_str().unwrap().contains("sha256"), "{out:?}");
}

#[test]
fn the_head_office_must_say_the_sum_of_its_branches() {
    let house = tempfile::tempdir().unwrap();
    let counts = month(2, 3, 4, 2);
    let mut central = Counts::new();
    for (key, numbers) in &counts {
        let all = [key[0].clone(), key[1].clone(), "central".to_owned(), "central".to_owned()];
        let sum = central.entry(all).or_insert([0; 4]);
        (0..4).for_each(|at| sum[at] += numbers[at]);
    }
    let ours = file(house.path(), "ours.csv", "gateway", &counts);
    let theirs = file(house.path(), "theirs.csv", "centre", &counts);
    for (added, differ) in [(0, 0), (1, 1)] {
        let first = central.values_mut().next().unwrap();
        (first[0], first[2]) = (first[0] + added, first[2] + added);
        let head = file(house.path(), "head.csv", "centre", &central);
        let out = compare(house.path(), &ours, &theirs, &["--central", head.to_str().unwrap()]);
        assert_eq!(said(&out)["central_differences"], differ);
    }
}

#[test]
fn every_act_of_a_month_is_signed_by_both_sides_and_verifies() {
    let house = tempfile::tempdir().unwrap();
    let counts = month(2, 2, 3, 3);
    let ours = file(house.path(), "ours.csv", "gateway", &counts);
    let theirs = file(house.path(), "theirs.csv", "centre", &counts);
    let bins = ["990140000017", "980140000018", "190540007715"];
    let text = format!("centre;{};ГК\nagency-00;{};\nagency-01;{};\n", bins[0], bins[1], bins[2]);
    let parties = house.path().join("parties");
    std::fs::write(&parties, text).unwrap();
    let out = compare(house.path(), &ours, &theirs, &["--parties", parties.to_str().unwrap()]);
    assert_eq!(said(&out)["acts"], 6);
    let folder = house.path().join("out");
    for (bin, acts) in bins.into_iter().zip([6, 3, 3]) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::OrganizationalUnitName, format!("BIN{bin}"));
        let certificate = params.self_signed(&key).unwrap();
        let path = |ending: &str| house.path().join(format!("{bin}.{ending}"));
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        std::fs::write(path("pem"), certificate.pem()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
        command.args(["act", "sign"]).arg(&folder).arg("--key").arg(path("key"));
        let out = command.arg("--cert").arg(path("pem")).output().unwrap();
        assert_eq!(said(&out)["signed"], acts, "{out:?}");
    }
    let gateway = house.path().join("gateway");
    std::fs::create_dir(&gateway).unwrap();
    let scratch = Scratch::prepare(&gateway).unwrap();
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    let endpoints = Endpoints { persons: nobody, companies: nobody, addresses: nobody };
    scratch.write(&endpoints, None).unwrap();
    let enter = |paper: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
        command.args(["act", "enter", "--json", "--by", "desk", "--paper", paper]);
        command.arg("--journal-config").arg(&scratch.config);
        for bin in bins {
            command.arg("--trust").arg(house.path().join(format!("{bin}.pem")));
        }
        command.arg(&folder).output().unwrap()
    };
    let [report, acts] = ["report", "act"].map(|paper| said(&enter(paper))["entry"].clone());
    assert!(report.is_string() && acts.is_string() && report != acts);
    assert_eq!(said(&enter("act"))["entry"], acts, "a paper is entered once");
    let one = folder.join("act+agency-00+branch-00.xml");
    let text = std::fs::read_to_string(&one).unwrap();
    std::fs::write(&one, text.replacen("given=\"", "given=\"1", 1)).unwrap();
    assert!(!enter("act").status.success(), "an act that was touched");
    for name in ["act+agency-00.xml", "act+agency-01+branch-01.xml"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
        command.args(["verify", "--profile", "act", "--json", "--signature-only", "--folder"]);
        let out = command.arg(&folder).arg(folder.join(name)).output().unwrap();
        assert!(out.status.success(), "{name}: {out:?}");
        let told: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(
            (&told["act"]["kind"], &told["act"]["from"]),
            (&json!("services"), &json!("2026-11-01"))
        );
    }
}
