//! A register's row as evidence: it leads orders on whose outcome nobody knew, and never moves money twice.
//!
//! Only a row without its other half is evidence of something new: its order has no posting yet. What is
//! said is joined by the rules of payments, so a row that is heard again, from this file or from another,
//! changes nothing; another amount than the order's is a contradiction, for an operator to end.

use super::Failed;
use crate::config::settings::Bank;
use crate::payments::Payments;
use crate::payments::calendar::moment_us;
use crate::payments::command::{About, Command, Report};
use crate::payments::order::Said;
use crate::payments::record::Source;
use crate::reconcile::ingest::row;
use crate::reconcile::matching::compare;
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa_kit::money::Amount;

/// Hears a row that the journal's side of the day does not have; true where an order was led on.
///
/// # Errors
/// The store.
pub(super) async fn hear(
    payments: &Payments,
    bank: &Bank,
    text: &str,
    at_us: i64,
) -> Result<bool, Failed> {
    let Ok(row) = row::row(text.as_bytes()) else { return Ok(false) };
    let Ok(end_to_end_id) = std::str::from_utf8(row.e2e_id) else { return Ok(false) };
    if end_to_end_id.is_empty() || !compare::is_taken(row.status) {
        return Ok(false);
    }
    let found = payments.order_by_end_to_end(end_to_end_id).await?;
    let is_unposted =
        found.is_some_and(|order| order.bank == bank.id && order.operating_day.is_none());
    if !is_unposted {
        return Ok(false);
    }
    let sha256 = qaqpa_kit::hex::lower(digest(&SHA256, text.as_bytes()).as_ref());
    let receipt = std::str::from_utf8(row.receipt).ok().filter(|receipt| !receipt.is_empty());
    let posted_at = std::str::from_utf8(row.posted_at).ok();
    let report = Report {
        bank: bank.id.clone(),
        // The row itself: however often and in whatever file it comes, it is one event.
        event_id: format!("register/{sha256}"),
        about: About::EndToEnd(end_to_end_id.to_owned()),
        said: Said::Posted,
        source: Source::Register,
        amount: Amount::new(row.amount_tiyn).ok(),
        document_number: receipt.map(str::to_owned),
        txn_id: None,
        posted_at_us: posted_at.and_then(moment_us),
        at_us,
        original_digest: sha256,
        redirect_url: None,
        note: String::new(),
    };
    let reply = payments.run(Command::Hear(report)).await?;
    Ok(reply.order().is_some())
}
