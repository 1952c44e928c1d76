//! A store that failed does not make the writer spin: what may ride is then written at once.

use super::{Caps, Queues, Shared, Writer};
use crate::journal::down::{JournalDown, Why};
use crate::journal::entry::{CallKey, Closed, EntryId, Opened};
use crate::journal::group::{
    Backing, Failed, Group, Job, NewDayKey, Order, Record, Sweep, Swept, Written,
};
use bytes::Bytes;
use qaqpa_kit::fault::Outcome;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local, yield_now};

/// Turns of the writer that are far shorter together than what a rider may wait.
const TURNS: usize = 10;

/// Fails its first commit, while a refusal comes in; then it works.
struct Failing {
    commits: Rc<Cell<usize>>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Backing for Failing {
    async fn commit(&mut self, _group: &Group) -> Result<Written, Failed> {
        self.commits.set(self.commits.get() + 1);
        if self.commits.get() > 1 {
            return Ok(Written::default());
        }
        self.orders.send(Order::Do(Job::Record(Box::new(refusal())))).unwrap();
        Err(JournalDown::new(Why::Broken, "once").into())
    }

    fn refusal(&mut self) -> Option<JournalDown> {
        None
    }

    async fn sweep(&mut self, _sweep: Sweep) -> Result<Swept, Failed> {
        Ok(Swept::default())
    }
}

pub(super) fn refusal() -> Record {
    let (id, key) = (EntryId::at(1_000), CallKey([1; 32]));
    let opened = Opened {
        id,
        key,
        message_key: [1; 32],
        opened_at_us: 1_000,
        participant: String::new(),
        sender_id: String::new(),
        agency: String::new(),
        service: String::new(),
        route_id: String::new(),
        message_id: String::new(),
        correlation_id: String::new(),
        caller_certificate: [0; 32],
        revocation: String::new(),
        request_digest: [0; 32],
        request_bytes: 0,
        request: Bytes::new(),
    };
    let closed = Closed {
        id,
        key,
        closed_at_us: 1_000,
        outcome: Outcome::Refused,
        fault: None,
        evidence: "fault",
        http_status: 500,
        agency_digest: [0; 32],
        agency_certificate: [0; 32],
        answer_digest: [0; 32],
        answer: Bytes::new(),
        phase_us: [0; 11],
        is_durable_first: false,
        streamed: None,
    };
    Record { opened, closed }
}

#[tokio::test]
async fn after_a_failed_commit_nothing_rides_and_nothing_spins() {
    let (_opens, opens_to_write) = mpsc::channel(1);
    let (orders, orders_to_write) = mpsc::unbounded_channel();
    let queues = Queues { opens: opens_to_write, jobs: orders_to_write, undo: orders.downgrade() };
    let commits = Rc::new(Cell::new(0));
    let store = Failing { commits: Rc::clone(&commits), orders: orders.clone() };
    let caps = Caps { group_max: 8, answers_bytes_max: 0 };
    let writer = Writer::new(store, queues, Arc::new(Shared::new()), caps);
    let (answer, _refused) = oneshot::channel();
    let day_key = NewDayKey { day: 1, wrapped: Vec::new(), answer };
    orders.send(Order::Do(Job::DayKey(day_key))).unwrap();
    let turns = async {
        spawn_local(writer.run());
        for _ in 0..TURNS {
            yield_now().await;
        }
    };
    LocalSet::new().run_until(turns).await;
    assert_eq!(commits.get(), 2, "the failed one, and the refusal's, at once");
}
