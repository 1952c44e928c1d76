//! Starts the writer on a thread of its own, so that no busy worker delays a commit.

use super::down::JournalError;
use super::embedded::Embedded;
use super::postgres::{Postgres, Target};
use super::writer::{Caps, Queues, Shared, Writer};
use super::{now_us, settings};
use crate::config::settings::Store;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Starts the writer of the settings' store; returns when it is ready to work.
pub(super) async fn start(
    settings: &settings::Journal,
    node_id: &str,
    queues: Queues,
    shared: Arc<Shared>,
) -> Result<(), JournalError> {
    let node = node_id.to_owned();
    let reserve_bytes = settings.reserve_bytes;
    let caps = Caps {
        group_max: settings.group_max.max(1),
        answers_bytes_max: settings.answers_bytes_max,
    };
    let counted = Arc::clone(&shared);
    match settings.store.clone() {
        Store::Embedded { path } => {
            let open = async move || {
                let mut store = Embedded::open(&path, &node, reserve_bytes)?;
                counted.stats.interrupted.add(store.recover(now_us())?);
                Ok(store)
            };
            run("journal", open, |store| Writer::new(store, queues, shared, caps).run()).await
        }
        Store::Postgres { url, connections_max } => {
            let target = Target::parse(&url)?;
            if connections_max < 2 {
                let cause = "connections_max must be 2 or more: one writes, the others read";
                return Err(JournalError::store(target.to_string(), cause));
            }
            let open = async move || {
                let mut store = Postgres::open(target, &node).await?;
                counted.stats.interrupted.add(store.recover(now_us()).await?);
                Ok(store)
            };
            run("journal", open, |store| Writer::new(store, queues, shared, caps).run()).await
        }
    }
}

/// How often a writer lets others have its core before a commit, at most.
const YIELDS_MAX: usize = 16;

/// Lets whoever else is ready on this core join what is about to be committed, as long as that brings
/// more that `waiting` counts: no time at all where nobody is ready.
pub(crate) fn let_join(waiting: impl Fn() -> usize) {
    let mut before = None;
    for _ in 0..YIELDS_MAX {
        let now = waiting();
        if before.is_some_and(|before| now <= before) {
            break;
        }
        before = Some(now);
        std::thread::yield_now();
    }
}

/// Opens a store on a thread of its own and lets `work` have it; returns when it is open.
pub(crate) async fn run<S: 'static, W: Future<Output = ()>>(
    name: &'static str,
    open: impl AsyncFnOnce() -> Result<S, JournalError> + Send + 'static,
    work: impl FnOnce(S) -> W + Send + 'static,
) -> Result<(), JournalError> {
    let failed = move |cause: &dyn std::fmt::Display| {
        JournalError::store(format!("the thread of the {name}"), cause)
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| failed(&cause))?;
    let (ready, is_ready) = oneshot::channel();
    let thread = move || {
        runtime.block_on(async move {
            match open().await {
                Ok(store) => {
                    let work = work(store);
                    if ready.send(Ok(())).is_ok() {
                        work.await;
                    }
                }
                Err(error) => {
                    // Nobody waits for a start that was given up.
                    let _gone = ready.send(Err(error));
                }
            }
        });
    };
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(thread);
    spawned.map_err(|cause| failed(&cause))?;
    match is_ready.await {
        Ok(result) => result,
        Err(_) => Err(failed(&"it ended at its start")),
    }
}
