//! Payments a second and CPU a payment on both stores, grouped, beside one transaction a payment, in turn.
//!
//! `cargo bench --bench payments` prints the tables; every payment is durable when it counts. With
//! `-- door` it measures through a bank's face alone.

#[path = "peers/axis.rs"]
mod axis;
#[path = "load/callers.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod callers;
#[path = "payments/door.rs"]
mod door;
#[path = "load/figures.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod figures;
#[path = "payments/pgbench.rs"]
mod pgbench;
#[path = "../tests/support/postgres.rs"]
mod postgres;

use axis::{Axis, Bound};
use postgres::Cluster;
use qaqpa::config::settings::{Bank, Payments as Settings, Store};
use qaqpa::payments::command::{About, Act, Command, Opening, Payee, Receipt, Reply, Report};
use qaqpa::payments::order::{Action, Said};
use qaqpa::payments::record::{Charge, Id, Party, Source, Terms};
use qaqpa::payments::{Payments, migrate};
use qaqpa_kit::bank::Placement;
use qaqpa_kit::ids::{Bic, Bin, Iban, Kbe, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Who pay at the same time, each one payment; they share one connection to the database.
const CALLERS: usize = 256;
/// Turns of us and of pgbench.
const ROUNDS: usize = 3;
/// Charges that one stage may pay.
const CHARGES: usize = 80_000;
const SPAN: Duration = Duration::from_secs(4);
const BANK: &str = "demo_bank";
const NOON_US: i64 = 1_795_590_000_000_000;

fn settings(store: Store, group_max: usize) -> Fallible<Settings> {
    let text = || BANK.to_owned();
    let bank = Bank {
        id: text(),
        name: Name { kk: text(), ru: text(), en: text() },
        bic: Bic::parse("BANKKZ9A").map_err(|error| error.reason())?,
        participant: None,
        agency: None,
        dialect: None,
        placement: Placement::default(),
        cut_off: jiff::civil::time(16, 0, 0, 0),
        rest_days: Vec::new(),
        holidays: [].into(),
        working_days: [].into(),
    };
    let banks = [(text(), Arc::new(bank))].into();
    Ok(Settings { store, banks, group_max, ..Settings::embedded("unused".into()) })
}

/// How money comes: what one payment is made of.
#[derive(Clone, Copy)]
enum Way {
    /// The bank took it and says so: one commit.
    Receipt,
    /// Opened, submitted, posted: three commits one after the other.
    Order,
}

fn charge(number: usize) -> Fallible<Charge> {
    let terms = Terms {
        agency: "tax_office".to_owned(),
        number: number.to_string(),
        payer: payer()?,
        payee: Bin::parse("990140000017", true).map_err(|error| error.reason())?,
        tariff: None,
        kbk: Kbk::parse("108125").map_err(|error| error.reason())?,
        knp: Knp::parse("911").map_err(|error| error.reason())?,
        kbe: Kbe::parse("11").map_err(|error| error.reason())?,
        iban: Iban::parse("KZ24070105KSN0000000").map_err(|error| error.reason())?,
        amount: amount()?,
        purpose: purpose(),
        due_day: None,
    };
    Ok(Charge::new(Id::at(NOON_US), terms, NOON_US))
}

fn payer() -> Fallible<Party> {
    Ok(Party::parse("900101300017").map_err(|error| error.reason())?)
}

fn amount() -> Fallible<Amount> {
    Ok(Amount::new(1_987_500).map_err(|error| error.reason())?)
}

async fn run(payments: &Payments, command: Command) -> Fallible<()> {
    match payments.run(command).await? {
        Reply::Refused(refusal) => Err(refusal.reason().into()),
        _ => Ok(()),
    }
}

async fn pay(payments: &Payments, way: Way, charge: &Charge, number: usize) -> Fallible<()> {
    let order = Id::at(NOON_US);
    let (bank, digest) = (BANK.to_owned(), "0".repeat(64));
    if matches!(way, Way::Receipt) {
        let receipt = Receipt {
            order,
            charge: charge.id.clone(),
            bank,
            txn_id: number.to_string(),
            payer: Some(payer()?),
            payee: Payee::default(),
            amount: amount()?,
            posted_at_us: NOON_US,
            document_number: Some(number.to_string()),
            at_us: NOON_US,
            original_digest: digest,
        };
        return run(payments, Command::Receive(receipt)).await;
    }
    let opening = Opening {
        order: order.clone(),
        charge: charge.id.clone(),
        bank: bank.clone(),
        payer: payer()?,
        opened_by: String::new(),
        at_us: NOON_US,
        deadline_us: NOON_US + 60_000_000,
    };
    run(payments, Command::Open(opening)).await?;
    let act = Act {
        order: order.clone(),
        action: Action::Submit,
        attempt: 0,
        node: "bench".to_owned(),
        at_us: NOON_US,
        check_at_us: NOON_US + 30_000_000,
    };
    run(payments, Command::Act(act)).await?;
    let report = Report {
        bank,
        event_id: number.to_string(),
        about: About::Order(order),
        said: Said::Posted,
        source: Source::Answer,
        amount: Some(amount()?),
        document_number: Some(number.to_string()),
        txn_id: None,
        posted_at_us: Some(NOON_US),
        at_us: NOON_US,
        original_digest: digest,
        redirect_url: None,
        note: String::new(),
    };
    run(payments, Command::Hear(report)).await
}

/// Payments a second and CPU-µs a payment: of this process, and of the database's.
async fn measure(
    payments: &Payments,
    way: Way,
    first: usize,
    server: Option<u32>,
) -> Fallible<[f64; 3]> {
    let charges = registered(payments, first).await?;
    let (own_before, server_before) = (cpu_us(std::process::id())?, server_us(server)?);
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (payments, charges) = (payments.clone(), Arc::clone(&charges));
        callers.spawn(async move {
            let mut count = 0_u32;
            for place in (caller..).step_by(CALLERS) {
                if begun.elapsed() > SPAN {
                    break;
                }
                let charge = charges.get(place).ok_or("too few charges to measure with")?;
                pay(&payments, way, charge, first + place).await?;
                count += 1;
            }
            Ok::<u32, Box<dyn std::error::Error + Send + Sync>>(count)
        });
    }
    let mut count = 0;
    while let Some(paid) = callers.join_next().await {
        count += paid??;
    }
    let span_s = begun.elapsed().as_secs_f64();
    let count = f64::from(count.max(1));
    let (own, server) =
        (cpu_us(std::process::id())? - own_before, server_us(server)? - server_before);
    Ok([count / span_s, own / count, server / count])
}

