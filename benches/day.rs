//! A day of the country in an hour, and the load that it must bear for minutes: does the gateway grow, and is anything lost?
//!
//! The shipped binary runs on core 0 with everything on, callers and agencies on core 1; calls arrive at given
//! moments (no coordinated omission). All of them are signed on both cores before the first stage begins, so that no
//! stage is interrupted and none waits for the next: a day takes 10 GB of memory. A machine that carries less than the
//! country's load is asked for as much of it as it carries, and the table says how much that is.
//!
//! `cargo bench --bench day -- [--minutes N]`: the hours of a working day follow each other, each as busy
//! as offices, the evening and the night make it; memory of the last quarter may be 2 % above that of the
//! third. `-- --design [--seconds N]`: the design load, and a burst of twice as much for ten seconds.
//! `-- --expiring [--seconds N]`: the load of a busy hour, without and with as many keys of earlier calls that expire
//! meanwhile, among a million and a half.

#![allow(dead_code, reason = "parts of the bench of load that this one does not need")]

#[path = "load/callers.rs"]
mod callers;
#[path = "load/calls.rs"]
mod calls;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/installation.rs"]
mod installation;
#[path = "load/office.rs"]
mod office;
#[path = "load/origin.rs"]
mod origin;

use callers::{Call, Callers, Target};
use calls::Mix;
use figures::{Cpu, memory_mib};
use installation::{BOTH_CORES, Gateway, Setup, configure, keep_to, pin, start_agency};
use qaqpa::command::demo::scratch::Scratch;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Any error ends the run with its text.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Signed calls a second that the country's gateway is designed for, and for how long.
const DESIGN: f64 = 2_500.0;
const DESIGN_SPAN: Duration = Duration::from_secs(600);
const BURST_SPAN: Duration = Duration::from_secs(10);
/// What of its capacity a machine is asked for when that is less than the design load.
const ASKED_PART: f64 = 0.7;
/// How busy each hour is, beside the busiest: two humps of the offices, lunch, an evening until ten.
const HOURS: [f64; 24] = [
    0.06, 0.04, 0.03, 0.03, 0.04, 0.06, 0.10, 0.20, 0.45, 0.80, 1.00, 0.95, 0.80, 0.55, 0.80, 1.00,
    0.95, 0.75, 0.50, 0.45, 0.40, 0.30, 0.15, 0.08,
];
/// Of what a day consists: signed SOAP, JSON to a SOAP agency, and what is only relayed.
const MIX: [(Mix, f64); 3] =
    [(Mix::Soap { filler_bytes: 0 }, 0.6), (Mix::Rest, 0.2), (Mix::Relay, 0.2)];
const SIGNED: [(Mix, f64); 1] = [(Mix::Soap { filler_bytes: 0 }, 1.0)];
const CONNECTIONS: usize = 100;
/// Between two readings of memory.
const READING: Duration = Duration::from_secs(5);
/// Keys that are remembered before `--expiring` begins, how long writing them may take, and how many expire a second.
const KEYS: u32 = 1_600_000;
const KEYS_AT_ONCE: usize = 20_000;
const KEYS_SPAN: Duration = Duration::from_secs(60);
const EXPIRING: f64 = 2_000.0;
/// How much more memory the last quarter of a day may hold than the third, in parts of it.
const GROWTH_MAX: f64 = 0.02;

