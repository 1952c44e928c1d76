//! From start to stop: configurations that are refused, calls that outlive SIGTERM, journals that stay.

use crate::caller::{Caller, get, text, until};
use crate::served::{Served, run, serve};
use crate::standin::{PAY, StandIn};
use crate::support::{Ground, PATIENCE, Plan, entry_in, lay_over};
use qaqpa::journal::Journal;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpSocket;

fn caller(ground: &Ground, served: &Served, id: &str) -> Caller {
    Caller::new(&ground.scratch, &served.callers[0], id, Some(id))
}

async fn journal_of(ground: &Ground) -> Journal {
    let settings = ground.settings();
    Journal::start(&settings.journal, &settings.node.id).await.unwrap()
}

/// Returns when /ready says what is asked for.
async fn until_ready_says(served: &Served, words: [&str; 2]) {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let page = get(&served.ops, "/ready").await;
            if words.iter().all(|word| page.contains(word)) {
                return;
            }
        }
    });
    waited.await.unwrap_or_else(|_| panic!("/ready never said {words:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_every_call_in_flight_and_loses_none() {
    let agency = StandIn::holding().await;
    let ground = Ground::lay(&Plan { services: agency.services(60_000), ..Plan::default() }).await;
    let served = Served::start(&ground).await;
    until_ready_says(&served, ["200 OK", ""]).await;
    let portal = Arc::new(caller(&ground, &served, "portal"));
    let calls: Vec<_> = (0..10)
        .map(|serial| {
            let portal = Arc::clone(&portal);
            tokio::spawn(async move { portal.ask(PAY, &format!("<order>{serial}</order>")).await })
        })
        .collect();
    agency.until_requests(10).await;
    served.signal("TERM");
    until_ready_says(&served, ["503 ", "draining"]).await;
    // Whoever parts the calls among nodes is told first; then the door closes.
    let door = served.callers[0].trim_start_matches("https://").to_owned();
    until("the door is closed", || std::net::TcpStream::connect(&door).is_err()).await;
    agency.release(10);
    let mut entries = Vec::new();
    for call in calls {
        let posted = call.await.unwrap();
        assert_eq!(posted.http_status, 200, "{}", text(&posted));
        entries.push(posted.entry.unwrap());
    }
    let ended = served.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.output);
    let journal = journal_of(&ground).await;
    for entry in entries {
        assert_eq!(entry_in(&journal, &entry).await.line(), "Done");
    }
    assert_eq!(agency.requests(), 10);
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cut_at_the_drain_deadline_is_told_by_the_exit_code_and_stays_unknown() {
    let agency = StandIn::holding().await;
    let gateway = "[limits]\ndrain_deadline_ms = 300\n".to_owned();
    let services = agency.services(60_000);
    let ground = Ground::lay(&Plan { services, gateway, ..Plan::default() }).await;
    let served = Served::start(&ground).await;
    let portal = Arc::new(caller(&ground, &served, "portal"));
    let message = portal.sign(&portal.message(PAY, "<order/>"));
    let call = {
        let (portal, message) = (Arc::clone(&portal), message.clone());
        tokio::spawn(async move { portal.client.post(message).await })
    };
    agency.until_requests(1).await;
    served.signal("TERM");
    let ended = served.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.output);
    let told = call.await.unwrap();
    assert!(told.map_or(true, |posted| posted.http_status != 200), "nobody knows it was done");

    // The next life finds it, and sends nothing again.
    agency.release(10);
    let served = Served::start(&ground).await;
    let portal = caller(&ground, &served, "portal");
    let again = portal.post(message).await;
    assert_eq!(again.fault.as_deref(), Some("agency.timeout"), "{}", text(&again));
    assert!(text(&again).contains("left_unknown"), "{}", text(&again));
    assert_eq!(agency.requests(), 1);
    served.signal("TERM");
    assert_eq!(served.ended().await.status.code(), Some(0));
    let journal = journal_of(&ground).await;
    let waiting = journal.unresolved(9).await.unwrap();
    let waiting: Vec<_> = waiting.into_iter().map(|record| Some(record.entry)).collect();
    assert_eq!(waiting, [again.entry], "it waits for evidence");
    journal.drain(soon()).await.unwrap();
    ground.agencies.stop().await;
}

