//! What a simulated bank asks of the gateway: customers' payments, and words about the gateway's orders.
//!
//! A customer's money is taken, in the books, before the gateway hears of it. From then on the bank asks
//! the same again until it has an answer that ends it, whatever breaks between; words of one order go
//! their ways apart, so that they arrive in any order.

use super::chaos::{Asked, Chaos, Fault};
use super::ledger::{Ledger, Line};
use super::{PAUSE_MAX, certainly};
use crate::proxy::trace::Trace;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use qaqpa_kit::adapter::{Adapter, HttpAnswer};
use qaqpa_kit::bank::{
    About, Ask, Asker, BankRequest, Destination, Notice, Pay, Reaction, Said, Word,
};
use qaqpa_kit::hex;
use qaqpa_kit::money::Amount;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Before the same is asked again.
const AGAIN: Duration = Duration::from_millis(100);
/// The longest that is waited before a bank that hangs up does so; a whole call takes about as long.
const HANG_UP_MAX: Duration = Duration::from_millis(60);

/// The way to the gateway's door.
pub trait Wire: Send + Sync {
    /// Brings a request there; `None`: no whole answer came back.
    fn carry(&self, request: BankRequest) -> Carrying<'_>;
}

/// HTTP status and body of an answer, once it has come.
pub type Carrying<'w> = Pin<Box<dyn Future<Output = Option<(u16, Bytes)>> + Send + 'w>>;

/// A bank that asks.
pub struct Caller {
    adapter: Arc<dyn Adapter>,
    wire: Box<dyn Wire>,
    chaos: Chaos,
    ledger: Arc<Ledger>,
    /// What was asked, by its name.
    asked: Mutex<BTreeMap<String, BankRequest>>,
}

impl Caller {
    /// `None` where the dialect asks nothing.
    #[must_use]
    pub fn new(
        adapter: Arc<dyn Adapter>,
        wire: Box<dyn Wire>,
        chaos: Chaos,
        ledger: Arc<Ledger>,
    ) -> Option<Self> {
        adapter.provider()?.asker()?;
        Some(Self { adapter, wire, chaos, ledger, asked: Mutex::default() })
    }

    fn asker(&self) -> Option<&dyn Asker> {
        self.adapter.provider()?.asker()
    }

    /// A customer pays a charge; the bank's own id of that. `None` where the dialect has no such payment.
    pub fn take(self: &Arc<Self>, charge: &str, amount: Amount, now_us: i64) -> Option<String> {
        let (at, mut asked) = (Trace::date(now_us), self.asked());
        let name = (1_000_000 + asked.len()).to_string();
        let pay = Ask::Pay(Pay {
            txn_id: name.clone(),
            account: charge.to_owned(),
            amount,
            paid_at: Some(at.clone()),
            document_number: None,
            payer: None,
            to: Destination::default(),
        });
        let request = self.asker()?.ask(&pay, &at)?;
        asked.insert(name.clone(), request.clone());
        drop(asked);
        let (charge, amount_tiyn) = (charge.to_owned(), amount.tiyn());
        certainly(self.ledger.write(&Line::Taken { name: name.clone(), charge, amount_tiyn }));
        drop(tokio::spawn(Arc::clone(self).until_answered(name.clone(), request)));
        Some(name)
    }

    /// Says something of an order; ends when that was answered. `None` where the dialect cannot say it.
    pub fn tell(self: &Arc<Self>, end_to_end_id: &str, word: Word) -> Option<JoinHandle<()>> {
        let said = match word.said {
            Said::Accepted => 'a',
            Said::Rejected => 'r',
            _ => 'p',
        };
        let name = format!("{end_to_end_id}{said}");
        let at = word.posted_at.clone().unwrap_or_default();
        let about = About::EndToEnd(end_to_end_id.to_owned());
        let notice = Notice { event_id: name.clone(), about, word };
        let request = self.asker()?.ask(&Ask::Notice(vec![notice]), &at)?;
        let is_new = self.asked().insert(name.clone(), request.clone()).is_none();
        if is_new {
            let end_to_end_id = end_to_end_id.to_owned();
            certainly(self.ledger.write(&Line::Word { name: name.clone(), end_to_end_id }));
        }
        Some(tokio::spawn(Arc::clone(self).until_answered(name, request)))
    }

    /// Asks everything again that was ever asked; how much that was, once all is answered.
    pub async fn repeat(self: &Arc<Self>) -> usize {
        let mut repeated = JoinSet::new();
        for (name, request) in self.asked().clone() {
            repeated.spawn(Arc::clone(self).until_answered(name, request));
        }
        repeated.join_all().await.len()
    }

    /// Asks the same until that is answered for good.
    async fn until_answered(self: Arc<Self>, name: String, request: BankRequest) {
        loop {
            let asked = Line::Asked { name: name.clone() };
            let times = certainly(self.ledger.write(&asked)).unwrap_or_default();
            let pause = self.chaos.pause(&name, times, PAUSE_MAX);
            let carry = || self.wire.carry(request.clone());
            let is_answered = match self.chaos.fate(Asked::Call, &name, times) {
                Some(Fault::LoseRequest) => false,
                Some(Fault::LoseAnswer | Fault::Break) => {
                    let patience = self.chaos.pause(&name, times, HANG_UP_MAX);
                    drop(timeout(patience, carry()).await);
                    false
                }
                Some(Fault::Late | Fault::Delay) => {
                    sleep(pause).await;
                    self.hear(&name, carry().await)
                }
                Some(Fault::Repeat) => {
                    let (one, other) = tokio::join!(carry(), carry());
                    let is_heard = [one, other].map(|answer| self.hear(&name, answer));
                    sleep(pause).await;
                    is_heard.contains(&true) && self.hear(&name, carry().await)
                }
                _ => self.hear(&name, carry().await),
            };
            if is_answered {
                return;
            }
            sleep(AGAIN + pause / 10).await;
        }
    }

    /// Whether an answer ends what was asked.
    fn hear(&self, name: &str, answer: Option<(u16, Bytes)>) -> bool {
        let Some((status, body)) = answer else { return false };
        let answer = HttpAnswer { status, content_type: None, body: &body };
        let reading = self.asker().and_then(|asker| asker.read(&answer));
        let is_done = match reading.map(|reading| reading.reaction) {
            Some(Reaction::Done) => true,
            Some(Reaction::Refused) => false,
            Some(Reaction::Again) | None => return false,
        };
        let sha256 = hex::lower(digest(&SHA256, &body).as_ref());
        certainly(self.ledger.write(&Line::Answered { name: name.to_owned(), is_done, sha256 }));
        true
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, BankRequest>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
