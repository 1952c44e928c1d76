//! An installation with a bank's operating day in its store, the bank's register of it, and the command to hold them together.

use crate::postgres::Cluster;
use qaqpa::command::demo::scratch::{Endpoints, Scratch};
use qaqpa::config;
use qaqpa::config::settings::{Settings, Store};
use qaqpa::payments::Payments;
use qaqpa::payments::command::{Act, Command, Opening, Payee, Receipt, Reply};
use qaqpa::payments::order::Action;
use qaqpa::payments::record::{Charge, Id, Order, Party, Terms};
use qaqpa::{journal, payments};
use qaqpa_kit::ids::{Bin, Iban, Kbe, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

pub const BANK: &str = "demo";
pub const DAY: &str = "2025-06-11";
pub const NEXT: &str = "2025-06-12";
/// Ten in the morning of that day in Astana.
pub const MORNING_US: i64 = 1_749_618_000_000_000;
pub const HOUR_US: i64 = 3_600_000_000;
pub const AMOUNT: i64 = 1_987_500;

pub struct House {
    pub folder: TempDir,
    pub config: PathBuf,
    pub database: Option<(&'static Cluster, String)>,
}

/// What the command said.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub errors: String,
}

impl Said {
    /// The last line of standard output.
    pub fn line(&self) -> Value {
        self.out.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
    }
}

impl House {
    pub async fn new(is_postgres: bool) -> Self {
        let database = if is_postgres {
            let cluster = Cluster::shared();
            Some((cluster, cluster.copy_of(&migrated(cluster).await)))
        } else {
            None
        };
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::prepare(folder.path()).unwrap();
        let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
        let endpoints = Endpoints { persons: nobody, companies: nobody, addresses: nobody };
        let store = database.as_ref().map(|(cluster, name)| cluster.url("qaqpa_app", name));
        scratch.write(&endpoints, store.as_deref()).unwrap();
        Self { config: scratch.config, folder, database }
    }

    /// The same state in another place; nobody may have it open.
    pub fn twin(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = self.folder.path().display().to_string();
        let to = folder.path().display().to_string();
        let copied = Process::new("cp").args(["-a", &format!("{from}/."), &to]).status().unwrap();
        assert!(copied.success());
        let config = folder.path().join("config");
        let files = ["gateway.toml", "services.toml"].map(|name| config.join(name));
        let participants = std::fs::read_dir(config.join("participants")).unwrap();
        for path in participants.map(|entry| entry.unwrap().path()).chain(files) {
            let text = std::fs::read_to_string(&path).unwrap().replace(&from, &to);
            std::fs::write(&path, text).unwrap();
        }
        let database = self.database.as_ref().map(|(cluster, name)| {
            let copy = cluster.copy_of(name);
            let url = cluster.url("qaqpa_app", &copy);
            std::fs::write(config.join("secrets/store.url"), format!("{url}\n")).unwrap();
            (*cluster, copy)
        });
        Self { folder, config, database }
    }

    pub fn settings(&self) -> Settings {
        config::load(&self.config).unwrap()
    }

    pub async fn payments(&self) -> Payments {
        Payments::start(&self.settings().payments, "demo").await.unwrap()
    }

    /// Runs `qaqpa` with the words of the first argument and paths after them.
    pub fn qaqpa(&self, words: &str, paths: &[&Path], kill: Option<&str>) -> Said {
        let mut command = Process::new(env!("CARGO_BIN_EXE_qaqpa"));
        let mut paths = paths.iter();
        for word in words.split_whitespace() {
            match word {
                "@" => command.arg(paths.next().unwrap()),
                word => command.arg(word),
            };
        }
        command.arg("--config").arg(&self.config).env_remove("QAQPA_TRIAL_KILL");
        if let Some(kill) = kill {
            command.env("QAQPA_TRIAL_KILL", kill);
        }
        let out = command.output().unwrap();
        Said {
            code: out.status.code(),
            out: String::from_utf8(out.stdout).unwrap(),
            errors: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// Reconciles a register; its reports go to a folder of that name.
    pub fn reconcile(&self, register: &Path, out: &str, kill: Option<&str>) -> Said {
        let out = self.folder.path().join(out);
        self.qaqpa("reconcile --bank demo --register @ --out @ --json", &[register, &out], kill)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Every file of a folder by its name.
    pub fn contents(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let entries =
            std::fs::read_dir(self.path(folder)).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        entries.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
    }
}

async fn migrated(cluster: &'static Cluster) -> String {
    static MIGRATED: OnceCell<String> = OnceCell::const_new();
    let made = MIGRATED.get_or_init(async || {
        let database = cluster.database();
        let url = Zeroizing::new(cluster.url("qaqpa_migrate", &database));
        let owner = Store::Postgres { url, connections_max: 2 };
        journal::migrate(&owner, 2).await.unwrap();
        payments::migrate(&owner).await.unwrap();
        database
    });
    made.await.clone()
}

/// Gives the store back, so that a command can take it.
pub async fn close(payments: Payments) {
    payments.drain(Instant::now() + Duration::from_secs(10)).await.unwrap();
}

fn new_id() -> Id {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Id::at(now.as_micros().try_into().unwrap())
}

fn payer() -> Party {
    Party::parse("900101300017").unwrap()
}

async fn charged(payments: &Payments, number: &str) -> Charge {
    let text = || "x".to_owned();
    let terms = Terms {
        agency: "tax_office".to_owned(),
        number: number.to_owned(),
        payer: payer(),
        payee: Bin::parse("990140000017", true).unwrap(),
        tariff: None,
        kbk: Kbk::parse("108125").unwrap(),
        knp: Knp::parse("911").unwrap(),
        kbe: Kbe::parse("11").unwrap(),
        iban: Iban::parse("KZ24070105KSN0000000").unwrap(),
        amount: Amount::new(AMOUNT).unwrap(),
        purpose: Name { kk: text(), ru: text(), en: text() },
        due_day: None,
    };
    let charge = Charge::new(new_id(), terms, MORNING_US);
    let reply = payments.run(Command::Register(vec![charge.clone()])).await.unwrap();
    assert_eq!(reply, Reply::Done);
    charge
}

async fn order(payments: &Payments, command: Command) -> Order {
    let reply = payments.run(command).await.unwrap();
    reply.order().unwrap_or_else(|| panic!("{reply:?}")).clone()
}

async fn paid(payments: &Payments, charge: &Charge, txn_id: &str, posted_at_us: i64) -> Order {
    let receipt = Receipt {
        order: new_id(),
        charge: charge.id.clone(),
        bank: BANK.to_owned(),
        txn_id: txn_id.to_owned(),
        payer: Some(payer()),
        payee: Payee::default(),
        amount: Amount::new(AMOUNT).unwrap(),
        posted_at_us,
        document_number: Some(format!("47{txn_id}")),
        at_us: posted_at_us,
        original_digest: "cd".repeat(32),
    };
    order(payments, Command::Receive(receipt)).await
}

/// A payment that a bank has taken, of a charge of its own.
pub async fn payment(payments: &Payments, number: &str, posted_at_us: i64) -> Order {
    let charge = charged(payments, number).await;
    paid(payments, &charge, number, posted_at_us).await
}

fn act(order: &Order, action: Action, attempt: u32, at_us: i64) -> Command {
    Command::Act(Act {
        order: order.id.clone(),
        action,
        attempt,
        node: "other".to_owned(),
        at_us,
        check_at_us: at_us + HOUR_US,
    })
}

pub async fn opened(payments: &Payments, number: &str) -> Order {
    let charge = charged(payments, number).await;
    let opening = Opening {
        order: new_id(),
        charge: charge.id.clone(),
        bank: BANK.to_owned(),
        payer: payer(),
        opened_by: "portal".to_owned(),
        at_us: MORNING_US,
        deadline_us: MORNING_US + HOUR_US,
    };
    order(payments, Command::Open(opening)).await
}

/// An order of which nobody knows the outcome.
pub async fn unknown(payments: &Payments, number: &str) -> Order {
    let made = opened(payments, number).await;
    order(payments, act(&made, Action::Submit, 0, MORNING_US)).await;
    order(payments, act(&made, Action::Lose, 1, MORNING_US)).await
}

async fn expired(payments: &Payments, number: &str) -> Order {
    let made = opened(payments, number).await;
    order(payments, act(&made, Action::Expire, 0, MORNING_US + HOUR_US)).await
}

/// A row of the bank's.
pub fn row(e2e_id: &str, receipt: &str, tiyn: i64, day: &str) -> String {
    format!(
        "{e2e_id};{receipt};900101300017;990140000017;108125;911;{tiyn};KZT;POSTED;\
         {day}T10:00:00+05:00;{day};CLEARING"
    )
}

/// A register in the neutral form.
pub fn register(day: &str, rows: &[String]) -> Vec<u8> {
    let sum: i64 =
        rows.iter().map(|row| row.split(';').nth(6).unwrap().parse::<i64>().unwrap()).sum();
    let count = rows.len();
    let mut text =
        format!("#register;v=1;bank=DEMOKZ2A;opdate={day};count={count};sum={sum};enc=utf-8\n");
    rows.iter().for_each(|row| text += &format!("{row}\n"));
    sealed(&text)
}

/// The bytes with their trailer.
pub fn sealed(text: &str) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let hex = qaqpa_kit::hex::lower(digest.as_ref());
    format!("{text}#end;sha256={hex}\n").into_bytes()
}

/// A day with one difference of each of seven kinds, and an order that only the register knows of.
pub struct Seeded {
    pub register: Vec<u8>,
    pub unknown: Order,
    pub expired: Order,
    /// The bank has no row of it.
    pub missing: Order,
}

pub async fn seeded(payments: &Payments) -> Seeded {
    let mut rows = Vec::new();
    for number in ["11", "12", "13"] {
        let order = payment(payments, number, MORNING_US).await;
        rows.push(row(&order.end_to_end_id, &format!("47{number}"), AMOUNT, DAY));
    }
    let missing = payment(payments, "14", MORNING_US).await;
    let other = payment(payments, "15", MORNING_US).await;
    rows.push(row(&other.end_to_end_id, "4715", AMOUNT + 300, DAY));
    let twice = payment(payments, "16", MORNING_US).await;
    rows.push(row(&twice.end_to_end_id, "4716", AMOUNT, DAY));
    rows.push(row(&twice.end_to_end_id, "4716", AMOUNT, DAY));
    let charge = charged(payments, "17").await;
    for txn_id in ["17", "18"] {
        let order = paid(payments, &charge, txn_id, MORNING_US).await;
        rows.push(row(&order.end_to_end_id, &format!("47{txn_id}"), AMOUNT, DAY));
    }
    rows.push(row("GW00000000000000000000000000000000", "4799", 5_000, DAY));
    let unknown = unknown(payments, "19").await;
    rows.push(row(&unknown.end_to_end_id, "4719", AMOUNT, DAY));
    let expired = expired(payments, "20").await;
    rows.push(row(&expired.end_to_end_id, "4720", AMOUNT, DAY));
    Seeded { register: register(DAY, &rows), unknown, expired, missing }
}
