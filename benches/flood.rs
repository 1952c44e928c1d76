//! The door under attack: what a healthy caller notices, and what memory the gateway gives to attackers.
//!
//! The shipped binary runs on core 0; a healthy caller sends one signed call each 10 ms over mutual TLS from core 1,
//! first alone, then beside one attack after the other. The attackers share core 1 and run in processes of their own,
//! because a process may open 20 000 files. They are nice: what is measured is the gateway under attack, not a caller
//! whose own machine is taken from it. They come from other addresses than the caller, as attackers do; floods from
//! `--addresses` of them. Where the caller is disturbed when it is alone, or a goal is missed, the row is measured
//! again. Memory and sockets are the greatest of a reading a second; a goal that is missed at last is an error.
//!
//! `cargo bench --bench flood -- [--seconds N] [--only NAME] [--addresses N] [--json]`

#[path = "flood/attacks.rs"]
mod attacks;
#[path = "load/callers.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod callers;
#[path = "load/calls.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod calls;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/installation.rs"]
mod installation;
#[path = "load/origin.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod origin;

use attacks::{Attack, Goal};
use callers::{Call, Callers, Target};
use calls::Mix;
use figures::{Cpu, Yardstick, memory_mib};
use hdrhistogram::Histogram;
use installation::{Gateway, Kept, Setup, configure, pin, start_agency};
use qaqpa::command::demo::scratch::Scratch;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Any error ends the run with its text.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Between two calls of the healthy caller.
const PAUSE: Duration = Duration::from_millis(10);
/// An answer later than this is no good to anybody.
const GOOD: Duration = Duration::from_secs(1);
/// A caller alone whose p99 is above this has a machine that others use: nothing can be held against it.
const PEACE_MS: f64 = 20.0;
/// How often a row is measured until the machine leaves it in peace; the last one counts as it is.
const TRIES: usize = 3;
/// Between two readings of memory and sockets.
const READING: Duration = Duration::from_secs(1);

/// What one attack did.
#[derive(serde::Serialize)]
struct Measured {
    attack: &'static str,
    /// Connections that the attackers opened; of a foreign program it is not known.
    opened: Option<u64>,
    /// Sockets of the gateway, at most.
    held: u64,
    calls: u64,
    /// Of the calls: answered well within a second.
    good: u64,
    goodput_percent: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Against the calls of the healthy caller alone, just before.
    p99_ratio: f64,
    /// At most.
    rss_mib_more: f64,
    rss_kib_a_connection: Option<f64>,
    gateway_core_percent: f64,
    is_goal_reached: bool,
}

struct Options {
    seconds: u64,
    addresses: u8,
    only: Option<String>,
    is_json: bool,
}

fn main() -> Fallible<()> {
    let mut options = Options { seconds: 30, addresses: 1, only: None, is_json: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--seconds" => options.seconds = value()?.parse()?,
            "--only" => options.only = Some(value()?),
            "--json" => options.is_json = true,
            "--addresses" => options.addresses = value()?.parse()?,
            // This process is the attackers'.
            "--attack" => {
                let (name, address, state) = (value()?, value()?.parse()?, value()?);
                return attacks::run(&name, address, Path::new(&state), options.addresses);
            }
            // What cargo adds.
            "--bench" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    pin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(all(&options))?;
    if options.is_json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        println!("{}", table(&measured));
    }
    match measured.iter().find(|row| !row.is_goal_reached) {
        None => Ok(()),
        Some(row) => Err(format!("{}: its goal is not reached", row.attack).into()),
    }
}

async fn all(options: &Options) -> Fallible<Vec<Measured>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let scratch = Scratch::prepare(folder.path())?;
    let agency = start_agency(&scratch).await?;
    configure(&scratch, agency, &Setup::default())?;
    let plain = open_more_doors(&scratch)?;
    let yardstick = Yardstick::new(&scratch)?;
    eprintln!("one RSA-2048 verification takes {:.0} µs", yardstick.rsa_verify_us()?);
    let gateway = Gateway::start(&PathBuf::from(env!("CARGO_BIN_EXE_qaqpa")), &scratch)?;
    let mut healthy = Healthy::connect(&scratch, gateway.address).await?;
    healthy.calls(Duration::from_secs(2)).await?;
    let mut measured = Vec::new();
    for attack in attacks::ALL {
        if options.only.as_ref().is_some_and(|only| *only != attack.name) {
            continue;
        }
        eprintln!("{}: {} s alone, {} s attacked", attack.name, options.seconds, options.seconds);
        let span = Duration::from_secs(options.seconds);
        let at = if attack.is_tls { gateway.address } else { plain };
        let start = || Attackers::start(attack, at, folder.path(), options.addresses);
        let row = under(attack, start, (&gateway, &mut healthy), span).await;
        let row = row.map_err(|cause| format!("{}: {cause}", attack.name))?;
        // Rows are told as they come: a later attack may fail.
        eprintln!("{}", table(std::slice::from_ref(&row)));
        measured.push(row);
    }
    // Refused requests of attackers are in the journal too, so more may be opened than done; and what they ask well.
    let (kept, good) = (gateway.stop()?, healthy.well);
    if u64::try_from(kept.done)? < good || kept.opened < kept.done {
        let Kept { opened, done } = kept;
        return Err(format!("{good} good answers, {opened} entries, {done} of them Done").into());
    }
    Ok(measured)
}

