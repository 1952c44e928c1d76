//! An installation with banks in processes of their own, an office that is told, and a store of either kind.

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
use tokio::net::TcpSocket;
use tokio::time::interval;
use zeroize::Zeroizing;

pub const BANK: &str = "chaos";
pub const OFFICE: &str = "agency";
pub const QAQPA: &str = env!("CARGO_BIN_EXE_qaqpa");
/// Nothing open is left open longer.
pub const RESOLVED_MAX: Duration = Duration::from_secs(60);
pub const AMOUNT: i64 = 1_987_500;

/// A process that ends with its owner.
pub struct Own(pub Child);

impl Drop for Own {
    fn drop(&mut self) {
        let _ended_before = self.0.kill();
        let _waited_before = self.0.wait();
    }
}

/// A bank as the gateway knows it, in the dialect of this adapter.
pub struct Face {
    pub id: &'static str,
    pub adapter: &'static str,
    /// It takes orders; else it only asks.
    pub takes_orders: bool,
    /// A customer can pay a charge there.
    pub takes_customers: bool,
}

/// The first one takes the orders of houses whose banks ask nothing.
pub const FACES: [Face; 4] = [
    Face { id: BANK, adapter: "iso20022", takes_orders: true, takes_customers: true },
    Face { id: "cards", adapter: "acquiring", takes_orders: true, takes_customers: false },
    Face { id: "shop", adapter: "provider", takes_orders: false, takes_customers: true },
    Face { id: "terminals", adapter: "osmp", takes_orders: false, takes_customers: true },
];
const SIGNATURE: &str = "signature-jws";

/// A simulated bank, its door and its books.
pub struct Bank {
    pub id: &'static str,
    pub address: SocketAddr,
    pub ledger: PathBuf,
    _process: Own,
}

pub struct House {
    pub folder: TempDir,
    pub config: PathBuf,
    pub banks: Vec<Bank>,
    pub office: Office,
    pub scratch: Scratch,
    pub database: Option<(Cluster, String)>,
    /// The gateway's door, the same in each of its lives.
    pub url: String,
    /// Keeps the door's port from everybody else.
    _door: TcpSocket,
}

impl House {
    pub async fn on_sqlite(chaos: &str, seed: u64) -> Self {
        Self::new(None, chaos, seed, false).await
    }

    pub async fn on_postgres(chaos: &str, seed: u64) -> Self {
        Self::on_cluster(Cluster::start(), chaos, seed).await
    }

    pub async fn on_cluster(cluster: Cluster, chaos: &str, seed: u64) -> Self {
        Self::new(Some(migrated(cluster).await), chaos, seed, false).await
    }

    /// A house of all banks, which ask too.
    pub async fn with_callers(cluster: Option<Cluster>, chaos: &str, seed: u64) -> Self {
        let database = match cluster {
            Some(cluster) => Some(migrated(cluster).await),
            None => None,
        };
        Self::new(database, chaos, seed, true).await
    }

