//! When to stop asking a failing agency, and when to ask it again.
//!
//! Failures in a row open it, or too many of a sample that is large enough; probes close it again, one at
//! a time unless one takes longer than the agency is left alone. Pure: the caller brings the time. While an
//! agency is well, a call costs one atomic load.

use crate::config::settings::Breaker as Settings;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The breaker of one agency; what it knows outlives a change of its settings.
#[derive(Debug)]
pub struct Breaker {
    settings: Settings,
    known: Arc<Known>,
}

#[derive(Debug)]
struct Known {
    /// Closed without a failure: nothing to look up, nothing to note.
    is_quiet: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed(Sample),
    /// `answered`: probes so far that were.
    Open {
        until: Instant,
        answered: u32,
    },
    /// `next`: when another call may try, because a slow caller makes a slow probe.
    Probing {
        next: Instant,
        answered: u32,
    },
}

/// What was seen of late; it begins with a failure.
#[derive(Debug, Default, Clone, Copy)]
struct Sample {
    in_row: u32,
    began: Option<Instant>,
    asked: u32,
    failed: u32,
}

impl Sample {
    fn note(&mut self, is_failed: bool, span: Duration, now: Instant) {
        let is_over = |began: Instant| now.saturating_duration_since(began) >= span;
        if self.began.is_some_and(is_over) {
            *self = Self { in_row: self.in_row, ..Self::default() };
        }
        if is_failed {
            self.in_row += 1;
            self.failed += 1;
            self.began.get_or_insert(now);
        } else {
            self.in_row = 0;
        }
        if self.began.is_some() {
            self.asked += 1;
        }
    }

    fn is_bad(&self, settings: &Settings) -> bool {
        let is_large = self.asked >= settings.sample_min;
        let percent = u64::from(self.failed) * 100;
        self.in_row >= settings.failures
            || is_large && percent >= u64::from(settings.failure_percent) * u64::from(self.asked)
    }

    fn is_quiet(&self) -> bool {
        self.in_row == 0 && self.began.is_none()
    }
}

/// How an exchange ended, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An answer came, whatever it says: HTTP 500 with a SOAP fault is an agency at work.
    Answered,
    /// Unreachable, no answer in time, or no answer that can be read.
    Failed,
    /// The agency was never asked, or nobody waited for the end.
    Unasked,
}

/// The right to ask the agency once; how it ended must be told, else it counts as unasked.
#[derive(Debug)]
pub struct Pass<'a> {
    breaker: &'a Breaker,
    /// Of a probe: when another call may try.
    probe: Option<Instant>,
    is_settled: bool,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let state = Mutex::new(State::Closed(Sample::default()));
        Self { settings, known: Arc::new(Known { is_quiet: AtomicBool::new(true), state }) }
    }

    /// The same breaker by other settings.
    #[must_use]
    pub fn renewed(&self, settings: Settings) -> Self {
        Self { settings, known: Arc::clone(&self.known) }
    }

    /// Lets a call through, or says how long to wait.
    ///
    /// # Errors
    /// The time left until the next probe; zero while one is under way.
    pub fn pass(&self, now: Instant) -> Result<Pass<'_>, Duration> {
        let mut pass = Pass { breaker: self, probe: None, is_settled: false };
        if self.known.is_quiet.load(Ordering::Relaxed) {
            return Ok(pass);
        }
        let mut state = self.state();
        match *state {
            State::Closed(_) => Ok(pass),
            State::Open { until, .. } if now < until => {
                pass.is_settled = true;
                Err(until.duration_since(now))
            }
            State::Probing { next, .. } if now < next => {
                pass.is_settled = true;
                Err(Duration::ZERO)
            }
            State::Open { answered, .. } | State::Probing { answered, .. } => {
                let next = now + self.settings.open_for;
                *state = State::Probing { next, answered };
                pass.probe = Some(next);
                Ok(pass)
            }
        }
    }

    /// Notes a failure after the answer had begun.
    pub fn fail(&self, now: Instant) {
        self.settle(None, Verdict::Failed, now);
    }

    /// Whether calls are refused, but for a probe.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.known.is_quiet.load(Ordering::Relaxed) && !matches!(*self.state(), State::Closed(_))
    }

    /// Whether a call, or the probe, would be let through now.
    #[must_use]
    pub fn lets_pass(&self, now: Instant) -> bool {
        match *self.state() {
            State::Closed(_) => true,
            State::Open { until, .. } | State::Probing { next: until, .. } => until <= now,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.known.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, probe: Option<Instant>, verdict: Verdict, now: Instant) {
        if verdict != Verdict::Failed
            && probe.is_none()
            && self.known.is_quiet.load(Ordering::Relaxed)
        {
            return;
        }
        let mut state = self.state();
        let open = State::Open { until: now + self.settings.open_for, answered: 0 };
        match (&mut *state, verdict) {
            (State::Probing { answered, .. }, Verdict::Answered) if probe.is_some() => {
                let answered = *answered + 1;
                *state = if answered >= self.settings.probes {
                    State::Closed(Sample::default())
                } else {
                    State::Open { until: now, answered }
                };
            }
            (State::Probing { next, .. }, Verdict::Failed) if probe == Some(*next) => *state = open,
            // Nobody knows more than before: the next call is the probe, unless another one is.
            (State::Probing { next, answered }, Verdict::Unasked) if probe == Some(*next) => {
                *state = State::Open { until: now, answered: *answered };
            }
            (State::Closed(sample), Verdict::Answered | Verdict::Failed) => {
                sample.note(verdict == Verdict::Failed, self.settings.window, now);
                if sample.is_bad(&self.settings) {
                    *state = open;
                }
            }
            // A call from before it opened tells nothing of now.
            (State::Closed(_) | State::Open { .. } | State::Probing { .. }, _) => {}
        }
        let is_quiet = matches!(&*state, State::Closed(sample) if sample.is_quiet());
        self.known.is_quiet.store(is_quiet, Ordering::Relaxed);
    }
}

