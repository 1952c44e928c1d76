//! A payment as the proof for a call: confirmed, on these terms, for one call and no other.

use super::{Rules, changed, give, unchanged};
use crate::payments::book::Book;
use crate::payments::command::{Redeeming, Refusal, Reply};
use crate::payments::receipt::Standing;
use crate::payments::record::{Id, Redemption};

/// Binds a payment to a call, or finds it bound to this very call already.
pub(super) fn redeem(book: &mut Book, asked: &Redeeming) -> Result<Reply, Refusal> {
    let order = book.order(asked.order.text()).filter(|order| order.reverses.is_none());
    let order = order.ok_or(Refusal::NoOrder)?.clone();
    let before = book.redemption(order.id.text());
    if let Some(call) = before.and_then(|redemption| redemption.call.as_ref()) {
        return if *call == asked.call { Ok(unchanged(order)) } else { Err(Refusal::Used) };
    }
    if order.kbk != asked.kbk || order.amount_tiyn != asked.amount.tiyn() {
        return Err(Refusal::OtherTerms);
    }
    match Standing::of(&order) {
        Standing::Paid => {}
        Standing::PartlyReturned | Standing::Returned => return Err(Refusal::Returned),
        Standing::Unassigned | Standing::Contested | Standing::NotFound => {
            return Err(Refusal::NotConfirmed(order.state));
        }
    }
    let version = before.map_or(1, |redemption| redemption.version + 1);
    book.put_redemption(Redemption {
        id: order.id.clone(),
        call: Some(asked.call.clone()),
        participant: asked.participant.clone(),
        service: asked.service.clone(),
        redeemed_at_us: asked.at_us,
        version,
    });
    Ok(changed(order))
}

/// Frees a payment that this call was bound to; of another call's nothing is changed.
pub(super) fn restore(
    book: &mut Book,
    rules: &Rules,
    order: &Id,
    (call, at_us): (&str, i64),
) -> Result<Reply, Refusal> {
    let bound = book.redemption(order.text()).filter(|bound| bound.call.as_deref() == Some(call));
    if let Some(bound) = bound.cloned() {
        let version = bound.version + 1;
        book.put_redemption(Redemption { call: None, redeemed_at_us: at_us, version, ..bound });
        // Of what was used nothing goes back; what a bank gave back all the same waited for this.
        give::share_out(book, rules, order, (at_us, "restored"));
    }
    Ok(Reply::Done)
}
