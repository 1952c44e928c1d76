//! Who may call now: caps on what is in flight, then quotas, then a turn; a refused call costs nobody anything.
//!
//! Order makes refusing free. Seats of the in-flight caps come first: they are given back when
//! dropped, so a refusal further on undoes them. Quotas come next, the participant's before the
//! agency's, so that nobody beyond its own quota eats up tokens that others share; who is refused by
//! the agency's, or finds no turn in its line, gets back what it paid. Tokens taken are exactly calls
//! admitted.

mod cap;
mod gates;
pub mod lag;
mod line;
mod pace;
mod queue;
mod rate;

use crate::config::settings::{Agency, Class, Participant, Quota, Service, Settings};
use crate::upstream::whole_seconds;
use cap::Cap;
pub use cap::Seat;
use gates::{Gates, in_flight_max};
use governor::clock::{Clock, DefaultClock};
use lag::Lag;
use line::{Bound, Line, Place, Sent};
use pace::Bounds;
use qaqpa_kit::fault::{Budget, Code, Fault, Phase};
use rate::Bucket;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Of an agency's connections, one in so many may carry uploads of one participant: an upload holds its
/// connection for as long as its caller takes, and those of the others must not wait for it.
const UPLOADS_PART: usize = 4;

/// Every cap and quota of this node, made from the settings.
pub struct Admission<C: Clock = DefaultClock> {
    node: Arc<Cap>,
    lag: Arc<Lag>,
    lag_max: Duration,
    gates: Gates<C>,
    agencies: HashMap<String, Way<C>>,
}

/// A call let in: its places at the node, its participant × service and its agency.
#[derive(Debug)]
#[must_use = "the call is in flight as long as this is held"]
pub struct Permit {
    _seats: [Seat; 2],
    /// `None`: it waits for another call, not for its agency.
    place: Option<Place>,
}

impl Permit {
    /// Gives the place at the agency back, to others who need it now.
    pub fn step_aside(&mut self) {
        self.place = None;
    }
}

