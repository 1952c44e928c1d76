//! One bank's orders: an attempt is durable before a byte of it leaves, and only the bank's word ends it.

use super::answer::{event, read};
use super::entry::{About, End, Entry, hexadecimal, now_us};
use super::{Desk, Gateway};
use crate::config::settings::{Agency, Bank};
use crate::journal::JournalDown;
use crate::journal::entry::EntryId;
use crate::ops::clerk::BankFigures;
use crate::payments::Payments;
use crate::payments::calendar::moment_us;
use crate::payments::clerk::{Patience, Step, plan};
use crate::payments::command::{Act, Command, Inquiry, Reply, Report};
use crate::payments::order::{Action, Said, State};
use crate::payments::record::{Charge, Order, Source};
use crate::trial;
use crate::upstream::UpstreamRequest;
use qaqpa_kit::bank::{self, Teller, Word};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::money::Amount;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Beyond an exchange's own deadline, before another node takes it for lost.
const MARGIN: Duration = Duration::from_secs(5);
/// How often what is known for good is tried to be written, a pause apart.
const KEEP_ROUNDS: u32 = 5;
const KEEP_PAUSE: Duration = Duration::from_millis(500);
/// Orders that no request could be written for are remembered so long as there are so many.
const UNWRITABLE_MAX: usize = 10_000;

/// The clerk of one bank.
pub(super) struct BankClerk {
    gate: Arc<Gateway>,
    payments: Payments,
    bank: Arc<Bank>,
    /// Who takes its orders.
    agency: Option<Arc<Agency>>,
    patience: Patience,
    figures: Arc<BankFigures>,
    unwritable: Mutex<HashSet<String>>,
}

/// An order with the charge whose terms it has.
struct Slip {
    order: Order,
    charge: Charge,
    /// The payment that it gives back.
    original: Option<Order>,
    opened_at: String,
    bank: Arc<Bank>,
    amount: Amount,
}

impl Slip {
    fn form(&self) -> bank::Order<'_> {
        bank::Order {
            end_to_end_id: &self.order.end_to_end_id,
            amount: self.amount,
            payer: self.order.payer.digits(),
            payee: self.order.payee.digits(),
            iban: &self.charge.iban,
            kbk: &self.order.kbk,
            knp: &self.charge.knp,
            kbe: &self.charge.kbe,
            purpose: &self.charge.purpose_ru,
            bic: self.bank.bic.text(),
            opened_at: &self.opened_at,
            reverses: self.original.as_ref().map(|original| &*original.end_to_end_id),
            placement: &self.bank.placement,
        }
    }
}

impl Desk for BankClerk {
    type Piece = (Order, Step);

    fn name((order, _): &Self::Piece) -> &str {
        order.id.text()
    }

    async fn due(&self, pieces_max: usize) -> Vec<Self::Piece> {
        let now = now_us();
        let limit = u32::try_from(pieces_max).unwrap_or(u32::MAX);
        let due = self.payments.due(&self.bank.id, now, limit).await.unwrap_or_else(|down| {
            tracing::debug!(%down, bank = self.bank.id, "orders cannot be looked at");
            Vec::new()
        });
        let planned = due.into_iter().map(|order| {
            let step = plan(&order, now, self.payments.watched(&order), self.patience);
            (order, step)
        });
        planned.filter(|(order, _)| self.is_writable(order)).collect()
    }

    fn room(&self) -> usize {
        self.agency.as_ref().map_or(1, |agency| super::room(&self.gate, agency))
    }

    async fn carry(&self, (order, step): Self::Piece) {
        match step {
            // Nobody can be asked: it makes way for those behind it.
            Step::Rest => drop(self.note_inquiry(&order, None).await),
            Step::Expire => drop(self.act(&order, Action::Expire).await),
            Step::Lose => drop(self.act(&order, Action::Lose).await),
            Step::Submit => self.submit(order, Action::Submit).await,
            Step::Resubmit => self.submit(order, Action::Resubmit).await,
            Step::Inquire => self.inquire(order).await,
        }
    }
}

impl BankClerk {
    pub(super) fn new(
        gate: &Arc<Gateway>,
        payments: &Payments,
        bank: &Arc<Bank>,
        figures: Arc<BankFigures>,
    ) -> Self {
        let settings = &gate.settings;
        let agency = bank.agency.as_ref().and_then(|id| settings.agencies.get(id)).cloned();
        Self {
            gate: Arc::clone(gate),
            payments: payments.clone(),
            bank: Arc::clone(bank),
            patience: Patience {
                not_found_min: settings.payments.not_found_min,
                quiet: settings.payments.quiet,
                takes_orders: agency.is_some(),
            },
            agency,
            figures,
            unwritable: Mutex::new(HashSet::new()),
        }
    }

    fn is_writable(&self, order: &Order) -> bool {
        let unwritable = self.unwritable.lock().unwrap_or_else(PoisonError::into_inner);
        !unwritable.contains(order.id.text()) || now_us() >= order.deadline_us
    }