fn main() -> Fallible<()> {
    let (mut minutes, mut seconds) = (60, DESIGN_SPAN.as_secs());
    let (mut is_design, mut is_expiring) = (false, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--minutes" => minutes = value()?.parse()?,
            "--seconds" => seconds = value()?.parse()?,
            "--design" => is_design = true,
            "--expiring" => is_expiring = true,
            "--bench" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    pin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if is_expiring {
        return runtime.block_on(expiring(Duration::from_secs(seconds)));
    }
    runtime.block_on(async {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let scratch = laid(folder.path()).await?;
        let mut country = Country::wake(&scratch).await?;
        let plans = match is_design {
            true => country.design(Duration::from_secs(seconds)),
            false => country.day(Duration::from_secs(minutes * 60) / 24),
        };
        let calls = sign(&scratch, &plans)?;
        let mut stages = Vec::new();
        heads();
        for (plan, calls) in plans.into_iter().zip(calls) {
            stages.push(country.stage(plan, calls).await?);
        }
        country.lost_nothing()?;
        write(if is_design { "design" } else { "day" }, &stages)?;
        if is_design { Ok(()) } else { check_growth(&stages) }
    })
}

/// An installation without a gateway, whose agencies serve.
async fn laid(folder: &Path) -> Fallible<Scratch> {
    let scratch = Scratch::prepare(folder)?;
    configure(&scratch, start_agency(&scratch).await?, &Setup::default())?;
    office::add(&scratch, origin::start().await?)?;
    Ok(scratch)
}

/// What is asked: calls a second, for how long, of which kinds.
struct Plan {
    name: String,
    rate: f64,
    span: Duration,
    mix: &'static [(Mix, f64)],
}

/// The calls of all stages, signed on both cores.
fn sign(scratch: &Scratch, plans: &[Plan]) -> Fallible<Vec<Vec<Call>>> {
    let all: usize = plans.iter().map(|plan| count(plan.rate, plan.span)).sum();
    keep_to(BOTH_CORES)?;
    let (mut signed, mut done) = (Vec::new(), 0);
    for plan in plans {
        let mut calls = Vec::new();
        for (mix, part) in plan.mix {
            let half = count(plan.rate * part, plan.span).div_ceil(2);
            let [one, other] = std::thread::scope(|threads| {
                [(); 2].map(|()| threads.spawn(|| mix.calls(scratch, half))).map(|half| half.join())
            });
            for half in [one, other] {
                calls.extend(half.map_err(|_panic| "a signer panicked")??);
            }
        }
        // Kinds take turns: the n-th of each stands at the same part of the stage.
        let places = calls.len();
        let mut calls: Vec<_> = calls.into_iter().enumerate().collect();
        calls.sort_by_key(|(at, _)| (at * 7_919) % places.max(1));
        signed.push(calls.into_iter().map(|(_, call)| call).collect());
        done += places;
        eprintln!("{done} of {all} calls are made");
    }
    pin()?;
    Ok(signed)
}

/// The same load beside keys that stay and beside keys that expire.
async fn expiring(span: Duration) -> Fallible<()> {
    let mut stages = Vec::new();
    for (name, is_expiring) in [("nothing expires", false), ("as much expires", true)] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let scratch = laid(folder.path()).await?;
        let mut country = Country::wake(&scratch).await?;
        let rate = EXPIRING.min(country.capacity * ASKED_PART);
        let plan = Plan { name: name.to_owned(), rate, span, mix: &MIX };
        let calls = sign(&scratch, std::slice::from_ref(&plan))?.pop().ok_or("no stage")?;
        let begins = tokio::time::Instant::now() + KEYS_SPAN;
        let later = if is_expiring { Duration::ZERO } else { Duration::from_hours(1) };
        let remembered_us = remember(&scratch, KEYS_SPAN + later)?;
        if tokio::time::Instant::now() > begins {
            return Err("writing the keys took too long for this bench".into());
        }
        tokio::time::sleep_until(begins).await;
        heads();
        stages.push(country.stage(plan, calls).await?);
        let (forgotten, due) = (KEYS - country.remembered(remembered_us)?, count(EXPIRING, span));
        println!("{forgotten} keys of earlier calls were forgotten meanwhile");
        if is_expiring && usize::try_from(forgotten)? < due * 9 / 10 {
            return Err(format!("{due} expired").into());
        }
        country.lost_nothing()?;
    }
    write("expiring", &stages)
}

