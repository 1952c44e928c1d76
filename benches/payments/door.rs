//! Payments through a bank's face over mutual TLS: each answered when it is durable, in journal and payments.

use crate::axis::{self, Axis, Bound};
use crate::postgres::Cluster;
use crate::{Fallible, ROUNDS, callers, cpu_us, pgbench, server_of, server_us};
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use qaqpa::command::client::Client;
use qaqpa::command::demo::scratch::{Endpoints, Scratch};
use qaqpa::config::settings::Store;
use qaqpa::{journal, payments};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// Connections of the bank; one payment under way on each.
const CALLERS: usize = 32;
const CHARGES: usize = 90_000;
const SPAN: Duration = Duration::from_secs(4);
const WARM: Duration = Duration::from_secs(1);
/// How long the gateway may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was seen of one store.
struct Figures {
    /// Payments a second, and pgbench's commits of a single row after them; a pair a round.
    rounds: Vec<(f64, f64)>,
    p50_us: u64,
    p99_us: u64,
    gateway_us: f64,
    server_us: f64,
    /// p50 and p99 where payments arrive at given moments, half as many as it carries.
    half_us: [u64; 2],
}

/// A database of its own, and the server's first process.
struct Database<'c> {
    cluster: &'c Cluster,
    name: String,
    server: u32,
}

impl<'c> Database<'c> {
    async fn made(cluster: &'c Cluster) -> Fallible<Self> {
        let name = cluster.database();
        let url = Zeroizing::new(cluster.url("qaqpa_migrate", &name));
        let owner = Store::Postgres { url, connections_max: 2 };
        journal::migrate(&owner, 2).await?;
        payments::migrate(&owner).await?;
        Ok(Self { cluster, name, server: server_of(cluster)? })
    }
}

/// Measures both stores and prints a line for each.
pub(crate) async fn measure() -> Fallible<Axis> {
    println!(
        "\nthrough a bank's door, {CALLERS} connections; then half as many payments at given moments\n\
         store       payments/s  p50 ms  p99 ms  gateway µs CPU  database µs CPU  half: p50  p99 ms"
    );
    print("sqlite", &through(None).await?);
    let postgres = through(Some(&Database::made(Cluster::shared()).await?)).await?;
    print("postgresql", &postgres);
    for (rate, single) in &postgres.rounds {
        println!(
            "{rate:.0} payments/s beside {single:.0} commits/s of a single row by pgbench, {} connections: \
             {:.2} payments a commit",
            pgbench::CONNECTIONS,
            rate / single
        );
    }
    let (name, peer) =
        ("payments through a bank's door, PostgreSQL", "pgbench, commits of a single row");
    Ok(Axis::of(name, "a second", peer, (Bound::RatioAtLeast, 0.4), postgres.rounds))
}

fn print(store: &str, figures: &Figures) {
    let ms = |us: u64| Duration::from_micros(us).as_secs_f64() * 1e3;
    let Figures { rounds, p50_us, p99_us, gateway_us, server_us, half_us: [half_p50, half_p99] } =
        figures;
    let rate = axis::middle(rounds.iter().map(|(rate, _)| *rate));
    let server_us = if server_us.is_nan() { "–".to_owned() } else { format!("{server_us:.0}") };
    println!(
        "{store:<10}  {rate:>10.0}  {:>6.1}  {:>6.1}  {gateway_us:>14.0}  {server_us:>15}  \
         {:>9.1}  {:>6.1}",
        ms(*p50_us),
        ms(*p99_us),
        ms(*half_p50),
        ms(*half_p99)
    );
}