    /// An order that its bank's dialect cannot carry is not tried again by this process.
    fn give_up(&self, order: &Order, fault: &Fault) {
        tracing::error!(%fault, order = %order.id, bank = self.bank.id, "an order cannot be written");
        self.figures.unwritable();
        let mut unwritable = self.unwritable.lock().unwrap_or_else(PoisonError::into_inner);
        if unwritable.len() < UNWRITABLE_MAX {
            unwritable.insert(order.id.text().to_owned());
        }
    }

    /// A new attempt, or the first: open in the journal, durable in the store, and only then sent.
    async fn submit(&self, order: Order, action: Action) {
        let Some((agency, teller)) = self.way() else { return };
        let Some(slip) = self.slip(order).await else { return };
        if slip.original.as_ref().is_some_and(|payment| payment.state == State::Conflict) {
            // Whether the payment came at all is for an operator to say.
            return drop(self.note_inquiry(&slip.order, None).await);
        }
        let request = match teller.submit(&slip.form()) {
            Ok(outgoing) => UpstreamRequest::http(outgoing),
            Err(fault) => return self.give_up(&slip.order, &fault),
        };
        let id = EntryId::at(now_us());
        let about = self.about("PAY_Submit", &slip.order, false);
        let opened = Entry::open(&self.gate, (id, agency), &about, &request).await;
        // Looked after again later, or it would be due again at once for as long as the journal is down.
        let Ok(mut entry) = opened else { return drop(self.note_inquiry(&slip.order, None).await) };
        trial::point("submit.opened");
        // From before the claim: whoever wakes after it has passed sends nothing, as another may have since.
        let deadline = Instant::now() + agency.deadline;
        let Some(attempt) = self.act(&slip.order, action).await else {
            // Another node was faster, or the payer; or nobody knows, and then it is found again.
            let fault = Fault::new(Code::CallerInProgress, Phase::Open, "attempt_not_ours");
            return entry.close(End::unsent(&fault)).await;
        };
        trial::point("submit.committed");
        entry.mark(Phase::Encode);
        let sent = self.gate.upstreams.send(agency, request, deadline).await;
        entry.mark(Phase::Send);
        trial::point("submit.answered");
        // What says so before a byte left says it for good.
        let is_unsent =
            sent.as_ref().is_err_and(|failed| failed.fault.outcome() == Outcome::Refused);
        let (answer, read) = read(sent, |answer| {
            let word = teller.submitted(&slip.form(), answer)?;
            match word.said {
                Said::NotFound => {
                    Err(Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, "not_found"))
                }
                _ => Ok(word),
            }
        });
        entry.mark(Phase::Decode);
        match read {
            Ok(word) => {
                self.figures.submitted(word.said);
                if word.said == Said::Pending {
                    drop(self.act(&attempt, Action::Sent).await);
                }
                self.keep(&slip.order, (id, Source::Answer), &word, &answer.body).await;
                trial::point("submit.heard");
                entry.close(End::answered(&word, &answer)).await;
            }
            Err(fault) => {
                self.figures.submission_unclear(&fault);
                let order = &slip.order.id;
                tracing::warn!(%fault, is_unsent, %order, "an attempt came to nothing");
                self.end(&attempt, is_unsent).await;
                trial::point("submit.lost");
                entry.close(End::failed(&fault, &answer)).await;
            }
        }
    }

    /// The end of an attempt without an answer: where not a byte left, and none ever had, the order is as
    /// before; else only the bank can say.
    async fn end(&self, attempt: &Order, is_unsent: bool) {
        if !is_unsent || !self.withdraw(attempt).await {
            drop(self.act(attempt, Action::Lose).await);
        }
    }

    /// Takes an attempt back: it is known for good that nothing left.
    async fn withdraw(&self, attempt: &Order) -> bool {
        match self.insist(Command::Act(self.deed(attempt, Action::Withdraw))).await {
            Ok(reply) => reply.order().is_some(),
            Err(down) => {
                tracing::warn!(%down, order = %attempt.id, "an attempt is not taken back");
                false
            }
        }
    }

    /// Writes what is known for good: a store that fails is tried again for a while, before the bank has
    /// to be asked.
    async fn insist(&self, command: Command) -> Result<Reply, JournalDown> {
        for _ in 1..KEEP_ROUNDS {
            if let Ok(reply) = self.payments.run(command.clone()).await {
                return Ok(reply);
            }
            sleep(KEEP_PAUSE).await;
        }
        self.payments.run(command).await
    }

    /// Asks what became of an order; of two nodes one does.
    async fn inquire(&self, order: Order) {
        let Some((agency, teller)) = self.way() else { return };
        let Some(slip) = self.slip(order).await else { return };
        let request = match teller.inquire(&slip.form()) {
            Ok(outgoing) => UpstreamRequest::http(outgoing),
            Err(fault) => return self.give_up(&slip.order, &fault),
        };
        let until_us = after_us(agency.deadline + MARGIN);
        let Some(asked) = self.note_inquiry(&slip.order, Some(until_us)).await else { return };
        trial::point("inquiry.claimed");
        let id = EntryId::at(now_us());
        let about = self.about("PAY_Inquire", &slip.order, true);
        let opened = Entry::open(&self.gate, (id, agency), &about, &request).await;
        let Ok(mut entry) = opened else {
            return drop(self.note_inquiry(&asked, None).await);
        };
        let deadline = Instant::now() + agency.deadline;
        let sent = self.gate.upstreams.send(agency, request, deadline).await;
        entry.mark(Phase::Send);
        trial::point("inquiry.answered");
        let (answer, read) = read(sent, |answer| teller.inquired(&slip.form(), answer));
        entry.mark(Phase::Decode);
        match read {
            Ok(word) => {
                self.figures.inquired(word.said);
                self.keep(&slip.order, (id, Source::Inquiry), &word, &answer.body).await;
                trial::point("inquiry.heard");
                entry.close(End::answered(&word, &answer)).await;
            }
            Err(fault) => {
                self.figures.inquiry_unclear();
                tracing::info!(%fault, order = %slip.order.id, bank = self.bank.id, "asked in vain");
                drop(self.note_inquiry(&asked, None).await);
                entry.close(End::failed(&fault, &answer)).await;
            }
        }
    }

    /// What the bank said, durable.
    async fn keep(
        &self,
        order: &Order,
        (entry, source): (EntryId, Source),
        word: &Word,
        answer: &[u8],
    ) {
        let teller = self.way().map(|(_, teller)| teller);
        let (event_id, about) = event(teller, order, entry, word);
        let report = Report {
            bank: self.bank.id.clone(),
            event_id,
            about,
            said: word.said,
            source,
            amount: word.amount,
            document_number: word.document_number.clone(),
            txn_id: word.txn_id.clone(),
            posted_at_us: word.posted_at.as_deref().and_then(moment_us),
            at_us: now_us(),
            original_digest: hexadecimal(answer),
            redirect_url: word.redirect_url.clone(),
            note: word.note.clone(),
        };
        match self.insist(Command::of_word(report)).await {
            Ok(Reply::Refused(refusal)) => {
                let reason = refusal.reason();
                tracing::error!(reason, order = %order.id, "a bank's answer was not taken");
            }
            Ok(_) => {}
            // The bank will be asked again.
            Err(down) => {
                tracing::error!(%down, order = %order.id, "a bank's answer was not kept");
            }
        }
    }

    /// Does something with an order; the order as it is then, where this was done.
    async fn act(&self, order: &Order, action: Action) -> Option<Order> {
        self.done(Command::Act(self.deed(order, action))).await
    }

    fn deed(&self, order: &Order, action: Action) -> Act {
        let deadline = self.agency.as_ref().map_or(MARGIN, |agency| agency.deadline + MARGIN);
        Act {
            order: order.id.clone(),
            action,
            attempt: order.attempt,
            node: self.gate.settings.node.id.clone(),
            at_us: now_us(),
            check_at_us: after_us(deadline),
        }
    }

    async fn note_inquiry(&self, order: &Order, until_us: Option<i64>) -> Option<Order> {
        let inquiry = Inquiry {
            order: order.id.clone(),
            version: order.version,
            node: self.gate.settings.node.id.clone(),
            at_us: now_us(),
            until_us,
        };
        self.done(Command::Inquire(inquiry)).await
    }

    async fn done(&self, command: Command) -> Option<Order> {
        match self.payments.run(command).await {
            Ok(reply) => reply.order().cloned(),
            Err(down) => {
                tracing::warn!(%down, bank = self.bank.id, "an order is left as it is");
                None
            }
        }
    }

    fn way(&self) -> Option<(&Arc<Agency>, &dyn Teller)> {
        let agency = self.agency.as_ref()?;
        Some((agency, agency.adapter.teller()?))
    }

    /// The order with its terms; `None` where the store cannot be read now.
    async fn slip(&self, order: Order) -> Option<Slip> {
        let original = match &order.reverses {
            Some(original) => self.payments.order(original).await.ok()?,
            None => None,
        };
        let charge = original.as_ref().unwrap_or(&order).charge.clone()?;
        // The bank knows the payment under which its money came.
        let original = match original.as_ref().and_then(|original| original.takes.as_ref()) {
            Some(taken) => self.payments.order(taken).await.ok()?,
            None => original,
        };
        let charge = self.payments.charge(&charge).await.ok()??;
        let amount = Amount::new(order.amount_tiyn).ok()?;
        let opened_at = super::super::trace::Trace::date(order.opened_at_us);
        Some(Slip { amount, charge, original, opened_at, bank: Arc::clone(&self.bank), order })
    }

    fn about<'o>(&self, service: &'static str, order: &'o Order, is_idempotent: bool) -> About<'o> {
        About { service, message_id: &order.end_to_end_id, order: order.id.text(), is_idempotent }
    }
}

fn after_us(span: Duration) -> i64 {
    now_us().saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}
