//! The whole gateway under load: what one signed call costs in CPU, time and memory, and that none is lost.
//!
//! The shipped binary runs on core 0 with everything on: mutual TLS both ways, signatures verified
//! and made, limits, quotas, metrics, a log line a call, the SQLite journal synced by group. Callers
//! and agency run in this process on core 1. CPU time is the kernel's count of the gateway's
//! process, so that neighbours on the machine disturb it less than they disturb the clock; they still
//! do (caches, a shared core), which is why every round also measures a yardstick.
//!
//! `cargo bench --bench load -- [--rounds N] [--requests N] [--baseline OTHER_BINARY]`

#[path = "load/callers.rs"]
mod callers;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/installation.rs"]
mod installation;
#[path = "load/report.rs"]
mod report;

use callers::{Callers, Seen};
use figures::{Cpu, Yardstick, memory_mib};
use installation::{Gateway, LOAD_CORE, configure, start_agency};
use qaqpa::command::demo::scratch::Scratch;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio_rustls::TlsConnector;

/// Any error ends the run with its text.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Connections of each stage, and what part of the requests it sends.
const STAGES: [(usize, usize); 3] = [(1, 4), (32, 1), (200, 1)];
/// Requests before the first stage, which are not measured: they open connections and fill caches.
const WARM_UP: usize = 200;

/// With what key the gateway signs its answers; the caller's and the agency's keys are RSA-2048.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    Ecdsa,
    Rsa,
}

impl Profile {
    /// As `answer_signature` writes it.
    const fn word(self) -> &'static str {
        match self {
            Self::Ecdsa => "ecdsa",
            Self::Rsa => "rsa",
        }
    }
}

/// One stage of one round.
struct Measured {
    binary: String,
    profile: Profile,
    connections: usize,
    request_bytes: usize,
    seen: Seen,
    took: Duration,
    /// For one request.
    cpu: Cpu,
    rsa_verify_us: f64,
    rss_mib: f64,
    peak_mib: f64,
}

impl Measured {
    fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.seen.answers).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }

    fn latency_ms(&self, quantile: f64) -> f64 {
        Duration::from_micros(self.seen.latency_us.value_at_quantile(quantile)).as_secs_f64() * 1e3
    }
}

struct Options {
    rounds: usize,
    requests: usize,
    binaries: Vec<(String, PathBuf)>,
}

impl Options {
    fn read() -> Fallible<Self> {
        let own = PathBuf::from(env!("CARGO_BIN_EXE_qaqpa"));
        let mut options =
            Self { rounds: 3, requests: 6000, binaries: vec![("this".to_owned(), own)] };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--rounds" => options.rounds = value()?.parse()?,
                "--requests" => options.requests = value()?.parse()?,
                "--baseline" => options.binaries.push(("baseline".to_owned(), value()?.into())),
                // What cargo adds.
                "--bench" => {}
                other => return Err(format!("unknown argument {other}").into()),
            }
        }
        Ok(options)
    }
}

fn main() -> Fallible<()> {
    let options = Options::read()?;
    // Threads started from here on inherit the core.
    let own_id = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-cp", LOAD_CORE, &own_id]).output()?;
    if !pinned.status.success() {
        return Err(format!("taskset: {}", String::from_utf8_lossy(&pinned.stderr)).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(run(&options))?;
    report::print(&measured);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/load.json");
    report::write(&path, &measured)?;
    println!("every answer is in the journal; all rounds are in {}", path.display());
    Ok(())
}

async fn run(options: &Options) -> Fallible<Vec<Measured>> {
    let folder = tempfile::tempdir()?;
    let scratch = Scratch::prepare(folder.path())?;
    let agency = start_agency(&scratch).await?;
    let count = STAGES.iter().map(|(_, part)| options.requests / part).sum::<usize>() + WARM_UP;
    println!("signing {count} requests");
    let load = Load {
        requests: callers::sign(&scratch, count)?,
        tls: callers::tls(&scratch)?,
        yardstick: Yardstick::new(&scratch)?,
        part: options.requests,
    };
    let mut measured = Vec::new();
    for round in 1..=options.rounds {
        for profile in [Profile::Ecdsa, Profile::Rsa] {
            for (name, binary) in &options.binaries {
                println!("round {round} of {}: {name}, {} answers", options.rounds, profile.word());
                configure(&scratch, agency, profile)?;
                let gateway = Gateway::start(binary, &scratch)?;
                measured.extend(load.round(gateway, name, profile).await?);
            }
        }
    }
    Ok(measured)
}

/// What every round sends.
struct Load {
    requests: Vec<bytes::Bytes>,
    tls: TlsConnector,
    yardstick: Yardstick,
    part: usize,
}

impl Load {
    /// All stages against one gateway, then the count of its journal.
    async fn round(
        &self,
        gateway: Gateway,
        binary: &str,
        profile: Profile,
    ) -> Fallible<Vec<Measured>> {
        let (warm_up, mut left) = self.requests.split_at_checked(WARM_UP).ok_or("too few")?;
        let mut callers = Callers::connect(&self.tls, gateway.address, 1).await?;
        let mut errors = callers.call(warm_up).await?.errors.values().sum::<usize>();
        let mut measured = Vec::new();
        for (connections, part) in STAGES {
            let (requests, rest) = left.split_at_checked(self.part / part).ok_or("too few")?;
            left = rest;
            let mut callers = Callers::connect(&self.tls, gateway.address, connections).await?;
            let rsa_verify_us = self.yardstick.rsa_verify_us()?;
            let (before, started) = (Cpu::of(gateway.id())?, Instant::now());
            let seen = callers.call(requests).await?;
            let took = started.elapsed();
            let cpu = Cpu::of(gateway.id())?.since(&before, seen.answers);
            errors += seen.errors.values().sum::<usize>();
            measured.push(Measured {
                binary: binary.to_owned(),
                profile,
                connections,
                request_bytes: requests.first().map_or(0, bytes::Bytes::len),
                seen,
                took,
                cpu,
                rsa_verify_us,
                rss_mib: memory_mib(gateway.id(), "VmRSS")?,
                peak_mib: memory_mib(gateway.id(), "VmHWM")?,
            });
        }
        drop(callers);
        let kept = gateway.stop()?;
        let (sent, good) = (self.requests.len(), self.requests.len() - errors);
        if (usize::try_from(kept.opened)?, usize::try_from(kept.done)?) != (sent, good) {
            return Err(format!(
                "{good} of {sent} answers were good, but the journal holds {} entries, {} Done",
                kept.opened, kept.done
            )
            .into());
        }
        Ok(measured)
    }
}
