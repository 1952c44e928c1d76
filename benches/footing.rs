//! The gateway beyond its limits: what it still does when more is asked than it, or an agency, can do.
//!
//! The shipped binary runs on core 0, callers and agencies in this process on core 1. Calls arrive at given
//! moments, whether or not anybody is ready for them, and what they wait counts (no coordinated omission).
//!
//! `cargo bench --bench footing -- [--seconds N] [--processor]`; the last measures only the processor's stages.

#![allow(dead_code, reason = "parts of the bench of load that this one does not need")]

#[path = "load/callers.rs"]
mod callers;
#[path = "load/calls.rs"]
mod calls;
#[path = "footing/faulty.rs"]
mod faulty;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/installation.rs"]
mod installation;
#[path = "load/office.rs"]
mod office;
#[path = "load/origin.rs"]
mod origin;
#[path = "footing/slow.rs"]
mod slow;

use callers::{Call, Callers, Seen, Target};
use calls::{Mix, relay};
use installation::{Gateway, Setup, configure, pin, start_agency};
use qaqpa::command::demo::scratch::Scratch;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Any error ends the run with its text.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The slow agency: so many calls at once, each so long.
const WORKERS: usize = 16;
const WORK: Duration = Duration::from_millis(20);
/// What it can do in a second.
const BEARS: f64 = 800.0;
/// Connections on which calls arrive: enough that none waits for one while answers take a second.
const CONNECTIONS: usize = 400;
/// The noisy participant's quota, calls a second; it asks for ten times as much.
const NOISY_QUOTA: u32 = 50;

fn main() -> Fallible<()> {
    let (mut seconds, mut is_processor_alone) = (10, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => seconds = arguments.next().ok_or("--seconds wants a value")?.parse()?,
            "--processor" => is_processor_alone = true,
            "--bench" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    pin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(Duration::from_secs(seconds), is_processor_alone))
}

async fn run(span: Duration, is_processor_alone: bool) -> Fallible<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let scratch = Scratch::prepare(folder.path())?;
    let agency = start_agency(&scratch).await?;
    configure(&scratch, agency, &Setup::default())?;
    office::add(&scratch, slow::start(WORKERS, WORK).await?)?;
    lay_out(&scratch, faulty::start().await?)?;
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_qaqpa"));
    println!(
        "{:<44} {:>8} {:>8} {:>9} {:>9} {:>8} {:>9} {:>5}",
        "", "asked/s", "good/s", "p50 ms", "p99 ms", "no/s", "p99 ms", "CPU"
    );
    if !is_processor_alone {
        let gateway = Gateway::start(&binary, &scratch)?;
        let (id, address) = (gateway.id(), gateway.address);
        let house = House { gateway: id, scratch: &scratch, address, span };
        house.agency_bound().await?;
        house.noisy().await?;
        house.faulty().await?;
    }
    let gateway = Gateway::start(&binary, &scratch)?;
    let house = House { gateway: gateway.id(), scratch: &scratch, address: gateway.address, span };
    house.processor_bound().await
}

/// Short lines before the agencies, a noisy participant with a small quota that counts as money, and an
/// agency that fails in every way.
fn lay_out(scratch: &Scratch, faulty: SocketAddr) -> Fallible<()> {
    let services = scratch.config.join("services.toml");
    let mut all: toml::Table = fs::read_to_string(&services)?.parse()?;
    let agencies = all.get_mut("agency").and_then(toml::Value::as_table_mut).ok_or("no agency")?;
    let line: toml::Table = "line = { waiting_max = 64, wait_ms_max = 200 }".parse()?;
    let office = agencies.get_mut("office").and_then(toml::Value::as_table_mut).ok_or("office")?;
    office.extend(line);
    let mut ghost = office.clone();
    ghost.insert("endpoint".to_owned(), format!("http://{faulty}").into());
    ghost.insert("deadline_ms".to_owned(), 500.into());
    ghost.insert("connections_max".to_owned(), 32.into());
    let files = ghost.get_mut("service").and_then(toml::Value::as_table_mut).ok_or("service")?;
    let service = files.remove("files").ok_or("files")?;
    files.insert("ghosts".to_owned(), service);
    agencies.insert("ghost".to_owned(), ghost.into());
    fs::write(&services, all.to_string())?;
    let bank = scratch.config.join("participants/bank.toml");
    let mut all: toml::Table = fs::read_to_string(&bank)?.parse()?;
    let noisy = format!(
        "services = [\"*\"]\nclass = \"payment\"\n\
         quota = {{ per_second = 100000, burst = 100000, in_flight_max = 1000 }}\n\
         [service_quota.files]\nper_second = {NOISY_QUOTA}\nburst = {NOISY_QUOTA}\nin_flight_max = 500\n"
    );
    all.extend(noisy.parse::<toml::Table>()?);
    Ok(fs::write(&bank, all.to_string())?)
}

/// One gateway, and how long each stage asks it.
struct House<'s> {
    gateway: u32,
    scratch: &'s Scratch,
    address: SocketAddr,
    span: Duration,
}

