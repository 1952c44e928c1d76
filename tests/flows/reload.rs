//! Changes of the configuration while calls go on: taken whole without one of them failing, or refused whole.

use crate::caller::{Caller, PERSON, PERSONS, get, until};
use crate::load::Load;
use crate::served::Served;
use crate::support::{Ground, PATIENCE, Plan, lay_over};
use qaqpa::command::demo::pki::{Family, Root};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Changes under load; `make reload` asks for a hundred.
fn rounds() -> usize {
    std::env::var("QAQPA_RELOADS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

fn caller(ground: &Ground, served: &Served, id: &str) -> Caller {
    Caller::new(&ground.scratch, &served.callers[0], id, Some(id))
}

/// Returns when this sample stands on /metrics.
async fn until_sample(served: &Served, sample: &str) {
    let waited = tokio::time::timeout(PATIENCE, async {
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        while !get(&served.ops, "/metrics").await.lines().any(|line| line == sample) {
            looks.tick().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("/metrics never said {sample}"));
}

/// Puts a new key and certificate of the root in the place of a pair, each in one step.
fn rotate(pki: &Path, name: &str) {
    let fresh = tempfile::tempdir().unwrap();
    let root = Root::find_or_make(pki).unwrap();
    let pair = root.pair(fresh.path(), name, "120940000452", Family::EcdsaP256).unwrap();
    for file in [pair.key_pem, pair.cert_pem] {
        let place = pki.join(file.file_name().unwrap());
        let beside = place.with_extension("new");
        std::fs::copy(&file, &beside).unwrap();
        std::fs::rename(beside, place).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_and_rotations_of_certificates_under_load_fail_no_call() {
    // The door's own pair: the demo's other one signs too, and agencies know its key.
    let gateway = "[reload]\nwatch_ms = 0\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
        certificate_file = \"../pki/door.cert.pem\"\nkey_file = \"../pki/door.key.pem\"\n";
    let free = "[quota]\nper_second = 100000\nburst = 100000\n".to_owned();
    let participants = ["portal", "bank", "lenient"].map(|id| (id, free.clone())).to_vec();
    let gateway = gateway.to_owned();
    let ground = Ground::lay(&Plan { gateway, participants, ..Plan::default() }).await;
    let pki = ground.scratch.trust_pem.parent().unwrap().to_owned();
    rotate(&pki, "door");
    let served = Served::start(&ground).await;
    let load = Load::start(&ground, &served.callers[0], &["portal", "bank", "lenient"]);
    for round in 1..=rounds() {
        let before = load.answered.load(Ordering::Relaxed) + load.failed.load(Ordering::Relaxed);
        let quota = format!("[quota]\nburst = {}\n", 5_000 + round);
        lay_over(&ground.scratch.config.join("participants/bank.toml"), &quota);
        rotate(&pki, "door");
        served.signal("HUP");
        until_sample(&served, &format!("qaqpa_reload_total{{result=\"taken\"}} {round}")).await;
        let all = || load.answered.load(Ordering::Relaxed) + load.failed.load(Ordering::Relaxed);
        until("calls went on", || all() >= before + 5).await;
    }
    let (answered, failed) = load.end().await;
    println!("{} changes, {answered} calls answered, {} failed", rounds(), failed.len());
    assert!(failed.is_empty(), "{failed:?}");
    served.signal("TERM");
    let ended = served.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.output);
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_refused_whole_and_what_ran_before_runs_on() {
    let gateway = "[reload]\nwatch_ms = 20\n".to_owned();
    let ground = Ground::lay(&Plan { gateway, ..Plan::default() }).await;
    let served = Served::start(&ground).await;
    let bank = caller(&ground, &served, "bank");
    assert_eq!(bank.ask(PERSONS, PERSON).await.http_status, 200);
    let config = &ground.scratch.config;
    let file = |name: &str| std::fs::read(config.join(name)).unwrap();
    let (good_gateway, good_bank) = (file("gateway.toml"), file("participants/bank.toml"));

    // One file is right and forbids; the other has a mistake: neither is taken.
    lay_over(&config.join("gateway.toml"), "[limits]\nin_flight_max = 0\n");
    lay_over(&config.join("participants/bank.toml"), "services = []\n");
    until_sample(&served, "qaqpa_reload_refused 1").await;
    assert_eq!(bank.ask(PERSONS, PERSON).await.http_status, 200);

    // A socket's cap lasts as long as the process: told, and nothing is taken.
    std::fs::write(config.join("gateway.toml"), &good_gateway).unwrap();
    lay_over(&config.join("gateway.toml"), "[limits]\nconnections_max = 77\n");
    until_sample(&served, "qaqpa_reload_total{result=\"refused\"} 2").await;
    assert_eq!(bank.ask(PERSONS, PERSON).await.http_status, 200);

    // Set right, the change of the other file is taken with it.
    std::fs::write(config.join("gateway.toml"), &good_gateway).unwrap();
    until_sample(&served, "qaqpa_reload_refused 0").await;
    let refused = bank.ask(PERSONS, PERSON).await;
    assert_eq!(refused.fault.as_deref(), Some("caller.forbidden"));
    std::fs::write(config.join("participants/bank.toml"), &good_bank).unwrap();
    until_sample(&served, "qaqpa_reload_total{result=\"taken\"} 2").await;
    assert_eq!(bank.ask(PERSONS, PERSON).await.http_status, 200);
    served.signal("TERM");
    let ended = served.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.output);
    for told in ["in_flight_max", "limits cannot change while the node runs"] {
        assert!(ended.output.contains(told), "{told}: {}", ended.output);
    }
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_names_a_file_which_comes_later_is_taken_when_it_comes() {
    let gateway = "[reload]\nwatch_ms = 20\n".to_owned();
    let ground = Ground::lay(&Plan { gateway, ..Plan::default() }).await;
    let secrets = ground.scratch.config.join("secrets");
    // Older than the change that names it, as what was prepared and is moved in is.
    let (ready, place) = (secrets.join("prepared"), secrets.join("later.password"));
    std::fs::rename(secrets.join("bank.password"), &ready).unwrap();
    std::fs::copy(&ready, secrets.join("bank.password")).unwrap();
    let served = Served::start(&ground).await;
    let bank = caller(&ground, &served, "bank");
    let named = "password_file = \"../secrets/later.password\"\nservices = []\n";
    lay_over(&ground.scratch.config.join("participants/bank.toml"), named);
    until_sample(&served, "qaqpa_reload_refused 1").await;
    assert_eq!(bank.ask(PERSONS, PERSON).await.http_status, 200);
    std::fs::rename(ready, place).unwrap();
    until_sample(&served, "qaqpa_reload_refused 0").await;
    let refused = bank.ask(PERSONS, PERSON).await;
    assert_eq!(refused.fault.as_deref(), Some("caller.forbidden"));
    served.signal("TERM");
    assert_eq!(served.ended().await.status.code(), Some(0));
    ground.agencies.stop().await;
}
