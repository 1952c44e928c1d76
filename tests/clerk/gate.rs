//! The gateway as a process of its own, which a trial may kill, and who asks it: a portal, and banks' customers.

use crate::house::{AMOUNT, Bank, FACES, House, Own, QAQPA, until};
use bytes::Bytes;
use qaqpa::command::client::{Client, Posted};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::time::interval;

const KILL: &str = "QAQPA_TRIAL_KILL";
/// Nobody asks in vain for longer; a gateway that is killed again and again is back sooner.
const PATIENCE: Duration = Duration::from_secs(120);

/// `qaqpa serve`.
pub struct Gate(Own);

impl Gate {
    /// Starts it behind these words, ready or killed already.
    pub async fn start(house: &House, before: &[&str], kill: Option<&str>) -> Self {
        let ready = house.folder.path().join("gate.ready");
        let _none_before = std::fs::remove_file(&ready);
        let words = [before, &[QAQPA, "serve", "--config"]].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(&house.config).arg("--ready-file").arg(&ready);
        match kill {
            Some(kill) => command.env(KILL, kill),
            None => command.env_remove(KILL),
        };
        let mut gate = Self(Own(command.stdout(Stdio::null()).spawn().unwrap()));
        until("the gateway is ready", async || ready.exists() || gate.was_killed()).await;
        gate
    }

    /// Whether it was; that it ended in any other way is a fault.
    pub fn was_killed(&mut self) -> bool {
        let Some(status) = self.0.0.try_wait().unwrap() else { return false };
        assert_eq!(status.signal(), Some(9), "{status}");
        true
    }

    /// Asks it to end; what it was started behind may stay a little longer.
    pub fn terminate(&self) {
        let id = self.0.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Asks it to end, and waits for that.
    pub async fn end(mut self) {
        self.terminate();
        until("the gateway ends", async || self.0.0.try_wait().unwrap().is_some()).await;
    }
}

/// A portal: it asks until it is answered, and knows all that it was told.
pub struct Portal {
    client: Client,
    /// By path and key.
    told: Mutex<BTreeMap<(String, String), Told>>,
}

/// What was asked, and what was answered for good.
#[derive(Clone)]
struct Told {
    body: Bytes,
    http_status: u16,
    answer: Bytes,
}

impl Portal {
    pub fn new(house: &House) -> Self {
        let pair = &house.scratch.member("portal").unwrap().pair;
        let own = Some((&*pair.cert_pem, &*pair.key_pem));
        let client = Client::new(&house.url, &house.scratch.trust_pem, own).unwrap();
        Self { client, told: Mutex::default() }
    }

    pub async fn read(&self, path: &str) -> Value {
        serde_json::from_slice(&self.client.get(path).await.unwrap().body).unwrap()
    }

    /// A new charge.
    pub async fn charge(&self, number: &str) -> String {
        let body = json!({
            "payer_iin": "850312300121", "payee_bin": "190540007715", "kbk": "108125", "knp": "911",
            "amount_tiyn": AMOUNT, "purpose": { "kk": "a", "ru": "b", "en": "c" },
        });
        let made = self.made("/api/v1/charges", number, &body).await.expect("a charge");
        made["charge_id"].as_str().unwrap().to_owned()
    }

    /// A payment of a charge through a bank; `None`: refused for good.
    pub async fn pay(&self, charge: &str, bank: &str) -> Option<String> {
        let body = json!({ "charge_id": charge, "bank": bank });
        let made = self.made("/api/v1/payments", charge, &body).await?;
        Some(made["payment_id"].as_str().unwrap().to_owned())
    }

    /// A refund of a payment; `None`: refused for good.
    pub async fn refund(&self, payment: &str, number: &str, amount_tiyn: i64) -> Option<String> {
        let path = format!("/api/v1/payments/{payment}/refunds");
        let body = json!({ "amount_tiyn": amount_tiyn, "reason": "asked" });
        let made = self.made(&path, number, &body).await?;
        Some(made["payment_id"].as_str().unwrap().to_owned())
    }

