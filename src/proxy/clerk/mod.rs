//! The clerk of payments: submits orders, asks banks what became of them, and tells who is concerned.
//!
//! One task a bank and one a participant that is told, each with so many exchanges under way at most:
//! who hangs keeps nobody else waiting. What is to be done stands in the store alone, so a clerk that
//! dies loses nothing; of several nodes the one whose change of the row is first does it.

mod answer;
mod bank;
mod entry;
mod figures;
mod notice;

use super::Gateway;
use crate::config::settings::{Agency, Calendar};
use crate::payments::Payments;
use bank::BankClerk;
use notice::NoticeClerk;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::{self, JoinSet};
use tokio::time::{sleep, timeout_at};

/// How often the store is looked at for what other nodes, or time, have made due.
const LOOK_PAUSE: Duration = Duration::from_millis(250);
/// Between two looks, however much happens.
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(5);

/// The clerk of one node.
pub struct Clerk {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Clerk {
    /// Begins to look after the orders of every bank, and after everybody who is told of them.
    #[must_use]
    pub fn start(gate: &Arc<Gateway>, payments: &Payments) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for bank in gate.settings.payments.banks.values() {
            let Some(figures) = gate.metrics.clerk.bank(&bank.id) else { continue };
            let clerk = Arc::new(BankClerk::new(gate, payments, bank, figures));
            tasks.spawn(work(clerk, payments.work(), stopped.clone()));
        }
        for (recipient, agency) in &gate.settings.payments.recipients {
            let Some(agency) = gate.settings.agencies.get(agency) else { continue };
            let Some(figures) = gate.metrics.clerk.recipient(recipient) else { continue };
            let to = (recipient.as_str(), agency);
            let clerk = Arc::new(NoticeClerk::new(gate, payments, to, figures));
            tasks.spawn(work(clerk, payments.work(), stopped.clone()));
        }
        tasks.spawn(figures::look_after(Arc::clone(gate), payments.clone(), stopped));
        Self { tasks, stop }
    }

    /// Begins nothing more, and waits until the deadline for what is under way; what is cut then is
    /// as if the node had died: it is found again. How many tasks that were.
    pub async fn stop(mut self, deadline: Instant) -> usize {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout_at(deadline.into(), ended).await.is_err() {
            tracing::warn!("exchanges of the clerk were cut");
        }
        self.tasks.len()
    }
}

/// A kind of work that is found in the store, piece by piece.
trait Desk: Send + Sync + 'static {
    type Piece: Send + 'static;

    /// The name of a piece: one that is under way is not begun again.
    fn name(piece: &Self::Piece) -> &str;

    /// What is due now, at most so many pieces.
    fn due(&self, pieces_max: usize) -> impl Future<Output = Vec<Self::Piece>> + Send;

    /// How many exchanges may be under way now.
    fn room(&self) -> usize;

    /// Does one piece.
    fn carry(&self, piece: Self::Piece) -> impl Future<Output = ()> + Send;
}

/// How many exchanges with an agency may be under way now: while it keeps failing, one at a time finds
/// out whether it is back.
fn room(gate: &Gateway, agency: &Agency) -> usize {
    let in_flight_max = usize::try_from(agency.quota.in_flight_max).unwrap_or(usize::MAX);
    let room_max = agency.connections_max.min(in_flight_max).max(1);
    let is_closed = |calendar: &Calendar| calendar.opens_at(entry::now_us()).is_some();
    if agency.calendar.as_ref().is_some_and(is_closed) {
        return 0;
    }
    match gate.upstreams.agency(&agency.id).map(|upstream| upstream.breaker()) {
        Some(breaker) if breaker.is_open() => usize::from(breaker.lets_pass(Instant::now())),
        _ => room_max,
    }
}

/// Looks for work and does it, until it is stopped; then ends what is under way.
async fn work<D: Desk>(
    desk: Arc<D>,
    mut marked: watch::Receiver<()>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut tasks = JoinSet::new();
    let mut under_way: HashMap<task::Id, String> = HashMap::new();
    while !*stopped.borrow() {
        marked.mark_unchanged();
        let room = desk.room().saturating_sub(tasks.len());
        let due = if room == 0 { Vec::new() } else { desk.due(room + tasks.len()).await };
        let is_fresh = |piece: &D::Piece| !under_way.values().any(|name| name == D::name(piece));
        let fresh: Vec<_> = due.into_iter().filter(is_fresh).take(room).collect();
        for piece in fresh {
            let (name, desk) = (D::name(&piece).to_owned(), Arc::clone(&desk));
            let task = tasks.spawn(async move { desk.carry(piece).await });
            under_way.insert(task.id(), name);
        }
        sleep(LOOK_PAUSE_MIN).await;
        tokio::select! {
            _ = stopped.changed() => {}
            _ = marked.changed() => {}
            Some(ended) = tasks.join_next_with_id() => forget(&mut under_way, ended),
            () = sleep(LOOK_PAUSE) => {}
        }
        while let Some(ended) = tasks.try_join_next_with_id() {
            forget(&mut under_way, ended);
        }
    }
    while tasks.join_next().await.is_some() {}
}

fn forget(
    under_way: &mut HashMap<task::Id, String>,
    ended: Result<(task::Id, ()), task::JoinError>,
) {
    let id = ended.map_or_else(
        |error| {
            // What it had begun is due again in its time.
            tracing::error!(%error, "an exchange of the clerk has failed");
            error.id()
        },
        |(id, ())| id,
    );
    under_way.remove(&id);
}
