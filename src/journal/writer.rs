//! The group commit: while one commit runs, the next group gathers; one writer, no timer to tune.
//!
//! Opens wait in a bounded queue and are refused when the store fails. What ends an entry is never
//! refused and never forgotten: it waits in the backlog until it is durable. The backlog is bounded by
//! the calls under way, because nothing new is opened while it cannot shrink.

mod told;

use super::down::{JournalDown, Why};
use super::group::{Backing, Failed, Group, Job, Open, Order, Sweep};
use super::in_flight::InFlight;
use super::measure::Measure;
use super::stats::Stats;
use super::steady::Steady;
use super::thread;
use crate::trial;
use arc_swap::ArcSwapOption;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// How long a failed store rests before it is tried again; the first time it is tried at once.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// How long ends that nobody waits for wait for a group to ride in; without it the calls of one caller
/// would cost two commits each.
const RIDE_MAX: Duration = Duration::from_millis(5);
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// The pause between sweeps that go on with each other: calls shall not meet them one after the other. Answers that are
/// far beyond their cap wait for none.
const SWEEP_PAUSE: Duration = Duration::from_millis(100);
/// How often the bytes of stored answers are counted anew; in between they are counted along.
const COUNT_EVERY: Duration = Duration::from_mins(10);
/// How long a journal that was dropped without `drain` still tries to write its backlog.
const LAST_TRY: Duration = Duration::from_secs(2);

/// What the writer and the callers share.
pub(super) struct Shared {
    pub stats: Stats,
    pub in_flight: InFlight,
    /// Why opens are refused now.
    pub refusal: ArcSwapOption<JournalDown>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            stats: Stats::new(),
            in_flight: InFlight::default(),
            refusal: ArcSwapOption::empty(),
        }
    }

    fn accept(&self) {
        if self.refusal.load().is_some() {
            self.refusal.store(None);
            self.stats.set_ready(true);
            tracing::info!("the journal works again");
        }
    }

    fn refuse(&self, down: &JournalDown) {
        if self.refusal.swap(Some(Arc::new(down.clone()))).is_none() {
            tracing::error!(%down, "calls are refused until it works again");
        }
        self.stats.set_ready(false);
    }
}

/// The ends of the queues that the writer reads.
pub(super) struct Queues {
    pub opens: mpsc::Receiver<Open>,
    pub jobs: mpsc::UnboundedReceiver<Order>,
    /// For openings that nobody takes.
    pub undo: mpsc::WeakUnboundedSender<Order>,
}

/// How much goes into one commit, and how many answers are kept.
pub(super) struct Caps {
    pub group_max: usize,
    pub answers_bytes_max: u64,
}

/// The one writer of a node.
pub(super) struct Writer<S> {
    store: S,
    queues: Queues,
    shared: Arc<Shared>,
    caps: Caps,
    /// How much goes into one group now.
    measure: Measure,
    first: Option<Open>,
    backlog: VecDeque<Job>,
    /// Set while the backlog holds nothing but jobs that may ride.
    rides_until: Option<Instant>,
    rests_until: Option<Instant>,
    is_full: bool,
    sweeps_at: Instant,
    /// The next sweep goes on with the last one.
    is_sweeping: bool,
    /// Until when there is no sweep after one that failed.
    sweep_rests_until: Option<Instant>,
    /// When the bytes of stored answers are counted anew.
    counts_at: Instant,
    clock: Steady,
    stop: Option<Stop>,
}

struct Stop {
    deadline: Instant,
    asked: Vec<oneshot::Sender<usize>>,
}

impl<S: Backing> Writer<S> {
    pub(super) fn new(store: S, queues: Queues, shared: Arc<Shared>, caps: Caps) -> Self {
        shared.stats.set_ready(true);
        Self {
            store,
            queues,
            shared,
            measure: Measure::new(caps.group_max),
            caps,
            first: None,
            backlog: VecDeque::new(),
            rides_until: None,
            rests_until: None,
            is_full: false,
            sweeps_at: Instant::now(),
            is_sweeping: false,
            sweep_rests_until: None,
            counts_at: Instant::now(),
            clock: Steady::start(),
            stop: None,
        }
    }

    /// Works until it is stopped or every journal handle is gone, and the backlog is written.
    pub(super) async fn run(mut self) {
        loop {
            while !self.is_over() {
                self.receive().await;
                if self.is_resting() {
                    self.refuse_waiting();
                    continue;
                }
                if self.is_riding() {
                    continue;
                }
                thread::let_join(|| self.queues.opens.len() + self.queues.jobs.len());
                self.take_orders();
                let group = self.gather();
                self.commit(group).await;
                self.sweep_when_due().await;
            }
            // What was sent before this moment is still taken; what comes later is told so.
            self.queues.jobs.close();
            self.take_orders();
            if self.is_over() {
                break;
            }
        }
        let unwritten = self.backlog.len();
        if unwritten > 0 {
            tracing::error!(unwritten, "the journal stopped before it could write all it had");
        }
        // The store is closed, its lock free, before anybody is told.
        drop(self.store);
        for stopped in self.stop.into_iter().flat_map(|stop| stop.asked) {
            let _gone = stopped.send(unwritten);
        }
    }

