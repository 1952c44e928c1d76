//! Charges, orders, ledger and operating days: money moves once or not at all, and evidence decides.
//!
//! One behaviour on two stores, as the journal's. [`Payments::run`] returns when what it decided is
//! on disk: only then may anything be sent to a bank, or be answered to one. The rules are pure
//! (`decide`); the store reads the rows that a group of requests needs, lets the rules change them,
//! and writes the changes in one transaction.

mod book;
pub mod breaks;
pub mod calendar;
pub mod clerk;
pub mod command;
mod decide;
pub mod desk;
pub mod ledger;
pub mod order;
pub mod proof;
mod questions;
pub mod receipt;
pub mod record;
mod stats;
mod store;
mod watched;
mod writer;

pub use decide::Render;
pub use stats::Stats;
pub use store::migrate;

use crate::config::settings::{self, Store};
use crate::journal::down::{JournalDown, JournalError, Why};
use crate::journal::postgres::Target;
use crate::journal::{now_us, thread};
use command::{Act, Answered, Command, Key, Reply};
use decide::{Request, Rules};
use order::Action;
use record::Order;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Embedded, Postgres, Reader};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{timeout, timeout_at};
use watched::Watched;
use writer::{Asked, Intake, Writer};

/// The longest that anybody waits for a commit; a store that fails says so sooner.
const PATIENCE: Duration = Duration::from_secs(5);
/// Requests that may wait: so many groups, and never fewer than this.
const GROUPS_WAITING_MAX: usize = 8;
const WAITING_MIN: usize = 1_024;
/// Orders of an earlier life looked after at once.
const RECOVERY_MAX: u32 = 500;

/// The payments of one node; cheap to clone.
#[derive(Clone)]
pub struct Payments {
    queue: mpsc::Sender<Asked>,
    reader: Reader,
    stats: Arc<Stats>,
    stop: Arc<Notify>,
    /// Closed when the writer has ended and given its store back.
    running: watch::Receiver<()>,
    /// Marked after every commit of this node that leaves something for the clerk.
    work: Arc<watch::Sender<()>>,
    watched: Arc<Watched>,
}

impl Payments {
    /// Opens the store, checks its schema (the embedded one is migrated), and leaves Unknown what
    /// this node was sending when its earlier life ended.
    ///
    /// # Errors
    /// When the store cannot be reached, needs `qaqpa migrate`, or is held by another process.
    pub async fn start(settings: &settings::Payments, node: &str) -> Result<Self, JournalError> {
        let rules = Rules::new(settings);
        let group_max = settings.group_max.max(1);
        let (queue, asked) = mpsc::channel((GROUPS_WAITING_MAX * group_max).max(WAITING_MIN));
        let (stats, stop) = (Arc::new(Stats::default()), Arc::new(Notify::new()));
        let work = Arc::new(watch::channel(()).0);
        let intake = Intake {
            queue: asked,
            stop: Arc::clone(&stop),
            stats: Arc::clone(&stats),
            work: Arc::clone(&work),
        };
        let (runs, running) = watch::channel(());
        let banks: Vec<String> = settings.banks.keys().cloned().collect();
        match settings.store.clone() {
            Store::Embedded { path } => {
                let open = async move || Embedded::open(&path, &banks);
                let write = move |store| write(Writer::new(store, intake, rules, group_max), runs);
                thread::run("payments", open, write).await?;
            }
            Store::Postgres { url, .. } => {
                let target = Target::parse(&url)?;
                let open = async move || Postgres::open(target, &banks).await;
                let write = move |store| write(Writer::new(store, intake, rules, group_max), runs);
                thread::run("payments", open, write).await?;
            }
        }
        let reader = Reader::new(&settings.store)?;
        let watched = Arc::default();
        let payments = Self { queue, reader, stats, stop, running, work, watched };
        let recovered = payments.recover(node).await;
        recovered.map_err(|down| JournalError::store("the orders of an earlier life", down))?;
        Ok(payments)
    }

