//! The bytes of stored answers are counted along; the store counts them only where something hangs on it.

use super::riding::refusal;
use super::{Caps, Queues, Shared, Writer};
use crate::journal::down::JournalDown;
use crate::journal::group::{
    Answers, Backing, Close, Failed, Group, Job, KeyEnd, Order, Swept, Written,
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

    async fn sweep(&mut self, _now_us: i64, answers: Answers) -> Result<Swept, Failed> {
        let mut known = self.0.borrow_mut();
        known.push(answers.known);
        let (answers_bytes, is_more) = match known.len() {
            1 => (0, false),
            2 => (1_700, true),
            _ => (CAP_BYTES, false),
        };
        Ok(Swept { answers_bytes, is_more })
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
            let close = Close {
                closed: refusal().closed,
                key_end: KeyEnd::Answered,
                answer_bytes: bytes as u64,
                needs_evidence: false,
                sealed: Some(vec![0; bytes]),
                is_body_kept: false,
                answer: Some(answer),
            };
            orders.send(Order::Do(Job::Close(Box::new(close)))).unwrap();
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
