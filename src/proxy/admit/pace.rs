//! How many calls an agency bears at once, read off its own answers.
//!
//! More while they come as fast as ever, fewer when they come later because of us. Pure: the caller
//! brings the time.
//!
//! A gradient: the limit goes with (usual time ÷ time now), plus a little to try whether there is room.
//! Times are held against the usual time of their own service, so that a slow service among fast ones
//! is no overload.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Answers are judged together once there are so many and so much time has passed.
const WINDOW: Duration = Duration::from_millis(100);
const WINDOW_ANSWERS: u32 = 10;
/// So many times the usual is still usual.
const TOLERANCE: f64 = 1.5;
/// A usual time below this counts as this: within it the node's own queues tell more than the agency, and
/// a call that finds them full is not the agency's overload.
const USUAL_SECONDS_MIN: f64 = 0.010;
/// The usual time follows answers that take longer in this time, those that take less at once.
const USUAL_RISES_IN: Duration = Duration::from_secs(60);
const USUAL_FALLS_BY: f64 = 0.125;
/// How much of a newly found limit is taken at once.
const SMOOTHING: f64 = 0.5;
/// Every so often fewer calls are let through for one window, so that the usual time is seen again.
const PROBE_EVERY: Duration = Duration::from_secs(30);

/// The bounds that the settings give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) least: usize,
    pub(super) most: usize,
}

/// What is known of one agency's times.
#[derive(Debug)]
pub(super) struct Pace {
    /// `None` until answers have moved it from the most that is allowed.
    limit: Option<f64>,
    usual: HashMap<String, Usual>,
    window: Window,
    probed_at: Option<Instant>,
    is_probe: bool,
}

#[derive(Debug)]
struct Usual {
    seconds: f64,
    seen_at: Instant,
}

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    ratios: f64,
    answers: u32,
    late: u32,
    in_flight_most: usize,
}

