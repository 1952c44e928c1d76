//! What becomes of a group once the store has spoken: who is told what, and what is kept for the next try.

use super::{RETRY_PAUSE, Shared, Writer};
use crate::journal::down::{JournalDown, Why};
use crate::journal::group::{Backing, Failed, Granted, Group, Job, Undo, Written, count};
use crate::journal::same_call::Found;
use std::time::Duration;
use tokio::time::Instant;

impl<S: Backing> Writer<S> {
    /// Tells everybody that the group is durable.
    pub(super) fn settle(&mut self, group: Group, written: Written) {
        let Shared { stats, in_flight, .. } = &*self.shared;
        count(&group, &written, stats);
        stats.closes_waiting.subtract(group.closes.len() + group.records.len());
        for undo in &group.undos {
            in_flight.end(&undo.key, undo.id);
        }
        for close in group.closes {
            in_flight.end(&close.closed.key, close.closed.id);
            if let Some(answer) = close.answer {
                let _gone = answer.send(Ok(()));
            }
        }
        for (open, found) in group.opens.iter().zip(&written.found) {
            if *found == Some(Found::Fresh) {
                in_flight.begin(&open.opened, &open.same_call);
            }
        }
        for (open, found) in group.opens.into_iter().zip(written.found) {
            let Some(found) = found else {
                let busy = JournalDown::new(Why::Busy, "others claim the same call");
                let _gone = open.answer.send(Err(busy));
                continue;
            };
            let undo = Undo { id: open.opened.id, key: open.opened.key };
            // Whoever is gone drops the grant, and that undoes it.
            let _gone = open.answer.send(Ok(Granted::new(found, undo, self.queues.undo.clone())));
        }
        for (resolve, resolution) in group.resolves.into_iter().zip(written.resolutions) {
            let _gone = resolve.answer.send(Ok(resolution));
        }
        for (day_key, wrapped) in group.day_keys.into_iter().zip(written.day_keys) {
            let _gone = day_key.answer.send(Ok(wrapped));
        }
    }

    /// Refuses what can be refused and keeps the rest for the next try.
    pub(super) fn fail(&mut self, mut group: Group, failed: Failed) {
        let Failed { down, is_doubtful } = failed;
        if down.why == Why::Slow && group.len() > 0 {
            self.measure.halve();
        }
        let pause = if self.rests_until.is_none() { Duration::ZERO } else { RETRY_PAUSE };
        self.rests_until = Some(Instant::now() + pause);
        let doubtful: Vec<_> = group
            .opens
            .iter()
            .filter(|_| is_doubtful)
            .map(|open| Undo { id: open.opened.id, key: open.opened.key })
            .collect();
        self.shared.refuse(&down);
        self.refuse_askers(&mut group, &down);
        let kept = (group.closes.into_iter().map(|close| Job::Close(Box::new(close))))
            .chain(group.records.into_iter().map(|record| Job::Record(Box::new(record))))
            .chain(group.undos.into_iter().chain(doubtful).map(Job::Undo));
        for job in kept.collect::<Vec<_>>().into_iter().rev() {
            self.backlog.push_front(job);
        }
        self.refuse_waiting();
    }

    fn refuse_askers(&self, group: &mut Group, down: &JournalDown) {
        for open in group.opens.drain(..) {
            let _gone = open.answer.send(Err(down.clone()));
        }
        for day_key in group.day_keys.drain(..) {
            let _gone = day_key.answer.send(Err(down.clone()));
        }
        for resolve in group.resolves.drain(..) {
            let _gone = resolve.answer.send(Err(down.clone()));
        }
    }

    /// Keeps out of the group whatever is not the end of an open entry.
    pub(super) fn refuse_growth(&self, group: &mut Group, down: &JournalDown) {
        self.refuse_askers(group, down);
        self.shared.stats.records_dropped.add(group.records.len());
        self.shared.stats.closes_waiting.subtract(group.records.len());
        group.records.clear();
    }

    /// Refuses the opens that wait in the queue.
    pub(super) fn refuse_waiting(&mut self) {
        let Some(down) = self.shared.refusal.load_full() else { return };
        while let Some(open) = self.first.take().or_else(|| self.queues.opens.try_recv().ok()) {
            self.shared.stats.opens_waiting.subtract(1);
            let _gone = open.answer.send(Err(JournalDown::clone(&down)));
        }
    }
}