/// A plain door beside the first. One address may hold all slow sockets, because the foreign program
/// has one address; the idle ones are one participant's; every other cap is the shipped one.
fn open_more_doors(scratch: &Scratch) -> Fallible<SocketAddr> {
    let path = scratch.config.join("gateway.toml");
    let plain = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let more = format!(
        "[[listener]]\naddress = \"{plain}\"\ntls = \"off\"\n\n[limits]\n\
         connections_per_address_max = 6000\nconnections_per_participant_max = 10000\n\
         idle_deadline_ms = 600000\n\n[ops]"
    );
    let text = std::fs::read_to_string(&path)?;
    let (head, rest) = text.split_once("[limits]").ok_or("the demo sets limits")?;
    let (_, rest) = rest.split_once("[ops]").ok_or("the demo has an ops door")?;
    Ok(std::fs::write(&path, [head, &more, rest].concat()).map(|()| plain)?)
}

/// A caller that does nothing wrong.
struct Healthy {
    callers: Callers,
    calls: Vec<Call>,
    sign: Box<dyn Fn(usize) -> Fallible<Vec<Call>>>,
    /// Answers without a fault so far, late ones too.
    well: u64,
}

struct Calls {
    latency_us: Histogram<u64>,
    sent: u64,
    good: u64,
}

impl Calls {
    fn ms(&self, quantile: f64) -> f64 {
        Duration::from_micros(self.latency_us.value_at_quantile(quantile)).as_secs_f64() * 1e3
    }
}

impl Healthy {
    async fn connect(scratch: &Scratch, address: SocketAddr) -> Fallible<Self> {
        let target = Target { tls: Some(callers::tls(scratch)?), address };
        let callers = Callers::connect(&target, 1).await?;
        let member = Scratch::prepare(scratch.config.parent().ok_or("no folder")?)?;
        let soap = Mix::Soap { filler_bytes: 0 };
        let sign = Box::new(move |count| soap.calls(&member, count));
        Ok(Self { callers, calls: Vec::new(), sign, well: 0 })
    }

    /// Signs beforehand what will be sent in that time, so that signing disturbs nobody.
    fn prepare(&mut self, span: Duration) -> Fallible<()> {
        let count = usize::try_from(span.as_millis() / PAUSE.as_millis())?;
        self.calls = (self.sign)(count)?;
        Ok(())
    }

    async fn calls(&mut self, span: Duration) -> Fallible<Calls> {
        self.prepare(span)?;
        self.send().await
    }

    async fn send(&mut self) -> Fallible<Calls> {
        let mut calls = Calls { latency_us: Histogram::new(3)?, sent: 0, good: 0 };
        let mut ticks = tokio::time::interval(PAUSE);
        for call in std::mem::take(&mut self.calls) {
            // From the moment at which it should have left: waiting for the one before counts.
            let due = ticks.tick().await;
            let seen = self.callers.call(&[call]).await?;
            let took = due.elapsed();
            calls.sent += 1;
            self.well += u64::from(seen.errors.is_empty());
            if seen.errors.is_empty() && took < GOOD {
                calls.good += 1;
            }
            calls.latency_us.record(u64::try_from(took.as_micros())?)?;
        }
        Ok(calls)
    }
}

/// The attackers' process; it ends when its standard input does.
struct Attackers(Child);

impl Attackers {
    fn start(attack: &Attack, address: SocketAddr, state: &Path, addresses: u8) -> Fallible<Self> {
        let child = Command::new("nice")
            .args(["-n", "15"])
            .arg(std::env::current_exe()?)
            .args(["--addresses", &addresses.to_string()])
            .args(["--attack", attack.name, &address.to_string()])
            .arg(state)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self(child))
    }

    /// A number that it prints: of connections; nothing where it does not know.
    fn said(&mut self) -> Fallible<Option<u64>> {
        let mut line = String::new();
        let out = self.0.stdout.as_mut().ok_or("no output")?;
        if BufReader::with_capacity(1, out).read_line(&mut line)? == 0 {
            return Err("the attackers are gone".into());
        }
        Ok(line.trim().parse().ok())
    }

    fn stop(mut self) -> Fallible<Option<u64>> {
        if let Some(mut input) = self.0.stdin.take() {
            input.write_all(b"\n")?;
        }
        let count = self.said()?;
        self.0.wait()?;
        Ok(count)
    }
}

