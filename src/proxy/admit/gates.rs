//! Caps and quotas of participant × service, made when a call first needs one and kept over every change.
//!
//! An installation may grant everybody everything: two thousand participants and ten thousand services
//! would be twenty million gates. So each is made by the first call that needs it; one that nobody is
//! in and that nothing is spent of is dropped once there are many, because a new one is the same.

use super::cap::Cap;
use super::rate::Bucket;
use crate::config::settings::{Participant, Quota, Settings};
use governor::clock::Clock;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Gates at which those that nobody needs are dropped; later ones at twice what was then left.
const KEPT: usize = 100_000;

/// Cap and quota of one participant × service.
pub(super) struct Gate<C: Clock> {
    quota: Quota,
    pub(super) cap: Arc<Cap>,
    pub(super) bucket: Arc<Bucket<C>>,
}

impl<C: Clock + Clone> Gate<C> {
    fn renewed(quota: Quota, clock: &C, before: Option<&Self>) -> Self {
        let cap = Cap::renewed(in_flight_max(quota), before.map(|before| &*before.cap));
        let bucket = Bucket::renewed(quota, clock, before.map(|before| &before.bucket));
        Self { quota, cap, bucket }
    }

    /// Whether a new one would be the same.
    fn is_as_new(&self) -> bool {
        self.cap.taken() == 0 && self.bucket.is_full()
    }
}

/// Those of one participant, which is the shard: by `serviceId`, and caps on uploads by agency.
struct Shard<C: Clock> {
    gates: RwLock<HashMap<String, Arc<Gate<C>>>>,
    uploads: RwLock<HashMap<String, Arc<Cap>>>,
}

impl<C: Clock> Default for Shard<C> {
    fn default() -> Self {
        Self { gates: RwLock::default(), uploads: RwLock::default() }
    }
}

/// Figures of all shards, through all changes.
struct Shared {
    gates: AtomicUsize,
    /// At so many, those that nobody needs are dropped.
    sweep_at: AtomicUsize,
    /// Nodes that part each quota: a new gate begins with an equal part.
    nodes: AtomicUsize,
}

/// The gates of all participants.
pub(super) struct Gates<C: Clock> {
    clock: C,
    /// By participant's id.
    shards: HashMap<String, (Arc<Participant>, Arc<Shard<C>>)>,
    shared: Arc<Shared>,
}

impl<C: Clock + Clone> Gates<C> {
    /// For the participants of these settings; who was there `before` keeps its gates.
    pub(super) fn renewed(settings: &Settings, clock: &C, before: Option<&Self>) -> Self {
        let shard = |participant: &Arc<Participant>| {
            let known = before.and_then(|before| before.shards.get(&participant.id));
            let shard = known.map(|(_, shard)| Arc::clone(shard)).unwrap_or_default();
            (participant.id.clone(), (Arc::clone(participant), shard))
        };
        let shared = before.map(|before| Arc::clone(&before.shared)).unwrap_or_else(|| {
            let (gates, sweep_at) = (AtomicUsize::new(0), AtomicUsize::new(KEPT));
            Arc::new(Shared { gates, sweep_at, nodes: AtomicUsize::new(1) })
        });
        let shards = settings.participants.values().map(shard).collect();
        let gates = Self { clock: clock.clone(), shards, shared };
        let left = gates.shards.values().map(|(_, shard)| read(&shard.gates, HashMap::len)).sum();
        gates.shared.gates.store(left, Ordering::Relaxed);
        gates
    }

    /// The gate of a call, by the quota that its participant has there now; `None`: it may not enter.
    pub(super) fn of(&self, participant: &Participant, service: &str) -> Option<Arc<Gate<C>>> {
        let (_, shard) = self.shards.get(&participant.id)?;
        let quota = quota(participant, service);
        if let Some(gate) = read(&shard.gates, |gates| gates.get(service).map(Arc::clone))
            && gate.quota == quota
        {
            return Some(gate);
        }
        if !participant.may_enter(service) {
            return None;
        }
        let gate = {
            let mut gates = shard.gates.write().unwrap_or_else(PoisonError::into_inner);
            match gates.get(service) {
                Some(gate) if gate.quota == quota => return Some(Arc::clone(gate)),
                Some(changed) => {
                    let gate = Arc::new(Gate::renewed(quota, &self.clock, Some(changed)));
                    gates.insert(service.to_owned(), Arc::clone(&gate));
                    return Some(gate);
                }
                None => {
                    let gate = Arc::new(Gate::renewed(quota, &self.clock, None));
                    gate.bucket.share(self.equal_part());
                    gates.insert(service.to_owned(), Arc::clone(&gate));
                    gate
                }
            }
        };
        let count = self.shared.gates.fetch_add(1, Ordering::Relaxed) + 1;
        if count >= self.shared.sweep_at.load(Ordering::Relaxed) {
            self.sweep();
        }
        Some(gate)
    }