    fn is_over(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| {
            (self.backlog.is_empty() && self.queues.jobs.is_empty())
                || Instant::now() >= stop.deadline
        })
    }

    fn is_resting(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }

    /// Whether all there is to do may wait for the next open.
    fn is_riding(&self) -> bool {
        self.first.is_none()
            && self.rests_until.is_none()
            && self.stop.is_none()
            && self.backlog.len() < self.caps.group_max
            && self.rides_until.is_some_and(|until| Instant::now() < until)
    }

    /// Waits for something to do.
    async fn receive(&mut self) {
        let is_idle = self.backlog.is_empty() || self.is_resting() || self.is_riding();
        let wakes_at = match self.rests_until.or(self.rides_until) {
            Some(until) => until,
            None if self.is_full => Instant::now() + RETRY_PAUSE,
            None => self.sweeps_at,
        };
        if is_idle && self.stop.is_none() {
            tokio::select! {
                biased;
                order = self.queues.jobs.recv() => match order {
                    Some(order) => self.take_order(order),
                    None => self.stop(Instant::now() + LAST_TRY, None),
                },
                Some(open) = self.queues.opens.recv() => self.first = Some(open),
                () = sleep_until(wakes_at) => {}
            }
        } else if self.is_resting() {
            sleep_until(wakes_at).await;
        }
        self.take_orders();
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.queues.jobs.try_recv() {
            self.take_order(order);
        }
    }

    fn take_order(&mut self, order: Order) {
        match order {
            Order::Do(job) => {
                if !job.may_ride() {
                    self.rides_until = None;
                } else if self.backlog.is_empty() {
                    self.rides_until = Some(Instant::now() + RIDE_MAX);
                }
                self.backlog.push_back(job);
            }
            Order::Stop(deadline, stopped) => self.stop(deadline, Some(stopped)),
        }
    }

    /// Ends the work at `deadline` at the latest: opens are refused, the backlog is still written.
    fn stop(&mut self, deadline: Instant, asked: Option<oneshot::Sender<usize>>) {
        let stop = self.stop.get_or_insert(Stop { deadline, asked: Vec::new() });
        stop.deadline = stop.deadline.min(deadline);
        stop.asked.extend(asked);
        self.shared.refuse(&JournalDown::new(Why::Stopped, "the gateway is stopping"));
        self.queues.opens.close();
        self.refuse_waiting();
    }

    /// Fills a group: ends of entries first, then opens.
    fn gather(&mut self) -> Group {
        let mut group = Group::at(self.clock.now_us());
        self.rides_until = None;
        while !group.is_full(self.measure) {
            let Some(job) = self.backlog.pop_front() else { break };
            group.job(job);
        }
        if let Some(first) = self.first.take() {
            self.take_open(&mut group, first);
        }
        while group.has_room(self.measure) {
            let Ok(open) = self.queues.opens.try_recv() else { break };
            self.take_open(&mut group, open);
        }
        group
    }

    fn take_open(&self, group: &mut Group, open: Open) {
        self.shared.stats.opens_waiting.subtract(1);
        if !open.answer.is_closed() {
            group.open(open);
        }
    }

    async fn commit(&mut self, mut group: Group) {
        let full = self.store.refusal();
        self.is_full = full.is_some();
        if let Some(full) = &full {
            self.shared.refuse(full);
            self.refuse_growth(&mut group, full);
        }
        if group.len() == 0 && self.rests_until.is_none() {
            self.accept();
            return;
        }
        let begun = Instant::now();
        trial::point("journal.commit.before");
        let committed = self.store.commit(&group).await;
        trial::point("journal.commit.after");
        match committed {
            Ok(written) => {
                self.rests_until = None;
                self.measure.written();
                self.accept();
                let commit_us = begun.elapsed().as_micros();
                self.shared.stats.commit_us.observe(u64::try_from(commit_us).unwrap_or(u64::MAX));
                self.settle(group, written);
            }
            Err(failed) => self.fail(group, failed),
        }
    }

    fn accept(&self) {
        if !self.is_full && self.stop.is_none() {
            self.shared.accept();
        }
    }

    fn fail_sweep(&mut self, failed: Failed) {
        self.is_sweeping = false;
        self.sweeps_at = Instant::now() + SWEEP_EVERY;
        self.sweep_rests_until = Some(self.sweeps_at);
        match failed.down.why {
            // A full disk has its own refusal.
            Why::Full => {}
            // The sweep was too much for the store. Whether calls are, a probe tells.
            Why::Slow | Why::Busy => {
                tracing::warn!(down = %failed.down, "what has expired could not be dropped");
                self.rests_until = Some(Instant::now());
            }
            _ => self.fail(Group::default(), failed),
        }
    }

    async fn sweep_when_due(&mut self) {
        let cap = self.caps.answers_bytes_max;
        let is_over_cap = self.shared.stats.answers_bytes.read() > cap.saturating_add(cap / 16);
        let now = Instant::now();
        let is_due = is_over_cap || now >= self.sweeps_at;
        let is_at_rest = self.sweep_rests_until.is_some_and(|until| now < until);
        if !is_due || is_at_rest || self.rests_until.is_some() || self.stop.is_some() {
            return;
        }
        self.sweeps_at = now + SWEEP_EVERY;
        // What is far beyond the cap is dropped by what was counted, not by what was counted along.
        let is_known = self.is_sweeping || !is_over_cap && now < self.counts_at;
        let bytes_known = is_known.then(|| self.shared.stats.answers_bytes.read());
        if bytes_known.is_none() {
            self.counts_at = now + COUNT_EVERY;
        }
        let sweep = Sweep { now_us: self.clock.now_us(), bytes_max: cap, bytes_known };
        let swept = self.store.sweep(sweep).await;
        self.sweep_rests_until = None;
        match swept {
            Ok(swept) => {
                self.shared.stats.answers_bytes.set(swept.answers_bytes);
                self.is_sweeping = swept.is_more;
                if swept.is_more {
                    self.sweeps_at = Instant::now() + SWEEP_PAUSE;
                }
            }
            Err(failed) => self.fail_sweep(failed),
        }
    }
}

#[cfg(test)]
mod counting;
#[cfg(test)]
mod riding;
#[cfg(test)]
mod slow;