/// How many sockets a process has open.
fn sockets(process: u32) -> Fallible<u64> {
    let files = std::fs::read_dir(format!("/proc/{process}/fd"))?;
    let is_socket = |path: &Path| {
        std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    Ok(u64::try_from(files.flatten().filter(|file| is_socket(&file.path())).count())?)
}

/// Measures an attack until the machine leaves it in peace.
async fn under(
    attack: &Attack,
    start: impl Fn() -> Fallible<Attackers>,
    (gateway, healthy): (&Gateway, &mut Healthy),
    span: Duration,
) -> Fallible<Measured> {
    let mut alone = healthy.calls(span).await?.ms(0.99);
    for again in (0..TRIES).rev() {
        let row = attacked(attack, &start, (gateway, healthy), (span, alone)).await?;
        let after = healthy.calls(span).await?.ms(0.99);
        let is_peace = alone <= PEACE_MS && after <= PEACE_MS;
        if row.is_goal_reached && is_peace || again == 0 {
            return Ok(row);
        }
        eprintln!(
            "  alone p99 was {alone:.0} ms, after it {after:.0}, attacked {:.0}: again",
            row.p99_ms
        );
        alone = after;
    }
    Err("never measured".into())
}

/// One attack; `alone_ms` is the p99 of the healthy caller before it.
async fn attacked(
    attack: &Attack,
    start: impl Fn() -> Fallible<Attackers>,
    (gateway, healthy): (&Gateway, &mut Healthy),
    (span, alone_ms): (Duration, f64),
) -> Fallible<Measured> {
    let id = gateway.id();
    healthy.prepare(span)?;
    let (before_mib, before) = (memory_mib(id, "VmRSS")?, sockets(id)?);
    let mut attackers = start()?;
    attackers.said()?;
    let (cpu, started) = (Cpu::of(id)?, Instant::now());
    let (mut most_mib, mut held) = (before_mib, before);
    let mut readings = tokio::time::interval(READING);
    let sending = healthy.send();
    tokio::pin!(sending);
    let seen = loop {
        tokio::select! {
            seen = &mut sending => break seen?,
            // Away from the caller's thread: thousands of sockets take a while to count.
            _ = readings.tick() => {
                let reading = tokio::task::spawn_blocking(move || {
                    Fallible::Ok((memory_mib(id, "VmRSS")?, sockets(id)?))
                });
                let (mib, sockets) = tokio::select! {
                    seen = &mut sending => break seen?,
                    reading = reading => reading??,
                };
                (most_mib, held) = (most_mib.max(mib), held.max(sockets));
            }
        }
    };
    let core = Cpu::of(id)?.since(&cpu, 1).all_us / started.elapsed().as_secs_f64() / 1e4;
    let (more_mib, held) = (most_mib - before_mib, held - before);
    let opened = attackers.stop()?;
    let goodput_percent = number(seen.good) / number(seen.sent) * 100.0;
    let p99_ratio = seen.ms(0.99) / alone_ms;
    let kib = (held > 100).then(|| more_mib * 1024.0 / number(held));
    Ok(Measured {
        attack: attack.name,
        opened,
        held,
        calls: seen.sent,
        good: seen.good,
        goodput_percent,
        p50_ms: seen.ms(0.5),
        p99_ms: seen.ms(0.99),
        p99_ratio,
        rss_mib_more: more_mib,
        rss_kib_a_connection: kib,
        gateway_core_percent: core,
        // Nothing is reached where nobody attacked.
        is_goal_reached: match attack.goal() {
            Goal::Unnoticed => opened > Some(0) && p99_ratio <= 2.0 && more_mib <= 64.0,
            Goal::Served => held > 100 && goodput_percent >= 95.0,
            Goal::Lean => kib.is_some_and(|kib| kib <= 40.0),
        },
    })
}

fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn table(all: &[Measured]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.set_header([
        "attack",
        "opened",
        "held",
        "calls",
        "good %",
        "p50 ms",
        "p99 ms",
        "p99 ×",
        "RSS + MiB",
        "KiB each",
        "core %",
        "goal",
    ]);
    for row in all {
        table.add_row([
            row.attack.to_owned(),
            row.opened.map_or_else(|| "–".to_owned(), |opened| opened.to_string()),
            row.held.to_string(),
            row.calls.to_string(),
            format!("{:.1}", row.goodput_percent),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
            format!("{:.2}", row.p99_ratio),
            format!("{:.1}", row.rss_mib_more),
            row.rss_kib_a_connection.map_or_else(|| "–".to_owned(), |kib| format!("{kib:.1}")),
            format!("{:.0}", row.gateway_core_percent),
            if row.is_goal_reached { "reached" } else { "not reached" }.to_owned(),
        ]);
    }
    table
}
