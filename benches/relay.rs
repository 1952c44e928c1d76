//! What relaying a REST request costs in CPU, beside nginx in the same run.
//!
//! Each proxy runs on core 0, callers and origin in this process on core 1. Both do mutual TLS towards
//! the caller (the same certificates), plain HTTP towards the origin over kept connections, and write a
//! log line a request. The gateway moreover proves and names the participant, checks the operation,
//! quotas and limits, counts metrics and journals every request in SQLite, synced by group, before it
//! sends it on; a POST is answered only when its end is on disk. CPU time is the kernel's count, the
//! journal's thread told apart; system calls are strace's count, in a stage of their own. The same with the
//! journal in memory tells what the disk costs.
//!
//! A plain listener is measured for nginx alone: the gateway relays for nobody whom no certificate proves.
//!
//! `cargo bench --bench relay -- [--rounds N] [--requests N]`; needs `make tools`.

#[path = "load/callers.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod callers;
#[path = "load/calls.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod calls;
#[path = "load/figures.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod figures;
#[path = "load/installation.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod installation;
#[path = "peers/middle.rs"]
mod middle;
#[path = "relay/nginx.rs"]
mod nginx;
#[path = "load/office.rs"]
mod office;
#[path = "load/origin.rs"]
mod origin;
#[path = "relay/process.rs"]
mod process;
#[path = "relay/traced.rs"]
mod traced;

use callers::{Callers, Target};
use figures::Cpu;
use installation::{Gateway, Setup, configure, edit, pin};
use qaqpa::command::demo::scratch::Scratch;
use std::net::SocketAddr;
use std::path::Path;

/// Any error ends the run with its text.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CONNECTIONS: usize = 32;
const WARM_UP: usize = 500;
/// Requests whose system calls are counted, and their connections: strace makes a proxy so slow that with
/// more of them the gateway rightly refuses some.
const TRACED: usize = 2_000;
const TRACED_CONNECTIONS: usize = 2;

/// What stands in the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proxy {
    /// nginx without TLS towards the caller, for scale: the gateway relays for proved callers only.
    NginxPlain,
    Nginx,
    /// The gateway, which keeps the heads of requests (`body_policy = "full"`).
    GatewayFull,
    /// The gateway, which keeps digests only.
    GatewayDigest,
    /// The same, its journal in memory: where a sync costs nothing.
    GatewayMemory,
}

impl Proxy {
    const ALL: [Self; 5] = [
        Self::NginxPlain,
        Self::Nginx,
        Self::GatewayFull,
        Self::GatewayDigest,
        Self::GatewayMemory,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::NginxPlain => "nginx, plain",
            Self::Nginx => "nginx, mutual TLS",
            Self::GatewayFull => "gateway, heads kept",
            Self::GatewayDigest => "gateway, digests only",
            Self::GatewayMemory => "gateway, journal in RAM",
        }
    }
}

struct Measured {
    proxy: Proxy,
    method: &'static str,
    cpu_us: f64,
    /// Of it the journal's thread.
    journal_us: f64,
    system_calls: f64,
    per_second: f64,
    p50_us: u64,
    p99_us: u64,
}

fn main() -> Fallible<()> {
    let (mut rounds, mut requests) = (3, 20_000);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--rounds" => rounds = value()?.parse()?,
            "--requests" => requests = value()?.parse()?,
            "--bench" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    pin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(run(rounds, requests))?;
    print(&measured);
    Ok(())
}

async fn run(rounds: usize, requests: usize) -> Fallible<Vec<Measured>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let scratch = Scratch::prepare(folder.path())?;
    let origin = origin::start().await?;
    let mut measured = Vec::new();
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        for proxy in Proxy::ALL {
            measured.extend(stage(&scratch, origin, proxy, requests).await?);
        }
    }
    Ok(measured)
}

