//! Axes without a peer: what other calls cost, and what is waited for at half load.

use super::axis::{Axis, Bound};
use super::callers::{self, Callers, Seen, Target};
use super::calls::Mix;
use super::figures::Cpu;
use super::installation::{self, Gateway, Setup, edit, replaced, start_agency, start_simulated};
use super::{CONNECTIONS, Fallible, WARM_UP, good};
use qaqpa::command::demo::scratch::Scratch;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

const LARGE: Mix = Mix::Unsigned { filler_bytes: 97 << 10 };
const SIGNED: Mix = Mix::Soap { filler_bytes: 0 };
/// A large call is four to seven times as dear as a small one.
const SMALL_PER_LARGE: usize = 8;
/// How long calls arrive at half of what the core carries, each round.
const HALF_SPAN: Duration = Duration::from_secs(4);
const SYNCS: usize = 300;
const SYNCED_BYTES: usize = 4096;

/// Runs one gateway for all of them, and counts its journal.
pub(super) async fn measure(rounds: usize, requests: usize) -> Fallible<Vec<Axis>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let scratch = Scratch::prepare(folder.path())?;
    let agency = start_agency(&scratch).await?;
    installation::configure(&scratch, agency, &Setup::default())?;
    let unsigned = "services = [\"*\"]\naccept = [\"unsigned\"]";
    edit(&scratch.config.join("participants/portal.toml"), "services = [\"*\"]", unsigned)?;
    demand_jws(&scratch, agency, start_simulated(&scratch, "address_register").await?)?;
    let gateway = Gateway::start(Path::new(env!("CARGO_BIN_EXE_qaqpa")), &scratch)?;
    let target = Target { tls: Some(callers::tls(&scratch)?), address: gateway.address };
    let straight = Target { tls: target.tls.clone(), address: agency };
    let mut own = Own { scratch: &scratch, gateway: &gateway, target, straight, answers: 0 };

    own.cost(SIGNED, WARM_UP).await?;
    let (mut large, mut jws, mut p50, mut p99) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        println!("round {round} of {rounds} without peers");
        large.push((1e6 / own.cost(LARGE, requests / SMALL_PER_LARGE).await?, f64::NAN));
        jws.push((own.cost(Mix::Jws, requests / 4).await?, f64::NAN));
        let [middle, high] = own.half_load(requests / 4).await?;
        p50.push(middle);
        p99.push(high);
    }
    let answers = i64::try_from(own.answers)?;
    let kept = gateway.stop()?;
    if (kept.opened, kept.done) != (answers, answers) {
        let (opened, done) = (kept.opened, kept.done);
        return Err(format!("{answers} answered, {opened} in the journal, {done} Done").into());
    }
    println!("{answers} answers sent, {} entries in the journal", kept.opened);
    Ok(axes(large, jws, [p50, p99]))
}

/// One pair of figures a round.
type Rounds = Vec<(f64, f64)>;

fn axes(large: Rounds, jws: Rounds, [p50, p99]: [Rounds; 2]) -> Vec<Axis> {
    let syncs = "a sync of the disk, ms";
    vec![
        Axis::of(
            "unsigned SOAP of 100 KB over mutual TLS, routed by an element, signed onward",
            "a core-second",
            "–",
            (Bound::OursAtLeast, 1_000.0),
            large,
        ),
        Axis::of(
            "REST signed by a JWS to an agency of JSON, journal synced",
            "CPU µs a call",
            "–",
            (Bound::OursAtMost, 110.0),
            jws,
        ),
        Axis::of(
            "signed SOAP at half of what the core carries, added to the agency's own p50 beyond a sync",
            "ms",
            syncs,
            (Bound::OursAtMost, 1.0),
            p50,
        ),
        Axis::of(
            "signed SOAP at half of what the core carries, added to the agency's own p99 beyond a sync",
            "ms",
            syncs,
            (Bound::OursAtMost, 5.0),
            p99,
        ),
    ]
}

