//! The whole matrix, made from a configuration, every cell of it called for real.

use crate::caller::{Caller, PERSON};
use crate::line::{ask, line};
use crate::office::Office;
use crate::support::{Installation, Plan, pair_in};
use qaqpa::command::client::Client;
use qaqpa::command::demo::installation::signer;
use qaqpa::command::demo::pki::{Family, Root};

const PARTICIPANTS: [&str; 6] = ["all", "one", "two", "three", "four", "none"];
/// Relayed by path.
const RELAYED: [&str; 4] = ["contracts", "permits", "visas", "licences"];
/// Called on SyncChannel: by a pass-through agency, by two adapters.
const MEDIATED: [&str; 3] = ["closed", "GBDFL_UniversalServiceSync", "AR_AddressByRka"];
/// What each is asked.
const ASKED: [&str; 3] = ["{}", PERSON, "<rka>0200300000000001</rka>"];
/// Operation, method and path below the service.
const OPERATIONS: [(&str, &str, &str); 4] = [
    ("list", "GET", ""),
    ("read", "GET", "/17"),
    ("create", "POST", ""),
    ("remove", "DELETE", "/17"),
];

/// What a participant is granted of a service; varied so that no two rows are alike.
fn grants(participant: usize, service: usize) -> Vec<&'static str> {
    match (PARTICIPANTS[participant], (participant * 3 + service) % 4) {
        ("none", _) => vec![],
        ("all", _) | (_, 0) => vec!["list", "read", "create", "remove"],
        (_, 1) => vec!["read"],
        (_, 2) => vec![],
        _ => vec!["list", "create"],
    }
}

fn may_call(participant: usize, service: usize) -> bool {
    grants(participant, service).len() == OPERATIONS.len()
}

fn granted(participant: usize) -> Vec<String> {
    if PARTICIPANTS[participant] == "all" {
        return vec!["*".to_owned()];
    }
    let mut list = Vec::new();
    for (at, service) in RELAYED.iter().enumerate() {
        match grants(participant, at) {
            all if all.len() == OPERATIONS.len() => list.push((*service).to_owned()),
            some => list.extend(some.iter().map(|operation| format!("{service}:{operation}"))),
        }
    }
    for (at, service) in MEDIATED.iter().enumerate() {
        if may_call(participant, at + 1) {
            list.push((*service).to_owned());
        }
    }
    list
}

fn services(office: &Office) -> String {
    let name = "name = { kk = \"t\", ru = \"t\", en = \"t\" }\n";
    let wide = "breaker = { failures = 1000, open_ms = 1000 }\n\
                quota = { per_second = 5000, burst = 5000, in_flight_max = 512 }\n";
    let mut text = format!(
        "[agency.sync]\nadapter = \"passthrough\"\nwire = \"rest\"\n{name}{wide}\
         endpoint = \"http://{}/sync\"\n[agency.sync.service.closed]\n{name}",
        office.address
    );
    for (agency, of_it) in [("first", &RELAYED[..2]), ("second", &RELAYED[2..])] {
        text += &format!(
            "[agency.{agency}]\nadapter = \"passthrough\"\nwire = \"rest\"\n{name}{wide}\
             endpoint = \"http://{}/{agency}\"\n",
            office.address
        );
        for service in of_it {
            text += &format!("[agency.{agency}.service.{service}]\n{name}");
            for (id, method, below) in OPERATIONS {
                let below = below.replace("17", "{number}");
                text += &format!(
                    "[[agency.{agency}.service.{service}.operation]]\nid = {id:?}\n\
                     method = {method:?}\npath = \"/{service}{below}\"\n"
                );
            }
        }
    }
    text
}

fn participant(at: usize, certificate: &std::path::Path) -> String {
    let id = PARTICIPANTS[at];
    format!(
        "id = \"p_{id}\"\nsender_id = \"p_{id}\"\nservices = {:?}\n\
         name = {{ kk = \"t\", ru = \"t\", en = \"t\" }}\naccept = [\"unsigned\"]\n\
         quota = {{ per_second = 5000, burst = 5000, in_flight_max = 64 }}\n\
         [[certificate]]\nfile = {certificate:?}\n",
        granted(at)
    )
}