/// One exchange that ended.
pub(super) struct Ended<'s> {
    pub(super) service: &'s str,
    pub(super) took: Duration,
    /// It ended because time ran out.
    pub(super) is_late: bool,
    /// Calls at the agency when it ended, itself among them.
    pub(super) in_flight: usize,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            limit: None,
            usual: HashMap::new(),
            window: Window::default(),
            probed_at: None,
            is_probe: false,
        }
    }

    /// Notes one exchange; the limit from now on, where it may have changed.
    pub(super) fn note(
        &mut self,
        ended: &Ended<'_>,
        bounds: Bounds,
        now: Instant,
    ) -> Option<usize> {
        let ratio = self.ratio(ended, now);
        let window = &mut self.window;
        let began = *window.began.get_or_insert(now);
        window.in_flight_most = window.in_flight_most.max(ended.in_flight);
        if ended.is_late {
            window.late += 1;
        } else {
            window.ratios += ratio;
            window.answers += 1;
        }
        let is_full = window.answers + window.late >= WINDOW_ANSWERS;
        if !is_full || now.saturating_duration_since(began) < WINDOW {
            return None;
        }
        let window = std::mem::take(&mut self.window);
        Some(self.judge(&window, bounds, now))
    }

    /// How many times its service's usual time it took; the usual time moves with it.
    fn ratio(&mut self, ended: &Ended<'_>, now: Instant) -> f64 {
        let seconds = ended.took.as_secs_f64().max(1e-6);
        let Some(usual) = self.usual.get_mut(ended.service) else {
            if !ended.is_late {
                let usual = Usual { seconds, seen_at: now };
                self.usual.insert(ended.service.to_owned(), usual);
            }
            return 1.0;
        };
        let ratio = seconds / usual.seconds.max(USUAL_SECONDS_MIN);
        if seconds < usual.seconds {
            usual.seconds -= (usual.seconds - seconds) * USUAL_FALLS_BY;
        } else if !ended.is_late {
            let since = now.saturating_duration_since(usual.seen_at).as_secs_f64();
            let part = (since / USUAL_RISES_IN.as_secs_f64()).min(0.1);
            usual.seconds += (seconds - usual.seconds) * part;
        }
        usual.seen_at = now;
        ratio
    }

    fn judge(&mut self, window: &Window, bounds: Bounds, now: Instant) -> usize {
        let (least, most) = (float(bounds.least.max(1)), float(bounds.most.max(1)));
        let limit = self.limit.unwrap_or(most).clamp(least.min(most), most);
        let found = if window.late * 2 > window.answers {
            // Nobody knows how much it bears: half of it, until answers come again.
            limit / 2.0
        } else {
            let ratio = window.ratios / f64::from(window.answers.max(1));
            let gradient = (TOLERANCE / ratio).clamp(0.5, 1.0);
            let is_used = float(window.in_flight_most) * 2.0 >= limit;
            if gradient >= 1.0 && !is_used { limit } else { limit * gradient + limit.sqrt() }
        };
        let limit = (limit + (found - limit) * SMOOTHING).clamp(least.min(most), most);
        self.limit = Some(limit);
        self.probed(limit, least.min(most), now)
    }

    /// The limit to use: fewer for one window now and then, while less than all is let through.
    fn probed(&mut self, limit: f64, least: f64, now: Instant) -> usize {
        let probed_at = *self.probed_at.get_or_insert(now);
        self.is_probe = !self.is_probe && now.saturating_duration_since(probed_at) >= PROBE_EVERY;
        if self.is_probe {
            self.probed_at = Some(now);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 … 100000")]
        let whole = |limit: f64| limit.round().max(1.0) as usize;
        whole(if self.is_probe { (limit / 2.0).max(least) } else { limit })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls are exact in a double")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { least: 4, most: 64 };

    /// An agency that works on `workers` calls at once, each in 20 ms; all others wait their turn there.
    fn run(pace: &mut Pace, limit: &mut usize, workers: usize, rounds: u32, now: &mut Instant) {
        for _ in 0..rounds {
            let in_flight = *limit;
            let wait = float(in_flight).max(float(workers)) / float(workers);
            let took = Duration::from_secs_f64(0.020 * wait);
            *now += took;
            for _ in 0..in_flight {
                let ended = Ended { service: "s", took, is_late: false, in_flight };
                *limit = pace.note(&ended, BOUNDS, *now).unwrap_or(*limit);
            }
        }
    }

    #[test]
    fn it_finds_what_an_agency_bears_and_comes_back_when_it_bears_more() {
        let (mut pace, mut limit, mut now) = (Pace::new(), 64, Instant::now());
        let alone =
            Ended { service: "s", took: Duration::from_millis(20), is_late: false, in_flight: 1 };
        pace.note(&alone, BOUNDS, now);
        run(&mut pace, &mut limit, 16, 400, &mut now);
        assert!((14..=40).contains(&limit), "16 workers: {limit}");
        run(&mut pace, &mut limit, 64, 400, &mut now);
        assert!(limit >= 56, "64 workers: {limit}");
    }

    #[test]
    fn a_slow_service_among_fast_ones_is_no_overload() {
        let (mut pace, mut now) = (Pace::new(), Instant::now());
        let mut limit = 64;
        for turn in 0..4_000_u32 {
            now += Duration::from_millis(1);
            let (service, ms) = if turn % 2 == 0 { ("fast", 5) } else { ("slow", 900) };
            let took = Duration::from_millis(ms);
            let ended = Ended { service, took, is_late: false, in_flight: 40 };
            limit = pace.note(&ended, BOUNDS, now).unwrap_or(limit);
        }
        assert_eq!(limit, 64);
    }

    #[test]
    fn an_agency_of_microseconds_is_not_throttled_for_a_few_milliseconds_of_ours() {
        let (mut pace, mut now, mut limit) = (Pace::new(), Instant::now(), 64);
        let alone =
            Ended { service: "s", took: Duration::from_micros(100), is_late: false, in_flight: 1 };
        pace.note(&alone, BOUNDS, now);
        let mut run = |took, answers: u32| {
            for _ in 0..answers {
                now += Duration::from_millis(1);
                let ended = Ended { service: "s", took, is_late: false, in_flight: limit };
                limit = pace.note(&ended, BOUNDS, now).unwrap_or(limit);
            }
            limit
        };
        assert_eq!(run(Duration::from_millis(9), 2_000), 64);
        assert!(
            run(Duration::from_millis(90), 2_000) < 16,
            "but for what is long, whatever it was"
        );
    }

    #[test]
    fn an_agency_that_answers_nobody_in_time_gets_no_more_than_the_least() {
        let (mut pace, mut now, mut limit) = (Pace::new(), Instant::now(), 64);
        for _ in 0..2_000 {
            now += Duration::from_millis(10);
            let took = Duration::from_secs(5);
            let ended = Ended { service: "s", took, is_late: true, in_flight: limit };
            limit = pace.note(&ended, BOUNDS, now).unwrap_or(limit);
        }
        assert_eq!(limit, BOUNDS.least);
    }
}
