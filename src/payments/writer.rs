//! The group commit of payments: while one commit runs, the next group gathers.

use super::command::Answered;
use super::decide::{Request, Rules};
use super::stats::Stats;
use super::store::{Backing, Failed, Group};
use crate::journal::down::{JournalDown, Why};
use crate::journal::thread;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// How often a group that lost a race is decided anew as a whole, and then each request alone: what
/// one of them breaks must not fail the others.
const GROUP_ROUNDS_MAX: u32 = 2;
const SINGLE_ROUNDS_MAX: u32 = 8;

/// A request and who waits for it.
pub(super) struct Asked {
    pub request: Request,
    pub answer: oneshot::Sender<Result<Answered, JournalDown>>,
}

/// How the writer is reached.
pub(super) struct Intake {
    pub queue: mpsc::Receiver<Asked>,
    /// Nothing more is taken in; what waits is done.
    pub stop: Arc<Notify>,
    pub stats: Arc<Stats>,
    /// Marked when something was left for the clerk.
    pub work: Arc<watch::Sender<()>>,
}

/// The one writer of a node.
pub(super) struct Writer<S> {
    store: S,
    queue: mpsc::Receiver<Asked>,
    stop: Arc<Notify>,
    stats: Arc<Stats>,
    work: Arc<watch::Sender<()>>,
    rules: Rules,
    group_max: usize,
    first: Option<Asked>,
}

impl<S: Backing> Writer<S> {
    pub(super) fn new(store: S, intake: Intake, rules: Rules, group_max: usize) -> Self {
        let Intake { queue, stop, stats, work } = intake;
        Self { store, queue, stop, stats, work, rules, group_max, first: None }
    }

    /// Works until it is stopped, or every handle is gone, and the queue is empty.
    pub(super) async fn run(mut self) {
        loop {
            let first = match self.first.take() {
                Some(first) => first,
                None => tokio::select! {
                    first = self.queue.recv() => match first {
                        Some(first) => first,
                        None => break,
                    },
                    () = self.stop.notified() => {
                        self.queue.close();
                        continue;
                    }
                },
            };
            thread::let_join(|| self.queue.len());
            let group = self.gather(first);
            if let Err(down) = self.commit(group).await {
                tracing::error!(%down, "payments are refused");
                self.stats.failed();
                self.refuse_waiting(&down);
            }
        }
    }

    /// Fills a group; what must be alone waits for the next one.
    fn gather(&mut self, first: Asked) -> Vec<Asked> {
        let is_alone = first.request.is_alone();
        let mut group = vec![first];
        while !is_alone && group.len() < self.group_max {
            let Ok(next) = self.queue.try_recv() else { break };
            if next.request.is_alone() {
                self.first = Some(next);
                break;
            }
            // Nobody waits for it any more, so nobody was told that it would be done.
            if !next.answer.is_closed() {
                group.push(next);
            }
        }
        group
    }

    /// Commits a group and tells everybody; an error means that the store is down.
    async fn commit(&mut self, group: Vec<Asked>) -> Result<(), JournalDown> {
        match self.decide(&group, GROUP_ROUNDS_MAX).await {
            Ok(answers) => {
                self.stats.committed(answers.len());
                for (asked, answer) in group.into_iter().zip(answers) {
                    let _gone = asked.answer.send(Ok(answer));
                }
                Ok(())
            }
            Err(Failed::Raced(_)) => self.commit_singly(group).await,
            Err(Failed::Down(down)) => refuse(group, &down),
        }
    }

    async fn commit_singly(&mut self, group: Vec<Asked>) -> Result<(), JournalDown> {
        let mut group = group.into_iter();
        while let Some(asked) = group.next() {
            let one = [asked];
            let result = self.decide(&one, SINGLE_ROUNDS_MAX).await;
            let [asked] = one;
            let answer = match result {
                Ok(mut answers) => {
                    self.stats.committed(1);
                    answers.pop().ok_or_else(|| busy("no answer"))
                }
                Err(Failed::Raced(cause)) => Err(busy(&cause)),
                Err(Failed::Down(down)) => {
                    return refuse(std::iter::once(asked).chain(group), &down);
                }
            };
            let _gone = asked.answer.send(answer);
        }
        Ok(())
    }

    async fn decide(&mut self, asked: &[Asked], rounds: u32) -> Result<Vec<Answered>, Failed> {
        let requests = asked.iter().map(|asked| &asked.request).collect();
        let mut group =
            Group { requests, rules: &self.rules, answers: Vec::new(), leaves_work: false };
        let mut round = 1;
        loop {
            match self.store.transact(&mut group).await {
                Ok(()) => {
                    if group.leaves_work {
                        self.work.send_replace(());
                    }
                    return Ok(group.answers);
                }
                Err(Failed::Raced(cause)) if round < rounds => {
                    tracing::debug!(cause, round, "a group of payments is decided anew");
                    round += 1;
                }
                Err(failed) => return Err(failed),
            }
        }
    }

    fn refuse_waiting(&mut self, down: &JournalDown) {
        while let Some(asked) = self.first.take().or_else(|| self.queue.try_recv().ok()) {
            let _gone = asked.answer.send(Err(down.clone()));
        }
    }
}

fn busy(cause: &str) -> JournalDown {
    JournalDown::new(Why::Busy, format!("payments: {cause}"))
}

fn refuse(group: impl IntoIterator<Item = Asked>, down: &JournalDown) -> Result<(), JournalDown> {
    for asked in group {
        let _gone = asked.answer.send(Err(down.clone()));
    }
    Err(down.clone())
}
