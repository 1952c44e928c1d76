//! Payments through a bank, and refunds: opened, looked up, cancelled before anything was sent.

use super::charges::ORDERS_MAX;
use super::{Asker, Desk, Told, Unanswered, json, ok, read, refused, terms, view};
use crate::payments::command::{Act, Command, Opening, Refund, Refusal, Reply};
use crate::payments::order::Action;
use crate::payments::record::{Id, Order};
use qaqpa_adapters::payments::wire::{self, ChargeName, PaymentCreate, PaymentName};
use qaqpa_kit::adapter::HttpOutgoing;

/// Seconds after which a payment that no bank was asked for is given up.
const EXPIRES_IN_S: i64 = 900;
const EXPIRES_IN_S_RANGE: std::ops::RangeInclusive<i64> = 60..=86_400;
/// A refund waits for its bank as long as its operating day may take to come.
const REFUND_EXPIRES_IN_S: i64 = 7 * 86_400;

impl Desk {
    pub(super) async fn payment_create(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let wanted: PaymentCreate = read(asked)?;
        let charge = self.charge(&wanted.charge_id).await?;
        let expires_in_s = wanted.expires_in_s.unwrap_or(EXPIRES_IN_S);
        if !EXPIRES_IN_S_RANGE.contains(&expires_in_s) {
            return Err(refused("number_out_of_range", Some("expires_in_s")));
        }
        let payer = match &wanted.payer {
            Some(payer) => terms::party("payer", &payer.0, asker.check_digits)?,
            None => charge.payer,
        };
        let open = Command::Open(Opening {
            order: Id::at(asker.at_us),
            charge: charge.id,
            bank: self.bank_named(wanted.bank)?,
            payer,
            opened_by: asker.participant.to_owned(),
            at_us: asker.at_us,
            deadline_us: later(asker.at_us, expires_in_s),
        });
        let body = self.once(asker, asked, open, order_told).await?;
        Ok(Told { status: 201, body })
    }

    /// The bank of that id; where none is named, the only one.
    fn bank_named(&self, named: Option<String>) -> Result<String, Unanswered> {
        let banks = &self.settings.banks;
        let only = || banks.keys().next().filter(|_| banks.len() == 1).cloned();
        match named {
            Some(id) if banks.contains_key(&id) => Ok(id),
            Some(_) => Err(refused("no_such_bank", Some("bank"))),
            None => only().ok_or_else(|| refused("field_missing", Some("bank"))),
        }
    }

    pub(super) async fn payment_info(&self, asked: &HttpOutgoing) -> Result<Told, Unanswered> {
        let asked: PaymentName = read(asked)?;
        Ok(ok(&view::payment(&self.order(&asked.payment_id).await?)))
    }

    pub(super) async fn payments_find(&self, asked: &HttpOutgoing) -> Result<Told, Unanswered> {
        let asked: ChargeName = read(asked)?;
        let charge = self.charge(&asked.charge_id).await?;
        let orders = self.payments.orders_of_charge(&charge.id, ORDERS_MAX).await?;
        let payments = orders.iter().map(view::payment).collect();
        Ok(ok(&wire::Payments { payments }))
    }

    pub(super) async fn payment_cancel(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let name: PaymentName = read(asked)?;
        let order = self.own_order(asker, &name.payment_id).await?;
        let cancel = Command::Act(Act {
            order: order.id,
            action: Action::Cancel,
            attempt: order.attempt,
            node: String::new(),
            at_us: asker.at_us,
            check_at_us: asker.at_us,
        });
        let body = self.once(asker, asked, cancel, order_told).await?;
        Ok(Told { status: 200, body })
    }

    pub(super) async fn refund(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let wanted: wire::Refund = read(asked)?;
        let original = self.own_order(asker, &wanted.payment_id).await?;
        if wanted.reason.trim().is_empty() {
            return Err(Refusal::NoReason.into());
        }
        let refund = Command::Refund(Refund {
            order: Id::at(asker.at_us),
            original: original.id,
            amount: terms::amount("amount_tiyn", wanted.amount_tiyn)?,
            reason: terms::name("reason", wanted.reason)?,
            opened_by: asker.participant.to_owned(),
            at_us: asker.at_us,
            deadline_us: later(asker.at_us, REFUND_EXPIRES_IN_S),
        });
        let body = self.once(asker, asked, refund, order_told).await?;
        Ok(Told { status: 201, body })
    }

    /// The order of that id, if the asker's charge it is or the asker opened it: a receipt names its
    /// payment, and whoever sees one must not move its money.
    async fn own_order(&self, asker: &Asker<'_>, id: &str) -> Result<Order, Unanswered> {
        let order = self.order(id).await?;
        let is_own = order.agency == asker.participant || order.opened_by == asker.participant;
        if is_own { Ok(order) } else { Err(Refusal::NoOrder.into()) }
    }

    /// The order of that id; a text that is no id names no order.
    pub(super) async fn order(&self, id: &str) -> Result<Order, Unanswered> {
        let id: Id = id.parse().map_err(|_| Refusal::NoOrder)?;
        let order = self.payments.order(&id).await?;
        order.ok_or_else(|| Refusal::NoOrder.into())
    }
}

/// The order as it was when the command was done: what a repetition is told, however it fared since.
fn order_told(reply: &Reply) -> Vec<u8> {
    reply.order().map(|order| json(&view::payment(order))).unwrap_or_default()
}

fn later(at_us: i64, seconds: i64) -> i64 {
    at_us.saturating_add(seconds * 1_000_000)
}