/// Keys of earlier calls, of which the first expires after so long; they lie about in the tree as digests do. Written
/// beside the idle gateway, a few at a time; when they say that they were written.
fn remember(scratch: &Scratch, first: Duration) -> Fallible<i64> {
    let keys = rusqlite::Connection::open(&scratch.journal)?;
    keys.busy_timeout(READING)?;
    let insert = "INSERT INTO call_key WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n \
         WHERE i < ?2 - 1) SELECT randomblob(32), CASE WHEN i % 5 = 0 THEN randomblob(32) END, \
         randomblob(16), 1, ?3, ?3 + ?4 + i * 1000000 / ?5, 0, NULL FROM n";
    let now_us = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    let first_us = i64::try_from(first.as_micros())?;
    for from in (0..KEYS).step_by(KEYS_AT_ONCE) {
        let until = KEYS.min(from + u32::try_from(KEYS_AT_ONCE)?);
        keys.execute(insert, (from, until, now_us, first_us, EXPIRING))?;
    }
    Ok(now_us)
}

/// What one stage showed.
struct Stage {
    name: String,
    asked: f64,
    answers: usize,
    errors: usize,
    p50_ms: f64,
    p99_ms: f64,
    cpu_part: f64,
    /// The means over its readings: a single one is off by 4 % at any moment.
    rss_mib: f64,
    /// Of it, what the process has allocated; the rest are pages of the program, which the kernel drops and
    /// reads again as the machine's other work pleases.
    own_mib: f64,
}

/// One gateway and its callers.
struct Country<'s> {
    scratch: &'s Scratch,
    gateway: Gateway,
    target: Target,
    /// Signed calls a second on this core.
    capacity: f64,
    answers: usize,
    errors: usize,
}

impl<'s> Country<'s> {
    async fn wake(scratch: &'s Scratch) -> Fallible<Self> {
        let gateway = Gateway::start(&PathBuf::from(env!("CARGO_BIN_EXE_qaqpa")), scratch)?;
        let target = Target { tls: Some(callers::tls(scratch)?), address: gateway.address };
        let mut country = Self { scratch, gateway, target, capacity: 0.0, answers: 0, errors: 0 };
        let [(signed, _)] = SIGNED;
        for count in [500, 5_000] {
            let calls = signed.calls(scratch, count)?;
            let seen = Callers::connect(&country.target, 32).await?.call(&calls).await?;
            country.capacity = number(seen.answers) / seen.took.as_secs_f64();
            country.answers += seen.answers;
            country.errors += seen.errors();
        }
        println!("signed calls a second in a closed loop: {:.0}", country.capacity);
        Ok(country)
    }

    /// Each hour of a day for so long.
    fn day(&self, hour: Duration) -> Vec<Plan> {
        let busiest = (self.capacity * ASKED_PART).min(DESIGN);
        println!("the busiest hour is {:.0} % of the design load", busiest / DESIGN * 100.0);
        let plan = |(at, part): (usize, &f64)| Plan {
            name: format!("{at:02}:00"),
            rate: busiest * part,
            span: hour,
            mix: &MIX,
        };
        HOURS.iter().enumerate().map(plan).collect()
    }

    /// The design load for so long, then twice as much for ten seconds, then the design load again.
    fn design(&self, span: Duration) -> Vec<Plan> {
        let rate = (self.capacity * ASKED_PART).min(DESIGN);
        println!("asked for {:.0} % of the design load", rate / DESIGN * 100.0);
        let plan =
            |name: &str, rate, span| Plan { name: name.to_owned(), rate, span, mix: &SIGNED };
        vec![
            plan("design load", rate, span),
            plan("burst", rate * 2.0, BURST_SPAN),
            plan("design load after it", rate, BURST_SPAN),
        ]
    }

