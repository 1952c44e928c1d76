//! `qaqpa migrate` and `qaqpa evidence` on a real store.

use crate::bench::*;
use crate::postgres::Cluster;
use qaqpa::config::settings::Store;
use std::process::Command;

/// Runs qaqpa; its exit code and what it said.
fn qaqpa(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_qaqpa")).args(arguments).output().expect("qaqpa");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

pub(crate) async fn the_command_line_shows_an_entry_and_what_waits_while_the_gateway_runs(
    bench: &Bench,
) {
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    journal.close(unknown(&paid)).await.unwrap();
    let under_way = open(&journal, call(2), payment(), "fresh").await;
    let store = match &bench.settings.store {
        Store::Embedded { path } => path.display().to_string(),
        Store::Postgres { url, .. } => {
            let file = bench.folder.path().join("store.url");
            std::fs::write(&file, format!("{}\n", url.as_str())).unwrap();
            file.display().to_string()
        }
    };
    let (paid, under_way) = (paid.id.to_string(), under_way.id.to_string());
    for (arguments, code, has, lacks) in [
        (&["--unknown"][..], 0, &paid, &under_way),
        (&["--open"], 0, &under_way, &paid),
        (&[&paid], 0, &paid, &under_way),
        (&["--unknown", "--json"], 0, &paid, &under_way),
        (&["0199b2c4-7d8e-7000-8000-000000000001"], 1, &"no entry".to_owned(), &paid),
        (&["not-an-id"], 64, &"invalid value".to_owned(), &paid),
        (&["--open", "--unknown"], 64, &"cannot be used with".to_owned(), &paid),
    ] {
        let line = [&["evidence", "--store", &store], arguments].concat();
        let (exit, said) = qaqpa(&line);
        assert_eq!(exit, code, "{line:?}: {said}");
        assert!(said.contains(has) && !said.contains(lacks), "{line:?}: {said}");
    }
    let (_, json) = qaqpa(&["evidence", "--store", &store, "--unknown", "--json"]);
    let record: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!(record["closed"]["outcome"], "Unknown");
}

#[test]
fn a_file_is_migrated_unless_a_gateway_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite").display().to_string();
    let (exit, said) = qaqpa(&["migrate", "--store", &path]);
    assert!(exit == 0 && said.contains("version 7; there was none"), "{said}");
    let (exit, said) = qaqpa(&["migrate", "--store", &path, "--json"]);
    assert_eq!((exit, said.trim()), (0, r#"{"days_late":0,"days_made":0,"from":7,"to":7}"#));
    assert_eq!(qaqpa(&["migrate"]).0, 64);
}

#[test]
fn a_database_is_migrated_by_its_owner_and_by_nobody_else() {
    let cluster = Cluster::shared();
    let database = cluster.database();
    let (exit, said) = qaqpa(&["migrate", "--store", &cluster.url("qaqpa_app", &database)]);
    assert!(exit == 1 && said.contains("permission denied"), "{said}");
    let owner = cluster.url("qaqpa_migrate", &database);
    let (exit, said) = qaqpa(&["migrate", "--store", &owner, "--days-ahead", "0"]);
    assert!(exit == 0 && said.contains("made for 1 day."), "{said}");
}
