//! The gateway beside its peers: every axis in one run, in turn, with the state of the machine before each round.
//!
//! What a proxy costs for a relayed request and for a handshake is measured here, against nginx, haproxy
//! and Envoy; what a signed call costs, against openssl's bare RSA verification. The other benches leave
//! their axes in target/bench/axes; here all are gathered into target/bench/peers.json and a page beside
//! it. A peer that cannot be had is named with the reason.
//!
//! `make bench-peers`, or `cargo bench --bench peers -- [--rounds N] [--requests N] [--gather]`

#[path = "peers/axis.rs"]
mod axis;
#[path = "peers/calibrator.rs"]
mod calibrator;
#[path = "load/callers.rs"]
mod callers;
#[path = "relay/envoy.rs"]
mod envoy;
#[path = "load/figures.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod figures;
#[path = "peers/gather.rs"]
mod gather;
#[path = "peers/handshakes.rs"]
mod handshakes;
#[path = "relay/haproxy.rs"]
mod haproxy;
#[path = "load/installation.rs"]
mod installation;
#[path = "relay/nginx.rs"]
mod nginx;
#[path = "relay/office.rs"]
mod office;
#[path = "relay/origin.rs"]
mod origin;
#[path = "peers/page.rs"]
mod page;
#[path = "relay/process.rs"]
mod process;

use axis::{Axis, Bound};
use calibrator::Calibrator;
use figures::Cpu;
use installation::{Gateway, LOAD_CORE, start_agency};
use qaqpa::command::demo::scratch::Scratch;
use rustls::client::Resumption;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Any error ends the run with its text.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CONNECTIONS: usize = 32;
const WARM_UP: usize = 300;
/// Handshakes are forty times as dear as requests.
const REQUESTS_PER_HANDSHAKE: usize = 20;

/// With what the gateway signs its answers.
#[derive(Clone, Copy)]
struct Profile;

impl Profile {
    const fn word(self) -> &'static str {
        "ecdsa"
    }
}

/// A proxy that runs: where, and in which process.
struct Running {
    name: &'static str,
    at: Result<(u32, SocketAddr), String>,
}

/// CPU of one proxy in one round, microseconds.
#[derive(Clone, Copy)]
struct Cost {
    get_us: f64,
    handshake_us: f64,
}

