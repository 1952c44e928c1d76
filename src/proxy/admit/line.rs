//! The way to one agency: so many calls at once, and a short line before it in which everybody has a turn.
//!
//! While there is room, a call costs three atomic operations. Without room it waits: payments before
//! citizens before batches, though none of them for ever; within a class the participants take turns,
//! however many calls one of them has waiting. A full line sends away the newest of the least urgent
//! class, of whoever has most there. Who cannot be answered in time is told at once. A line that stands
//! is no help: whoever joins it waits and not one call more is answered. So a line is for bursts, and
//! one in which somebody always waits is kept short.

use super::pace::{Bounds, Ended, Pace};
use super::queue::{Queue, Told, Waiter};
use crate::config::settings::Class;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

/// Somebody has always been waiting for so long: the line stands.
const STANDS_AFTER: Duration = Duration::from_millis(500);
/// How long a standing line is, or a whole round of the agency's places where that takes longer: enough
/// that each place finds its next call. Payments may wait longer.
const STANDING_WAIT_MAX: Duration = Duration::from_millis(100);

/// What the settings say of one agency's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// Calls at the agency at once.
    pub(super) in_flight: Bounds,
    /// Follows the agency's own times; else always the most.
    pub(super) is_adaptive: bool,
    /// Calls waiting.
    pub(super) waiting_max: usize,
    /// How long any of them waits.
    pub(super) wait_max: Duration,
}

/// What outlives a change of the settings.
#[derive(Debug)]
struct State {
    taken: AtomicUsize,
    waiting: AtomicUsize,
    /// The limit that the agency's times gave; `usize::MAX`: none yet.
    found: AtomicUsize,
    /// Microseconds for which a place is held, as of late.
    held_us: AtomicU64,
    queue: Mutex<Queue<Place>>,
    pace: Mutex<Pace>,
}

/// One agency's line.
#[derive(Debug)]
pub(super) struct Line {
    bound: Bound,
    state: Arc<State>,
}

/// A place at the agency; given to the next in line when dropped.
#[derive(Debug)]
pub(super) struct Place {
    line: Arc<Line>,
    since: Instant,
    /// It was never used: nobody is let in for it, and it tells nothing.
    is_unused: bool,
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Away, by this limit.
    pub(super) limit: &'static str,
    /// When to come back.
    pub(super) after: Duration,
}

impl Line {
    pub(super) fn renewed(bound: Bound, before: Option<&Arc<Self>>) -> Arc<Self> {
        let fresh = || {
            Arc::new(State {
                taken: AtomicUsize::new(0),
                waiting: AtomicUsize::new(0),
                found: AtomicUsize::new(usize::MAX),
                held_us: AtomicU64::new(0),
                queue: Mutex::default(),
                pace: Mutex::new(Pace::new()),
            })
        };
        let state = before.map_or_else(fresh, |before| Arc::clone(&before.state));
        Arc::new(Self { bound, state })
    }

    /// Calls at the agency, the limit on them, and calls waiting.
    pub(super) fn levels(&self) -> (usize, usize, usize) {
        let state = &self.state;
        let taken = state.taken.load(Ordering::Relaxed);
        (taken, self.limit(), state.waiting.load(Ordering::Relaxed))
    }

    fn limit(&self) -> usize {
        let Bounds { least, most } = self.bound.in_flight;
        if !self.bound.is_adaptive {
            return most;
        }
        self.state.found.load(Ordering::Relaxed).clamp(least.min(most), most)
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Place>> {
        self.state.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_take(self: &Arc<Self>) -> Option<Place> {
        let limit = self.limit();
        let below = |taken: usize| (taken < limit).then(|| taken + 1);
        let taken = self.state.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, below);
        taken.ok().map(|_| Place {
            line: Arc::clone(self),
            since: Instant::now(),
            is_unused: false,
        })
    }

    /// A place, where there is one and nobody waits for it; `Ok(None)`: one may wait for it.
    ///
    /// # Errors
    /// There is none, and no line to wait in.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Option<Place>, Sent> {
        let is_free = self.state.waiting.load(Ordering::SeqCst) == 0;
        match is_free.then(|| self.try_take()).flatten() {
            None if self.bound.waiting_max == 0 => {
                Err(Sent { limit: "in_flight_agency", after: Duration::ZERO })
            }
            place => Ok(place),
        }
    }

