//! A store that is too slow for a big group is given smaller ones, until all is written.

use super::riding::refusal;
use super::{Caps, Queues, Shared, Writer};
use crate::journal::down::{JournalDown, Why};
use crate::journal::entry::EntryId;
use crate::journal::group::{
    Backing, Close, Failed, Group, Job, KeyEnd, Order, Sweep, Swept, Written,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

const BODY_BYTES: usize = 1 << 20;
/// What the store writes in time.
const BYTES_MAX: usize = 2 * BODY_BYTES;

/// Writes no group beyond so many bytes; what it was asked to write, and whether it did.
struct Slow(Rc<RefCell<Vec<(usize, bool)>>>);

impl Backing for Slow {
    async fn commit(&mut self, group: &Group) -> Result<Written, Failed> {
        let is_written = group.bytes() <= BYTES_MAX;
        self.0.borrow_mut().push((group.bytes(), is_written));
        if is_written {
            return Ok(Written::default());
        }
        Err(JournalDown::new(Why::Slow, "no answer").into())
    }

    fn refusal(&mut self) -> Option<JournalDown> {
        None
    }

    async fn sweep(&mut self, _sweep: Sweep) -> Result<Swept, Failed> {
        Ok(Swept::default())
    }
}

fn end() -> Job {
    let mut closed = refusal().closed;
    closed.id = EntryId::at(2_000);
    Job::Close(Box::new(Close {
        closed,
        key_end: KeyEnd::Released,
        answer_bytes: BODY_BYTES as u64,
        needs_evidence: false,
        sealed: Some(vec![0; BODY_BYTES]),
        is_body_kept: true,
        answer: None,
    }))
}

#[tokio::test]
async fn a_group_that_was_too_slow_is_tried_again_in_halves() {
    let (_opens, opens_to_write) = mpsc::channel(1);
    let (orders, orders_to_write) = mpsc::unbounded_channel();
    let queues = Queues { opens: opens_to_write, jobs: orders_to_write, undo: orders.downgrade() };
    let asked = Rc::new(RefCell::new(Vec::new()));
    let caps = Caps { group_max: 128, answers_bytes_max: 0 };
    let writer = Writer::new(Slow(Rc::clone(&asked)), queues, Arc::new(Shared::new()), caps);
    for _ in 0..16 {
        orders.send(Order::Do(end())).unwrap();
    }
    let (answer, unwritten) = oneshot::channel();
    orders.send(Order::Stop(Instant::now() + Duration::from_secs(3), answer)).unwrap();
    writer.run().await;
    assert_eq!(unwritten.await, Ok(0), "{:?}", asked.borrow());
    let asked = asked.borrow();
    let refused: Vec<_> = asked.iter().filter(|(_, is_written)| !is_written).collect();
    assert_eq!(refused, [&(8 * BODY_BYTES, false), &(4 * BODY_BYTES, false)]);
}