async fn stage(
    scratch: &Scratch,
    origin: SocketAddr,
    proxy: Proxy,
    requests: usize,
) -> Fallible<Vec<Measured>> {
    if matches!(proxy, Proxy::NginxPlain | Proxy::Nginx) {
        let is_tls = proxy == Proxy::Nginx;
        let nginx = nginx::start(scratch, origin, is_tls)?;
        let tls = is_tls.then(|| callers::tls(scratch)).transpose()?;
        let target = Target { tls, address: nginx.address };
        return load(proxy, nginx.id(), &target, requests).await;
    }
    let memory = tempfile::tempdir_in("/dev/shm")?;
    let mut scratch = Scratch::prepare(scratch.config.parent().ok_or("no folder")?)?;
    if proxy == Proxy::GatewayMemory {
        scratch.journal = memory.path().join("journal.sqlite");
    }
    let scratch = &scratch;
    let is_digest = matches!(proxy, Proxy::GatewayDigest | Proxy::GatewayMemory);
    settle(scratch, origin, is_digest)?;
    let gateway = Gateway::start(Path::new(env!("CARGO_BIN_EXE_qaqpa")), scratch)?;
    let target = Target { tls: Some(callers::tls(scratch)?), address: gateway.address };
    let measured = load(proxy, gateway.id(), &target, requests).await?;
    let sent = i64::try_from(2 * (requests + WARM_UP + TRACED))?;
    let kept = gateway.stop()?;
    if (kept.opened, kept.done) != (sent, sent) {
        let (opened, done) = (kept.opened, kept.done);
        return Err(format!("{sent} sent, {opened} journaled, {done} Done").into());
    }
    Ok(measured)
}

/// Writes its files; with `is_digest` the journal keeps digests and no heads.
fn settle(scratch: &Scratch, origin: SocketAddr, is_digest: bool) -> Fallible<()> {
    configure(scratch, origin, &Setup::default())?;
    office::add(scratch, origin)?;
    if is_digest {
        let digest = "[journal]\nbody_policy = \"digest\"\n";
        edit(&scratch.config.join("gateway.toml"), "[journal]\n", digest)?;
    }
    Ok(())
}

async fn load(
    proxy: Proxy,
    process: u32,
    target: &Target,
    requests: usize,
) -> Fallible<Vec<Measured>> {
    let mut measured = Vec::new();
    for (method, is_write) in [("GET", false), ("POST", true)] {
        let mut callers = Callers::connect(target, CONNECTIONS).await?;
        let calls = vec![calls::relay(is_write); requests];
        let good = |seen: callers::Seen| match seen.errors.is_empty() {
            true => Ok(seen),
            false => Err(format!("{}: {:?}", proxy.name(), seen.errors)),
        };
        good(callers.call(calls.get(..WARM_UP).ok_or("too few")?).await?)?;
        let before = Cpu::of(process)?;
        let seen = good(callers.call(&calls).await?)?;
        let cpu = Cpu::of(process)?.since(&before, requests);
        let mut callers = Callers::connect(target, TRACED_CONNECTIONS).await?;
        let tracer = traced::Tracer::start(process)?;
        good(callers.call(calls.get(..TRACED).ok_or("too few")?).await?)?;
        measured.push(Measured {
            proxy,
            method,
            cpu_us: cpu.all_us,
            journal_us: cpu.threads_us.get("journal").copied().unwrap_or_default(),
            system_calls: tracer.stop()? / f64::from(u32::try_from(TRACED)?),
            per_second: f64::from(u32::try_from(requests)?) / seen.took.as_secs_f64(),
            p50_us: seen.latency_us.value_at_quantile(0.5),
            p99_us: seen.latency_us.value_at_quantile(0.99),
        });
    }
    Ok(measured)
}

/// The median of each row, and its ratio to nginx with mutual TLS.
fn print(measured: &[Measured]) {
    println!(
        "{:<24}{:>6}{:>10}{:>8}{:>12}{:>9}{:>10}{:>9}{:>9}",
        "2 KiB, 32 connections",
        "",
        "CPU µs",
        "ratio",
        "journal µs",
        "calls",
        "a second",
        "p50 µs",
        "p99 µs"
    );
    for method in ["GET", "POST"] {
        let median = |proxy: Proxy, of: fn(&Measured) -> f64| {
            let rows = measured.iter().filter(|row| row.proxy == proxy && row.method == method);
            middle::middle(rows.map(of))
        };
        let nginx = median(Proxy::Nginx, |row| row.cpu_us);
        for proxy in Proxy::ALL {
            let cpu_us = median(proxy, |row| row.cpu_us);
            #[expect(clippy::cast_precision_loss, reason = "microseconds to be read by people")]
            let (p50, p99) =
                (median(proxy, |row| row.p50_us as f64), median(proxy, |row| row.p99_us as f64));
            let per_second = median(proxy, |row| row.per_second);
            let (journal, calls) =
                (median(proxy, |row| row.journal_us), median(proxy, |row| row.system_calls));
            println!(
                "{:<24}{method:>6}{cpu_us:>10.1}{:>8.2}{journal:>12.1}{calls:>9.1}\
                 {per_second:>10.0}{p50:>9.0}{p99:>9.0}",
                proxy.name(),
                cpu_us / nginx,
            );
        }
    }
}
