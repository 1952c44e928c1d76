//! What the clerk does besides: counts what is open, ends entries whose order has ended, drops old keys.

use super::super::Gateway;
use super::entry::now_us;
use crate::journal::entry::{EntryId, Resolved};
use crate::payments::Payments;
use crate::payments::command::Command;
use crate::payments::order::State;
use crate::payments::record::{Id, Order};
use qaqpa_kit::fault::Outcome;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::interval;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a count the next one waits this many times as long as it took: a million dead letters keep no core busy.
const RESTS_PER_COUNT: u32 = 50;
/// And no longer than this: what alerts go by is no older.
const REST_MAX: Duration = Duration::from_secs(15);
/// After how many looks old keys are dropped, a thousand at a time.
const LOOKS_PER_SWEEP: u64 = 60;
/// An order that is due is looked after within this, or it counts as overdue.
const OVERDUE_US: i64 = 60_000_000;
/// Entries without evidence looked at in one go.
const ENTRIES_MAX: u32 = 1_000;

/// Looks after figures, entries and keys until it is stopped.
pub(super) async fn look_after(
    gate: Arc<Gateway>,
    payments: Payments,
    mut stopped: watch::Receiver<bool>,
) {
    let mut looks = interval(LOOK_EVERY);
    let mut counts_at = Instant::now();
    for look in 0_u64.. {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = looks.tick() => {}
        }
        if Instant::now() >= counts_at {
            let begun = Instant::now();
            count(&gate, &payments).await;
            counts_at = begun + REST_MAX.min(begun.elapsed() * RESTS_PER_COUNT);
        }
        resolve(&gate, &payments).await;
        if look % LOOKS_PER_SWEEP == 0 {
            let kept_us = i64::try_from(gate.settings.payments.keys_kept.as_micros());
            let before_us = now_us().saturating_sub(kept_us.unwrap_or(i64::MAX));
            if let Err(down) = payments.run(Command::Forget { before_us }).await {
                tracing::debug!(%down, "old keys are dropped later");
            }
        }
    }
}

/// A store that cannot be read now leaves the figures as they are.
async fn count(gate: &Gateway, payments: &Payments) {
    let now = now_us();
    let figures = &gate.metrics.clerk;
    if let Ok(counts) = payments.open_counts().await {
        figures.open(&counts, now);
    }
    if let Ok(counts) = payments.notice_counts().await {
        figures.waiting(&counts, now);
    }
    for bank in gate.settings.payments.banks.keys() {
        let overdue = payments.overdue(bank, now.saturating_sub(OVERDUE_US)).await;
        if let (Ok(orders), Some(figures)) = (overdue, figures.bank(bank)) {
            figures.overdue.set(orders);
        }
    }
}

/// Ends what the journal left Unknown of an attempt, once its order has an outcome: by an inquiry, a
/// notice or whatever else brought it.
async fn resolve(gate: &Gateway, payments: &Payments) {
    let Ok(waiting) = gate.journal.unresolved_orders(ENTRIES_MAX).await else { return };
    for record in &waiting {
        let (Ok(order), Ok(id)) = (record.correlation_id.parse::<Id>(), record.entry.parse())
        else {
            continue;
        };
        let Ok(Some(order)) = payments.order(&order).await else { continue };
        let Some(resolved) = resolved(EntryId(id), &order) else { continue };
        if let Err(down) = gate.journal.resolve(resolved).await {
            tracing::debug!(%down, "an entry is resolved later");
        }
    }
}

/// What is known of an attempt by what is known of its order; `None`: nothing yet.
fn resolved(id: EntryId, order: &Order) -> Option<Resolved> {
    let outcome = match order.state {
        State::Accepted | State::Posted | State::Settled => Outcome::Done,
        State::Rejected => Outcome::Refused,
        _ => return None,
    };
    let note = format!("payment {} is {}", order.id, order.state.word());
    Some(Resolved { id, resolved_at_us: now_us(), outcome, evidence: "inquiry", note })
}
