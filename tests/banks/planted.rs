//! Card numbers and people's numbers planted in everything that a caller writes: nothing that stays tells them.

use crate::caller::{Caller, get};
use crate::house::{charge, text};
use crate::served::Served;
use crate::support::{Ground, Plan, lay_over};
use qaqpa::command::client::Posted;
use qaqpa::journal::entry::EntryId;
use qaqpa::journal::{Body, Part};
use qaqpa::proxy::start::Running;
use serde_json::json;

/// Right by Luhn, of several schemes, together and in groups.
const CARDS: [&str; 4] =
    ["4111111111111111", "5555 5555 5555 4444", "2200-0000-0000-0004", "378282246310005"];
/// A security code that nothing else here holds.
const CVC: &str = "CVC90817";
/// People of whom nobody is a payer here.
const PEOPLE: [&str; 2] = ["900101300017", "990101500036"];

const BANKS: &str = "[bank.osmp]\nparticipant = \"bank\"\nprovider = \"osmp\"\nbic = \"DEMOKZ2A\"\n\
    name = { kk = \"a\", ru = \"b\", en = \"c\" }\n\
    [bank.iso]\nparticipant = \"bank\"\nprovider = \"iso20022\"\nbic = \"DEMOKZ2A\"\n\
    name = { kk = \"a\", ru = \"b\", en = \"c\" }\n\
    [bank.card]\nparticipant = \"bank\"\nprovider = \"acquiring\"\nbic = \"DEMOKZ2A\"\n\
    name = { kk = \"a\", ru = \"b\", en = \"c\" }\n";

struct Faces {
    portal: Caller,
    bank: Caller,
    charge: String,
}

impl Faces {
    async fn rest(&self, key: &str, body: &str) -> Posted {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.portal.client.post_to("/api/v1/charges", &headers, body.into()).await.unwrap()
    }

    async fn post(&self, path: &str, content_type: &str, body: &str) -> Posted {
        let headers = [("content-type", content_type)];
        self.bank.client.post_to(path, &headers, body.into()).await.unwrap()
    }

    async fn get(&self, path: &str) -> Posted {
        self.bank.client.get(path).await.unwrap()
    }

    /// The same thing planted at every place of every face.
    async fn plant(&self, planted: &str) -> Vec<Posted> {
        let portal = &self.portal;
        let escaped = planted.replace(' ', "%20");
        let name = planted.replace(' ', "-");
        let charge = |field: &str, value: &str| json!({ field: value }).to_string();
        let data = format!("<payee_bin>{planted}</payee_bin>");
        let own = |message: String| portal.sign(&message);
        let head =
            |to: &str| portal.message("PAY_ChargeRegister", "<a/>").replacen("<sender>", to, 1);
        let unknown = portal.message(&format!("PAY_{name}"), "<a/>");
        let stranger = portal.message("PAY_ChargeRegister", "<a/>").replace("egov_portal", planted);
        let mut told = vec![
            // REST: body, names of fields, name of the call, of a call that is refused before it is read.
            self.rest("k1", &charge("number", planted)).await,
            self.rest("k2", &charge(planted, "1")).await,
            self.rest("k3", &charge("cvc", planted)).await,
            self.rest(&name, &charge("number", "1")).await,
            self.rest(&name, "{").await,
            self.portal.client.get(&format!("/api/v1/charges?payer={escaped}")).await.unwrap(),
            self.portal.client.get(&format!("/api/v1/charges/{escaped}")).await.unwrap(),
            // SOAP: data, a comment, names; unsigned, of an unknown service, of an unknown sender.
            portal.ask("PAY_ChargeRegister", &data).await,
            portal.ask("PAY_ChargeRegister", &format!("<a/><!-- {planted} -->")).await,
            portal.post(own(portal.message_with_id(planted, "PAY_ChargeRegister", "<a/>"))).await,
            portal.post(own(head(&format!("<routeId>{planted}</routeId><sender>")))).await,
            portal.post(portal.message_with_id(planted, "PAY_ChargeRegister", "<a/>")).await,
            portal.post(own(portal.message_with_id(planted, "PAY_Nothing", "<a/>"))).await,
            portal.post(own(unknown)).await,
            portal.post(own(stranger)).await,
        ];
        // Banks: what a dialect reads, what it does not, and what cannot be read.
        for path in ["/bank/demo/provider", "/bank/osmp/osmp"] {
            let pay = format!("{path}?command=pay&txn_id=1&account={}&sum=5347.07", self.charge);
            told.push(self.get(&format!("{path}?command=check&txn_id=1&account={escaped}")).await);
            told.push(self.get(&format!("{pay}&data1={escaped}")).await);
            told.push(self.get(&format!("{pay}&cvv={escaped}")).await);
            told.push(self.get(&format!("{path}?command=pay&account={escaped}&sum=1.005")).await);
        }
        let callback = json!({
            "id": "A1", "invoiceID": "GW1", "amount": 1, "statusName": "CHARGE", "pan": planted,
        });
        let nested = json!({ "invoiceID": "GW1", "card": { "holder": planted } });
        for body in [callback, nested, json!([planted])] {
            told.push(
                self.post("/bank/card/acquiring", "application/json", &body.to_string()).await,
            );
        }
        let document = format!("<Document xmlns=\"urn:x\"><Ustrd>{planted}</Ustrd></Document>");
        told.push(self.post("/bank/iso/iso20022", "application/xml", &document).await);
        told
    }

