//! The bank's books against ours, by an auditor that reads both and trusts neither.

use crate::house::{House, OFFICE, until};
use qaqpa::simulate::bank::ledger;
use std::collections::{BTreeMap, BTreeSet};

/// What became of all payments.
#[derive(Debug, Default)]
pub struct Verdict {
    pub posted: usize,
    pub rejected: usize,
    pub conflicts: usize,
    pub violations: BTreeSet<String>,
}

/// Waits until no order is open any more, and everybody was told; no longer than a minute.
pub async fn settle(house: &House) {
    let open = "SELECT id, state FROM payment_order WHERE state IN \
        ('reserved', 'submitting', 'submitted', 'unknown', 'accepted')";
    until("every order has an outcome", async || house.sql(open).is_empty()).await;
    let untold = "SELECT id FROM notice WHERE told_at_us IS NULL";
    until("everybody was told", async || house.sql(untold).is_empty()).await;
}

/// Holds our books against the bank's. `promised`: orders that somebody was told to be open.
pub fn judge(house: &House, promised: &[String]) -> Verdict {
    let mut verdict = Verdict::default();
    let bank = ledger::read(&house.ledger).unwrap_or_default();
    let rows = house.sql("SELECT end_to_end_id, id, state, amount_tiyn FROM payment_order");
    let mut ours: BTreeMap<String, (String, String, i64)> = BTreeMap::new();
    for row in &rows {
        let cells: Vec<&str> = row.split('|').collect();
        let amount = cells[3].parse().unwrap();
        ours.insert(cells[0].to_owned(), (cells[1].to_owned(), cells[2].to_owned(), amount));
    }
    let mut broken = |text: String| {
        verdict.violations.insert(text);
    };
    let ids: BTreeSet<&String> = ours.values().map(|(id, ..)| id).collect();
    for id in promised.iter().filter(|id| !ids.contains(id)) {
        broken(format!("{id} was promised and is lost"));
    }
    for id in bank.keys().filter(|id| !ours.contains_key(*id)) {
        broken(format!("the bank knows {id}, and we do not: a byte left before it was durable"));
    }
    for (end_to_end_id, (id, state, amount_tiyn)) in &ours {
        let account = bank.get(end_to_end_id).cloned().unwrap_or_default();
        let is_paid = account.bookings == 1 && account.booked_tiyn == *amount_tiyn;
        let is_right = match state.as_str() {
            "posted" => is_paid,
            "rejected" => account.bookings == 0 && account.is_rejected,
            "conflict" => account.bookings == 1,
            _ => false,
        };
        if !is_right {
            broken(format!("{id} is {state}, and the bank says {account:?}"));
        }
        match state.as_str() {
            "posted" => verdict.posted += 1,
            "rejected" => verdict.rejected += 1,
            _ => verdict.conflicts += 1,
        }
    }
    judge_money(house, &mut verdict);
    judge_notices(house, &ours, &mut verdict);
    verdict
}

/// What the bank booked is what our ledger says that it holds.
fn judge_money(house: &House, verdict: &mut Verdict) {
    let bank = ledger::read(&house.ledger).unwrap_or_default();
    let booked: i64 = bank.values().map(|account| account.booked_tiyn).sum();
    let sides = house.sql(
        "SELECT sum(CASE WHEN debit LIKE 'receivable:%' THEN amount_tiyn ELSE 0 END) - \
         sum(CASE WHEN credit LIKE 'receivable:%' THEN amount_tiyn ELSE 0 END), \
         sum(CASE WHEN debit LIKE 'pending:%' THEN amount_tiyn ELSE 0 END) - \
         sum(CASE WHEN credit LIKE 'pending:%' THEN amount_tiyn ELSE 0 END) FROM transfer",
    );
    let expected = format!("{booked}|0");
    if sides != [expected.clone()] {
        verdict.violations.insert(format!("the ledger holds {sides:?}, the bank {expected}"));
    }
}

/// Every payment was told to the office, in order and with its last state.
fn judge_notices(
    house: &House,
    ours: &BTreeMap<String, (String, String, i64)>,
    verdict: &mut Verdict,
) {
    let mut last: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for (payment, version, state) in house.office.told() {
        let before = last.insert(payment.clone(), (version, state));
        if before.is_some_and(|(before, _)| before > version) {
            verdict.violations.insert(format!("{payment} was told out of order"));
        }
    }
    for (id, state, _) in ours.values() {
        if last.get(id).map(|(_, told)| told) != Some(state) {
            let told = last.get(id);
            verdict.violations.insert(format!("{OFFICE} was told {told:?} of {id}, {state}"));
        }
    }
}