/// How full the way to an agency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Calls at the agency.
    pub in_flight: usize,
    /// The limit on them now.
    pub limit: usize,
    /// Calls that wait for their turn.
    pub waiting: usize,
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

    /// The caps and quotas of changed settings: who is in flight or in line is so still, and what was
    /// spent `before` is spent still. `before` may serve on meanwhile.
    #[must_use]
    pub fn renewed(settings: &Settings, clock: &C, before: Option<&Self>) -> Self {
        let agencies = settings.agencies.iter().map(|(id, agency)| {
            let known = before.and_then(|before| before.agencies.get(id));
            (id.clone(), Way::renewed(agency, clock, known))
        });
        Self {
            node: Cap::renewed(settings.limits.in_flight_max, before.map(|before| &*before.node)),
            lag: before.map(|before| Arc::clone(&before.lag)).unwrap_or_default(),
            lag_max: settings.limits.lag_max,
            gates: Gates::renewed(settings, clock, before.map(|before| &before.gates)),
            agencies: agencies.collect(),
        }
    }

    /// Takes a place at the node. Every call takes one before anything costly is done for it; a part of
    /// the places is kept for the more urgent classes, and while the node is late they alone get one.
    ///
    /// # Errors
    /// `gateway.overloaded` (`in_flight_node`, `lag_node`).
    pub fn seat(&self, class: Class) -> Result<Seat, Fault> {
        self.lag.check(class, self.lag_max)?;
        self.node.take_for(class, "in_flight_node")
    }

    /// Notes how long the agency took to answer a call, and whether it did not in time: its line goes by
    /// it. `None` says nothing of its pace, and neither does what a late node read late.
    pub fn note(&self, permit: &Permit, service: &Service, told: Option<(Duration, bool)>) {
        let told = told.filter(|_| !self.lag.is_felt(self.lag_max));
        if let (Some((took, is_late)), Some(place)) = (told, &permit.place) {
            place.note(&service.manifest.id, took, is_late);
        }
    }

    /// Whether the node is so late that it lets nobody in, not even payments.
    #[must_use]
    pub fn is_swamped(&self) -> bool {
        self.lag.check(Class::Payment, self.lag_max).is_err()
    }

    /// Lets a call in once it is its turn, or refuses it at no cost.
    ///
    /// Call it before `verify` where TLS proves the caller, else after: nobody may spend another's quota.
    ///
    /// # Errors
    /// `gateway.overloaded` (`in_flight_participant`, `in_flight_agency`, `waiting_agency`,
    /// `deadline_agency`), `caller.too_fast` (`quota_participant`, `quota_agency`); all say when to come
    /// back, and those by a quota what is left of which contract.
    pub async fn enter(
        &self,
        seat: Seat,
        (participant, service): (&Participant, &Service),
        deadline: Instant,
    ) -> Result<Permit, Fault> {
        let no_gate = || Fault::new(Code::GatewayBug, Phase::Admit, "no_gate");
        let caller = self.gates.of(participant, &service.manifest.id).ok_or_else(no_gate)?;
        let agency = self.agencies.get(&service.agency.id).ok_or_else(no_gate)?;

        let at_caller = caller.cap.take("in_flight_participant")?;
        let place = agency.line.enter().map_err(overloaded)?;
        let too_fast = |bucket: &Bucket<C>, reason, contract: String, wait| {
            Fault::new(Code::CallerTooFast, Phase::Admit, reason)
                .retry_after_s(whole_seconds(wait))
                .budget(bucket.budget(contract, Some(wait)))
        };
        caller.bucket.take().map_err(|wait| {
            let contract = contract(&participant.id, &service.manifest.id);
            too_fast(&caller.bucket, "quota_participant", contract, wait)
        })?;
        agency.bucket.take().map_err(|wait| {
            caller.bucket.refund();
            let contract = format!("agency {}", service.agency.id);
            too_fast(&agency.bucket, "quota_agency", contract, wait)
        })?;
        let place = match place {
            Some(place) => Ok(place),
            None => {
                let of = (service.class_for(participant), participant.id.as_str());
                agency.line.wait(of, deadline).await
            }
        };
        let place = place.map_err(|sent| {
            caller.bucket.refund();
            agency.bucket.refund();
            overloaded(sent)
        })?;
        Ok(Permit { _seats: [seat, at_caller], place: Some(place) })
    }

    /// A place at the agency for a call that has stepped aside and is to be carried after all; it has paid
    /// its quotas.
    ///
    /// # Errors
    /// `gateway.overloaded`, as of [`Admission::enter`].
    pub async fn step_in(
        &self,
        permit: &mut Permit,
        (participant, service): (&Participant, &Service),
        deadline: Instant,
    ) -> Result<(), Fault> {
        if permit.place.is_some() {
            return Ok(());
        }
        let no_gate = || Fault::new(Code::GatewayBug, Phase::Admit, "no_gate");
        let agency = self.agencies.get(&service.agency.id).ok_or_else(no_gate)?;
        permit.place = match agency.line.enter().map_err(overloaded)? {
            None => {
                let of = (service.class_for(participant), participant.id.as_str());
                Some(agency.line.wait(of, deadline).await.map_err(overloaded)?)
            }
            place => place,
        };
        Ok(())
    }

    /// Lets a call in whose caller is proved already.
    ///
    /// # Errors
    /// As [`Admission::seat`] and [`Admission::enter`].
    pub async fn admit(
        &self,
        participant: &Participant,
        service: &Service,
        deadline: Instant,
    ) -> Result<Permit, Fault> {
        let seat = self.seat(service.class_for(participant))?;
        self.enter(seat, (participant, service), deadline).await
    }

    /// Takes a place for a body that is sent on while it arrives; to be held until it is sent.
    ///
    /// # Errors
    /// `gateway.overloaded` (`uploads_participant`).
    pub fn upload(&self, participant: &Participant, service: &Service) -> Result<Seat, Fault> {
        let max = (service.agency.connections_max / UPLOADS_PART).max(1);
        let cap = self.gates.uploads(&participant.id, &service.agency.id, max);
        let no_cap = || Fault::new(Code::GatewayBug, Phase::Admit, "no_gate");
        cap.ok_or_else(no_cap)?.take("uploads_participant")
    }

    /// Calls in flight at this node, those that wait for their turn among them.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.node.taken()
    }

    /// How late the node is with what it has to do.
    #[must_use]
    pub fn lag(&self) -> &Lag {
        &self.lag
    }

    /// How full the way to each agency is.
    pub fn levels(&self) -> impl Iterator<Item = (&str, Levels)> {
        self.agencies.iter().map(|(id, way)| {
            let (in_flight, limit, waiting) = way.line.levels();
            (id.as_str(), Levels { in_flight, limit, waiting })
        })
    }

    /// What is left of a participant's quota at a service that it may call. It bears no name: whoever
    /// asks knows it, and every answer over REST says it.
    #[must_use]
    pub fn budget(&self, participant: &str, service: &str) -> Option<Budget> {
        if let Some(gate) = self.gates.known(participant, service) {
            return Some(gate.bucket.budget(String::new(), None));
        }
        let Quota { per_second, burst, .. } = self.gates.quota(participant, service)?;
        Some(Budget { contract: String::new(), per_second, burst, remaining: burst, reset_s: 0 })
    }

    /// Caps and quotas of participant × service that calls needed so far.
    #[must_use]
    pub fn gates(&self) -> usize {
        self.gates.len()
    }

    /// Every quota that calls needed: its name, the tokens asked of it so far, and how many a second it
    /// gives.
    pub(super) fn asked(&self) -> impl Iterator<Item = (String, u64, u32)> {
        let agencies = self.agencies.iter();
        self.gates.asked().into_iter().chain(
            agencies.map(|(id, way)| (id.clone(), way.bucket.asked(), way.bucket.per_second())),
        )
    }

    /// So many nodes part the quotas: one that a call first needs begins with an equal part.
    pub(super) fn part_among(&self, nodes: usize) {
        self.gates.part_among(nodes);
    }

    /// Leaves this part of a quota to this node, 0 … 1, by its name in [`Admission::asked`].
    pub(super) fn share(&self, name: &str, part: f64) {
        match name.split_once('/') {
            Some((participant, service)) => {
                if let Some(gate) = self.gates.known(participant, service) {
                    gate.bucket.share(part);
                }
            }
            None => {
                if let Some(way) = self.agencies.get(name) {
                    way.bucket.share(part);
                }
            }
        }
    }
}

fn contract(participant: &str, service: &str) -> String {
    format!("participant {participant}, service {service}")
}

fn overloaded(sent: Sent) -> Fault {
    Fault::new(Code::GatewayOverloaded, Phase::Admit, sent.limit)
        .retry_after_s(whole_seconds(sent.after))
}

/// Line and quota of one agency.
struct Way<C: Clock> {
    line: Arc<Line>,
    bucket: Arc<Bucket<C>>,
}

impl<C: Clock + Clone> Way<C> {
    fn renewed(agency: &Agency, clock: &C, before: Option<&Self>) -> Self {
        // What no connection could carry would wait behind the line for one.
        let most = match agency.is_house() {
            true => in_flight_max(agency.quota),
            false => in_flight_max(agency.quota).min(agency.connections_max),
        };
        let bound = Bound {
            in_flight: Bounds { least: agency.line.in_flight_min, most },
            is_adaptive: agency.line.is_adaptive && !agency.is_house(),
            waiting_max: agency.line.waiting_max,
            wait_max: agency.line.wait_max,
        };
        let line = Line::renewed(bound, before.map(|before| &before.line));
        let bucket = Bucket::renewed(agency.quota, clock, before.map(|before| &before.bucket));
        Self { line, bucket }
    }
}