    /// The gate of a call that was here.
    pub(super) fn known(&self, participant: &str, service: &str) -> Option<Arc<Gate<C>>> {
        let (_, shard) = self.shards.get(participant)?;
        read(&shard.gates, |gates| gates.get(service).map(Arc::clone))
    }

    /// The quota of a participant at a service that it may enter.
    pub(super) fn quota(&self, participant: &str, service: &str) -> Option<Quota> {
        let (participant, _) = self.shards.get(participant)?;
        participant.may_enter(service).then(|| quota(participant, service))
    }

    /// The cap of a participant on its uploads to an agency, which may be `max` now.
    pub(super) fn uploads(&self, participant: &str, agency: &str, max: usize) -> Option<Arc<Cap>> {
        let (_, shard) = self.shards.get(participant)?;
        let known = read(&shard.uploads, |uploads| uploads.get(agency).map(Arc::clone));
        if let Some(cap) = known.filter(|cap| cap.max() == max) {
            return Some(cap);
        }
        let mut uploads = shard.uploads.write().unwrap_or_else(PoisonError::into_inner);
        let cap = match uploads.get(agency) {
            Some(cap) if cap.max() == max => return Some(Arc::clone(cap)),
            changed => Cap::renewed(max, changed.map(|cap| &**cap)),
        };
        uploads.insert(agency.to_owned(), Arc::clone(&cap));
        Some(cap)
    }

    /// Every gate there is: participant, service, tokens asked for so far, and how many a second it gives.
    pub(super) fn asked(&self) -> Vec<(String, u64, u32)> {
        let mut all = Vec::with_capacity(self.len());
        for (participant, (_, shard)) in &self.shards {
            read(&shard.gates, |gates| {
                all.extend(gates.iter().map(|(service, gate)| {
                    let name = format!("{participant}/{service}");
                    (name, gate.bucket.asked(), gate.bucket.per_second())
                }));
            });
        }
        all
    }

    /// Gates that there are.
    pub(super) fn len(&self) -> usize {
        self.shared.gates.load(Ordering::Relaxed)
    }

    /// So many nodes part each quota from here on.
    pub(super) fn part_among(&self, nodes: usize) {
        self.shared.nodes.store(nodes.max(1), Ordering::Relaxed);
    }

    fn equal_part(&self) -> f64 {
        let nodes = self.shared.nodes.load(Ordering::Relaxed);
        1.0 / f64::from(u32::try_from(nodes).unwrap_or(u32::MAX))
    }

    /// Drops the gates that a new one would be the same as. One shard after the other: calls of the
    /// others go on.
    fn sweep(&self) {
        // Whoever comes meanwhile does not sweep too.
        self.shared.sweep_at.store(usize::MAX, Ordering::Relaxed);
        let mut left = 0;
        for (_, shard) in self.shards.values() {
            let mut gates = shard.gates.write().unwrap_or_else(PoisonError::into_inner);
            // While this is held nobody takes a gate out, so a gate that nobody else has stays so.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1 || !gate.is_as_new());
            gates.shrink_to_fit();
            left += gates.len();
        }
        self.shared.gates.store(left, Ordering::Relaxed);
        self.shared.sweep_at.store(KEPT.max(left.saturating_mul(2)), Ordering::Relaxed);
    }
}

fn read<T, R>(lock: &RwLock<T>, look: impl FnOnce(&T) -> R) -> R {
    look(&lock.read().unwrap_or_else(PoisonError::into_inner))
}

/// What a participant may do at a service.
fn quota(participant: &Participant, service: &str) -> Quota {
    *participant.service_quotas.get(service).unwrap_or(&participant.quota)
}

/// Calls of a quota at once.
pub(super) fn in_flight_max(quota: Quota) -> usize {
    usize::try_from(quota.in_flight_max).unwrap_or(usize::MAX)
}
