//! What the tests of payments work with: a store, a bank, charges by number, and short ways to pay.

use crate::postgres::Cluster;
use jiff::civil::{Weekday, time};
use qaqpa::config::settings::{Bank, Payments as Settings, Store};
use qaqpa::payments::command::{
    About, Act, Command, Key, Opening, Payee, Receipt, Redeeming, Refund, Refusal, Reply, Report,
};
use qaqpa::payments::order::{Action, Said, State};
use qaqpa::payments::record::{Charge, Id, Order, Party, Source, Terms};
use qaqpa::payments::{Payments, migrate};
use qaqpa_kit::bank::Placement;
use qaqpa_kit::ids::{Bic, Bin, Iban, Kbe, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

pub(crate) const AMOUNT: i64 = 1_987_500;
/// A working day, ten in the morning in Astana: 2026-11-25T05:00:00Z.
pub(crate) const MORNING_US: i64 = 1_795_582_800_000_000;
pub(crate) const SECOND_US: i64 = 1_000_000;
pub(crate) const HOUR_US: i64 = 3_600 * SECOND_US;
const NODE: &str = "node-1";

/// One store, empty at first.
pub(crate) struct House {
    _folder: TempDir,
    pub(crate) settings: Settings,
    database: Option<(&'static Cluster, String)>,
}

impl House {
    pub(crate) fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Embedded { path: folder.path().join("payments.sqlite") };
        Self { _folder: folder, settings: settings(store), database: None }
    }

    pub(crate) async fn postgres() -> Self {
        static MIGRATED: OnceCell<String> = OnceCell::const_new();
        let cluster = Cluster::shared();
        let template = MIGRATED
            .get_or_init(async || {
                let database = cluster.database();
                let owner = postgres_store(&cluster.url("qaqpa_migrate", &database));
                assert_eq!(migrate(&owner).await.unwrap(), 0);
                assert_eq!(migrate(&owner).await.unwrap(), 6, "again is no harm");
                database
            })
            .await;
        let database = cluster.copy_of(template);
        let store = postgres_store(&cluster.url("qaqpa_app", &database));
        let folder = tempfile::tempdir().unwrap();
        Self { _folder: folder, settings: settings(store), database: Some((cluster, database)) }
    }

    pub(crate) async fn start(&self) -> Payments {
        Payments::start(&self.settings, NODE).await.unwrap()
    }

    /// A second handle: on PostgreSQL another node, on SQLite the same one.
    pub(crate) async fn another(&self, first: &Payments) -> Payments {
        match self.database {
            Some(_) => Payments::start(&self.settings, "node-2").await.unwrap(),
            None => first.clone(),
        }
    }

    /// Ends a life and begins the next one.
    pub(crate) async fn restart(&self, payments: Payments) -> Payments {
        drop(payments);
        let until = Instant::now() + Duration::from_secs(10);
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        loop {
            // The thread of the last life gives the file back when it has ended.
            match Payments::start(&self.settings, NODE).await {
                Ok(next) => return next,
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            looks.tick().await;
        }
    }

    /// Runs SQL beside the gateway, as the owner of the tables.
    pub(crate) fn sql(&self, sql: &str) -> Result<String, String> {
        match (&self.database, &self.settings.store) {
            (Some((cluster, database)), _) => cluster.sql("qaqpa_migrate", database, sql),
            (None, Store::Embedded { path }) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.busy_timeout(Duration::from_secs(5)).unwrap();
                let said = |error: rusqlite::Error| error.to_string();
                if sql.starts_with("SELECT") {
                    let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
                    return connection
                        .query_row(sql, (), read)
                        .map(|n| n.to_string())
                        .map_err(said);
                }
                connection.execute(sql, ()).map(|rows| rows.to_string()).map_err(said)
            }
            (None, Store::Postgres { .. }) => panic!("a database belongs to a cluster"),
        }
    }

    pub(crate) fn count(&self, rows: &str) -> i64 {
        self.sql(&format!("SELECT count(*) FROM {rows}")).unwrap().parse().unwrap()
    }
}

pub(crate) fn postgres_store(url: &str) -> Store {
    Store::Postgres { url: Zeroizing::new(url.to_owned()), connections_max: 4 }
}

pub(crate) fn settings(store: Store) -> Settings {
    let text = || "demo_bank".to_owned();
    let bank = Bank {
        id: text(),
        name: Name { kk: text(), ru: text(), en: text() },
        bic: Bic::parse("BANKKZ9A").unwrap(),
        participant: None,
        agency: None,
        dialect: None,
        placement: Placement::default(),
        cut_off: time(16, 0, 0, 0),
        rest_days: vec![Weekday::Saturday, Weekday::Sunday],
        holidays: [].into(),
        working_days: [].into(),
    };
    Settings {
        store,
        banks: [(text(), Arc::new(bank))].into(),
        not_found_min: 2,
        quiet: Duration::from_secs(60),
        notice_pauses: vec![Duration::from_secs(1), Duration::from_secs(5)],
        recipients: ["tax_office", "portal"].map(|id| (id.to_owned(), id.to_owned())).into(),
        ..Settings::embedded("unused".into())
    }
}

pub(crate) fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros().try_into().unwrap()
}

