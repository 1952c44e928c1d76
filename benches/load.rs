//! The whole gateway under load: what one call costs in CPU, time and memory, and that none is lost.
//!
//! The shipped binary runs on core 0 with everything on: mutual TLS both ways, signatures verified
//! and made, limits, quotas, metrics, a log line a call, the journal synced by group. Callers and
//! agencies run in this process on core 1. CPU time is the kernel's count of the gateway's process, so
//! that neighbours on the machine disturb it less than they disturb the clock; they still do (caches, a
//! shared core), which is why every stage also measures a yardstick.
//!
//! Closed loops tell what a call costs; then calls arrive at given rates, each with its moment, and what
//! one waits for the gateway or for a free connection counts (no coordinated omission).
//!
//! `cargo bench --bench load -- [--full] [--rounds N] [--requests N] [--baseline OTHER_BINARY]`; with
//! `--phases` (`make bench-phases`, which builds what `perf` can read) where the CPU of a call goes.

#[path = "load/callers.rs"]
mod callers;
#[path = "load/calls.rs"]
#[allow(dead_code, reason = "shared with the peers")]
mod calls;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/installation.rs"]
mod installation;
#[path = "peers/middle.rs"]
mod middle;
#[path = "load/office.rs"]
mod office;
#[path = "load/origin.rs"]
mod origin;
#[path = "load/page.rs"]
mod page;
#[path = "../tests/support/postgres.rs"]
mod postgres;
#[path = "load/report.rs"]
mod report;
#[path = "load/scenario.rs"]
mod scenario;
#[path = "load/steps.rs"]
mod steps;

use callers::{Callers, Seen, Target};
use figures::{Cpu, Yardstick, memory_mib};
use installation::{Gateway, Kept, configure, pin, start_agency};
use postgres::Cluster;
use qaqpa::command::demo::scratch::Scratch;
use scenario::{Scenario, Way, scenarios};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use steps::{Sampler, Steps};

/// Any error ends the run with its text.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Calls before the first stage, which are not measured: they open connections and fill caches.
const WARM_UP: usize = 200;
/// Parts of what the gateway can do at which calls arrive, and for how long.
const ARRIVALS: [f64; 6] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.1];

/// One stage of one round.
struct Measured {
    binary: String,
    scenario: Scenario,
    /// Calls a second that arrived; none in a closed loop.
    arrivals: Option<f64>,
    request_bytes: usize,
    seen: Seen,
    /// For one call.
    cpu: Cpu,
    /// Where it went, if that was asked.
    steps: Option<Steps>,
    rsa_verify_us: f64,
    rss_mib: f64,
    peak_mib: f64,
}

impl Measured {
    fn per_second(&self) -> f64 {
        let answers = f64::from(u32::try_from(self.seen.answers).unwrap_or(u32::MAX));
        answers / self.seen.took.as_secs_f64()
    }

    fn latency_ms(&self, quantile: f64) -> f64 {
        Duration::from_micros(self.seen.latency_us.value_at_quantile(quantile)).as_secs_f64() * 1e3
    }
}

struct Options {
    rounds: usize,
    requests: usize,
    is_full: bool,
    has_steps: bool,
    binaries: Vec<(String, PathBuf)>,
}

impl Options {
    fn read() -> Fallible<Self> {
        let own = PathBuf::from(env!("CARGO_BIN_EXE_qaqpa"));
        let binaries = vec![("this".to_owned(), own)];
        let mut options =
            Self { rounds: 1, requests: 6000, is_full: false, has_steps: false, binaries };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--rounds" => options.rounds = value()?.parse()?,
                "--requests" => options.requests = value()?.parse()?,
                "--full" => options.is_full = true,
                "--phases" => options.has_steps = true,
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
    // Before this process is pinned: a database has both cores, as on a machine of its own.
    let cluster = options.is_full.then(Cluster::start);
    pin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(run(&options, cluster.as_ref()))?;
    report::print(&measured);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&folder)?;
    let name = if options.has_steps { "phases" } else { "load" };
    let (json, html) = (folder.join(format!("{name}.json")), folder.join(format!("{name}.html")));
    report::write(&json, &measured)?;
    std::fs::write(&html, page::page(&measured))?;
    println!("entries journaled = answers sent, in every round\n{}", json.display());
    println!("{}", html.display());
    Ok(())
}

async fn run(options: &Options, cluster: Option<&Cluster>) -> Fallible<Vec<Measured>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let scratch = Scratch::prepare(folder.path())?;
    let load = Load {
        agency: start_agency(&scratch).await?,
        origin: origin::start().await?,
        yardstick: Yardstick::new(&scratch)?,
        requests: options.requests,
        has_steps: options.has_steps,
        arrival_span: Duration::from_secs(if options.is_full { 5 } else { 2 }),
        scratch,
    };
    let mut measured = Vec::new();
    for round in 1..=options.rounds {
        let database = cluster.map(Cluster::database);
        let store = cluster.zip(database.as_ref());
        let url = store.map(|(cluster, database)| cluster.url("qaqpa_app", database));
        let mut all = scenarios(options.is_full, url);
        if options.has_steps {
            all.retain(Scenario::has_steps);
        }
        for group in all.chunk_by(|one, next| one.setup == next.setup) {
            for (name, binary) in &options.binaries {
                println!("round {round} of {}: {name}", options.rounds);
                measured.extend(load.round(binary, name, group, store).await?);
            }
        }
    }
    Ok(measured)
}

