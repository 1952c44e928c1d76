//! The release of a paid service: its call is carried with a confirmed payment alone, and a payment carries one call.
//!
//! It comes after `open` and before a byte leaves. The same call has its stored answer by then, so only
//! a call that is to be carried needs a payment; and a payment is bound to it durably, by the key of the
//! same call, before the agency hears of it. A call that the agency refuses gives its payment back.

use super::Gateway;
use super::exchange::{Answered, Asking};
use super::trace::Trace;
use crate::channel::rest::RECEIPT_PROPERTY;
use crate::journal::JournalDown;
use crate::payments::command::{Command, Redeeming, Reply};
use crate::payments::proof::{Kind, price_paid};
use crate::payments::receipt::Number;
use crate::payments::record::Id;
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::hex;

/// A payment that was bound to a call.
#[derive(Debug)]
pub struct Proof {
    order: Id,
    call: String,
}

/// Binds the payment that a call brings to this call; `None` for a service that costs nothing.
///
/// # Errors
/// `caller.forbidden` with what is wrong with the payment, HTTP 402; `gateway.journal_down` where the
/// store does not answer: asking again finds out. Nothing was sent.
pub async fn redeem(
    gate: &Gateway,
    asking: &Asking<'_>,
    trace: &Trace,
) -> Result<Option<Proof>, Fault> {
    let Some(paid) = &asking.service.paid else { return Ok(None) };
    // The configuration has no paid service without payments.
    let payments = gate.payments().ok_or(Fault::new(Code::GatewayBug, Phase::Open, "no_desk"))?;
    let written = asking.request.property(RECEIPT_PROPERTY)?;
    let written = written.ok_or_else(|| refused("payment_receipt_missing"))?;
    let number = Number::parse(written.trim()).map_err(|_| refused("payment_receipt_malformed"))?;
    let id = number.order().ok_or_else(|| refused("payment_receipt_malformed"))?;
    let order = payments.order(&id).await.map_err(down)?;
    let order = order.ok_or_else(|| refused("no_such_payment"))?;
    if order.posted_at_us.is_none() {
        return Err(refused("payment_not_confirmed"));
    }
    let charge = match &order.charge {
        Some(charge) => payments.charge(charge).await.map_err(down)?,
        None => None,
    };
    let tariffs = &gate.settings.payments.tariffs;
    let kind = charge.as_ref().map(Kind::from);
    let price = price_paid(&order, kind.as_ref(), paid, tariffs);
    let (kbk, amount) = price.ok_or_else(|| refused("payment_of_other_terms"))?;
    let call = hex::lower(&trace.key.0);
    let redeem = Command::Redeem(Redeeming {
        order: order.id,
        call: call.clone(),
        participant: trace.participant.clone(),
        service: trace.service.clone(),
        kbk: kbk.to_string(),
        amount,
        at_us: trace.now_us(),
    });
    match payments.run(redeem).await.map_err(down)? {
        Reply::Refused(refusal) => Err(refused(refusal.reason())),
        _ => Ok(Some(Proof { order: id, call })),
    }
}

/// Gives the payment back where nothing was done for it. What is unclear, and what the store does not
/// take back now, stays bound to its call, which may come again.
pub async fn settle(
    gate: &Gateway,
    proof: Option<Proof>,
    answered: &Result<Answered, Fault>,
    at_us: i64,
) {
    let outcome = match answered {
        Ok(answered) => answered.outcome,
        Err(fault) => fault.outcome(),
    };
    let (Some(proof), Some(payments), Outcome::Refused) = (proof, gate.payments(), outcome) else {
        return;
    };
    let Proof { order, call } = proof;
    if let Err(down) = payments.run(Command::Restore { order, call, at_us }).await {
        tracing::warn!(%down, "a payment stays bound to a call that was refused");
    }
}

fn refused(reason: &'static str) -> Fault {
    Fault { http_status: Some(402), ..Fault::new(Code::CallerForbidden, Phase::Open, reason) }
}

fn down(down: JournalDown) -> Fault {
    Fault::new(Code::GatewayJournalDown, Phase::Open, "payments_down").because(down)
}