    /// A security code where its field's name alone tells what it is.
    async fn plant_code(&self) -> Vec<Posted> {
        let json = json!({ "invoiceID": "GW1", "card": { "cvv2": CVC } }).to_string();
        let pay = format!("command=pay&txn_id=1&account={}&sum=5347.07&cvc={CVC}", self.charge);
        vec![
            self.rest("k9", &json!({ "securityCode": CVC }).to_string()).await,
            self.portal.ask("PAY_ChargeRegister", &format!("<cvc>{CVC}</cvc>")).await,
            self.get(&format!("/bank/demo/provider?{pay}")).await,
            self.get(&format!("/bank/osmp/osmp?{pay}")).await,
            self.post("/bank/card/acquiring", "application/json", &json).await,
            self.post(
                "/bank/iso/iso20022",
                "application/xml",
                &format!("<Document><CVC>{CVC}</CVC></Document>"),
            )
            .await,
        ]
    }
}

/// Whether the bytes hold a text, in one piece or without its separators.
fn holds(bytes: &[u8], planted: &str) -> bool {
    let plain: String = planted.chars().filter(|c| !" -".contains(*c)).collect();
    [planted, &plain]
        .iter()
        .any(|text| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

/// Everything that a store left on disk, and every body and answer that a journal can give back.
async fn kept(ground: &Ground) -> Vec<(String, Vec<u8>)> {
    let mut kept = Vec::new();
    for file in std::fs::read_dir(ground.state.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            kept.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    let again = Running::start(ground.settings()).await.unwrap();
    let ids: Vec<Vec<u8>> = {
        let file = rusqlite::Connection::open(&ground.scratch.journal).unwrap();
        let mut select = file.prepare("SELECT id FROM entry_opened").unwrap();
        let ids = select.query_map((), |row| row.get(0)).unwrap();
        ids.map(Result::unwrap).collect()
    };
    assert!(ids.len() > 50, "too few entries to be true");
    let mut bodies = 0;
    for id in ids {
        let id = EntryId(uuid::Uuid::from_slice(&id).unwrap());
        for part in [Part::Request, Part::Answer] {
            if let Body::Kept(body) = again.gate.journal.body(id, part).await.unwrap() {
                bodies += 1;
                kept.push((format!("{} of {id}", part.word()), body.to_vec()));
            }
        }
    }
    assert!(bodies > 1, "no body was kept to be looked at");
    again.drain().await;
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn no_card_number_code_or_person_that_any_face_was_told_stands_anywhere_afterwards() {
    let gateway = "[ops]\nlog_level = \"debug\"\n".to_owned();
    let ground = Ground::lay(&Plan { gateway, ..Plan::default() }).await;
    lay_over(&ground.scratch.config.join("payments.toml"), BANKS);
    let served = Served::start(&ground).await;
    let caller = |id: &str| Caller::new(&ground.scratch, &served.callers[0], id, Some(id));
    let (portal, bank) = (caller("portal"), caller("bank"));
    let faces = Faces { charge: charge(&portal).await, portal, bank };
    for card in CARDS {
        for posted in faces.plant(card).await {
            assert!(posted.fault.is_some(), "{card} was taken: {}", text(&posted));
            assert!(!holds(&posted.body, card), "{}", text(&posted));
        }
    }
    for person in PEOPLE {
        for posted in faces.plant(person).await {
            let is_said = posted.fault.is_some() && holds(&posted.body, person);
            assert!(!is_said, "{}", text(&posted));
        }
    }
    for posted in faces.plant_code().await {
        assert!(posted.fault.is_some(), "{CVC} was taken: {}", text(&posted));
        assert!(!holds(&posted.body, CVC), "{}", text(&posted));
    }
    let metrics = get(&served.ops, "/metrics").await;
    served.signal("TERM");
    let ended = served.ended().await;
    let told = [("/metrics", metrics), ("the log", ended.output)];
    for (place, bytes) in &told {
        for planted in CARDS.into_iter().chain(PEOPLE).chain([CVC]) {
            let line = bytes.lines().find(|line| holds(line.as_bytes(), planted));
            assert!(line.is_none(), "{place} tells {planted}: {line:?}");
        }
    }
    for (place, bytes) in kept(&ground).await {
        for planted in CARDS.into_iter().chain([CVC]) {
            assert!(!holds(&bytes, planted), "{place} keeps {planted}");
        }
    }
    ground.agencies.stop().await;
}