/// CPU time of a process, µs.
fn cpu_us(process: u32) -> Fallible<f64> {
    figures::ticks_us(process, 14)
}

/// CPU time of the database's processes, those that ended too, µs; no number where there is no database.
fn server_us(parent: Option<u32>) -> Fallible<f64> {
    let Some(parent) = parent else { return Ok(f64::NAN) };
    let mut sum = cpu_us(parent)? + figures::ticks_us(parent, 16)?;
    for process in fs::read_dir("/proc")?.filter_map(Result::ok) {
        let name = process.file_name().to_string_lossy().into_owned();
        let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
        if status.lines().any(|line| line == format!("PPid:\t{parent}")) {
            sum += name.parse().ok().and_then(|id| cpu_us(id).ok()).unwrap_or_default();
        }
    }
    Ok(sum)
}

/// The process that all of the server's are children of.
fn server_of(cluster: &Cluster) -> Fallible<u32> {
    let session = cluster.sql(
        "postgres",
        "postgres",
        "SELECT pid FROM pg_stat_activity \
         WHERE backend_type = 'checkpointer'",
    )?;
    let status = fs::read_to_string(format!("/proc/{session}/status"))?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t"));
    Ok(parent.ok_or("no parent")?.parse()?)
}

fn main() -> Fallible<()> {
    if !std::env::args().any(|argument| argument == "door") {
        let runtime = Runtime::new()?;
        let axis = runtime.block_on(async {
            table().await?;
            beside().await
        })?;
        axis::write("payments", &[axis])?;
    }
    // A bank of one thread: what it takes of the machine is not the gateway's to use.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    axis::write("door", &[runtime.block_on(door::measure())?])
}