    /// Payments that can only be asked: what would change them is refused. No gateway is disturbed.
    ///
    /// # Errors
    /// The store's address cannot be read.
    pub fn reading(settings: &settings::Payments) -> Result<Self, JournalError> {
        let (queue, _) = mpsc::channel(1);
        let (_, running) = watch::channel(());
        Ok(Self {
            queue,
            reader: Reader::new(&settings.store)?,
            stats: Arc::default(),
            stop: Arc::default(),
            running,
            work: Arc::default(),
            watched: Arc::default(),
        })
    }

    /// Does it, durably; or refuses it without an effect.
    ///
    /// # Errors
    /// Nothing may be sent or promised. It may have been done: whoever asks again by the same ids
    /// finds out.
    pub async fn run(&self, command: Command) -> Result<Reply, JournalDown> {
        match self.ask(Request { command, key: None }).await? {
            Answered::Now(reply, _) => Ok(reply),
            Answered::Again(_) | Answered::OtherBody => {
                Err(JournalDown::new(Why::Broken, "payments: an answer without a key"))
            }
        }
    }

    /// Does it once for a key: the same body gets the same bytes again, which `render` made of the
    /// first reply; another body is told so. A refusal is not kept, since nothing happened.
    ///
    /// # Errors
    /// As [`Payments::run`]; asking again with the same key finds out.
    pub async fn run_once(
        &self,
        key: Key,
        render: Render,
        command: Command,
    ) -> Result<Answered, JournalDown> {
        self.ask(Request { command, key: Some((key, render)) }).await
    }

    /// How long this process has known, by its steady clock, that the last attempt of an order is without an
    /// answer; whatever wall clocks say.
    #[must_use]
    pub fn watched(&self, order: &Order) -> Duration {
        self.watched.look(order, Instant::now())
    }

    /// Figures of the writer.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Whether the store takes what is decided.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.stats.is_ready() && !self.queue.is_closed()
    }

    /// Tries a store that failed, so that what has recovered is used again.
    pub async fn try_again(&self) {
        if !self.stats.is_ready() {
            // Nothing is so old; it is a transaction all the same.
            let _down_still = self.run(Command::Forget { before_us: 0 }).await;
        }
    }

    /// Takes nothing more in and does what waits; returns when the store is given back, or at the
    /// deadline.
    ///
    /// # Errors
    /// The deadline came first.
    pub async fn drain(&self, deadline: Instant) -> Result<(), JournalDown> {
        self.stop.notify_one();
        let mut running = self.running.clone();
        let ended = async { while running.changed().await.is_ok() {} };
        timeout_at(deadline.into(), ended)
            .await
            .map_err(|_| JournalDown::new(Why::Slow, "payments did not end in time"))
    }

    /// Marked whenever this node has left something to do; other nodes' changes are found by looking.
    #[must_use]
    pub fn work(&self) -> watch::Receiver<()> {
        self.work.subscribe()
    }

    async fn ask(&self, request: Request) -> Result<Answered, JournalDown> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Asked { request, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                JournalDown::new(Why::QueueFull, "too many payments wait to be written")
            }
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        match timeout(PATIENCE, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(JournalDown::new(Why::Slow, "payments: no commit in time")),
        }
    }

    /// Leaves Unknown what this node had under way: bytes may have left.
    async fn recover(&self, node: &str) -> Result<(), JournalDown> {
        loop {
            let open = self.attempts_of(node, RECOVERY_MAX).await?;
            if open.is_empty() {
                return Ok(());
            }
            for order in open {
                let at_us = now_us();
                let act = Act {
                    order: order.id,
                    action: Action::Lose,
                    attempt: order.attempt,
                    node: node.to_owned(),
                    at_us,
                    check_at_us: at_us,
                };
                self.run(Command::Act(act)).await?;
            }
        }
    }
}

/// The writer's life; `runs` is dropped after the store.
async fn write<S: store::Backing>(writer: Writer<S>, runs: watch::Sender<()>) {
    writer.run().await;
    drop(runs);
}

fn stopped() -> JournalDown {
    JournalDown::new(Why::Stopped, "payments have stopped")
}

#[cfg(test)]
mod tests;
