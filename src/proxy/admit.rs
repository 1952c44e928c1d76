//! Who may call now: caps on what is in flight, then quotas; a refused call costs nobody anything.
//!
//! Order makes refusing free. Seats of the in-flight caps come first: they are given back when
//! dropped, so a refusal further on undoes them. Quotas come last, the participant's before the
//! agency's, so that nobody beyond its own quota eats up tokens that others share. One case is left:
//! the agency refuses after the participant has paid. governor gives nothing back, but it lets its
//! state be kept by us: one number, the theoretical arrival time, which a token moves forward by one
//! interval and a refund moves back. Moves commute, so the refund is exact whatever happens in
//! between, and tokens taken are exactly calls admitted.

use crate::config::settings::{Participant, Quota, Service, Settings};
use crate::upstream::whole_seconds;
use governor::RateLimiter;
use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Of an agency's connections, one in so many may carry uploads of one participant: an upload holds its
/// connection for as long as its caller takes, and those of the others must not wait for it.
const UPLOADS_PART: usize = 4;

/// Every cap and quota of this node, made once from the settings.
pub struct Admission<C: Clock = DefaultClock> {
    node: Arc<Cap>,
    /// By participant's id, then by `serviceId`.
    participants: HashMap<String, HashMap<String, Gate<C>>>,
    agencies: HashMap<String, Gate<C>>,
    /// By participant's id, then by agency's.
    uploads: HashMap<String, HashMap<String, Arc<Cap>>>,
}

/// A place among the calls of the node; given back when dropped.
#[derive(Debug)]
pub struct Seat(Arc<Cap>);

/// A call let in: its places at the node, its participant × service and its agency.
#[derive(Debug)]
#[must_use = "the call is in flight as long as this is held"]
pub struct Permit {
    _seats: [Seat; 3],
}

impl Admission {
    /// Caps and quotas of an installation, all full.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self::with_clock(settings, &DefaultClock::default())
    }

    /// As [`Admission::renewed`], by the clock of this machine.
    #[must_use]
    pub fn after(settings: &Settings, before: &Self) -> Self {
        Self::renewed(settings, &DefaultClock::default(), Some(before))
    }
}

impl<C: Clock + Clone> Admission<C> {
    /// The same by another clock, for tests that must not wait.
    #[must_use]
    pub fn with_clock(settings: &Settings, clock: &C) -> Self {
        Self::renewed(settings, clock, None)
    }

    /// The caps and quotas of changed settings: who is in flight is in flight still, and what was
    /// spent `before` is spent still. `before` may serve on meanwhile.
    #[must_use]
    pub fn renewed(settings: &Settings, clock: &C, before: Option<&Self>) -> Self {
        let of_participant = |participant: &Participant| {
            let known = before.and_then(|before| before.participants.get(&participant.id));
            let gate = |id: &String| {
                let quota = participant.service_quotas.get(id).unwrap_or(&participant.quota);
                let known = known.and_then(|services| services.get(id));
                (id.clone(), Gate::renewed(*quota, clock, known))
            };
            let services = settings.services.keys();
            services.filter(|id| participant.may_enter(id)).map(gate).collect()
        };
        Self {
            node: Cap::renewed(settings.limits.in_flight_max, before.map(|before| &*before.node)),
            participants: settings
                .participants
                .values()
                .map(|participant| (participant.id.clone(), of_participant(participant)))
                .collect(),
            agencies: settings
                .agencies
                .iter()
                .map(|(id, agency)| {
                    let known = before.and_then(|before| before.agencies.get(id));
                    (id.clone(), Gate::renewed(agency.quota, clock, known))
                })
                .collect(),
            uploads: settings
                .participants
                .values()
                .map(|participant| {
                    let known = before.and_then(|before| before.uploads.get(&participant.id));
                    (participant.id.clone(), uploads(settings, known))
                })
                .collect(),
        }
    }

    /// Takes a place at the node. Every call takes one before anything costly is done for it.
    ///
    /// # Errors
    /// `gateway.overloaded` (`in_flight_node`).
    pub fn seat(&self) -> Result<Seat, Fault> {
        self.node.take("in_flight_node")
    }

    /// Lets a call in, or refuses it at no cost.
    ///
    /// Call it before `verify` where TLS proves the caller, else after: nobody may spend another's quota.
    ///
    /// # Errors
    /// `gateway.overloaded` (`in_flight_participant`, `in_flight_agency`), `caller.too_fast`
    /// (`quota_participant`, `quota_agency`); both say when to come back.
    pub fn enter(
        &self,
        seat: Seat,
        participant: &Participant,
        service: &Service,
    ) -> Result<Permit, Fault> {
        let no_gate = || Fault::new(Code::GatewayBug, Phase::Admit, "no_gate");
        let caller = self
            .participants
            .get(&participant.id)
            .and_then(|services| services.get(&service.manifest.id))
            .ok_or_else(no_gate)?;
        let agency = self.agencies.get(&service.agency.id).ok_or_else(no_gate)?;

        let at_caller = caller.cap.take("in_flight_participant")?;
        let at_agency = agency.cap.take("in_flight_agency")?;
        caller.rate.take("quota_participant")?;
        agency.rate.take("quota_agency").inspect_err(|_| caller.rate.refund())?;
        Ok(Permit { _seats: [seat, at_caller, at_agency] })
    }

