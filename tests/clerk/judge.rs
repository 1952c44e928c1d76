//! The banks' books against ours, by an auditor that reads both and trusts neither.

use crate::house::{House, OFFICE, until};
use qaqpa::simulate::bank::ledger::{self, Account, Books, Call};
use std::collections::{BTreeMap, BTreeSet};

/// What became of all payments.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Payments that we ordered.
    pub posted: usize,
    pub rejected: usize,
    pub conflicts: usize,
    pub refunds_posted: usize,
    /// Payments that customers made at their banks, and of these what waits in suspense.
    pub taken: usize,
    pub in_suspense: usize,
    /// What banks asked more than once, and how often they were answered.
    pub asked_again: usize,
    pub answers: u64,
    pub violations: BTreeSet<String>,
}

impl Verdict {
    fn broken(&mut self, text: String) {
        self.violations.insert(text);
    }
}

/// One of our orders, as its row tells.
struct Row {
    id: String,
    bank: String,
    end_to_end_id: String,
    state: String,
    amount_tiyn: i64,
    txn_id: String,
    charge: String,
    claim: String,
    /// The end-to-end id of the payment that it gives back.
    reverses: String,
    returned_tiyn: i64,
}

/// Waits until no order is open any more, and everybody was told; no longer than a minute.
pub async fn settle(house: &House) {
    until("every order has an outcome and everybody was told", async || is_quiet(house)).await;
}

/// Whether nothing is under way: no order, no notice, and nothing that a bank asks.
pub fn is_quiet(house: &House) -> bool {
    let waits = |call: &Call| !call.is_answered();
    if banks(house).values().any(|books| books.calls.values().any(waits)) {
        return false;
    }
    house
        .sql(
            "SELECT id FROM payment_order WHERE state IN \
             ('reserved', 'submitting', 'submitted', 'unknown', 'accepted') \
             UNION ALL SELECT id FROM notice WHERE told_at_us IS NULL LIMIT 1",
        )
        .is_empty()
}

fn banks(house: &House) -> BTreeMap<&'static str, Books> {
    house.banks.iter().map(|bank| (bank.id, ledger::read(&bank.ledger).unwrap())).collect()
}

/// Holds our books against the banks'. `promised`: orders that somebody was told to be open.
pub fn judge(house: &House, promised: &[String]) -> Verdict {
    let mut verdict = Verdict::default();
    let (banks, rows) = (banks(house), rows(house));
    let ids: BTreeSet<&String> = rows.iter().map(|row| &row.id).collect();
    for id in promised.iter().filter(|id| !ids.contains(id)) {
        verdict.broken(format!("{id} was promised and is lost"));
    }
    for row in &rows {
        let books = &banks[row.bank.as_str()];
        match books.calls.get(&row.txn_id) {
            Some(call) if !row.txn_id.is_empty() => judge_taken(row, call, &mut verdict),
            _ => {
                let account = books.orders.get(&row.end_to_end_id).cloned().unwrap_or_default();
                judge_ordered(row, &account, &mut verdict);
            }
        }
    }
    for (bank, books) in &banks {
        judge_bank((bank, books), &rows, &mut verdict);
    }
    judge_charges(&rows, &mut verdict);
    judge_refunds(&banks, &rows, &mut verdict);
    judge_money(house, &banks, &rows, &mut verdict);
    judge_notices(house, &rows, &mut verdict);
    verdict
}

fn rows(house: &House) -> Vec<Row> {
    let rows = house.sql(
        "SELECT o.id, o.bank, o.end_to_end_id, o.state, o.amount_tiyn, coalesce(o.txn_id, ''), \
         coalesce(o.charge, ''), coalesce(o.claim, ''), coalesce(p.end_to_end_id, ''), \
         o.returned_tiyn FROM payment_order o LEFT JOIN payment_order p ON p.id = o.reverses",
    );
    let read = |row: &String| {
        let cells: Vec<String> = row.split('|').map(str::to_owned).collect();
        let [id, bank, end_to_end_id, state, amount, txn_id, charge, claim, reverses, returned] =
            <[String; 10]>::try_from(cells).unwrap();
        let (amount_tiyn, returned_tiyn) = (amount.parse().unwrap(), returned.parse().unwrap());
        Row {
            id,
            bank,
            end_to_end_id,
            state,
            amount_tiyn,
            txn_id,
            charge,
            claim,
            reverses,
            returned_tiyn,
        }
    };
    rows.iter().map(read).collect()
}

/// An order of ours is at its bank what it is here.
fn judge_ordered(row: &Row, account: &Account, verdict: &mut Verdict) {
    let is_paid = account.bookings == 1 && account.booked_tiyn == row.amount_tiyn;
    let is_right = match row.state.as_str() {
        "posted" => is_paid,
        "rejected" => account.bookings == 0 && account.is_rejected,
        "conflict" => account.bookings == 1,
        // It made way for a customer's money.
        "cancelled" => account.orders == 0,
        _ => false,
    };
    if !is_right || account.reverses.as_ref().is_some_and(|paid| *paid != row.reverses) {
        verdict.broken(format!("{} is {}, and the bank says {account:?}", row.id, row.state));
    }
    match row.state.as_str() {
        "posted" if row.reverses.is_empty() => verdict.posted += 1,
        "posted" => verdict.refunds_posted += 1,
        "rejected" => verdict.rejected += 1,
        "conflict" => verdict.conflicts += 1,
        _ => {}
    }
}