impl Pass<'_> {
    /// Tells how the exchange ended.
    pub fn settle(mut self, verdict: Verdict, now: Instant) {
        self.is_settled = true;
        self.breaker.settle(self.probe, verdict, now);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // A probe whose call was given up must not block all others for ever.
        if !self.is_settled && self.probe.is_some() {
            self.breaker.settle(self.probe, Verdict::Unasked, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(10);
    const SETTINGS: Settings = Settings {
        failures: 3,
        open_for: OPEN_FOR,
        failure_percent: 50,
        sample_min: 10,
        window: Duration::from_secs(10),
        probes: 1,
    };

    fn breaker() -> Breaker {
        Breaker::new(SETTINGS)
    }

    fn fail(breaker: &Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            breaker.pass(now).expect("closed").settle(Verdict::Failed, now);
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_it_says_how_long_to_wait() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 3, now);
        assert!(breaker.is_open());
        let later = now + Duration::from_secs(4);
        assert_eq!(breaker.pass(later).err(), Some(Duration::from_secs(6)));
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 2, now);
        breaker.pass(now).expect("closed").settle(Verdict::Answered, now);
        fail(&breaker, 2, now);
        assert!(!breaker.is_open());
    }

    #[test]
    fn half_of_a_sample_opens_it_though_no_three_fail_in_a_row_and_a_small_one_does_not() {
        let (breaker, now) = (breaker(), Instant::now());
        let turn = |breaker: &Breaker, times: u32, at: Instant| {
            for number in 0..times {
                let verdict = if number % 2 == 0 { Verdict::Failed } else { Verdict::Answered };
                if let Ok(pass) = breaker.pass(at) {
                    pass.settle(verdict, at);
                }
            }
        };
        turn(&breaker, 8, now);
        assert!(!breaker.is_open(), "eight are no sample");
        // The sample of a time long gone does not count.
        turn(&breaker, 4, now + OPEN_FOR);
        assert!(!breaker.is_open());
        turn(&breaker, 6, now + OPEN_FOR);
        assert!(breaker.is_open());
    }

    #[test]
    fn as_many_probes_as_are_asked_for_must_be_answered() {
        let breaker = Breaker::new(Settings { probes: 2, ..SETTINGS });
        let now = Instant::now();
        fail(&breaker, 3, now);
        let later = now + OPEN_FOR;
        breaker.pass(later).expect("a probe").settle(Verdict::Answered, later);
        assert!(breaker.is_open());
        breaker.pass(later).expect("a probe").settle(Verdict::Failed, later);
        assert_eq!(breaker.pass(later).err(), Some(OPEN_FOR), "from the beginning");
        let again = later + OPEN_FOR;
        for _ in 0..2 {
            breaker.pass(again).expect("a probe").settle(Verdict::Answered, again);
        }
        assert!(!breaker.is_open());
    }

    #[test]
    fn what_never_reached_the_agency_counts_neither_way() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 2, now);
        breaker.pass(now).expect("closed").settle(Verdict::Unasked, now);
        fail(&breaker, 1, now);
        assert!(breaker.is_open());
    }

    #[test]
    fn one_probe_goes_through_and_its_answer_closes_it() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 3, now);
        let later = now + OPEN_FOR;
        let probe = breaker.pass(later).expect("the probe");
        assert_eq!(breaker.pass(later).err(), Some(Duration::ZERO), "a second probe");
        probe.settle(Verdict::Answered, later);
        assert!(!breaker.is_open());
        fail(&breaker, 2, later);
        assert!(!breaker.is_open(), "the count starts anew");
    }

    #[test]
    fn a_probe_that_takes_long_does_not_keep_the_others_out() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 3, now);
        let slow = breaker.pass(now + OPEN_FOR).expect("the probe");
        let almost = now + OPEN_FOR * 2 - Duration::from_millis(1);
        assert_eq!(breaker.pass(almost).err(), Some(Duration::ZERO));
        assert!(!breaker.lets_pass(almost));
        let later = now + OPEN_FOR * 2;
        assert!(breaker.lets_pass(later));
        let second = breaker.pass(later).expect("a second probe");
        slow.settle(Verdict::Unasked, later);
        second.settle(Verdict::Answered, later);
        assert!(!breaker.is_open());
    }

    #[test]
    fn a_failed_probe_opens_it_for_the_whole_time_again() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 3, now);
        let later = now + OPEN_FOR;
        breaker.pass(later).expect("the probe").settle(Verdict::Failed, later);
        assert_eq!(breaker.pass(later).err(), Some(OPEN_FOR));
    }

    #[test]
    fn a_probe_given_up_leaves_the_turn_to_the_next_call() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 3, now);
        let later = now + OPEN_FOR;
        drop(breaker.pass(later).expect("the probe"));
        assert!(breaker.pass(later + OPEN_FOR).is_ok());
    }

    #[test]
    fn calls_from_before_it_opened_change_nothing() {
        let (breaker, now) = (breaker(), Instant::now());
        let early = breaker.pass(now).expect("closed");
        let slow = breaker.pass(now).expect("closed");
        fail(&breaker, 3, now);
        early.settle(Verdict::Answered, now);
        assert!(breaker.is_open(), "an old answer does not close it");
        slow.settle(Verdict::Failed, now + Duration::from_secs(5));
        assert_eq!(breaker.pass(now).err(), Some(OPEN_FOR), "an old failure does not prolong it");
    }
}
