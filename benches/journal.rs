//! Cost of one entry: open and close through the group writer of the embedded store, durable each.

#[path = "peers/axis.rs"]
mod axis;
#[path = "steps/messages.rs"]
mod messages;

use axis::{Axis, Bound};
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use messages::{Fallible, message};
use qaqpa::config::settings::{BodyPolicy, Journal as Settings, Store};
use qaqpa::journal::Journal;
use qaqpa::journal::entry::{CallKey, Closed, EntryId, Opened, SameCall};
use qaqpa_kit::fault::Outcome;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

const CALLERS: [usize; 3] = [1, 8, 64];

fn settings(folder: &Path) -> Settings {
    Settings {
        store: Store::Embedded { path: folder.join("journal.sqlite") },
        body_policy: BodyPolicy::Full,
        master_key_file: None,
        group_max: 128,
        reserve_bytes: 1 << 20,
        answers_bytes_max: 1 << 30,
        papers_watched: false,
    }
}

/// One call's two rows, all of it new.
fn rows(content: &Bytes) -> Fallible<(Opened, Closed)> {
    let now_us = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    let id = EntryId::at(now_us);
    let mut key = [7; 32];
    for (slot, byte) in key.iter_mut().zip(uuid::Uuid::new_v4().as_bytes()) {
        *slot = *byte;
    }
    let opened = Opened {
        id,
        key: CallKey(key),
        message_key: key,
        opened_at_us: now_us,
        participant: "portal".to_owned(),
        sender_id: "egov_portal".to_owned(),
        agency: "gbd_fl".to_owned(),
        service: "GBDFL_UniversalServiceSync".to_owned(),
        route_id: String::new(),
        message_id: id.to_string(),
        correlation_id: String::new(),
        caller_certificate: [1; 32],
        revocation: String::new(),
        request_digest: [2; 32],
        request_bytes: content.len() as u64,
        request: content.clone(),
    };
    let closed = Closed {
        streamed: None,
        id,
        key: CallKey(key),
        closed_at_us: now_us,
        outcome: Outcome::Done,
        fault: None,
        evidence: "answer",
        http_status: 200,
        agency_digest: [3; 32],
        agency_certificate: [4; 32],
        answer_digest: [5; 32],
        answer: content.clone(),
        phase_us: [100; 11],
        is_durable_first: true,
    };
    Ok((opened, closed))
}

async fn entry(journal: Journal, (opened, closed): (Opened, Closed)) -> Result<(), String> {
    let same_call = SameCall::until(opened.opened_at_us + 600_000_000, true);
    journal.open(opened, same_call).await.map_err(|down| down.to_string())?;
    journal.close(closed).await.map_err(|down| down.to_string())
}

/// `count` entries by so many callers, each writing one after the other.
async fn entries(
    journal: &Journal,
    content: &Bytes,
    callers: usize,
    count: u64,
) -> Fallible<Duration> {
    let count = usize::try_from(count)?;
    let started = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (journal, content) = (journal.clone(), content.clone());
            tokio::spawn(async move {
                for _ in (caller..count).step_by(callers) {
                    // Made when it is written, as a call's are: ids go with the time.
                    let rows = rows(&content).map_err(|error| error.to_string())?;
                    entry(journal.clone(), rows).await?;
                }
                Ok::<_, String>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(started.elapsed())
}

fn main() -> Fallible<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let journal = runtime.block_on(Journal::start(&settings(folder.path()), "bench"))?;
    let content = Bytes::from(message(2 << 10));
    let mut failure = None;
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("journal, open and close");
    group.throughput(Throughput::Elements(1));
    for callers in CALLERS {
        group.bench_function(format!("{callers} callers"), |bencher| {
            bencher.iter_custom(|count| {
                let took = runtime.block_on(entries(&journal, &content, callers, count));
                took.unwrap_or_else(|error| {
                    failure.get_or_insert(error.to_string());
                    Duration::from_nanos(count.max(1))
                })
            });
        });
    }
    group.finish();
    criterion.final_summary();
    acknowledged(&runtime, &journal, &content)?;
    match failure {
        Some(failure) => Err(failure.into()),
        None => Ok(runtime.block_on(journal.drain(Instant::now() + Duration::from_secs(30)))?),
    }
}

/// Rows that were acknowledged durable in a second, two an entry; nobody's figures are beside it.
fn acknowledged(runtime: &Runtime, journal: &Journal, content: &Bytes) -> Fallible<()> {
    let (callers, count) = (256, 10_000);
    let round = || {
        let took = runtime.block_on(entries(journal, content, callers, count))?;
        Ok((2.0 * f64::from(u32::try_from(count)?) / took.as_secs_f64(), f64::NAN))
    };
    let rounds: Vec<(f64, f64)> = (0..5).map(|_| round()).collect::<Fallible<_>>()?;
    let name = "journal rows acknowledged durable, 2 KB contents, SQLite";
    let axis = Axis::of(name, "a second", "–", (Bound::OursAtLeast, 50_000.0), rounds);
    axis::write("journal", &[axis])
}