fn main() -> Fallible<()> {
    let (mut rounds, mut requests, mut is_gathering) = (5, 8_000, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--rounds" => rounds = value()?.parse()?,
            "--requests" => requests = value()?.parse()?,
            "--gather" => is_gathering = true,
            "--bench" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    if !is_gathering {
        let own_id = std::process::id().to_string();
        let pinned = Command::new("taskset").args(["-cp", LOAD_CORE, &own_id]).output()?;
        if !pinned.status.success() {
            return Err(format!("taskset: {}", String::from_utf8_lossy(&pinned.stderr)).into());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut calibrator = Calibrator::default();
        let axes = runtime.block_on(run(rounds, requests, &mut calibrator))?;
        axis::write("proxy", &axes)?;
        gather::keep(&calibrator.json())?;
    }
    gather::gather()
}

async fn run(rounds: usize, requests: usize, calibrator: &mut Calibrator) -> Fallible<Vec<Axis>> {
    let folder = tempfile::tempdir()?;
    let scratch = Scratch::prepare(folder.path())?;
    let (agency, origin) = (start_agency(&scratch).await?, origin::start().await?);
    installation::configure(&scratch, agency, Profile)?;
    office::add(&scratch, origin)?;
    println!("signing the calls");
    let calls = callers::sign(&scratch, WARM_UP + rounds * requests / 4)?;
    let gateway = Gateway::start(Path::new(env!("CARGO_BIN_EXE_qaqpa")), &scratch)?;
    let peers = [
        ("nginx", nginx::start(&scratch, origin, true)),
        ("haproxy", haproxy::start(&scratch, origin)),
        ("envoy", envoy::start(&scratch, origin)),
    ];
    let mut proxies = vec![Running { name: "qaqpa", at: Ok((gateway.id(), gateway.address)) }];
    proxies.extend(peers.iter().map(|(name, peer)| Running {
        name,
        at: peer.as_ref().map(|peer| (peer.id(), peer.address)).map_err(ToString::to_string),
    }));
    let tls = origin::tls(&scratch)?;
    let (mut costs, mut signed) = (Vec::new(), Vec::new());
    let (warm_up, calls) = calls.split_at_checked(WARM_UP).ok_or("too few calls")?;
    soap(&gateway, &callers::tls(&scratch)?, warm_up).await?;
    for (round, calls) in calls.chunks(requests / 4).enumerate() {
        println!("round {} of {rounds}", round + 1);
        let verify_us = calibrator.read()?;
        let mut row = Vec::new();
        for proxy in &proxies {
            row.push(match &proxy.at {
                Ok(at) => Some(cost(*at, &tls, requests).await?),
                Err(_) => None,
            });
        }
        costs.push(row);
        signed.push((soap(&gateway, &callers::tls(&scratch)?, calls).await?, verify_us));
    }
    drop(peers);
    let sent = WARM_UP * (rounds + 1)
        + rounds * (requests + requests / REQUESTS_PER_HANDSHAKE + requests / 4);
    let kept = gateway.stop()?;
    let (opened, done) = (kept.opened, kept.done);
    if (opened, done) != (i64::try_from(sent)?, i64::try_from(sent)?) {
        return Err(format!("{sent} answered, {opened} in the journal, {done} Done").into());
    }
    println!("{sent} answers sent, {opened} entries in the journal");
    Ok(axes(&proxies, &costs, signed))
}

/// What one proxy takes for a request on a kept connection, and for a connection of its own.
async fn cost(
    (process, address): (u32, SocketAddr),
    tls: &TlsConnector,
    requests: usize,
) -> Fallible<Cost> {
    let mut callers = origin::Callers::connect(Some(tls), address, CONNECTIONS).await?;
    callers.call("GET", WARM_UP).await?;
    let before = Cpu::of(process)?;
    callers.call("GET", requests).await?;
    let get_us = Cpu::of(process)?.since(&before, requests).all_us;
    drop(callers);
    let count = requests / REQUESTS_PER_HANDSHAKE;
    let before = Cpu::of(process)?;
    handshakes::shake(&forgetful(tls), address, count).await?;
    let handshake_us = Cpu::of(process)?.since(&before, count).all_us;
    Ok(Cost { get_us, handshake_us })
}

/// The same caller, who resumes no session.
fn forgetful(tls: &TlsConnector) -> TlsConnector {
    let mut config = rustls::ClientConfig::clone(tls.config());
    config.resumption = Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

/// What a signed SOAP call takes of the gateway's CPU, microseconds.
async fn soap(gateway: &Gateway, tls: &TlsConnector, calls: &[bytes::Bytes]) -> Fallible<f64> {
    let mut callers = callers::Callers::connect(tls, gateway.address, CONNECTIONS).await?;
    let before = Cpu::of(gateway.id())?;
    let seen = callers.call(calls).await?;
    if !seen.errors.is_empty() {
        return Err(format!("signed calls failed: {:?}", seen.errors).into());
    }
    Ok(Cpu::of(gateway.id())?.since(&before, calls.len()).all_us)
}

fn axes(proxies: &[Running], costs: &[Vec<Option<Cost>>], signed: Vec<(f64, f64)>) -> Vec<Axis> {
    let mut axes = vec![Axis {
        name: "signed SOAP, 3 KB, RSA caller and agency, ECDSA answers, journal synced",
        unit: "CPU µs a call",
        peer_name: "openssl, one RSA-2048 verification".to_owned(),
        floor: 9.0,
        bound: Bound::RatioAtMost,
        rounds: signed,
        missing: None,
    }];
    for (column, proxy) in proxies.iter().enumerate().skip(1) {
        let pairs = |of: fn(Cost) -> f64| {
            let pair = |row: &Vec<Option<Cost>>| {
                let ours = row.first().copied().flatten()?;
                Some((of(ours), of(row.get(column).copied().flatten()?)))
            };
            costs.iter().filter_map(pair).collect::<Vec<_>>()
        };
        let missing = proxy.at.as_ref().err().cloned();
        let axis = |name, (bound, floor), unit, rounds| Axis {
            name,
            unit,
            peer_name: proxy.name.to_owned(),
            floor,
            bound,
            rounds,
            missing: missing.clone(),
        };
        let of_requests = match proxy.name {
            "envoy" => 0.6,
            _ => 1.15,
        };
        let of_handshakes = if proxy.name == "envoy" { 1.0 } else { 1.5 };
        axes.push(axis(
            "REST relayed over mutual TLS, 2 KiB, journal synced",
            (Bound::RatioAtMost, of_requests),
            "CPU µs a request",
            pairs(|cost| cost.get_us),
        ));
        axes.push(axis(
            "mutual TLS handshakes, each with one request",
            (Bound::RatioAtLeast, of_handshakes),
            "a core-second",
            pairs(|cost| 1e6 / cost.handshake_us),
        ));
    }
    axes
}
