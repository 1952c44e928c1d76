//! An installation with a bank in a process of its own, an office that is told, and a store of either kind.

use crate::office::Office;
use crate::postgres::Cluster;
use jiff::Timestamp;
use qaqpa::command::demo::scratch::{Endpoints, Scratch};
use qaqpa::config;
use qaqpa::config::settings::{Settings, Store};
use qaqpa::payments::Payments;
use qaqpa::payments::command::{Command, Opening, Reply};
use qaqpa::payments::record::{Charge, Id, Order, Party, Terms};
use qaqpa::proxy::start::Running;
use qaqpa::{journal, payments};
use qaqpa_kit::ids::{Bin, Iban, Kbe, Kbk, Knp};
use qaqpa_kit::money::Amount;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::interval;
use zeroize::Zeroizing;

pub const BANK: &str = "chaos";
pub const OFFICE: &str = "tax_office";
/// Nothing open is left open longer.
pub const RESOLVED_MAX: Duration = Duration::from_secs(60);
const AMOUNT: i64 = 1_987_500;

/// A process that ends with its owner.
pub struct Own(pub Child);

impl Drop for Own {
    fn drop(&mut self) {
        let _ended_before = self.0.kill();
        let _waited_before = self.0.wait();
    }
}

pub struct House {
    pub folder: TempDir,
    pub config: PathBuf,
    pub ledger: PathBuf,
    pub office: Office,
    pub scratch: Scratch,
    pub bank_address: SocketAddr,
    pub database: Option<(Cluster, String)>,
    _bank: Own,
}

impl House {
    pub async fn on_sqlite(chaos: &str, seed: u64) -> Self {
        Self::new(None, chaos, seed).await
    }

    pub async fn on_postgres(chaos: &str, seed: u64) -> Self {
        Self::on_cluster(Cluster::start(), chaos, seed).await
    }

    pub async fn on_cluster(cluster: Cluster, chaos: &str, seed: u64) -> Self {
        let database = cluster.database();
        let url = Zeroizing::new(cluster.url("qaqpa_migrate", &database));
        let owner = Store::Postgres { url, connections_max: 2 };
        journal::migrate(&owner, 2).await.unwrap();
        payments::migrate(&owner).await.unwrap();
        Self::new(Some((cluster, database)), chaos, seed).await
    }

    async fn new(database: Option<(Cluster, String)>, chaos: &str, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::prepare(folder.path()).unwrap();
        let ledger = folder.path().join("bank.ledger");
        let (bank, address) = bank(folder.path(), &ledger, chaos, seed).await;
        let office = Office::start(&scratch).await;
        let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
        let endpoints = Endpoints { persons: nobody, companies: nobody, addresses: nobody };
        let store = database.as_ref().map(|(cluster, name)| cluster.url("qaqpa_app", name));
        scratch.write(&endpoints, store.as_deref()).unwrap();
        append(&scratch.config.join("services.toml"), &services(&scratch, address, office.address));
        // On SQLite the table is the last one of the file already.
        let table = if database.is_some() { "\n[payments]\n" } else { "" };
        let patience = "quiet_s = 3\nnot_found_min = 2\ninquiry_pause_ms_max = 1000\n\
            notice_pauses_s = [1, 1, 2, 4, 8]\n";
        append(&scratch.config.join("gateway.toml"), &format!("{table}{patience}"));
        std::fs::write(scratch.config.join("payments.toml"), PAYMENTS).unwrap();
        let config = scratch.config.clone();
        Self {
            folder,
            config,
            ledger,
            office,
            scratch,
            bank_address: address,
            database,
            _bank: bank,
        }
    }

    pub fn settings(&self) -> Settings {
        config::load(&self.config).unwrap()
    }

    /// Rows of the store as an auditor reads them, `a|b` a line.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        if let Some((cluster, database)) = &self.database {
            let text = cluster.sql("qaqpa_app", database, sql).unwrap();
            return text.lines().map(str::to_owned).collect();
        }
        let file = self.folder.path().join("payments.sqlite");
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        let mut select = connection.prepare(sql).unwrap();
        let columns = select.column_count();
        let rows = select.query_map((), |row| {
            let cells: rusqlite::Result<Vec<String>> = (0..columns)
                .map(|place| {
                    Ok(match row.get_ref(place)? {
                        rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                        rusqlite::types::ValueRef::Text(text) => {
                            String::from_utf8_lossy(text).into_owned()
                        }
                        _ => String::new(),
                    })
                })
                .collect();
            Ok(cells?.join("|"))
        });
        rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }
}

const PAYMENTS: &str = "[bank.chaos]\nname = { kk = \"a\", ru = \"b\", en = \"c\" }\n\
    bic = \"BANKKZ9A\"\nagency = \"chaos_bank\"\n\n[notice.tax_office]\nagency = \"office\"\n\n\
    [kbk.108125]\nname = { kk = \"a\", ru = \"b\", en = \"c\" }\n\
    [knp.911]\nname = { kk = \"a\", ru = \"b\", en = \"c\" }\n\
    [kbe.11]\nname = { kk = \"a\", ru = \"b\", en = \"c\" }\n";