/// Receipts on PostgreSQL and the same rows without the group commit, in turn.
async fn beside() -> Fallible<Axis> {
    let cluster = Cluster::shared();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        // Of its own each round: none works on what the ones before have left.
        let database = cluster.database();
        let store = |user| postgres(cluster, user, &database);
        migrate(&store("qaqpa_migrate")).await?;
        let payments = Payments::start(&settings(store("qaqpa_app"), 256)?, "bench").await?;
        let [grouped, ..] = measure(&payments, Way::Receipt, 0, None).await?;
        registered(&payments, CHARGES).await?;
        let own = pgbench::payments(cluster, &database, CHARGES)?;
        println!(
            "grouped, one connection: {grouped:.0} payments/s; pgbench, {} connections: {own:.0} of the same \
             rows, one transaction each",
            pgbench::CONNECTIONS
        );
        rounds.push((grouped, own));
    }
    let database = cluster.database();
    migrate(&postgres(cluster, "qaqpa_migrate", &database)).await?;
    println!("pgbench: {:.0} commits/s of a single row", pgbench::single_rows(cluster, &database)?);
    let (name, peer) =
        ("payments posted on PostgreSQL", "pgbench, the same rows, each its own commit");
    Ok(Axis::of(name, "a second", peer, (Bound::RatioAtLeast, 3.0), rounds))
}

fn postgres(cluster: &Cluster, user: &str, database: &str) -> Store {
    Store::Postgres { url: Zeroizing::new(cluster.url(user, database)), connections_max: 4 }
}

/// Charges from this number on.
async fn registered(payments: &Payments, first: usize) -> Fallible<Arc<[Charge]>> {
    let charges: Vec<Charge> = (first..first + CHARGES).map(charge).collect::<Fallible<_>>()?;
    for some in charges.chunks(1_000) {
        run(payments, Command::Register(some.to_vec())).await?;
    }
    Ok(charges.into())
}

/// Prints a line for each store, way and size of a group.
async fn table() -> Fallible<()> {
    println!(
        "store       way      group_max  payments/s  store and callers µs CPU  database µs CPU"
    );
    for (way, word) in [(Way::Receipt, "receipt"), (Way::Order, "order")] {
        let line = |store: &str, group_max: usize, [rate, own, theirs]: [f64; 3]| {
            let theirs = if theirs.is_nan() { "–".to_owned() } else { format!("{theirs:.0}") };
            println!(
                "{store:<11} {word:<8} {group_max:>9}  {rate:>10.0}  {own:>24.0}  {theirs:>15}"
            );
        };
        for group_max in [1, 256] {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
            let store = Store::Embedded { path: folder.path().join("payments.sqlite") };
            let payments = Payments::start(&settings(store, group_max)?, "bench").await?;
            line("sqlite", group_max, measure(&payments, way, 0, None).await?);
        }
        let cluster = Cluster::shared();
        let server = server_of(cluster)?;
        for group_max in [1, 256] {
            let database = cluster.database();
            let store = |user| postgres(cluster, user, &database);
            migrate(&store("qaqpa_migrate")).await?;
            let settings = settings(store("qaqpa_app"), group_max)?;
            let payments = Payments::start(&settings, "bench").await?;
            line("postgresql", group_max, measure(&payments, way, 0, Some(server)).await?);
        }
    }
    Ok(())
}

fn purpose() -> Name {
    Name { kk: "Баж".to_owned(), ru: "Пошлина".to_owned(), en: "State duty".to_owned() }
}