/// `qaqpa resolve`: its exit code and what it says.
fn resolve(config: &str, entry: &str, became: &str, more: &[&str]) -> (Option<i32>, String) {
    let line = ["resolve", entry, "--as", became, "--config", config, "--reason", "letter 7"];
    let (status, out, errors) = run(&[&line[..], more].concat());
    (status.code(), out + &errors)
}

fn soon() -> std::time::Instant {
    std::time::Instant::now() + PATIENCE
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_what_became_of_a_call_and_a_refused_one_may_come_again() {
    let agency = StandIn::holding().await;
    let gateway = "[limits]\ndrain_deadline_ms = 300\n".to_owned();
    let services = agency.services(60_000);
    let ground = Ground::lay(&Plan { services, gateway, ..Plan::default() }).await;
    let served = Served::start(&ground).await;
    let portal = Arc::new(caller(&ground, &served, "portal"));
    let messages =
        [1, 2].map(|serial| portal.sign(&portal.message(PAY, &format!("<order>{serial}</order>"))));
    let calls = messages.clone().map(|message| {
        let portal = Arc::clone(&portal);
        tokio::spawn(async move { portal.client.post(message).await })
    });
    agency.until_requests(2).await;
    served.signal("TERM");
    assert_eq!(served.ended().await.status.code(), Some(1));
    for call in calls {
        drop(call.await.unwrap());
    }
    let journal = journal_of(&ground).await;
    let waiting = journal.unresolved(9).await.unwrap();
    assert_eq!(waiting.len(), 2);
    journal.drain(soon()).await.unwrap();

    let config = ground.scratch.config.to_str().unwrap();
    let who = ["--operator", "aigerim"];
    let entries = [&waiting[0].entry, &waiting[1].entry];
    for (entry, became, more, code, told) in [
        ("0199b2c4-7d8e-7000-8000-000000000001", "done", &who[..], 1, "there is no entry"),
        (entries[0], "unknown", &who, 64, "invalid value"),
        (entries[0], "done", &[], 64, "--operator"),
        (entries[0], "done", &who, 0, "is Done"),
        (entries[0], "refused", &who, 1, "does not wait for evidence"),
        (entries[1], "refused", &["--operator", "aigerim", "--json"], 0, "\"as\":\"Refused\""),
    ] {
        let (exit, said) = resolve(config, entry, became, more);
        assert_eq!(exit, Some(code), "{became}: {said}");
        assert!(said.contains(told), "{became}: {said}");
    }
    let (_, said, _) = run(&["evidence", entries[0], "--config", config, "--json"]);
    assert!(said.contains("aigerim: letter 7"), "{said}");

    // What was done is not sent again, what was refused may be.
    agency.release(10);
    let served = Served::start(&ground).await;
    let (held, said) = resolve(config, entries[0], "done", &who);
    assert_eq!(held, Some(1), "a gateway runs: {said}");
    let portal = caller(&ground, &served, "portal");
    let sent = agency.requests();
    let mut good = 0;
    for message in messages {
        good += usize::from(portal.post(message).await.http_status == 200);
    }
    assert_eq!((good, agency.requests()), (1, sent + 1));
    served.signal("TERM");
    assert_eq!(served.ended().await.status.code(), Some(0));
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_yet_is_no_mistake_of_the_configuration() {
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let nobody = closed.local_addr().unwrap();
    let store = Some(format!("postgres://qaqpa_app@{nobody}/gate"));
    let ground = Ground::lay(&Plan { store, ..Plan::default() }).await;
    let (code, errors) = serve(&ground.scratch.config);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains(&nobody.to_string()), "{errors}");
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_told_with_its_cure_and_exit_code_78() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let pair = "certificate_file = \"../pki/gateway-ecdsa.cert.pem\"\n\
                key_file = \"../pki/gateway-ecdsa.key.pem\"\n";
    for gateway in [
        format!("[[listener]]\naddress = \"{address}\"\ntls = \"mutual\"\n{pair}"),
        format!("[ops]\naddress = \"{address}\"\n"),
    ] {
        let ground = Ground::lay(&Plan { gateway, ..Plan::default() }).await;
        let (code, errors) = serve(&ground.scratch.config);
        assert_eq!(code, Some(78), "{errors}");
        assert!(errors.contains(&format!("{address} is in use")), "{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        ground.agencies.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_ten_mistakes_is_refused_with_all_ten() {
    let ground = Ground::lay(&Plan::default()).await;
    let config = &ground.scratch.config;
    lay_over(
        &config.join("gateway.toml"),
        "[node]\nid = \"Not An Id\"\n[limits]\nbody_bytes_max = 1\nin_flight_max = 0\n\
         call_deadline_ms = 5\n[journal]\ngroup_max = 0\n[trust]\nfiles = [\"no-such.pem\"]\n",
    );
    lay_over(
        &config.join("services.toml"),
        "[agency.gbd_fl]\nadapter = \"gbd_fi\"\n[agency.gbd_ul]\nendpoint = \"ftp://x\"\n",
    );
    lay_over(
        &config.join("participants/bank.toml"),
        "bin = \"171140001236\"\nservices = [\"NoSuchService\"]\n",
    );
    let (code, errors) = serve(config);
    assert_eq!(code, Some(78), "{errors}");
    for word in [
        "node.id",
        "body_bytes_max",
        "in_flight_max",
        "call_deadline_ms",
        "group_max",
        "no-such.pem",
        "gbd_fi",
        "ftp://x",
        "BIN",
        "NoSuchService",
    ] {
        assert!(errors.contains(word), "{word} is not told of:\n{errors}");
    }
    let placed = errors.lines().filter(|line| line.contains(".toml:"));
    assert!(placed.count() >= 10, "file, line and key of each:\n{errors}");
    ground.agencies.stop().await;
}

/// Ids of all entries in the SQLite file of a state folder.
fn entries_in(state: &Path) -> BTreeSet<Vec<u8>> {
    let store = rusqlite::Connection::open(state.join("journal.sqlite")).unwrap();
    let mut asked = store.prepare("SELECT id FROM entry_opened").unwrap();
    let ids = asked.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

#[test]
fn the_demo_in_json_says_what_it_did_and_keeps_its_state_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let ready_file = folder.path().join("ready.json");
    let mut lives = Vec::new();
    for _ in 0..2 {
        let (status, said, errors) = run(&[
            "demo",
            "--once",
            "--json",
            "--state",
            state.to_str().unwrap(),
            "--ready-file",
            ready_file.to_str().unwrap(),
        ]);
        assert_eq!(status.code(), Some(0), "{said}{errors}");
        assert!(said.lines().count() >= 9, "{said}");
        for line in said.lines() {
            let shown: serde_json::Map<_, _> = serde_json::from_str(line).unwrap();
            let keys: Vec<_> = shown.keys().map(String::as_str).collect();
            let expected = ["caller", "fault", "http_status", "ms", "outcome", "service"];
            assert_eq!(keys, expected, "{line}");
        }
        lives.push(entries_in(&state));
    }
    assert!(lives[0].len() >= 8, "{} entries", lives[0].len());
    assert!(lives[1].is_superset(&lives[0]) && lives[1].len() > lives[0].len());

    let ready: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(ready_file).unwrap()).unwrap();
    for key in ["wsdl_url", "soap_url", "ops_url", "trust_pem", "known_iin"] {
        assert!(ready[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {ready}");
    }
    assert!(Path::new(ready["trust_pem"].as_str().unwrap()).is_file());
    for id in ["portal", "bank", "agency"] {
        let participant = &ready["participants"][id];
        for key in ["sender_id", "password", "key_pem", "cert_pem"] {
            assert!(participant[key].is_string(), "{id} {key}: {ready}");
        }
        assert!(Path::new(participant["key_pem"].as_str().unwrap()).is_file(), "{id}");
    }
}