    /// A place, once it is this call's turn.
    ///
    /// # Errors
    /// It could not be answered by the deadline, or others are more urgent.
    pub(super) async fn wait(
        self: &Arc<Self>,
        (class, who): (Class, &str),
        deadline: Instant,
    ) -> Result<Place, Sent> {
        let now = Instant::now();
        let (granted, id) = {
            let mut queue = self.queue();
            self.state.waiting.fetch_add(1, Ordering::SeqCst);
            // A place may have come free since: it is ours, if nobody was here before.
            if queue.is_empty()
                && let Some(place) = self.try_take()
            {
                self.state.waiting.fetch_sub(1, Ordering::SeqCst);
                return Ok(place);
            }
            let wait = self.span(queue.ahead_of(class) + 1);
            let late = wait > self.bound.wait_max || now + wait + self.held() > deadline;
            // Of its own class: those that go before it are passed over now and then.
            let own_wait = self.span(queue.of(class) + 1);
            let is_long =
                self.standing_wait_max(&queue, class, now).is_some_and(|max| own_wait > max);
            let is_full = is_long || queue.len() >= self.bound.waiting_max;
            let has_room = !late && (!is_full || self.make_room(&mut queue, class, who).is_some());
            if !has_room {
                self.state.waiting.fetch_sub(1, Ordering::SeqCst);
                let limit = if late { "deadline_agency" } else { "waiting_agency" };
                return Err(Sent { limit, after: wait });
            }
            let (grant, granted) = oneshot::channel();
            let due = deadline.checked_sub(self.held()).unwrap_or(now);
            (granted, queue.push(who, Waiter { grant, class, since: now, due }))
        };
        let _leave = Leave { line: self, of: (class, who), id };
        let until = deadline.min(now + self.bound.wait_max);
        match timeout_at(until.into(), granted).await {
            Ok(Ok(Told::Go(place))) => Ok(place),
            Ok(Ok(Told::PushedOut)) => Err(self.sent("waiting_agency", class)),
            Ok(Ok(Told::TooLate) | Err(_)) | Err(_) => Err(self.sent("deadline_agency", class)),
        }
    }

    fn sent(&self, limit: &'static str, class: Class) -> Sent {
        Sent { limit, after: self.span(self.queue().ahead_of(class) + 1) }
    }

    /// Room for one more in a full line, by sending somebody away; `None`: nobody who has more.
    fn make_room(&self, queue: &mut Queue<Place>, class: Class, who: &str) -> Option<()> {
        let pushed_out = queue.push_out(class, who)?;
        self.state.waiting.fetch_sub(1, Ordering::SeqCst);
        // Gone already: all the better.
        drop(pushed_out.grant.send(Told::PushedOut));
        Some(())
    }

    fn held(&self) -> Duration {
        Duration::from_micros(self.state.held_us.load(Ordering::Relaxed))
    }

    /// How long it takes until so many places came free.
    fn span(&self, places: usize) -> Duration {
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        let limit = u32::try_from(self.limit()).unwrap_or(u32::MAX);
        self.held().saturating_mul(places) / limit.max(1)
    }

    /// How long one of this class may wait while the line stands; `None`: it stands not, or it is a
    /// payment.
    fn standing_wait_max(
        &self,
        queue: &Queue<Place>,
        class: Class,
        now: Instant,
    ) -> Option<Duration> {
        let stands = class != Class::Payment && queue.stands(now) >= STANDS_AFTER;
        stands.then(|| STANDING_WAIT_MAX.max(self.held()))
    }

    /// Whether a place is still of use to whose turn it is. Who joined before the line stood, when it
    /// promised to be quicker, has waited longer than anybody who comes now would; but not who waited
    /// because more urgent ones were let pass.
    fn has_use(
        &self,
        queue: &Queue<Place>,
        waiter: &Waiter<Place>,
        now: Instant,
    ) -> Result<(), Told<Place>> {
        if waiter.due < now {
            return Err(Told::TooLate);
        }
        let is_most_urgent = queue.ahead_of(waiter.class) == queue.of(waiter.class);
        let waited = now.saturating_duration_since(waiter.since);
        let is_stale = is_most_urgent
            && self.standing_wait_max(queue, waiter.class, now).is_some_and(|max| waited > max * 2);
        if is_stale { Err(Told::PushedOut) } else { Ok(()) }
    }

    /// Lets in whose turn it is, as long as there is room.
    fn hand_over(self: &Arc<Self>) {
        while self.state.waiting.load(Ordering::SeqCst) > 0 {
            let (waiter, told) = {
                let mut queue = self.queue();
                let Some(place) = (!queue.is_empty()).then(|| self.try_take()).flatten() else {
                    return;
                };
                let Some(waiter) = queue.next() else {
                    place.unused();
                    return;
                };
                self.state.waiting.fetch_sub(1, Ordering::SeqCst);
                let told = match self.has_use(&queue, &waiter, place.since) {
                    Ok(()) => Told::Go(place),
                    Err(told) => {
                        place.unused();
                        told
                    }
                };
                (waiter, told)
            };
            // Who has left gives the place back by dropping it, which comes here again.
            drop(waiter.grant.send(told));
        }
    }
}

impl Place {
    /// Gives the place back without looking who is next.
    fn unused(mut self) {
        self.is_unused = true;
    }

