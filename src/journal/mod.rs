//! The durable record of every call: opened before anything is sent, closed by evidence, never changed.
//!
//! One behaviour on two stores, a SQLite file and a PostgreSQL cluster. [`Journal::open`] returns
//! `Fresh` only when the opened row and the claim of the call's key are on disk; [`Journal::close`]
//! is never refused and never forgotten. What runs at the same time is committed together
//! ([`writer`]); what a key means for the same call is one pure rule ([`same_call`]).

mod contents;
pub mod down;
pub(crate) mod embedded;
pub mod entry;
pub mod given;
pub(crate) mod group;
mod in_flight;
pub mod lease;
mod measure;
pub mod papers;
pub(crate) mod postgres;
mod reader;
pub mod record;
mod same_call;
pub(crate) mod schema;
mod seal;
pub mod stats;
mod steady;
pub(crate) mod thread;
mod writer;

pub use contents::Body;
pub use down::{JournalDown, JournalError, Why};
pub use reader::Reader;
pub use record::Listing;
pub use schema::Migrated;
pub use seal::Part;
pub use stats::Stats;

use crate::config::settings::{self, BodyPolicy, Store};
use bytes::Bytes;
use entry::{CallKey, Closed, EntryId, Opened, Opening, Resolution, Resolved, SameCall};
use group::{Close, Granted, Job, KeyEnd, Open, Order, Record, Resolve};
use qaqpa_kit::fault::Outcome;
use same_call::Found;
use seal::{DayKeys, MasterKey};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use steady::Steady;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout, timeout_at};
use writer::Shared;

/// The longest that anybody waits for a commit.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bodies above this are compressed on a thread that may block.
const SMALL_BYTES_MAX: usize = 64 << 10;
/// How often another node's call is looked after: from the first pause to the longest.
const LOOK_PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// Entries waiting for evidence that are counted.
const UNRESOLVED_MAX: u32 = 1000;

/// Unix microseconds by the wall clock.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The journal of one node; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    opens: mpsc::Sender<Open>,
    orders: mpsc::UnboundedSender<Order>,
    /// Closes and records that may wait before new calls are refused.
    waiting_max: u64,
    shared: Arc<Shared>,
    reader: Reader,
    master: MasterKey,
    day_keys: DayKeys,
    clock: Steady,
    body_policy: BodyPolicy,
    papers_watched: bool,
}