    /// Takes a place for a body that is sent on while it arrives; to be held until it is sent.
    ///
    /// # Errors
    /// `gateway.overloaded` (`uploads_participant`).
    pub fn upload(&self, participant: &Participant, service: &Service) -> Result<Seat, Fault> {
        let uploads = self.uploads.get(&participant.id);
        let cap = uploads.and_then(|agencies| agencies.get(&service.agency.id));
        let no_cap = || Fault::new(Code::GatewayBug, Phase::Admit, "no_gate");
        cap.ok_or_else(no_cap)?.take("uploads_participant")
    }

    /// Calls in flight at this node.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.node.taken.load(Ordering::Relaxed)
    }
}

type Caps = HashMap<String, Arc<Cap>>;

/// Caps on the uploads of one participant, by agency.
fn uploads(settings: &Settings, before: Option<&Caps>) -> Caps {
    let cap = |id: &String, connections: usize| {
        let known = before.and_then(|before| before.get(id)).map(|known| &**known);
        Cap::renewed((connections / UPLOADS_PART).max(1), known)
    };
    let agencies = settings.agencies.iter();
    agencies.map(|(id, agency)| (id.clone(), cap(id, agency.connections_max))).collect()
}

/// Cap and quota of one participant × service, or of one agency.
struct Gate<C: Clock> {
    cap: Arc<Cap>,
    rate: Arc<Rate<C>>,
}

impl<C: Clock + Clone> Gate<C> {
    fn renewed(quota: Quota, clock: &C, before: Option<&Self>) -> Self {
        let in_flight_max = usize::try_from(quota.in_flight_max).unwrap_or(usize::MAX);
        let rate = match before {
            Some(known) if known.rate.is_of(quota) => Arc::clone(&known.rate),
            known => Arc::new(Rate::renewed(quota, clock, known.map(|known| &*known.rate))),
        };
        Self { cap: Cap::renewed(in_flight_max, before.map(|before| &*before.cap)), rate }
    }
}

/// So many at once.
#[derive(Debug)]
struct Cap {
    max: usize,
    /// Shared with the cap that this one took the place of.
    taken: Arc<AtomicUsize>,
}

impl Cap {
    fn renewed(max: usize, before: Option<&Self>) -> Arc<Self> {
        let taken = before.map(|before| Arc::clone(&before.taken)).unwrap_or_default();
        Arc::new(Self { max, taken })
    }

    fn take(self: &Arc<Self>, reason: &'static str) -> Result<Seat, Fault> {
        let below = |taken: usize| (taken < self.max).then(|| taken + 1);
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below) {
            Ok(_) => Ok(Seat(Arc::clone(self))),
            Err(_) => {
                Err(Fault::new(Code::GatewayOverloaded, Phase::Admit, reason).retry_after_s(1))
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// So many a second.
struct Rate<C: Clock> {
    limiter: RateLimiter<NotKeyed, Arrival, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    /// What the limiter counts from.
    begun: C::Instant,
    arrival: Arrival,
    /// Nanoseconds that one token is worth.
    interval: u64,
    quota: (u32, u32),
}

impl<C: Clock + Clone> Rate<C> {
    /// A quota of which as many tokens are spent as of the one `before`.
    fn renewed(quota: Quota, clock: &C, before: Option<&Self>) -> Self {
        let made = Self::new(quota, clock);
        if let Some(before) = before {
            let owed = made.interval.saturating_mul(before.spent());
            let since = made.clock.now().duration_since(made.begun).as_u64();
            let at = if owed == 0 { 0 } else { owed.saturating_add(since) };
            made.arrival.0.store(at, Ordering::Relaxed);
        }
        made
    }

    fn is_of(&self, quota: Quota) -> bool {
        self.quota == (quota.per_second, quota.burst)
    }

    /// Tokens that are not there now, rounded up.
    fn spent(&self) -> u64 {
        let now = self.clock.now().duration_since(self.begun).as_u64();
        self.arrival.0.load(Ordering::Relaxed).saturating_sub(now).div_ceil(self.interval)
    }

    fn new(quota: Quota, clock: &C) -> Self {
        let kept = (quota.per_second, quota.burst);
        // The configuration refuses zero; one is the least that governor knows.
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = governor::Quota::per_second(at_least_one(quota.per_second))
            .allow_burst(at_least_one(quota.burst));
        let arrival = Arrival::default();
        let begun = clock.now();
        Self {
            limiter: RateLimiter::new(quota, arrival.clone(), clock.clone()),
            clock: clock.clone(),
            begun,
            quota: kept,
            arrival,
            interval: Nanos::from(quota.replenish_interval()).as_u64().max(1),
        }
    }

    fn take(&self, reason: &'static str) -> Result<(), Fault> {
        self.limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Fault::new(Code::CallerTooFast, Phase::Admit, reason).retry_after_s(whole_seconds(wait))
        })
    }

    /// Undoes one `take`.
    fn refund(&self) {
        let back = |at: u64| Some(at.saturating_sub(self.interval));
        // Always Some, so it always succeeds.
        self.arrival.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, back).ok();
    }
}

/// The state of one limiter (theoretical arrival time of GCRA, nanoseconds; 0: unused), kept here so
/// that a refund can reach it.
#[derive(Clone, Default)]
struct Arrival(Arc<AtomicU64>);

impl StateStore for Arrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            let known = if before == 0 { None } else { Some(Nanos::from(before)) };
            let (decision, after) = decide(known)?;
            let swapped = self.0.compare_exchange_weak(
                before,
                after.as_u64(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return Ok(decision),
                Err(now) => before = now,
            }
        }
    }
}