fn services(scratch: &Scratch, bank: SocketAddr, office: SocketAddr) -> String {
    let client = &scratch.gateway[0];
    let signer = &scratch.member("agency").unwrap().pair.cert_pem;
    format!(
        "\n[agency.chaos_bank]\nadapter = \"iso20022\"\nendpoint = \"http://{bank}/\"\n\
         deadline_ms = 1000\nbreaker = {{ failures = 1000, open_ms = 1000 }}\n\n\
         [agency.office]\nadapter = \"passthrough\"\nwire = \"sync_v10\"\n\
         endpoint = \"https://{office}/\"\ndeadline_ms = 5000\n\
         name = {{ kk = \"a\", ru = \"b\", en = \"c\" }}\n\
         tls_client_certificate_file = {:?}\ntls_client_key_file = {:?}\n\n\
         [[agency.office.answer_certificate]]\nfile = {signer:?}\n\n\
         [agency.office.service.PAY_Notice]\nname = {{ kk = \"a\", ru = \"b\", en = \"c\" }}\n\
         idempotent = true\ndone_codes = [\"SCSS001\"]\n",
        client.cert_pem, client.key_pem,
    )
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Starts `qaqpa simulate --bank`; the kernel kills it when the thread that calls this is gone.
async fn bank(folder: &Path, ledger: &Path, chaos: &str, seed: u64) -> (Own, SocketAddr) {
    let ready = folder.join("bank.ready");
    let process = Process::new("setpriv")
        .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_qaqpa"), "simulate"])
        .args(["--bank", "iso20022", "--chaos", chaos, "--seed", &seed.to_string()])
        .arg("--ledger")
        .arg(ledger)
        .arg("--ready-file")
        .arg(&ready)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the bank listens", async || ready.exists()).await;
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    let url = told["url"].as_str().unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    (Own(process), address)
}

/// A gateway and what it has of payments.
pub async fn start(settings: Settings) -> (Running, Payments) {
    let running = Running::start(settings).await.unwrap();
    let payments = running.gate.desk.as_ref().expect("a bank to pay through").payments.clone();
    (running, payments)
}

fn name() -> qaqpa_kit::manifest::Name {
    let text = || "State duty".to_owned();
    qaqpa_kit::manifest::Name { kk: text(), ru: text(), en: text() }
}

pub fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}

/// Registers a charge and opens its order; the order is durable.
pub async fn open(payments: &Payments, number: &str) -> Order {
    let (charge, opening) = wanted(number);
    let registered = payments.run(Command::Register(vec![charge])).await.unwrap();
    assert_eq!(registered, Reply::Done);
    let reply = payments.run(Command::Open(opening)).await.unwrap();
    reply.order().unwrap_or_else(|| panic!("{reply:?}")).clone()
}

/// As [`open`], whatever happens to the store: who was told of no success asks by the ids, and again.
pub async fn offer(payments: Payments, number: String) -> String {
    let (charge, opening) = wanted(&number);
    let (charge_id, order_id) = (charge.id.clone(), opening.order.clone());
    let begun = Instant::now();
    let mut looks = interval(Duration::from_millis(100));
    loop {
        looks.tick().await;
        assert!(begun.elapsed() < RESOLVED_MAX, "{number} cannot be opened");
        let registered = payments.run(Command::Register(vec![charge.clone()])).await.is_ok();
        if !registered || !matches!(payments.charge(&charge_id).await, Ok(Some(_))) {
            continue;
        }
        let opened = payments.run(Command::Open(opening.clone())).await.is_ok();
        if opened && matches!(payments.order(&order_id).await, Ok(Some(_))) {
            return order_id.to_string();
        }
    }
}

pub fn wanted(number: &str) -> (Charge, Opening) {
    let payer = Party::parse("900101300017").unwrap();
    let terms = Terms {
        agency: OFFICE.to_owned(),
        number: number.to_owned(),
        payer: payer.clone(),
        payee: Bin::parse("990140000017", true).unwrap(),
        tariff: None,
        kbk: Kbk::parse("108125").unwrap(),
        knp: Knp::parse("911").unwrap(),
        kbe: Kbe::parse("11").unwrap(),
        iban: Iban::parse("KZ24070105KSN0000000").unwrap(),
        amount: Amount::new(AMOUNT).unwrap(),
        purpose: name(),
        due_day: None,
    };
    let at_us = now_us();
    let charge = Charge::new(Id::at(at_us), terms, at_us);
    let opening = Opening {
        order: Id::at(at_us),
        charge: charge.id.clone(),
        bank: BANK.to_owned(),
        payer,
        opened_by: "portal".to_owned(),
        at_us,
        deadline_us: at_us + 3_600_000_000,
    };
    (charge, opening)
}

/// Looks every few milliseconds whether something has come true; fails loudly when it never does.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    let mut looks = interval(Duration::from_millis(20));
    while !holds().await {
        assert!(begun.elapsed() < RESOLVED_MAX, "never came true: {what}");
        looks.tick().await;
    }
}