impl House<'_> {
    fn target(&self, participant: &str) -> Fallible<Target> {
        let tls = Some(callers::tls_of(self.scratch, participant)?);
        Ok(Target { tls, address: self.address })
    }

    async fn callers(&self, participant: &str, connections: usize) -> Fallible<Callers> {
        Callers::connect(&self.target(participant)?, connections).await
    }

    /// As many of these calls as arrive in the span.
    async fn arrive(&self, callers: &mut Callers, call: &Call, rate: f64) -> Fallible<Seen> {
        callers.arrive(&vec![call.clone(); count(rate, self.span)], rate).await
    }

    /// An agency that bears 800 calls a second is asked for more.
    async fn agency_bound(&self) -> Fallible<()> {
        let mut callers = self.callers("portal", CONNECTIONS).await?;
        let call = relay(false);
        self.arrive(&mut callers, &call, BEARS / 2.0).await?;
        for (times, name) in
            [(0.95, "0.95 x"), (2.0, "2 x"), (5.0, "5 x"), (0.95, "0.95 x after it")]
        {
            let before = cpu(self.gateway)?;
            let seen = self.arrive(&mut callers, &call, BEARS * times).await?;
            let name = format!("agency of {BEARS} a second, {name}");
            print(&name, BEARS * times, &seen, cpu(self.gateway)? - before);
        }
        Ok(())
    }

    /// A participant asks ten times its quota; what do the others notice?
    async fn noisy(&self) -> Fallible<()> {
        let mut portal = self.callers("portal", CONNECTIONS).await?;
        let (call, rate) = (relay(false), BEARS / 2.0);
        let before = cpu(self.gateway)?;
        let seen = self.arrive(&mut portal, &call, rate).await?;
        print("others in peace", rate, &seen, cpu(self.gateway)? - before);
        // Only now: the gateway closes what is idle.
        let mut noisy = self.callers("bank", 100).await?;
        let before = cpu(self.gateway)?;
        let (others, noise) = tokio::join!(
            self.arrive(&mut portal, &call, rate),
            self.arrive(&mut noisy, &call, f64::from(NOISY_QUOTA * 10)),
        );
        let spent = cpu(self.gateway)? - before;
        print("others beside one at 10 x its quota", rate, &others?, spent);
        print("the one at 10 x its quota", f64::from(NOISY_QUOTA * 10), &noise?, spent);
        Ok(())
    }

    /// Another agency fails in 14 ways; what do the callers of this one notice?
    async fn faulty(&self) -> Fallible<()> {
        let mut portal = self.callers("portal", CONNECTIONS).await?;
        let mut unlucky = self.callers("bank", 200).await?;
        let (call, rate) = (relay(false), BEARS / 2.0);
        let ghost = Call { path: "/ghost/files/a", ..relay(false) };
        let before = cpu(self.gateway)?;
        let (others, unlucky) = tokio::join!(
            self.arrive(&mut portal, &call, rate),
            self.arrive(&mut unlucky, &ghost, 50.0),
        );
        let spent = cpu(self.gateway)? - before;
        print("callers beside an agency of 14 faults", rate, &others?, spent);
        print("callers of that agency", 50.0, &unlucky?, spent);
        Ok(())
    }

    /// More signed calls than the processor can carry, and payments among them.
    async fn processor_bound(&self) -> Fallible<()> {
        // Signing takes longer than the gateway lets connections be idle: calls first, then callers.
        let signed = Mix::Soap { filler_bytes: 0 };
        let (warm_up, calls) =
            (signed.calls(self.scratch, 500)?, signed.calls(self.scratch, 6_000)?);
        let mut closed = self.callers("portal", 32).await?;
        closed.call(&warm_up).await?;
        let before = cpu(self.gateway)?;
        let seen = closed.call(&calls).await?;
        let bears = f64::from(u32::try_from(seen.answers)?) / seen.took.as_secs_f64();
        print("processor, closed loop of 32", bears, &seen, cpu(self.gateway)? - before);
        drop(closed);
        let of_payers = relay(false);
        for times in [0.7, 2.0, 5.0] {
            let rate = bears * times;
            let calls = signed.calls(self.scratch, count(rate, self.span))?;
            let mut callers = self.callers("portal", CONNECTIONS).await?;
            let mut payers = self.callers("bank", 20).await?;
            let before = cpu(self.gateway)?;
            let (seen, paid) = tokio::join!(
                callers.arrive(&calls, rate),
                self.arrive(&mut payers, &of_payers, 20.0),
            );
            let spent = cpu(self.gateway)? - before;
            print(&format!("signed calls, {times} x"), rate, &seen?, spent);
            print("  relayed calls of class payment meanwhile", 20.0, &paid?, spent);
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "calls of seconds")]
fn count(rate: f64, span: Duration) -> usize {
    (rate * span.as_secs_f64()) as usize
}

fn print(name: &str, asked: f64, seen: &Seen, cpu_s: f64) {
    let took = seen.took.as_secs_f64();
    let per_second = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took;
    let ms = |histogram: &hdrhistogram::Histogram<u64>, quantile| {
        Duration::from_micros(histogram.value_at_quantile(quantile)).as_secs_f64() * 1e3
    };
    println!(
        "{name:<44} {asked:>8.0} {:>8.0} {:>9.1} {:>9.1} {:>8.0} {:>9.1} {:>4.0}%  {:?}",
        per_second(seen.answers - seen.errors()),
        ms(&seen.good_us, 0.5),
        ms(&seen.good_us, 0.99),
        per_second(seen.errors()),
        ms(&seen.bad_us, 0.99),
        cpu_s / took * 100.0,
        seen.errors,
    );
}

/// Seconds of processor that a process has used.
fn cpu(process: u32) -> Fallible<f64> {
    Ok(figures::Cpu::of(process)?.all_us / 1e6)
}