pub(crate) fn new_id() -> Id {
    Id::at(now_us())
}

pub(crate) fn payer() -> Party {
    Party::parse("900101300017").unwrap()
}

pub(crate) fn charge(number: &str) -> Charge {
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
        purpose: purpose(),
        due_day: None,
    };
    Charge::new(new_id(), terms, MORNING_US)
}

/// A registered charge.
pub(crate) async fn charged(payments: &Payments, number: &str) -> Charge {
    let charge = charge(number);
    let reply = payments.run(Command::Register(vec![charge.clone()])).await.unwrap();
    assert_eq!(reply, Reply::Done);
    charge
}

pub(crate) fn opening(charge: &Charge) -> Opening {
    Opening {
        order: new_id(),
        charge: charge.id.clone(),
        bank: "demo_bank".to_owned(),
        payer: payer(),
        opened_by: "portal".to_owned(),
        at_us: MORNING_US,
        deadline_us: MORNING_US + HOUR_US,
    }
}

/// An order that is reserved.
pub(crate) async fn opened(payments: &Payments, charge: &Charge) -> Order {
    order_of(payments.run(Command::Open(opening(charge))).await.unwrap())
}

#[track_caller]
pub(crate) fn order_of(reply: Reply) -> Order {
    reply.order().unwrap_or_else(|| panic!("{reply:?}")).clone()
}

#[track_caller]
pub(crate) fn refusal_of(reply: Reply) -> Refusal {
    match reply {
        Reply::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn act(order: &Id, action: Action, attempt: u32, at_us: i64) -> Command {
    Command::Act(Act {
        order: order.clone(),
        action,
        attempt,
        node: NODE.to_owned(),
        at_us,
        check_at_us: at_us + 30 * SECOND_US,
    })
}

/// An order whose attempt ended without an answer.
pub(crate) async fn unknown(payments: &Payments, charge: &Charge) -> Order {
    let order = opened(payments, charge).await;
    payments.run(act(&order.id, Action::Submit, 0, MORNING_US)).await.unwrap();
    let lose = act(&order.id, Action::Lose, 1, MORNING_US);
    let order = order_of(payments.run(lose).await.unwrap());
    assert_eq!(order.state, State::Unknown);
    order
}

pub(crate) fn report(order: &Order, event: &str, said: Said) -> Report {
    Report {
        bank: order.bank.clone(),
        event_id: event.to_owned(),
        about: About::EndToEnd(order.end_to_end_id.clone()),
        said,
        source: Source::Inquiry,
        amount: None,
        document_number: None,
        txn_id: None,
        posted_at_us: Some(MORNING_US),
        at_us: MORNING_US + SECOND_US,
        original_digest: "ab".repeat(32),
        redirect_url: None,
        note: String::new(),
    }
}

pub(crate) async fn hear(payments: &Payments, order: &Order, event: &str, said: Said) -> Order {
    order_of(payments.run(Command::Hear(report(order, event, said))).await.unwrap())
}

pub(crate) fn receipt(charge: &Charge, txn_id: &str) -> Receipt {
    Receipt {
        order: new_id(),
        charge: charge.id.clone(),
        bank: "demo_bank".to_owned(),
        txn_id: txn_id.to_owned(),
        payer: Some(payer()),
        payee: Payee::default(),
        amount: Amount::new(AMOUNT).unwrap(),
        posted_at_us: MORNING_US,
        document_number: None,
        at_us: MORNING_US,
        original_digest: "cd".repeat(32),
    }
}

pub(crate) fn refund(original: &Order, tiyn: i64) -> Command {
    Command::Refund(Refund {
        order: new_id(),
        original: original.id.clone(),
        amount: Amount::new(tiyn).unwrap(),
        reason: "paid by mistake".to_owned(),
        opened_by: "portal".to_owned(),
        at_us: MORNING_US,
        deadline_us: MORNING_US + HOUR_US,
    })
}

/// The payment as the proof for a call, on its own terms.
pub(crate) fn redeem(order: &Order, call: &str) -> Command {
    Command::Redeem(Redeeming {
        order: order.id.clone(),
        call: call.to_owned(),
        participant: "portal".to_owned(),
        service: "extract".to_owned(),
        kbk: order.kbk.clone(),
        amount: Amount::new(order.amount_tiyn).unwrap(),
        at_us: MORNING_US,
    })
}

pub(crate) fn key(key: &str, body: &str) -> Key {
    Key {
        owner: "portal:charges".to_owned(),
        key: key.to_owned(),
        digest: body.to_owned(),
        at_us: MORNING_US,
    }
}

/// The balance of one account, in tiyn; debits less credits.
pub(crate) async fn balance(payments: &Payments, account: &str) -> i64 {
    let balances = payments.balances().await.unwrap();
    assert_eq!(balances.iter().map(|row| row.balance_tiyn).sum::<i64>(), 0);
    let found = balances.iter().find(|row| row.account == account);
    found.map_or(0, |row| row.balance_tiyn)
}

fn purpose() -> Name {
    Name { kk: "Баж".to_owned(), ru: "Пошлина".to_owned(), en: "State duty".to_owned() }
}
