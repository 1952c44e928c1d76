//! What a node leaves behind when it ends: told one by one, so that nobody has to look for it.

use super::Gateway;

/// Told one by one; beyond it their number alone.
const TOLD_MAX: u32 = 100;

/// Names the entries that wait for evidence and the payments whose outcome nobody knows, in the log. They
/// stay in the store: another node, or this one's next life, goes on with them.
pub(super) async fn tell(gate: &Gateway) {
    let entries = gate.journal.unresolved(TOLD_MAX).await.unwrap_or_default();
    for left in &entries {
        let (entry, service) = (&left.entry, &left.service);
        tracing::warn!(%entry, %service, "left: an entry waits for evidence");
    }
    let mut orders = Vec::new();
    if let Some(payments) = gate.payments() {
        orders = payments.unknown(TOLD_MAX).await.unwrap_or_default();
        for left in &orders {
            let (payment, bank, state) = (left.id.text(), &left.bank, left.state.word());
            tracing::warn!(payment, %bank, state, "left: a payment is not ended");
        }
    }
    tracing::info!(entries = entries.len(), payments = orders.len(), "left behind");
}