/// What every round sends to whom.
struct Load {
    scratch: Scratch,
    agency: SocketAddr,
    origin: SocketAddr,
    yardstick: Yardstick,
    requests: usize,
    has_steps: bool,
    arrival_span: Duration,
}

/// A database of a cluster.
type Database<'c> = (&'c Cluster, &'c String);

impl Load {
    /// All scenarios of one installation against one gateway, then the count of its journal.
    async fn round(
        &self,
        binary: &Path,
        name: &str,
        scenarios: &[Scenario],
        store: Option<Database<'_>>,
    ) -> Fallible<Vec<Measured>> {
        let Some(Scenario { setup, mix, .. }) = scenarios.first() else { return Ok(Vec::new()) };
        let store = store.filter(|_| setup.store.is_some());
        if let Some((cluster, database)) = store {
            let owner = cluster.url("qaqpa_migrate", database);
            let migrated =
                Command::new(binary).args(["migrate", "--json", "--store", &owner]).output()?;
            if !migrated.status.success() {
                return Err(String::from_utf8_lossy(&migrated.stderr).into());
            }
        }
        configure(&self.scratch, self.agency, setup)?;
        // Without it nothing would prove who asks for a relayed request.
        if setup.is_tls {
            office::add(&self.scratch, self.origin)?;
        }
        let gateway = Gateway::start_on(setup.cores, binary, &self.scratch)?;
        let tls = setup.is_tls.then(|| callers::tls(&self.scratch)).transpose()?;
        let target = Target { tls, address: gateway.address };
        let warm_up = mix.calls(&self.scratch, WARM_UP)?;
        let seen = Callers::connect(&target, 1).await?.call(&warm_up).await?;
        let (mut sent, mut bad) = (seen.answers, seen.errors());
        let mut measured = Vec::new();
        for scenario in scenarios {
            let stages = self.scenario(&gateway, &target, scenario).await;
            let named =
                |cause| format!("{}, {} conns: {cause}", scenario.name, scenario.connections);
            for stage in stages.map_err(named)? {
                sent += stage.seen.answers;
                bad += stage.seen.errors();
                measured.push(Measured { binary: name.to_owned(), ..stage });
            }
        }
        let kept = end(gateway, store)?;
        let good = sent - bad;
        if (usize::try_from(kept.opened)?, usize::try_from(kept.done)?) != (sent, good) {
            return Err(format!(
                "{good} of {sent} answers were good, but the journal holds {} entries, {} Done",
                kept.opened, kept.done
            )
            .into());
        }
        println!("{sent} answers sent, {} entries in the journal", kept.opened);
        Ok(measured)
    }

    /// The closed loop, and the arrivals after it.
    async fn scenario(
        &self,
        gateway: &Gateway,
        target: &Target,
        scenario: &Scenario,
    ) -> Fallible<Vec<Measured>> {
        let count = self.requests / scenario.part;
        let closed = self.stage(gateway, target, scenario, (count, None)).await?;
        let capacity = closed.per_second();
        let mut measured = vec![closed];
        if scenario.is_curve && !self.has_steps {
            for part in ARRIVALS {
                let per_second = part * capacity;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "small"
                )]
                let count = (per_second * self.arrival_span.as_secs_f64()) as usize;
                let stage = (count.max(1), Some(per_second));
                measured.push(self.stage(gateway, target, scenario, stage).await?);
            }
        }
        Ok(measured)
    }

    async fn stage(
        &self,
        gateway: &Gateway,
        target: &Target,
        scenario: &Scenario,
        (count, arrivals): (usize, Option<f64>),
    ) -> Fallible<Measured> {
        let calls = scenario.mix.calls(&self.scratch, count)?;
        let mut callers = match scenario.way {
            Way::Kept => Some(Callers::connect(target, scenario.connections).await?),
            Way::Anew => None,
        };
        let rsa_verify_us = self.yardstick.rsa_verify_us()?;
        let sampler = self.has_steps.then(|| Sampler::start(gateway.id())).transpose()?;
        let before = Cpu::of(gateway.id())?;
        let seen = match (&mut callers, arrivals) {
            (Some(callers), Some(per_second)) => callers.arrive(&calls, per_second).await?,
            (Some(callers), None) => callers.call(&calls).await?,
            (None, _) => callers::call_anew(target, scenario.connections, &calls).await?,
        };
        let cpu = Cpu::of(gateway.id())?.since(&before, seen.answers);
        Ok(Measured {
            binary: String::new(),
            scenario: scenario.clone(),
            arrivals,
            request_bytes: calls.first().map_or(0, |call| call.body.len()),
            seen,
            cpu,
            steps: sampler.map(Sampler::stop).transpose()?,
            rsa_verify_us,
            rss_mib: memory_mib(gateway.id(), "VmRSS")?,
            peak_mib: memory_mib(gateway.id(), "VmHWM")?,
        })
    }
}

/// Drains the gateway and counts its journal.
fn end(mut gateway: Gateway, store: Option<Database<'_>>) -> Fallible<Kept> {
    let Some((cluster, database)) = store else { return gateway.stop() };
    gateway.end()?;
    let count = |of: &str| -> Fallible<i64> {
        Ok(cluster.sql("qaqpa_app", database, &format!("SELECT count(*) FROM {of}"))?.parse()?)
    };
    let (opened, done) = (count("entry_opened")?, count("entry_closed WHERE outcome = 'Done'")?);
    Ok(Kept { opened, done })
}