/// Rounds of payments as fast as they go, then half as many at given moments; every payment that was answered must be
/// posted.
async fn through(database: Option<&Database<'_>>) -> Fallible<Figures> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let url = database.map(|of| of.cluster.url("qaqpa_app", &of.name));
    let scratch = configured(folder.path(), url.as_deref())?;
    let (gateway, address) = serve(&scratch, folder.path())?;
    let charges = Arc::new(registered(&scratch, address).await?);
    let next = Arc::new(AtomicUsize::new(0));
    let warm = pay(&scratch, address, (&charges, &next), (WARM, None)).await?;
    let (gateway_id, server) = (gateway.0.id(), database.map(|of| of.server));
    let (mut rounds, mut latency) = (Vec::new(), Histogram::<u64>::new(3)?);
    let (mut own_us, mut theirs_us) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let (own, theirs) = (cpu_us(gateway_id)?, server_us(server)?);
        let begun = Instant::now();
        let seen = pay(&scratch, address, (&charges, &next), (SPAN, None)).await?;
        let rate = f64::from(u32::try_from(seen.len())?) / begun.elapsed().as_secs_f64();
        (own_us, theirs_us) =
            (own_us + cpu_us(gateway_id)? - own, theirs_us + server_us(server)? - theirs);
        let single = database.map(|of| pgbench::single_rows(of.cluster, &of.name)).transpose()?;
        rounds.push((rate, single.unwrap_or(f64::NAN)));
        latency.add(&seen)?;
    }
    let count = f64::from(u32::try_from(latency.len())?);
    let half = Some(
        rounds.iter().map(|(rate, _)| rate).sum::<f64>() / f64::from(2 * u32::try_from(ROUNDS)?),
    );
    let arriving = pay(&scratch, address, (&charges, &next), (SPAN, half)).await?;
    if next.load(Ordering::Relaxed) >= charges.len() {
        return Err("too few charges to measure with".into());
    }
    let (answered, posted) =
        (warm.len() + latency.len() + arriving.len(), posted(&scratch, database)?);
    if posted != answered {
        return Err(format!("{answered} payments were taken, {posted} are posted").into());
    }
    Ok(Figures {
        rounds,
        p50_us: latency.value_at_quantile(0.5),
        p99_us: latency.value_at_quantile(0.99),
        gateway_us: own_us / count,
        server_us: theirs_us / count,
        half_us: [0.5, 0.99].map(|quantile| arriving.value_at_quantile(quantile)),
    })
}

/// Payments that the store holds.
fn posted(scratch: &Scratch, database: Option<&Database<'_>>) -> Fallible<u64> {
    let Some(of) = database else {
        let payments =
            rusqlite::Connection::open(scratch.journal.with_file_name("payments.sqlite"))?;
        return Ok(payments.query_row(POSTED, (), |row| row.get::<_, i64>(0))?.try_into()?);
    };
    Ok(of.cluster.sql("qaqpa_app", &of.name, POSTED)?.parse()?)
}

const POSTED: &str = "SELECT count(*) FROM payment_order WHERE state = 'posted'";

/// The demo's installation with quotas out of the way and the log of production.
fn configured(folder: &Path, url: Option<&str>) -> Fallible<Scratch> {
    let scratch = Scratch::prepare(folder)?;
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    let endpoints = Endpoints { persons: nobody, companies: nobody, addresses: nobody };
    scratch.write(&endpoints, url)?;
    for (file, from, to) in [
        ("gateway.toml", "log_level = \"warn\"", "log_level = \"info\""),
        ("participants/bank.toml", "per_second = 2000, burst = 2000", FAST),
        ("services.toml", "per_second = 5000, burst = 5000", FAST),
    ] {
        let path = scratch.config.join(file);
        let text = fs::read_to_string(&path)?;
        if !text.contains(from) {
            return Err(format!("{file}: {from} is missing").into());
        }
        fs::write(path, text.replace(from, to))?;
    }
    Ok(scratch)
}

const FAST: &str = "per_second = 500000, burst = 500000";