    async fn stage(&mut self, plan: Plan, calls: Vec<Call>) -> Fallible<Stage> {
        let id = self.gateway.id();
        let mut callers = Callers::connect(&self.target, CONNECTIONS).await?;
        let (mut rss_mib, mut own_mib) = (Vec::new(), Vec::new());
        let before = Cpu::of(id)?;
        let mut readings = tokio::time::interval_at(tokio::time::Instant::now() + READING, READING);
        let arriving = callers.arrive(&calls, plan.rate);
        tokio::pin!(arriving);
        let seen = loop {
            tokio::select! {
                seen = &mut arriving => break seen?,
                _ = readings.tick() => {
                    rss_mib.push(memory_mib(id, "VmRSS")?);
                    own_mib.push(memory_mib(id, "RssAnon")?);
                }
            }
        };
        let cpu_us = Cpu::of(id)?.since(&before, 1).all_us;
        rss_mib.push(memory_mib(id, "VmRSS")?);
        own_mib.push(memory_mib(id, "RssAnon")?);
        let ms = |quantile| {
            Duration::from_micros(seen.latency_us.value_at_quantile(quantile)).as_secs_f64() * 1e3
        };
        let stage = Stage {
            name: plan.name,
            asked: plan.rate,
            answers: seen.answers,
            errors: seen.errors(),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            cpu_part: cpu_us / 1e6 / seen.took.as_secs_f64(),
            rss_mib: mean(&rss_mib),
            own_mib: mean(&own_mib),
        };
        self.answers += stage.answers;
        self.errors += stage.errors;
        println!(
            "{:<26} {:>8.0} {:>8} {:>7} {:>8.1} {:>8.1} {:>4.0}% {:>8.1} {:>8.1}  {}",
            stage.name,
            stage.asked,
            stage.answers,
            stage.errors,
            stage.p50_ms,
            stage.p99_ms,
            stage.cpu_part * 1e2,
            stage.rss_mib,
            stage.own_mib,
            if stage.errors == 0 { String::new() } else { format!("{:?}", seen.errors) }
        );
        Ok(stage)
    }

    /// How many of the keys that [`remember`] wrote at that moment are still there.
    fn remembered(&self, at_us: i64) -> Fallible<u32> {
        let journal = rusqlite::Connection::open(&self.scratch.journal)?;
        let all = "SELECT count(*) FROM call_key WHERE opened_at_us = ?1";
        Ok(journal.query_row(all, (at_us,), |row| row.get(0))?)
    }

    /// Drains the gateway and counts its journal.
    fn lost_nothing(self) -> Fallible<()> {
        let kept = self.gateway.stop()?;
        let good = self.answers - self.errors;
        let journaled = (usize::try_from(kept.opened)?, usize::try_from(kept.done)?);
        if journaled != (self.answers, good) {
            return Err(format!(
                "{good} of {} answers were good, {journaled:?} journaled",
                self.answers
            )
            .into());
        }
        println!("{} answers sent, as many entries in the journal", self.answers);
        Ok(())
    }
}

fn heads() {
    println!(
        "{:<26} {:>8} {:>8} {:>7} {:>8} {:>8} {:>5} {:>8} {:>8}",
        "", "asked/s", "answers", "not ok", "p50 ms", "p99 ms", "CPU", "RSS MiB", "own MiB"
    );
}

/// Whether the last quarter of a day holds much more memory than the third.
fn check_growth(stages: &[Stage]) -> Fallible<()> {
    let growth = |name: &str, of: fn(&Stage) -> f64| {
        let (before, last) = stages.split_at(18);
        let (_, third) = before.split_at(12);
        let [third, last] =
            [third, last].map(|part| mean(&part.iter().map(of).collect::<Vec<_>>()));
        let growth = last / third - 1.0;
        println!(
            "{name}: {third:.1} MiB from 12 to 18, {last:.1} after it, {:+.1} %",
            growth * 1e2
        );
        growth
    };
    let rss = growth("memory", |stage| stage.rss_mib);
    growth("of it its own", |stage| stage.own_mib);
    if rss > GROWTH_MAX { Err("it grows".into()) } else { Ok(()) }
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / number(of.len())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "calls of seconds")]
fn count(rate: f64, span: Duration) -> usize {
    (rate * span.as_secs_f64()).max(1.0) as usize
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn write(name: &str, stages: &[Stage]) -> Fallible<()> {
    let stages: Vec<_> = stages
        .iter()
        .map(|stage| {
            json!({
                "stage": stage.name, "asked_per_s": stage.asked, "answers": stage.answers,
                "not_ok": stage.errors, "p50_ms": stage.p50_ms, "p99_ms": stage.p99_ms,
                "cpu_part": stage.cpu_part, "rss_mib": stage.rss_mib, "own_mib": stage.own_mib,
            })
        })
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, serde_json::to_string_pretty(&stages)?)?;
    println!("{}", path.display());
    Ok(())
}