    async fn new(
        database: Option<(Cluster, String)>,
        chaos: &str,
        seed: u64,
        are_callers: bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::prepare(folder.path()).unwrap();
        let door = TcpSocket::new_v4().unwrap();
        door.set_reuseport(true).unwrap();
        door.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = door.local_addr().unwrap();
        let url = format!("https://{address}");
        let mut banks = Vec::new();
        for face in &FACES[..if are_callers { FACES.len() } else { 1 }] {
            let calls = if are_callers { calls(face, &scratch, &url) } else { Vec::new() };
            banks.push(bank(folder.path(), face, (chaos, seed), &calls).await);
        }
        let office = Office::start(&scratch).await;
        let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
        let endpoints = Endpoints { persons: nobody, companies: nobody, addresses: nobody };
        let store = database.as_ref().map(|(cluster, name)| cluster.url("qaqpa_app", name));
        scratch.write(&endpoints, store.as_deref()).unwrap();
        append(&scratch.config.join("services.toml"), &services(&scratch, &banks, office.address));
        // On SQLite the table is the last one of the file already.
        let table = if database.is_some() { "\n[payments]\n" } else { "" };
        let patience = "quiet_s = 3\nnot_found_min = 2\ninquiry_pause_ms_max = 1000\n\
            notice_pauses_s = [1, 1, 2, 4, 8]\n";
        let gateway = scratch.config.join("gateway.toml");
        append(&gateway, &format!("{table}{patience}"));
        let text = std::fs::read_to_string(&gateway).unwrap();
        let own = format!("[[listener]]\nreuse_port = true\naddress = \"{address}\"");
        let text = text.replacen("[[listener]]\naddress = \"127.0.0.1:0\"", &own, 1);
        std::fs::write(&gateway, text).unwrap();
        std::fs::write(scratch.config.join("payments.toml"), payments_toml(&banks)).unwrap();
        let config = scratch.config.clone();
        Self { folder, config, banks, office, scratch, database, url, _door: door }
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

async fn migrated(cluster: Cluster) -> (Cluster, String) {
    let database = cluster.database();
    let url = Zeroizing::new(cluster.url("qaqpa_migrate", &database));
    let owner = Store::Postgres { url, connections_max: 2 };
    journal::migrate(&owner, 2).await.unwrap();
    payments::migrate(&owner).await.unwrap();
    (cluster, database)
}

const NAME: &str = "name = { kk = \"a\", ru = \"b\", en = \"c\" }\n";

fn payments_toml(banks: &[Bank]) -> String {
    let mut text = String::new();
    for face in FACES.iter().filter(|face| banks.iter().any(|bank| bank.id == face.id)) {
        text += &format!("[bank.{}]\n{NAME}bic = \"BANKKZ9A\"\n", face.id);
        if face.takes_orders {
            text += &format!("agency = \"{}_bank\"\n", face.id);
        }
        if banks.len() > 1 {
            text += &format!("participant = \"bank\"\nprovider = \"{}\"\n", face.adapter);
        }
        if face.adapter == "acquiring" {
            text += &format!("signature_header = \"{SIGNATURE}\"\nsignature_covers = \"body\"\n");
        }
    }
    // Whose charges they are is told: here who opens orders in this process, there the portal.
    let told = if banks.len() > 1 { "portal" } else { OFFICE };
    text += &format!("[notice.{told}]\nagency = \"office\"\n");
    text + &format!("[kbk.108125]\n{NAME}[knp.911]\n{NAME}[kbe.11]\n{NAME}")
}

fn services(scratch: &Scratch, banks: &[Bank], office: SocketAddr) -> String {
    let client = &scratch.gateway[0];
    let signer = &scratch.member("agency").unwrap().pair.cert_pem;
    let mut text = String::new();
    for bank in banks {
        let face = FACES.iter().find(|face| face.id == bank.id).unwrap();
        if face.takes_orders {
            text += &format!(
                "\n[agency.{}_bank]\nadapter = \"{}\"\nendpoint = \"http://{}/\"\n\
                 deadline_ms = 1000\nbreaker = {{ failures = 1000, open_ms = 1000 }}\n",
                bank.id, face.adapter, bank.address
            );
        }
    }
    text + &format!(
        "\n[agency.office]\nadapter = \"passthrough\"\nwire = \"sync_v10\"\n\
         endpoint = \"https://{office}/\"\ndeadline_ms = 5000\n{NAME}\
         tls_client_certificate_file = {:?}\ntls_client_key_file = {:?}\n\n\
         [[agency.office.answer_certificate]]\nfile = {signer:?}\n\n\
         [agency.office.service.PAY_Notice]\n{NAME}idempotent = true\ndone_codes = [\"SCSS001\"]\n",
        client.cert_pem, client.key_pem,
    )
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// What a bank needs to ask the gateway.
fn calls(face: &Face, scratch: &Scratch, url: &str) -> Vec<String> {
    let pair = &scratch.member("bank").unwrap().pair;
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut words = vec!["--gateway".to_owned(), url.to_owned()];
    words.extend(["--bank-id".to_owned(), face.id.to_owned()]);
    words.extend(["--bank-cert".to_owned(), text(&pair.cert_pem)]);
    words.extend(["--bank-key".to_owned(), text(&pair.key_pem)]);
    words.extend(["--gateway-trust".to_owned(), text(&scratch.trust_pem)]);
    if face.adapter == "acquiring" {
        words.extend(["--signature-header".to_owned(), SIGNATURE.to_owned()]);
    }
    words
}

/// Starts `qaqpa simulate --bank`; the kernel kills it when the thread that calls this is gone.
async fn bank(folder: &Path, face: &Face, (chaos, seed): (&str, u64), calls: &[String]) -> Bank {
    let ready = folder.join(format!("{}.ready", face.id));
    let ledger = folder.join(format!("{}.ledger", face.id));
    let process = Process::new("setpriv")
        .args(["--pdeathsig", "KILL", QAQPA, "simulate", "--bank", face.adapter])
        .args(["--chaos", chaos, "--seed", &seed.to_string()])
        .arg("--ledger")
        .arg(&ledger)
        .arg("--ready-file")
        .arg(&ready)
        .args(calls)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the bank listens", async || ready.exists()).await;
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    let url = told["url"].as_str().unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    Bank { id: face.id, address, ledger, _process: Own(process) }
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