/// A process that ends with its owner.
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn serve(scratch: &Scratch, folder: &Path) -> Fallible<(Own, SocketAddr)> {
    let ready = folder.join("ready.json");
    let process = Command::new(env!("CARGO_BIN_EXE_qaqpa"))
        .args(["serve", "--config"])
        .arg(&scratch.config)
        .arg("--ready-file")
        .arg(&ready)
        .stdout(File::create(folder.join("gateway.log"))?)
        .spawn()?;
    let (mut gateway, started) = (Own(process), Instant::now());
    while !ready.exists() {
        if let Some(ended) = gateway.0.try_wait()? {
            return Err(format!("the gateway did not start: {ended}").into());
        }
        if started.elapsed() > PATIENCE {
            return Err("the gateway does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let said: Value = serde_json::from_str(&fs::read_to_string(&ready)?)?;
    let url = said.pointer("/callers/0").and_then(Value::as_str).unwrap_or_default();
    Ok((gateway, url.trim_start_matches("https://").parse()?))
}

/// Ids of new charges, a thousand registered at a time.
async fn registered(scratch: &Scratch, address: SocketAddr) -> Fallible<Vec<String>> {
    let pair = &scratch.member("portal")?.pair;
    let own = Some((&*pair.cert_pem, &*pair.key_pem));
    let portal = Client::new(&format!("https://{address}/"), &scratch.trust_pem, own)?;
    let charge = json!({
        "payer_iin": "850312300121", "payee_bin": "190540007715", "kbk": "108125", "knp": "911",
        "amount_tiyn": 1_987_500, "purpose": { "kk": "Баж", "ru": "Пошлина", "en": "Duty" },
    });
    let thousand = json!({ "charges": vec![charge; 1_000] }).to_string();
    let mut ids = Vec::new();
    while ids.len() < CHARGES {
        let key = format!("load-{}", ids.len());
        let headers = [("content-type", "application/json"), ("idempotency-key", &*key)];
        let path = "/api/v1/charges/batch";
        let posted = portal.post_to(path, &headers, thousand.clone().into_bytes()).await?;
        let answer: Value = serde_json::from_slice(&posted.body)?;
        let made = answer.get("charges").and_then(Value::as_array);
        let made = made.ok_or_else(|| format!("charges were not loaded: {answer}"))?;
        let id = |one: &Value| Some(one.get("charge_id")?.as_str()?.to_owned());
        ids.extend(made.iter().filter_map(id));
    }
    Ok(ids)
}

/// Pays one charge after the other on every connection, as soon as it is free, or so many a second at
/// given moments, whether or not one is; µs from each `pay` (or its moment) to its whole answer.
async fn pay(
    scratch: &Scratch,
    address: SocketAddr,
    (charges, next): (&Arc<Vec<String>>, &Arc<AtomicUsize>),
    (span, per_second): (Duration, Option<f64>),
) -> Fallible<Histogram<u64>> {
    let tls = callers::tls_of(scratch, "bank")?;
    let mut callers = JoinSet::new();
    let (first, begun) = (next.load(Ordering::Relaxed), Instant::now());
    let due = move |number: usize| {
        let nth = u32::try_from(number.saturating_sub(first)).unwrap_or(u32::MAX);
        per_second.map(|rate| begun + Duration::from_secs_f64(f64::from(nth) / rate))
    };
    for _ in 0..CALLERS {
        let (tls, charges, next) = (tls.clone(), Arc::clone(charges), Arc::clone(next));
        callers.spawn(async move {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            let stream = tls.connect(ServerName::try_from("localhost")?, socket).await?;
            let (mut connection, driver) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(driver);
            let mut latency = Histogram::<u64>::new(3)?;
            while begun.elapsed() < span {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(charge) = charges.get(number) else { break };
                let target = format!(
                    "/bank/demo/provider?command=pay&txn_id={number}&account={charge}&sum=19875.00"
                );
                let request = Request::get(target)
                    .header(HOST, address.to_string())
                    .body(Empty::<Bytes>::new())?;
                let due = due(number);
                if let Some(due) = due {
                    tokio::time::sleep_until(due.into()).await;
                }
                let started = due.unwrap_or_else(Instant::now);
                connection.ready().await?;
                let answer = connection.send_request(request).await?;
                let body = answer.into_body().collect().await?.to_bytes();
                latency.record(u64::try_from(started.elapsed().as_micros())?)?;
                let told: Value = serde_json::from_slice(&body)?;
                if told.get("result") != Some(&json!(0)) {
                    return Err(format!("a payment was not taken: {told}").into());
                }
            }
            Fallible::Ok(latency)
        });
    }
    let mut all = Histogram::new(3)?;
    while let Some(latency) = callers.join_next().await {
        all.add(latency??)?;
    }
    Ok(all)
}
