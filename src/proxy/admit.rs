//! Who may call now: caps on what is in flight, then quotas; a refused call costs nobody anything.
//!
//! Order is what makes refusing free. Seats of the in-flight caps are taken first: they are given
//! back when dropped, so a refusal further on undoes them. Quotas come last, because a token once
//! taken from governor cannot be put back. There are two of them, the participant's and the
//! agency's, so one case is left: the agency refuses after the participant has paid. Then the token
//! is kept as a *credit* of the participant, and its next call pays with the credit first. Taking and
//! giving back happen without a pause in between, and a new token is taken only while there is no
//! credit: so there are never more credits than threads, and that is the most by which a burst can
//! exceed its quota. Tokens taken are exactly calls admitted.
//!
//! The participant pays before the agency, so that nobody beyond its own quota eats up an agency's
//! tokens, which are shared.

use crate::config::settings::{Participant, Quota, Service, Settings};
use crate::upstream::whole_seconds;
use governor::RateLimiter;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Every cap and quota of this node, made once from the settings.
pub struct Admission<C: Clock = DefaultClock> {
    node: Arc<Cap>,
    /// By participant's id, then by `serviceId`.
    participants: HashMap<String, HashMap<String, Gate<C>>>,
    agencies: HashMap<String, Gate<C>>,
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
}

impl<C: Clock + Clone> Admission<C> {
    /// The same by another clock, for tests that must not wait.
    #[must_use]
    pub fn with_clock(settings: &Settings, clock: &C) -> Self {
        let of_participant = |participant: &Participant| {
            let may = |id: &str| participant.services.iter().any(|own| own == "*" || own == id);
            let gate = |id: &String| {
                let quota = participant.service_quotas.get(id).unwrap_or(&participant.quota);
                (id.clone(), Gate::new(*quota, clock))
            };
            settings.services.keys().filter(|id| may(id)).map(gate).collect()
        };
        Self {
            node: Arc::new(Cap::new(settings.limits.in_flight_max)),
            participants: settings
                .participants
                .values()
                .map(|participant| (participant.id.clone(), of_participant(participant)))
                .collect(),
            agencies: settings
                .agencies
                .iter()
                .map(|(id, agency)| (id.clone(), Gate::new(agency.quota, clock)))
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
        agency.rate.take("quota_agency").inspect_err(|_| caller.rate.give_back())?;
        Ok(Permit { _seats: [seat, at_caller, at_agency] })
    }

    /// Calls in flight at this node.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.node.taken.load(Ordering::Relaxed)
    }
}

/// Cap and quota of one participant × service, or of one agency.
struct Gate<C: Clock> {
    cap: Arc<Cap>,
    rate: Rate<C>,
}

impl<C: Clock + Clone> Gate<C> {
    fn new(quota: Quota, clock: &C) -> Self {
        let in_flight_max = usize::try_from(quota.in_flight_max).unwrap_or(usize::MAX);
        Self { cap: Arc::new(Cap::new(in_flight_max)), rate: Rate::new(quota, clock) }
    }
}

/// So many at once.
#[derive(Debug)]
struct Cap {
    max: usize,
    taken: AtomicUsize,
}

impl Cap {
    fn new(max: usize) -> Self {
        Self { max, taken: AtomicUsize::new(0) }
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

/// So many a second, with credits for tokens that were taken in vain.
struct Rate<C: Clock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    credits: AtomicUsize,
}

impl<C: Clock + Clone> Rate<C> {
    fn new(quota: Quota, clock: &C) -> Self {
        // The configuration refuses zero; one is the least that governor knows.
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let allowed = governor::Quota::per_second(at_least_one(quota.per_second))
            .allow_burst(at_least_one(quota.burst));
        Self {
            limiter: RateLimiter::direct_with_clock(allowed, clock.clone()),
            clock: clock.clone(),
            credits: AtomicUsize::new(0),
        }
    }

    fn take(&self, reason: &'static str) -> Result<(), Fault> {
        let one_less = |credits: usize| credits.checked_sub(1);
        let paid = self.credits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        if paid.is_ok() {
            return Ok(());
        }
        self.limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Fault::new(Code::CallerTooFast, Phase::Admit, reason).retry_after_s(whole_seconds(wait))
        })
    }

    fn give_back(&self) {
        self.credits.fetch_add(1, Ordering::Relaxed);
    }
}
