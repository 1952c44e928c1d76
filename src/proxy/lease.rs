//! One quota for all nodes of a cluster: each says every second what it asks for, and takes its share.
//!
//! Nobody is asked on the way of a call. Shares are max-min fair and every node reads them off the same
//! rows: who asks for little gets that, the others part the rest. A share shrinks at once and grows a
//! second later, when the others have shrunk theirs. A store that cannot be reached leaves all shares as
//! they are, and refuses nobody.

use super::Gateway;
use super::current::Current;
use crate::journal::lease::Asking;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(1);
/// Rounds after which rows of nodes that are long gone are dropped.
const ROUNDS_PER_SWEEP: u64 = 600;
/// How much of a newly measured rate counts at once: a pause of a moment is no change of demand.
const SMOOTHING: f64 = 0.5;

/// Goes on until the task is ended.
pub(super) async fn look_after(current: Arc<Current>) {
    let mut rounds = interval(EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = Known::default();
    for round in 1_u64.. {
        rounds.tick().await;
        let gate = current.gate();
        known.renew(&gate).await;
        if round % ROUNDS_PER_SWEEP == 0
            && let Err(down) = gate.journal.forget_leases().await
        {
            tracing::debug!(%down, "old shares are dropped later");
        }
    }
}

/// What was measured and decided in the rounds before.
#[derive(Default)]
struct Known {
    measured_at: Option<Instant>,
    round: u64,
    contracts: HashMap<String, Contract>,
}

#[derive(Default)]
struct Contract {
    asked: u64,
    /// The last round that knew of it.
    round: u64,
    /// Calls a second, smoothed.
    rate: f64,
    /// The part that the last round found.
    found: Option<f64>,
}

impl Known {
    async fn renew(&mut self, gate: &Gateway) {
        let now = Instant::now();
        let span = self.measured_at.replace(now).map(|before| now - before);
        let mut own = vec![(String::new(), 0.0)];
        let mut quotas = Vec::new();
        self.round += 1;
        for (name, asked, quota) in gate.admission.asked() {
            let contract = self.contracts.entry(name.clone()).or_default();
            contract.round = self.round;
            let asked_since = asked.saturating_sub(contract.asked);
            contract.asked = asked;
            if let Some(span) = span.filter(|span| !span.is_zero()) {
                let rate = float(asked_since) / span.as_secs_f64();
                contract.rate += (rate - contract.rate) * SMOOTHING;
            }
            if contract.rate > 0.01 {
                own.push((name.clone(), contract.rate));
            }
            quotas.push((name, f64::from(quota)));
        }
        // What was let go begins anew when it is needed again.
        self.contracts.retain(|_, contract| contract.round == self.round);
        let rows = match gate.journal.lease(&gate.settings.node.id, &own).await {
            Ok(rows) => rows,
            Err(down) => {
                gate.metrics.lease.failed.inc();
                tracing::warn!(%down, "quotas keep the shares that they have");
                return;
            }
        };
        gate.metrics.lease.renewed.inc();
        let nodes: HashSet<&str> = rows.iter().map(|row| row.node.as_str()).collect();
        gate.metrics.lease.nodes.set(i64::try_from(nodes.len() + 1).unwrap_or(i64::MAX));
        gate.admission.part_among(nodes.len() + 1);
        let mut others: HashMap<&str, Vec<f64>> = HashMap::new();
        for Asking { contract, per_second, .. } in &rows {
            others.entry(contract).or_default().push(*per_second);
        }
        for (name, quota) in quotas {
            let Some(contract) = self.contracts.get_mut(&name) else { continue };
            let others = others.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
            let part = part(quota, contract.rate, others, nodes.len() + 1);
            // Growing waits a round: the others have shrunk by then.
            let taken = contract.found.map_or(part, |before| before.min(part));
            contract.found = Some(part);
            gate.admission.share(&name, taken);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a second are exact in a double")]
fn float(count: u64) -> f64 {
    count as f64
}

/// The part of a quota, 0 … 1, that is this node's, which asks for `own` a second while `others` ask for
/// theirs: what all ask for where there is enough, the rest in equal parts to all `nodes`; else as much as
/// brings everybody to the same level.
fn part(quota: f64, own: f64, others: &[f64], nodes: usize) -> f64 {
    let all = own + others.iter().sum::<f64>();
    let nodes = float(nodes as u64).max(float(others.len() as u64) + 1.0);
    if all <= quota {
        return (own + (quota - all) / nodes) / quota;
    }
    // Water is filled in from the least on: `level` is what those get who ask for more.
    let mut demands: Vec<f64> = others.iter().copied().chain([own]).collect();
    demands.sort_by(f64::total_cmp);
    let (mut left, mut count) = (quota, float(demands.len() as u64));
    for demand in demands {
        if demand * count >= left {
            break;
        }
        left -= demand;
        count -= 1.0;
    }
    own.min(left / count.max(1.0)) / quota
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_asks_for_little_gets_it_and_the_others_part_the_rest() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
        near(part(100.0, 0.0, &[], 1), 1.0);
        near(part(100.0, 500.0, &[500.0], 2), 0.5);
        near(part(100.0, 10.0, &[500.0], 2), 0.1);
        near(part(100.0, 500.0, &[10.0], 2), 0.9);
        near(part(100.0, 10.0, &[30.0], 2), 0.4);
        near(part(100.0, 0.0, &[500.0], 2), 0.0);
        near(part(90.0, 500.0, &[500.0, 500.0], 3), 1.0 / 3.0);
    }

    proptest! {
        /// Every node reads the same rows, so what they take together is what is there.
        #[test]
        fn together_they_take_the_quota_and_no_more(
            quota in 1.0_f64..1000.0,
            demands in proptest::collection::vec(0.02_f64..2000.0, 1..6),
        ) {
            let mut sum = 0.0;
            for (at, own) in demands.iter().enumerate() {
                let mut others = demands.clone();
                others.remove(at);
                sum += part(quota, *own, &others, demands.len());
            }
            prop_assert!(sum <= 1.0 + 1e-9, "{}", sum);
            prop_assert!(sum >= 1.0 - 1e-9, "{}", sum);
        }
    }
}
