//! The bytes of stored answers are counted along; the store counts them only where something hangs on it.

use super::riding::refusal;
use super::{Caps, Queues, Shared, Writer};
use crate::journal::down::{JournalDown, Why};
use crate::journal::group::{
    Answer, Backing, Close, Failed, Group, Job, KeyEnd, Order, Sweep, Swept, Written,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local, yield_now};

const CAP_BYTES: u64 = 1_600;

/// Counts what it was told is kept; dropping down to the cap takes it two sweeps.
struct Counting(Rc<RefCell<Vec<Option<u64>>>>);

impl Backing for Counting {
    async fn commit(&mut self, _group: &Group) -> Result<Written, Failed> {
        Ok(Written::default())
    }

    fn refusal(&mut self) -> Option<JournalDown> {
        None
    }

    async fn sweep(&mut self, sweep: Sweep) -> Result<Swept, Failed> {
        let mut known = self.0.borrow_mut();
        known.push(sweep.bytes_known);
        let (answers_bytes, is_more) = match known.len() {
            1 => (0, false),
            2 => (1_700, true),
            _ => (CAP_BYTES, false),
        };
        Ok(Swept { answers_bytes, is_more })
    }
}

/// The end of a call whose answer of so many bytes is stored for its key.
fn stored(bytes: usize, answer: Answer<()>) -> Close {
    Close {
        closed: refusal().closed,
        key_end: KeyEnd::Answered,
        answer_bytes: bytes as u64,
        needs_evidence: false,
        sealed: Some(vec![0; bytes]),
        is_body_kept: false,
        answer: Some(answer),
    }
}

#[tokio::test]
async fn stored_answers_are_counted_anew_only_to_be_dropped() {
    let (_opens, opens_to_write) = mpsc::channel(1);
    let (orders, orders_to_write) = mpsc::unbounded_channel();
    let queues = Queues { opens: opens_to_write, jobs: orders_to_write, undo: orders.downgrade() };
    let known = Rc::new(RefCell::new(Vec::new()));
    let shared = Arc::new(Shared::new());
    let caps = Caps { group_max: 8, answers_bytes_max: CAP_BYTES };
    let writer = Writer::new(Counting(Rc::clone(&known)), queues, Arc::clone(&shared), caps);
    let turns = async {
        spawn_local(writer.run());
        for (bytes, sweeps) in [(800, 1), (800, 1), (800, 1), (200, 3), (1, 3)] {
            let (answer, committed) = oneshot::channel();
            orders.send(Order::Do(Job::Close(Box::new(stored(bytes, answer))))).unwrap();
            committed.await.unwrap().unwrap();
            while known.borrow().len() < sweeps {
                yield_now().await;
            }
            assert_eq!(known.borrow().len(), sweeps, "{bytes}");
        }
    };
    LocalSet::new().run_until(turns).await;
    assert_eq!(*known.borrow(), [None, None, Some(1_700)]);
    assert_eq!(shared.stats.answers_bytes.read(), CAP_BYTES + 1);
}

/// Writes all, and is too slow to sweep; how often it was asked to.
struct Tired(Rc<RefCell<usize>>);

impl Backing for Tired {
    async fn commit(&mut self, _group: &Group) -> Result<Written, Failed> {
        Ok(Written::default())
    }

    fn refusal(&mut self) -> Option<JournalDown> {
        None
    }

    async fn sweep(&mut self, _sweep: Sweep) -> Result<Swept, Failed> {
        *self.0.borrow_mut() += 1;
        Err(JournalDown::new(Why::Slow, "no answer").into())
    }
}

#[tokio::test]
async fn a_store_that_is_too_slow_to_sweep_is_left_alone_for_a_while_and_refuses_nobody() {
    let (_opens, opens_to_write) = mpsc::channel(1);
    let (orders, orders_to_write) = mpsc::unbounded_channel();
    let queues = Queues { opens: opens_to_write, jobs: orders_to_write, undo: orders.downgrade() };
    let sweeps = Rc::new(RefCell::new(0));
    let shared = Arc::new(Shared::new());
    let caps = Caps { group_max: 8, answers_bytes_max: CAP_BYTES };
    let writer = Writer::new(Tired(Rc::clone(&sweeps)), queues, Arc::clone(&shared), caps);
    let turns = async {
        spawn_local(writer.run());
        for _ in 0..20 {
            let (answer, committed) = oneshot::channel();
            orders.send(Order::Do(Job::Close(Box::new(stored(800, answer))))).unwrap();
            committed.await.unwrap().unwrap();
            assert!(shared.refusal.load().is_none());
        }
    };
    LocalSet::new().run_until(turns).await;
    assert!(shared.stats.answers_bytes.read() > 2 * CAP_BYTES);
    assert_eq!(*sweeps.borrow(), 1);
}