impl Journal {
    /// Opens the store, checks its schema (the embedded one is migrated), and closes what this node
    /// left open in an earlier life.
    ///
    /// # Errors
    /// When the store cannot be reached, needs `qaqpa migrate`, is held by another process, or the
    /// master key is missing or wrong.
    pub async fn start(settings: &settings::Journal, node_id: &str) -> Result<Self, JournalError> {
        let master = contents::master_key(settings)?;
        let reader = Reader::new(&settings.store)?;
        let group_max = settings.group_max.max(1);
        let opens_max = (8 * group_max).max(1024);
        let (opens, opens_to_write) = mpsc::channel(opens_max);
        let (orders, orders_to_write) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new());
        let queues = writer::Queues {
            opens: opens_to_write,
            jobs: orders_to_write,
            undo: orders.downgrade(),
        };
        thread::start(settings, node_id, queues, Arc::clone(&shared)).await?;
        if let Ok(Some((day, wrapped))) = reader.day_key(None).await
            && master.unwrap(day, &wrapped).is_none()
        {
            return Err(JournalError::MasterKeyWrong(master.file));
        }
        let inner = Inner {
            opens,
            orders,
            waiting_max: opens_max as u64,
            shared,
            reader,
            master,
            day_keys: DayKeys::default(),
            clock: Steady::start(),
            body_policy: settings.body_policy,
            papers_watched: settings.papers_watched,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Lets a call in: durable when it returns `Fresh`; else what is known of the same call. A future
    /// dropped while it waits leaves nothing open.
    ///
    /// # Errors
    /// Within a second: nothing was opened, nothing may be sent.
    pub async fn open(
        &self,
        mut opened: Opened,
        same_call: SameCall,
    ) -> Result<Opening, JournalDown> {
        let result = async {
            self.check_room()?;
            let day_key = self.day_key(opened.id.day()).await?;
            let request = std::mem::take(&mut opened.request);
            let request = match self.inner.body_policy {
                BodyPolicy::Full => contents::seal(day_key, opened.id, request).await,
                BodyPolicy::Digest => None,
            };
            entry::without_nul(&mut opened);
            let (answer, granted) = oneshot::channel();
            let open = Open { opened, same_call, request, answer };
            self.inner.shared.stats.opens_waiting.add(1);
            self.inner.opens.try_send(open).map_err(|error| {
                self.inner.shared.stats.opens_waiting.subtract(1);
                match error {
                    mpsc::error::TrySendError::Full(_) => {
                        JournalDown::new(Why::QueueFull, "too many calls wait to be opened")
                    }
                    mpsc::error::TrySendError::Closed(_) => stopped(),
                }
            })?;
            wait(granted).await
        }
        .await;
        let granted: Granted = result.inspect_err(|down: &JournalDown| {
            self.inner.shared.stats.refuse(down.why);
        })?;
        let Some(found) = granted.take() else { return Err(stopped()) };
        self.opening(found).await
    }

    async fn opening(&self, found: Found) -> Result<Opening, JournalDown> {
        Ok(match found {
            Found::Fresh => Opening::Fresh,
            Found::InFlight { entry } => Opening::InFlight { entry },
            Found::LeftUnknown { entry } => Opening::LeftUnknown { entry },
            Found::Twin { entry } => Opening::Twin { entry },
            Found::Stored { entry, outcome, http_status, sealed } => {
                match self.unseal(entry, Part::Answer, &sealed).await? {
                    Some(answer) => Opening::Stored { entry, outcome, http_status, answer },
                    // It was answered, but its day's key is erased: as good as Unknown.
                    None => Opening::LeftUnknown { entry },
                }
            }
        })
    }

    /// Ends an entry. With `is_durable_first` it returns after the commit, else at once, and the row
    /// rides in the next group. Either way the row is written, as soon as the store can.
    ///
    /// # Errors
    /// When the store did not confirm within a second: the row still waits to be written, and a crash
    /// before that leaves the entry to be closed as interrupted.
    pub async fn close(&self, closed: Closed) -> Result<(), JournalDown> {
        let is_durable_first = closed.is_durable_first;
        let answer_bytes = closed.answer.len();
        let (answer, committed) = oneshot::channel();
        let journal = self.clone();
        let send = move || journal.send_close(closed, is_durable_first.then_some(answer));
        if answer_bytes <= SMALL_BYTES_MAX {
            send()?;
        } else {
            // Runs to its end even if nobody waits for it any more.
            let sent = tokio::task::spawn_blocking(send).await;
            sent.unwrap_or_else(|_| Err(stopped()))?;
        }
        if is_durable_first { wait(committed).await } else { Ok(()) }
    }

    /// Runs to its end once it has begun, so that no close is lost with its caller.
    fn send_close(
        &self,
        mut closed: Closed,
        answer: Option<group::Answer<()>>,
    ) -> Result<(), JournalDown> {
        let rule = self.inner.shared.in_flight.rule(&closed.key, closed.id);
        let key_end = KeyEnd::of(&closed, rule.is_none_or(|rule| rule.is_remembered));
        let content = std::mem::take(&mut closed.answer);
        let is_body_kept = self.inner.body_policy == BodyPolicy::Full;
        let sealed = if is_body_kept || key_end == KeyEnd::Answered {
            self.seal_answer(closed.id, &content)
        } else {
            None
        };
        // An Unknown end of what may be sent again needs no evidence.
        let is_idempotent = rule.is_some_and(|rule| rule.idempotent);
        let needs_evidence = closed.outcome == Outcome::Unknown && !is_idempotent;
        let passed_bytes = closed.streamed.map(|passed| passed.answer_bytes);
        let answer_bytes = passed_bytes.unwrap_or(content.len() as u64);
        let close =
            Close { closed, key_end, answer_bytes, needs_evidence, sealed, is_body_kept, answer };
        self.inner.shared.stats.closes_waiting.add(1);
        self.order(Job::Close(Box::new(close)))
    }

    /// Notes a refusal before `open`: both rows with the next group, digests only, no key. Nobody
    /// waits for it, and in a flood of refusals some are dropped and counted.
    pub fn record(&self, mut opened: Opened, mut closed: Closed) {
        let stats = &self.inner.shared.stats;
        opened.request = Bytes::new();
        closed.answer = Bytes::new();
        entry::without_nul(&mut opened);
        let has_room = stats.closes_waiting.read() < self.inner.waiting_max;
        stats.closes_waiting.add(1);
        let record = Job::Record(Box::new(Record { opened, closed }));
        if !has_room || self.order(record).is_err() {
            stats.closes_waiting.subtract(1);
            stats.records_dropped.add(1);
        }
    }

    /// Waits until the call under `key` has ended: on this node by its signal, on another by looking.
    /// False when the deadline came first.
    pub async fn wait(&self, key: CallKey, deadline: Instant) -> bool {
        if let Some(has_ended) = self.inner.shared.in_flight.wait(&key, deadline).await {
            return has_ended;
        }
        let (mut pause, pause_max) = LOOK_PAUSES;
        loop {
            let looked = timeout_at(deadline.into(), self.inner.reader.is_open(key)).await;
            if matches!(looked, Ok(Ok(false))) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // A store that cannot be read now may answer the next time.
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(pause_max);
        }
    }

    /// Writes what was found out about an entry left Unknown. Refused frees its key.
    ///
    /// # Errors
    /// When the store did not confirm within a second; asking again does no harm.
    pub async fn resolve(&self, mut resolved: Resolved) -> Result<Resolution, JournalDown> {
        if resolved.outcome == Outcome::Unknown {
            return Ok(Resolution::NotWaiting);
        }
        entry::clean(&mut resolved.note);
        let (answer, written) = oneshot::channel();
        self.order(Job::Resolve(Resolve { resolved, answer }))?;
        wait(written).await
    }

    /// Entries that wait for evidence, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read now.
    pub async fn unresolved(&self, limit: u32) -> Result<Vec<record::Record>, JournalDown> {
        self.inner.reader.list(Listing::Unknown, limit).await
    }

    /// Those of them that are an order on its way to a bank.
    ///
    /// # Errors
    /// When the store cannot be read now.
    pub async fn unresolved_orders(&self, limit: u32) -> Result<Vec<record::Record>, JournalDown> {
        self.inner.reader.list(Listing::UnknownOrders, limit).await
    }

    /// Looks after what waits for evidence, for the figures; to be called every quarter of a minute
    /// or so. A store that cannot be read now leaves the figures as they are.
    pub async fn look_after_unresolved(&self) {
        let Ok(waiting) = self.unresolved(UNRESOLVED_MAX).await else { return };
        let oldest_us = waiting.first().map_or(0, |oldest| now_us() - oldest.opened_at_us);
        let stats = self.stats();
        stats.unresolved.set(waiting.len() as u64);
        stats.unresolved_oldest_s.set(u64::try_from(oldest_us / 1_000_000).unwrap_or(0));
    }

    /// All rows of one entry.
    ///
    /// # Errors
    /// When the store cannot be read now.
    pub async fn entry(&self, id: EntryId) -> Result<Option<record::Record>, JournalDown> {
        self.inner.reader.entry(id).await
    }

    /// Unix microseconds by a clock that does not jump ahead; see [`SameCall::judged_by_us`].
    #[must_use]
    pub fn steady_us(&self) -> i64 {
        self.inner.clock.now_us()
    }

    /// Whether calls can be opened now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.inner.shared.refusal.load().is_none() && !self.inner.opens.is_closed()
    }

