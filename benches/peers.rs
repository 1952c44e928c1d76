//! The gateway beside its peers: every axis in one run, in turn, with the state of the machine before each round.
//!
//! What a proxy costs for a relayed request and for a handshake is measured here, against nginx, haproxy
//! and Envoy; what a signed call costs, against openssl's bare RSA verification; and what only its own
//! floor stands beside ([`own`] and [`held`]: `--own` both, `--held` the last alone). The other benches leave their axes in
//! target/bench/axes; here all are gathered into target/bench/peers.json and a page beside it. A peer that cannot be had is
//! named with the reason.
//!
//! `make bench-peers`, or `cargo bench --bench peers -- [--rounds N] [--requests N] [--own | --held | --gather | --readme]`

#[path = "peers/axis.rs"]
mod axis;
#[path = "peers/calibrator.rs"]
mod calibrator;
#[path = "load/callers.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod callers;
#[path = "load/calls.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod calls;
#[path = "relay/envoy.rs"]
mod envoy;
#[path = "load/figures.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod figures;
#[path = "peers/gather.rs"]
mod gather;
#[path = "relay/haproxy.rs"]
mod haproxy;
#[path = "peers/held.rs"]
mod held;
#[path = "load/installation.rs"]
mod installation;
#[path = "relay/nginx.rs"]
mod nginx;
#[path = "load/office.rs"]
mod office;
#[path = "load/origin.rs"]
mod origin;
#[path = "peers/own.rs"]
mod own;
#[path = "peers/page.rs"]
mod page;
#[path = "relay/process.rs"]
mod process;

use axis::{Axis, Bound};
use calibrator::Calibrator;
use callers::{Call, Callers, Target};
use calls::Mix;
use figures::Cpu;
use installation::{Gateway, Setup, pin, start_agency};
use qaqpa::command::demo::scratch::Scratch;
use std::net::SocketAddr;
use std::path::Path;

/// Any error ends the run with its text.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CONNECTIONS: usize = 32;
const WARM_UP: usize = 300;
/// A handshake and its request are six times as dear as a request.
const REQUESTS_PER_HANDSHAKE: usize = 6;
/// Handshakes under way at the same time.
const AT_ONCE: usize = 8;

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
    let (mut rounds, mut requests) = (5, 8_000);
    let (mut is_gathering, mut is_for_readme) = (false, false);
    let (mut is_own, mut is_held) = (false, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--rounds" => rounds = value()?.parse()?,
            "--requests" => requests = value()?.parse()?,
            "--own" => is_own = true,
            "--held" => is_held = true,
            "--gather" => is_gathering = true,
            "--readme" => (is_gathering, is_for_readme) = (true, true),
            "--bench" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    if !is_gathering {
        pin()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut calibrator = Calibrator::default();
        if !is_own && !is_held {
            let axes = runtime.block_on(run(rounds, requests, &mut calibrator))?;
            axis::write("proxy", &axes)?;
            gather::keep(&calibrator.json())?;
        }
        if !is_held {
            axis::write("own", &runtime.block_on(own::measure(rounds, requests))?)?;
        }
        axis::write("held", &[runtime.block_on(held::measure(rounds))?])?;
    }
    gather::gather()?;
    if is_for_readme { gather::tell_readme() } else { Ok(()) }
}

async fn run(rounds: usize, requests: usize, calibrator: &mut Calibrator) -> Fallible<Vec<Axis>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let scratch = Scratch::prepare(folder.path())?;
    let (agency, origin) = (start_agency(&scratch).await?, origin::start().await?);
    installation::configure(&scratch, agency, &Setup::default())?;
    office::add(&scratch, origin)?;
    println!("signing the calls");
    let signed = Mix::Soap { filler_bytes: 0 };
    let calls = signed.calls(&scratch, WARM_UP + rounds * requests / 4)?;
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
    let tls = Some(callers::tls(&scratch)?);
    let ours = Target { tls: tls.clone(), address: gateway.address };
    let (mut costs, mut signed) = (Vec::new(), Vec::new());
    let (warm_up, calls) = calls.split_at_checked(WARM_UP).ok_or("too few calls")?;
    soap(gateway.id(), &ours, warm_up).await?;
    for (round, calls) in calls.chunks(requests / 4).enumerate() {
        println!("round {} of {rounds}", round + 1);
        let verify_us = calibrator.read()?;
        let mut row = Vec::new();
        for proxy in &proxies {
            row.push(match &proxy.at {
                Ok((process, address)) => {
                    let target = Target { tls: tls.clone(), address: *address };
                    Some(cost(*process, &target, requests).await?)
                }
                Err(_) => None,
            });
        }
        costs.push(row);
        signed.push((soap(gateway.id(), &ours, calls).await?, verify_us));
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
async fn cost(process: u32, target: &Target, requests: usize) -> Fallible<Cost> {
    let calls = vec![calls::relay(false); requests];
    let mut callers = Callers::connect(target, CONNECTIONS).await?;
    good(callers.call(calls.get(..WARM_UP).ok_or("too few requests")?).await?)?;
    let before = Cpu::of(process)?;
    good(callers.call(&calls).await?)?;
    let get_us = Cpu::of(process)?.since(&before, requests).all_us;
    drop(callers);
    let calls = calls.get(..requests / REQUESTS_PER_HANDSHAKE).ok_or("too few requests")?;
    let before = Cpu::of(process)?;
    good(callers::call_anew(target, AT_ONCE, calls).await?)?;
    let handshake_us = Cpu::of(process)?.since(&before, calls.len()).all_us;
    Ok(Cost { get_us, handshake_us })
}

/// What a signed SOAP call takes of the gateway's CPU, microseconds.
async fn soap(gateway: u32, target: &Target, calls: &[Call]) -> Fallible<f64> {
    let mut callers = Callers::connect(target, CONNECTIONS).await?;
    let before = Cpu::of(gateway)?;
    good(callers.call(calls).await?)?;
    Ok(Cpu::of(gateway)?.since(&before, calls.len()).all_us)
}

/// Nothing that failed is measured.
fn good(seen: callers::Seen) -> Fallible<()> {
    match seen.errors.is_empty() {
        true => Ok(()),
        false => Err(format!("answers were not good: {:?}", seen.errors).into()),
    }
}

fn axes(proxies: &[Running], costs: &[Vec<Option<Cost>>], signed: Vec<(f64, f64)>) -> Vec<Axis> {
    let mut axes = vec![Axis::of(
        "signed SOAP, 3 KB, RSA caller and agency, ECDSA answers, journal synced",
        "CPU µs a call",
        "openssl, one RSA-2048 verification",
        (Bound::RatioAtMost, 9.0),
        signed,
    )];
    for (column, proxy) in proxies.iter().enumerate().skip(1) {
        let pairs = |of: fn(Cost) -> f64| {
            let pair = |row: &Vec<Option<Cost>>| {
                let ours = row.first().copied().flatten()?;
                Some((of(ours), of(row.get(column).copied().flatten()?)))
            };
            costs.iter().filter_map(pair).collect::<Vec<_>>()
        };
        let missing = proxy.at.as_ref().err().cloned();
        let axis = |name, bound, unit, rounds| Axis {
            missing: missing.clone(),
            ..Axis::of(name, unit, proxy.name, bound, rounds)
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