/// Sends questions about addresses there, and lets nobody ask without a JWS.
fn demand_jws(scratch: &Scratch, before: SocketAddr, addresses: SocketAddr) -> Fallible<()> {
    let services = scratch.config.join("services.toml");
    let text = fs::read_to_string(&services)?;
    let head = "[agency.address_register]";
    let (others, own) = text.split_once(head).ok_or("no register of addresses")?;
    let (slow, fast) = ("per_second = 5000, burst = 5000", "per_second = 500000, burst = 500000");
    let own = replaced(own, &before.to_string(), &addresses.to_string())?;
    let own = replaced(&own, slow, fast)?;
    let demand = "\n[[agency.address_register.service.AR_AddressByRka.signature]]\n\
         of = \"request\"\nform = [\"jws\"]\n";
    Ok(fs::write(&services, [others, head, &own, demand].concat())?)
}

/// A gateway, who calls it, and how many answers were good.
struct Own<'a> {
    scratch: &'a Scratch,
    gateway: &'a Gateway,
    target: Target,
    /// The agency itself, asked past the gateway.
    straight: Target,
    answers: usize,
}

impl Own<'_> {
    /// CPU µs a call in a closed loop.
    async fn cost(&mut self, mix: Mix, count: usize) -> Fallible<f64> {
        let calls = mix.calls(self.scratch, count)?;
        let mut callers = Callers::connect(&self.target, CONNECTIONS).await?;
        let before = Cpu::of(self.gateway.id())?;
        good(callers.call(&calls).await?)?;
        self.answers += count;
        Ok(Cpu::of(self.gateway.id())?.since(&before, count).all_us)
    }

    /// p50 and p99 of what the gateway adds beyond a sync of the disk, and that sync; calls arrive at given
    /// moments.
    ///
    /// A call is on disk before it is sent; the end of one that may come twice is not waited for. What the
    /// gateway adds is the quantile of the calls through it less that of the same calls sent straight to
    /// their agency, as often, over a mutual TLS of their own; so neither the agency's time nor the caller's
    /// is in it.
    async fn half_load(&mut self, count: usize) -> Fallible<[(f64, f64); 2]> {
        let calls = SIGNED.calls(self.scratch, count)?;
        let mut callers = Callers::connect(&self.target, CONNECTIONS).await?;
        let seen = callers.call(&calls).await?;
        let per_second = f64::from(u32::try_from(count)?) / seen.took.as_secs_f64() / 2.0;
        good(seen)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let arriving = (per_second * HALF_SPAN.as_secs_f64()) as usize;
        let calls = SIGNED.calls(self.scratch, arriving)?;
        let syncs_ms = syncs_ms(self.scratch)?;
        let mut straight = Callers::connect(&self.straight, CONNECTIONS).await?;
        let without = straight.arrive(&calls, per_second).await?;
        let seen = callers.arrive(&calls, per_second).await?;
        self.answers += count + arriving;
        let added = [0.5, 0.99].map(|quantile| {
            let (through_ms, straight_ms) = (ms(&seen, quantile), ms(&without, quantile));
            let sync_ms = at(&syncs_ms, quantile);
            println!(
                "p{:.0} {through_ms:.2} ms, straight {straight_ms:.2}, a sync {sync_ms:.2}",
                quantile * 1e2
            );
            (through_ms - straight_ms - sync_ms, sync_ms)
        });
        good(seen)?;
        good(without)?;
        Ok(added)
    }
}

/// Milliseconds within which this part of the answers came.
fn ms(seen: &Seen, quantile: f64) -> f64 {
    Duration::from_micros(seen.latency_us.value_at_quantile(quantile)).as_secs_f64() * 1e3
}

/// What the disk takes to keep a page, beside the journal, sorted.
fn syncs_ms(scratch: &Scratch) -> Fallible<Vec<f64>> {
    let mut file = File::create(scratch.journal.with_extension("sync"))?;
    let page = [7; SYNCED_BYTES];
    let mut all = Vec::new();
    for _ in 0..=SYNCS {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&page)?;
        let began = Instant::now();
        file.sync_data()?;
        all.push(began.elapsed().as_secs_f64() * 1e3);
    }
    // The first one makes the file as long as it stays.
    all.swap_remove(0);
    all.sort_by(f64::total_cmp);
    Ok(all)
}

fn at(sorted: &[f64], quantile: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few hundred"
    )]
    let place = (sorted.len() as f64 * quantile) as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}