/// What a bank took is here, towards its charge or in suspense.
fn judge_taken(row: &Row, call: &Call, verdict: &mut Verdict) {
    let is_same = call.charge.as_ref() == Some(&row.charge) && call.taken_tiyn == row.amount_tiyn;
    let is_claimed = ["payable", "suspense"].contains(&row.claim.as_str());
    if !is_same || !is_claimed || row.state != "posted" || call.refused > 0 {
        let Row { id, state, claim, .. } = row;
        verdict.broken(format!("{id} is {state} and {claim}, and the bank says {call:?}"));
    }
    verdict.taken += 1;
    verdict.in_suspense += usize::from(row.claim == "suspense");
}

/// What a bank knows is known here, once; what it asked was answered, with the same bytes each time.
fn judge_bank((bank, books): (&str, &Books), rows: &[Row], verdict: &mut Verdict) {
    let of_bank: Vec<&Row> = rows.iter().filter(|row| row.bank == bank).collect();
    let ours: BTreeSet<&String> = of_bank.iter().map(|row| &row.end_to_end_id).collect();
    for id in books.orders.keys().filter(|id| !ours.contains(id)) {
        verdict.broken(format!("{bank} knows {id}, and we do not: a byte left too early"));
    }
    for (name, call) in &books.calls {
        let rows = of_bank.iter().filter(|row| row.txn_id == *name).count();
        let expected = usize::from(call.charge.is_some() && call.done > 0);
        if rows != expected || !call.is_answered() || call.answers.len() != 1 {
            verdict.broken(format!("{bank} {name}: {rows} payments of ours, {call:?}"));
        }
        verdict.asked_again += usize::from(call.asked > 1);
        verdict.answers += call.done + call.refused;
    }
}

/// No charge is paid twice.
fn judge_charges(rows: &[Row], verdict: &mut Verdict) {
    let mut paid = BTreeSet::new();
    for row in rows.iter().filter(|row| row.claim == "payable" && row.reverses.is_empty()) {
        if !paid.insert(&row.charge) {
            verdict.broken(format!("{} is paid by two payments", row.charge));
        }
    }
}

/// By the banks' books no more goes back than came in, and by ours as much as by theirs.
fn judge_refunds(banks: &BTreeMap<&str, Books>, rows: &[Row], verdict: &mut Verdict) {
    for row in rows {
        let accounts = banks[row.bank.as_str()].orders.values();
        let its = accounts.filter(|account| account.reverses.as_ref() == Some(&row.end_to_end_id));
        let given_back: i64 = its.map(|account| account.booked_tiyn).sum();
        if given_back != row.returned_tiyn || given_back > row.amount_tiyn {
            let Row { id, amount_tiyn, returned_tiyn, .. } = row;
            verdict.broken(format!(
                "of {amount_tiyn} of {id} {given_back} went back, and we say {returned_tiyn}"
            ));
        }
    }
}

/// Each booking of a bank is one transfer of ours, and what all banks hold our ledger says that they hold.
fn judge_money(house: &House, banks: &BTreeMap<&str, Books>, rows: &[Row], verdict: &mut Verdict) {
    let mut moved: BTreeMap<String, usize> = BTreeMap::new();
    for id in house.sql(
        "SELECT order_id FROM transfer \
         WHERE debit LIKE 'receivable:%' OR credit LIKE 'receivable:%'",
    ) {
        *moved.entry(id).or_default() += 1;
    }
    for row in rows {
        let expected = usize::from(["posted", "conflict"].contains(&row.state.as_str()));
        let times = moved.remove(&row.id).unwrap_or_default();
        if times != expected {
            verdict.broken(format!("{} is {} and was moved {times} times", row.id, row.state));
        }
    }
    if !moved.is_empty() {
        verdict.broken(format!("money of nobody: {moved:?}"));
    }
    for (bank, books) in banks {
        let signed = |account: &Account| {
            if account.reverses.is_some() { -account.booked_tiyn } else { account.booked_tiyn }
        };
        let taken = books.calls.values().filter(|call| call.done > 0).map(|call| call.taken_tiyn);
        let held: i64 = books.orders.values().map(signed).chain(taken).sum();
        let side = |account: &str| {
            format!(
                "coalesce(sum(CASE WHEN debit = '{account}:{bank}' THEN amount_tiyn ELSE 0 END) - \
                 sum(CASE WHEN credit = '{account}:{bank}' THEN amount_tiyn ELSE 0 END), 0)"
            )
        };
        let sides = ["receivable", "pending", "returning"].map(side).join(", ");
        let (sides, expected) =
            (house.sql(&format!("SELECT {sides} FROM transfer")), format!("{held}|0|0"));
        if sides != [expected.clone()] {
            verdict.broken(format!("the ledger holds {sides:?} at {bank}, the bank {expected}"));
        }
    }
}

/// Every payment was told to the office, in order and with its last state.
fn judge_notices(house: &House, rows: &[Row], verdict: &mut Verdict) {
    let mut last: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for (payment, version, state) in house.office.told() {
        let before = last.insert(payment.clone(), (version, state));
        if before.is_some_and(|(before, _)| before > version) {
            verdict.broken(format!("{payment} was told out of order"));
        }
    }
    for Row { id, state, .. } in rows {
        if last.get(id).map(|(_, told)| told) != Some(state) {
            let told = last.get(id);
            verdict.broken(format!("{OFFICE} was told {told:?} of {id}, {state}"));
        }
    }
}