async fn installation(office: &Office) -> Installation {
    let keys = tempfile::tempdir().unwrap();
    // The pairs of these participants are made under the root that every installation shares.
    let kept = crate::support::kept_pair("root").cert_pem;
    let folder = kept.parent().unwrap();
    for file in ["root.pem", "root.key.pem"] {
        std::fs::copy(folder.join(file), keys.path().join(file)).unwrap();
    }
    let root = Root::find_or_make(keys.path()).unwrap();
    let mut participants = Vec::new();
    for (at, id) in PARTICIPANTS.into_iter().enumerate() {
        let name = format!("p_{id}");
        let bin = format!("00014000000{at}");
        let pair = root.pair(keys.path(), &name, &bin, Family::EcdsaP256).unwrap();
        participants.push((&*name.leak(), participant(at, &pair.cert_pem)));
    }
    let plan = Plan { services: services(office), participants, ..Plan::default() };
    let installation = Installation::with(plan).await;
    for file in std::fs::read_dir(keys.path()).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), installation.state.path().join("pki").join(file.file_name()))
            .unwrap();
    }
    installation
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_matrix_is_as_configured() {
    let office = Office::serving().await;
    let installation = installation(&office).await;
    let (mut allowed, mut denied) = (0, 0);
    for (at, id) in PARTICIPANTS.into_iter().enumerate() {
        for (service_at, service) in RELAYED.into_iter().enumerate() {
            let agency = if service_at < 2 { "first" } else { "second" };
            for (operation, method, below) in OPERATIONS {
                let cell = format!("{id} {service}:{operation}");
                let mut line = line(&installation, &format!("p_{id}")).await;
                let before = office.heads().len();
                let body: &[u8] = if method == "POST" { b"{}" } else { b"" };
                let target = format!("{method} /{agency}/{service}{below}");
                let answer = ask(&mut line, &target, "", body).await;
                let heads = office.heads();
                if grants(at, service_at).contains(&operation) {
                    assert_eq!((answer.status, heads.len()), (200, before + 1), "{cell}");
                    let sent = format!("{method} /{agency}/{service}{below} HTTP/1.1\r\n");
                    assert!(heads[before].starts_with(&sent), "{cell}: {}", heads[before]);
                    allowed += 1;
                } else {
                    assert_eq!((answer.status, heads.len()), (403, before), "{cell}");
                    assert_eq!(answer.fault(), Some("caller.forbidden"), "{cell}");
                    let entry = installation.entry_of(answer.entry()).await;
                    assert_eq!(entry.line(), "Refused caller.forbidden route", "{cell}");
                    assert_eq!(entry.record.participant, format!("p_{id}"), "{cell}");
                    denied += 1;
                }
            }
        }
    }
    assert!(allowed > 30 && denied > 30, "{allowed} allowed, {denied} denied");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mediated_services_obey_the_same_grants_and_paths_open_no_second_door() {
    let office = Office::serving().await;
    let installation = installation(&office).await;
    let pki = installation.state.path().join("pki");
    let url = installation.inner.soap_url();
    for (at, id) in PARTICIPANTS.into_iter().enumerate() {
        let pair = pair_in(&pki, &format!("p_{id}"));
        let sender_id: &'static str = format!("p_{id}").leak();
        let client =
            Client::new(&url, &pki.join("root.pem"), Some((&pair.cert_pem, &pair.key_pem)));
        let signer = signer(&pair).unwrap();
        let caller = Caller { sender_id, password: "", signer, client: client.unwrap() };
        for (service_at, service) in MEDIATED.into_iter().enumerate() {
            let before = (office.heads().len(), installation.requests());
            let posted = caller.post(caller.message(service, ASKED[service_at])).await;
            let after = (office.heads().len(), installation.requests());
            if may_call(at, service_at + 1) {
                assert_eq!(posted.fault, None, "{id} {service}");
                assert_eq!(after.0 + after.1, before.0 + before.1 + 1, "{id} {service}");
            } else {
                assert_eq!(posted.fault.as_deref(), Some("caller.forbidden"), "{id} {service}");
                assert_eq!(before, after, "{id} {service}");
            }
        }
        // A service with operations is reached by their paths alone, whoever asks.
        for service in RELAYED {
            let before = office.heads().len();
            let posted = caller.post(caller.message(service, "{}")).await;
            assert_eq!(posted.fault.as_deref(), Some("caller.unknown_service"), "{id} {service}");
            assert_eq!(office.heads().len(), before, "{id} {service}");
        }
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_nobodys_calls_nothing() {
    let office = Office::serving().await;
    let installation = installation(&office).await;
    let pki = installation.state.path().join("pki");
    let root = Root::find_or_make(&pki).unwrap();
    root.pair(&pki, "stranger", "020340000033", Family::EcdsaP256).unwrap();
    let mut line = line(&installation, "stranger").await;
    let answer = ask(&mut line, "GET /first/contracts", "", b"").await;
    assert_eq!((answer.status, answer.fault()), (401, Some("caller.unknown")));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(office.heads().len(), 0);
    installation.stop().await;
}