    /// Tells how long the agency took, or that it was waited for in vain.
    pub(super) fn note(&self, service: &str, took: Duration, is_late: bool) {
        let (bound, state) = (self.line.bound, &self.line.state);
        if !bound.is_adaptive {
            return;
        }
        // Who finds another at it leaves it at that: one answer more or less changes nothing.
        let Ok(mut pace) = state.pace.try_lock() else { return };
        let in_flight = state.taken.load(Ordering::Relaxed);
        let ended = Ended { service, took, is_late, in_flight };
        if let Some(limit) = pace.note(&ended, bound.in_flight, Instant::now()) {
            state.found.store(limit, Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let state = &self.line.state;
        state.taken.fetch_sub(1, Ordering::SeqCst);
        if self.is_unused {
            return;
        }
        let held_us = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let before = state.held_us.load(Ordering::Relaxed);
        let after = if before == 0 { held_us } else { before - before / 16 + held_us / 16 };
        state.held_us.store(after, Ordering::Relaxed);
        self.line.hand_over();
    }
}

/// Takes a call out of the line that waits no more.
struct Leave<'l> {
    line: &'l Arc<Line>,
    of: (Class, &'l str),
    id: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let (class, who) = self.of;
        if self.line.queue().leave(class, who, self.id) {
            self.line.state.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    const BOUND: Bound = Bound {
        in_flight: Bounds { least: 1, most: 1 },
        is_adaptive: false,
        waiting_max: 64,
        wait_max: Duration::from_secs(5),
    };

    /// One place, taken, that is held for 30 ms as a rule; so many of a participant wait since then.
    fn standing(count: usize, since: Duration) -> (Arc<Line>, Place) {
        let line = Line::renewed(BOUND, None);
        let place = line.enter().expect("a place").expect("free");
        line.state.held_us.store(30_000, Ordering::Relaxed);
        let due = Instant::now() + Duration::from_secs(60);
        let since = Instant::now().checked_sub(since).expect("the machine runs for longer");
        for _ in 0..count {
            let grant = oneshot::channel().0;
            line.state.waiting.fetch_add(1, Ordering::SeqCst);
            line.queue().push("a", Waiter { grant, class: Class::Citizen, since, due });
        }
        (line, place)
    }

    /// Whether one more would wait; it does not.
    fn may_join(line: &Arc<Line>, class: Class, who: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut context = Context::from_waker(Waker::noop());
        pin!(line.wait((class, who), deadline)).poll(&mut context).is_pending()
    }

    #[tokio::test]
    async fn a_line_takes_a_burst_and_is_kept_short_once_it_stands() {
        let (line, _place) = standing(10, Duration::from_millis(1));
        assert!(may_join(&line, Class::Citizen, "a"), "300 ms, but it is a burst");
        let (line, _place) = standing(2, STANDS_AFTER);
        assert!(may_join(&line, Class::Citizen, "a"), "90 ms");
        let (line, _place) = standing(10, STANDS_AFTER);
        assert!(!may_join(&line, Class::Citizen, "a"));
        assert!(may_join(&line, Class::Payment, "a"));
        assert!(may_join(&line, Class::Batch, "a"), "none of its class waits");
        assert!(may_join(&line, Class::Citizen, "b"), "it takes the room of who has most");
        assert_eq!(line.queue().of(Class::Citizen), 9);
    }

    #[tokio::test]
    async fn who_waited_too_long_in_a_standing_line_gives_its_turn_to_a_younger_one() {
        let (line, place) = standing(10, STANDS_AFTER);
        let (grant, mut granted) = oneshot::channel();
        let now = Instant::now();
        let (class, due) = (Class::Citizen, now + Duration::from_secs(60));
        line.state.waiting.fetch_add(1, Ordering::SeqCst);
        line.queue().push("a", Waiter { grant, class, since: now, due });
        drop(place);
        assert!(matches!(granted.try_recv(), Ok(Told::Go(_))), "the ten before it waited in vain");
        assert_eq!(line.state.waiting.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn who_waited_because_more_urgent_ones_were_let_pass_keeps_its_turn() {
        let (line, _place) = standing(2, STANDS_AFTER);
        let (grant, now) = (oneshot::channel().0, Instant::now());
        let since = now.checked_sub(STANDS_AFTER).expect("the machine runs for longer");
        let due = now + Duration::from_secs(60);
        let old = |class| Waiter { grant: oneshot::channel().0, class, since, due };
        let queue = line.queue();
        assert!(matches!(line.has_use(&queue, &old(Class::Citizen), now), Err(Told::PushedOut)));
        assert!(line.has_use(&queue, &old(Class::Batch), now).is_ok(), "citizens wait");
        assert!(line.has_use(&queue, &old(Class::Payment), now).is_ok());
        let late = Waiter { grant, class: Class::Payment, since, due: since };
        assert!(matches!(line.has_use(&queue, &late, now), Err(Told::TooLate)));
    }
}
