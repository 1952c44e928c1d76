//! Which calls this node carries right now, so that the same call can wait for the first one.

use super::entry::{CallKey, EntryId, Opened, SameCall};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// The calls under way on this node, by key.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    calls: Mutex<HashMap<CallKey, Carried>>,
}

#[derive(Debug)]
struct Carried {
    entry: EntryId,
    same_call: SameCall,
    /// Dropped when the call ends: that is the signal.
    end: watch::Sender<()>,
}

impl InFlight {
    /// A call was opened.
    pub(super) fn begin(&self, opened: &Opened, same_call: &SameCall) {
        let carried =
            Carried { entry: opened.id, same_call: *same_call, end: watch::Sender::new(()) };
        self.calls().insert(opened.key, carried);
    }

    /// The entry's close is committed: whoever waits wakes up.
    pub(super) fn end(&self, key: &CallKey, entry: EntryId) {
        let mut calls = self.calls();
        if calls.get(key).is_some_and(|carried| carried.entry == entry) {
            calls.remove(key);
        }
    }

    /// By which rule this entry was opened, if this node carries it.
    pub(super) fn rule(&self, key: &CallKey, entry: EntryId) -> Option<SameCall> {
        let calls = self.calls();
        calls.get(key).filter(|carried| carried.entry == entry).map(|carried| carried.same_call)
    }

    /// Waits for the end of the call under `key`; `None` when this node carries none.
    pub(super) async fn wait(&self, key: &CallKey, deadline: Instant) -> Option<bool> {
        let mut end = self.calls().get(key).map(|carried| carried.end.subscribe())?;
        // No value is ever sent: `changed` returns only when the sender is gone.
        Some(tokio::time::timeout_at(deadline.into(), end.changed()).await.is_ok())
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<CallKey, Carried>> {
        // A map of plain values stays whole when a thread panics beside it.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