    /// Asks until it is answered for good.
    async fn made(&self, path: &str, key: &str, body: &Value) -> Option<Value> {
        let body = Bytes::from(body.to_string());
        let posted = self.asked(path, key, &body).await;
        let (http_status, answer) = (posted.http_status, posted.body.clone());
        let told = Told { body, http_status, answer };
        self.told.lock().unwrap().insert((path.to_owned(), key.to_owned()), told);
        match posted.http_status {
            201 => Some(serde_json::from_slice(&posted.body).unwrap()),
            409 => None,
            status => panic!("{path}: {status}: {}", String::from_utf8_lossy(&posted.body)),
        }
    }

    async fn asked(&self, path: &str, key: &str, body: &Bytes) -> Posted {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let (begun, mut looks) = (Instant::now(), interval(Duration::from_millis(100)));
        loop {
            looks.tick().await;
            assert!(begun.elapsed() < PATIENCE, "{path} is never answered");
            let Ok(posted) = self.client.post_to(path, &headers, body.to_vec()).await else {
                continue;
            };
            let is_under_way = posted.fault.as_deref() == Some("caller.in_progress");
            if posted.http_status < 500 && !is_under_way {
                return posted;
            }
        }
    }

    /// Asks for everything again that was made; the answers that are not the same bytes.
    pub async fn repeat(&self) -> Vec<String> {
        let told = self.told.lock().unwrap().clone();
        let mut differ = Vec::new();
        for ((path, key), told) in told.iter().filter(|(_, told)| told.http_status == 201) {
            let again = self.asked(path, key, &told.body).await;
            if again.http_status != told.http_status || again.body != told.answer {
                differ.push(format!("{path} {key} was told other words: {:?}", again.body));
            }
        }
        differ
    }
}

impl Bank {
    fn counter(&self, house: &House) -> Client {
        Client::new(&format!("http://{}", self.address), &house.scratch.trust_pem, None).unwrap()
    }

    /// A customer pays a charge: the money is taken, whatever becomes of the gateway.
    async fn customer(&self, house: &House, charge: &str, amount_tiyn: i64) {
        let body = json!({ "charge": charge, "amount_tiyn": amount_tiyn }).to_string();
        let counter = self.counter(house);
        let taken = counter.post_to("/customers", &[], body.into_bytes()).await.unwrap();
        assert_eq!(taken.http_status, 200);
    }

    /// Has the bank ask everything again, until all is answered; how much that was.
    pub async fn repeat(&self, house: &House) -> usize {
        let repeated = self.counter(house).post_to("/repeat", &[], Vec::new()).await.unwrap();
        assert_eq!(repeated.http_status, 200);
        String::from_utf8_lossy(&repeated.body).parse().unwrap()
    }
}

/// Customers that pay a charge at their banks: most of them once, some twice, some not what it is.
pub async fn customer(house: &House, charge: &str, number: usize) {
    let open = FACES.iter().zip(&house.banks).filter(|(face, _)| face.takes_customers);
    let banks: Vec<&Bank> = open.map(|(_, bank)| bank).collect();
    let bank = |step: usize| banks[(number + step) % banks.len()];
    let amount_tiyn = AMOUNT - i64::from(number.is_multiple_of(7));
    bank(0).customer(house, charge, amount_tiyn).await;
    if number.is_multiple_of(5) {
        bank(1).customer(house, charge, amount_tiyn).await;
    }
}

/// Payments of which nothing was given back yet, at banks that can do so.
pub fn refundable(house: &House) -> Vec<String> {
    house.sql(
        "SELECT id FROM payment_order WHERE state = 'posted' AND reverses IS NULL \
         AND returned_tiyn = 0 AND bank IN ('chaos', 'cards') ORDER BY id",
    )
}
