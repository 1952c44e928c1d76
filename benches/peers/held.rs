//! Memory of a thousand signed calls at once: all of them are at their agency, which answers nobody yet.

use super::axis::{Axis, Bound};
use super::callers::{self, Callers, Target};
use super::calls::Mix;
use super::figures::memory_mib;
use super::installation::{self, Gateway, Replaying, Setup, edit, start_behind};
use super::{Fallible, good};
use hyper::Response;
use qaqpa::command::demo::scratch::Scratch;
use qaqpa::proxy::listener::{AnswerBody, Handler, Received};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

const CALLS: usize = 1_000;
const CALL: Mix = Mix::Soap { filler_bytes: 7 << 10 };
/// Room for all of them, wherever the installation says how many there may be; a tenth is kept for payments.
const ROOM: &str = "in_flight_max = 1200";
/// How long they may take to arrive at the agency.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps every call that comes until it is told to let them go.
struct Gate {
    held: AtomicUsize,
    places: Semaphore,
}

/// The agency behind the gate.
struct Gated {
    agency: Replaying,
    gate: Arc<Gate>,
}

impl Handler for Gated {
    async fn answer(&self, received: Box<Received>) -> Response<AnswerBody> {
        self.gate.held.fetch_add(1, Ordering::Relaxed);
        if let Ok(place) = self.gate.places.acquire().await {
            place.forget();
        }
        self.agency.answer(received).await
    }
}

/// A gateway of its own each round, because memory that was once used stays.
pub(super) async fn measure(rounds: usize) -> Fallible<Axis> {
    let mut mib = Vec::new();
    for round in 1..=rounds {
        println!("round {round} of {rounds} with {CALLS} calls at once");
        mib.push((one_round().await?, f64::NAN));
    }
    Ok(Axis::of(
        "memory of 1 000 signed calls of 10 KB at once, each at its agency",
        "MiB",
        "–",
        (Bound::OursAtMost, 100.0),
        mib,
    ))
}

async fn one_round() -> Fallible<f64> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let scratch = Scratch::prepare(folder.path())?;
    let gate = Arc::new(Gate { held: AtomicUsize::new(0), places: Semaphore::new(0) });
    let gated = |agency| Gated { agency, gate: Arc::clone(&gate) };
    let agency = start_behind(&scratch, gated).await?;
    installation::configure(&scratch, agency, &Setup::default())?;
    make_room(&scratch)?;
    let calls = CALL.calls(&scratch, CALLS)?;
    let gateway = Gateway::start(Path::new(env!("CARGO_BIN_EXE_qaqpa")), &scratch)?;
    let target = Target { tls: Some(callers::tls(&scratch)?), address: gateway.address };
    let mut callers = Callers::connect(&target, CALLS).await?;
    let (seen, mib) = tokio::join!(callers.call(&calls), async {
        let began = Instant::now();
        let held = || gate.held.load(Ordering::Relaxed);
        while held() < CALLS && began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (held, mib) = (held(), memory_mib(gateway.id(), "VmRSS"));
        gate.places.add_permits(CALLS);
        if held == CALLS { mib } else { Err(format!("{held} of {CALLS} came through").into()) }
    });
    let mib = mib?;
    good(seen?)?;
    let kept = gateway.stop()?;
    let all = i64::try_from(CALLS)?;
    if (kept.opened, kept.done) != (all, all) {
        return Err(format!("{CALLS} answered, {} in the journal", kept.opened).into());
    }
    Ok(mib)
}

fn make_room(scratch: &Scratch) -> Fallible<()> {
    let gateway = scratch.config.join("gateway.toml");
    edit(&gateway, "[limits]\n", &format!("[limits]\n{ROOM}\n"))?;
    let usual = "in_flight_max = 512";
    edit(&scratch.config.join("participants/portal.toml"), usual, ROOM)?;
    let services = scratch.config.join("services.toml");
    edit(&services, usual, ROOM)?;
    edit(&services, "quota = ", &format!("connections_max = {CALLS}\nquota = "))
}