    /// What the journal counts about itself.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.inner.shared.stats
    }

    /// Ends the writing: from now on no call is opened; what has ended is written, and the store is
    /// closed. Call it when no call is under way any more.
    ///
    /// # Errors
    /// When not everything could be written before the deadline.
    pub async fn drain(&self, deadline: Instant) -> Result<(), JournalDown> {
        let (answer, stopped_with) = oneshot::channel();
        if self.inner.orders.send(Order::Stop(deadline.into(), answer)).is_err() {
            return Ok(());
        }
        match timeout_at((deadline + PATIENCE).into(), stopped_with).await {
            Ok(Ok(0)) => Ok(()),
            Ok(Ok(unwritten)) => {
                Err(JournalDown::new(Why::Stopped, format!("{unwritten} rows were not written")))
            }
            Ok(Err(_)) => Err(JournalDown::new(Why::Broken, "the writer's thread has died")),
            Err(_) => Err(JournalDown::new(Why::Slow, "the writer did not end in time")),
        }
    }

    /// Refuses at once what could not be written, or not soon.
    fn check_room(&self) -> Result<(), JournalDown> {
        if let Some(down) = self.inner.shared.refusal.load_full() {
            return Err(JournalDown::clone(&down));
        }
        if self.inner.shared.stats.closes_waiting.read() > self.inner.waiting_max {
            return Err(JournalDown::new(Why::QueueFull, "too many ends wait to be written"));
        }
        Ok(())
    }

    fn order(&self, job: Job) -> Result<(), JournalDown> {
        self.inner.orders.send(Order::Do(job)).map_err(|_| stopped())
    }
}

fn stopped() -> JournalDown {
    JournalDown::new(Why::Stopped, "the journal has stopped")
}

/// Waits for the writer's answer, but not for long.
async fn wait<T>(answer: oneshot::Receiver<Result<T, JournalDown>>) -> Result<T, JournalDown> {
    match timeout(PATIENCE, answer).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(stopped()),
        Err(_) => Err(JournalDown::new(Why::Slow, "no commit within a second")),
    }
}

/// Creates or migrates the store; with PostgreSQL also the partitions of the next `days_ahead` days.
///
/// # Errors
/// The store's own words, with its name.
pub async fn migrate(store: &Store, days_ahead: u32) -> Result<Migrated, JournalError> {
    match store {
        Store::Postgres { url, .. } => {
            postgres::migrate(&postgres::Target::parse(url)?, days_ahead).await
        }
        Store::Embedded { path } => embedded::migrate(path),
    }
}
