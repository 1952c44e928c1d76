//! What operators do with a break, until two of them end it: the rules, and the ledger's entry. Pure.

use super::decide::{put_break, withdrawn};
use super::record::{Break, BreakState, Resolution};
use super::{Doing, Entry, Outcome, PROVED, Refused, Stepping, is_operator};
use crate::payments::book::Book;
use crate::payments::command::Refusal;
use crate::payments::decide::Rules;
use crate::payments::ledger::Account;
use crate::payments::record::{Id, Transfer};

/// Does one step.
pub(super) fn step(book: &mut Book, rules: &Rules, step: &Stepping) -> Result<Outcome, Refusal> {
    let refused = |refused| Err(Refusal::Reconcile(refused));
    if !is_operator(&step.operator) {
        return refused(Refused::NoOperator);
    }
    if step.note.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    let known = book.shelf.item(&step.break_id).cloned();
    let known = known.ok_or(Refusal::Reconcile(Refused::NoBreak))?;
    let bank = rules.banks.get(&known.bank).ok_or(Refusal::NoBank)?;
    if known.state.is_ended() {
        return refused(Refused::NotNow);
    }
    let item = match &step.doing {
        Doing::Assign { owner } if !is_operator(owner) => return refused(Refused::NoOperator),
        Doing::Assign { owner } => {
            let state = BreakState::Assigned;
            Break { owner: owner.clone(), state, ..withdrawn(known) }
        }
        Doing::Explain => Break { state: BreakState::Explained, ..withdrawn(known) },
        Doing::Propose { resolution, entry } => {
            let asked = match (resolution, entry) {
                (Resolution::Adjust, Some(entry)) => Some(checked(&known, entry)?),
                (Resolution::Adjust, None) => Some(usual(&known)?),
                (_, Some(_)) => return refused(Refused::BadEntry),
                (_, None) => None,
            };
            Break {
                state: BreakState::Proposed,
                resolution: Some(*resolution),
                debit: asked.as_ref().map(|entry| entry.debit.clone()),
                credit: asked.as_ref().map(|entry| entry.credit.clone()),
                adjusted_tiyn: asked.map(|entry| entry.amount_tiyn),
                proposed_by: Some(step.operator.clone()),
                ..known
            }
        }
        Doing::Approve => {
            let Some(resolution) = known.resolution.filter(|_| known.state == BreakState::Proposed)
            else {
                return refused(Refused::NotNow);
            };
            if known.proposed_by.as_ref() == Some(&step.operator) {
                return refused(Refused::SameOperator);
            }
            // Whoever is known by a key could else approve under any other name.
            let is_proved = |name: &String| name.starts_with(PROVED);
            if known.proposed_by.as_ref().is_some_and(is_proved) && !is_proved(&step.operator) {
                return refused(Refused::NotProved);
            }
            Break {
                state: resolution.state(),
                approved_by: Some(step.operator.clone()),
                ended_day: Some(bank.operating_day(step.at_us)),
                ..known
            }
        }
    };
    if item.state == BreakState::Adjusted {
        adjust(book, &item, step.at_us)?;
    }
    let word = item.state.word();
    let by = (step.operator.as_str(), step.journal_entry.as_str());
    put_break(book, item, (word, &step.note), by, step.at_us);
    let item = book.shelf.item(&step.break_id).cloned();
    let item = item.ok_or(Refusal::Reconcile(Refused::NoBreak))?;
    Ok(Outcome::Break(Box::new(item)))
}

/// The entry that ends a break. It can be made once: its name is the break's.
fn adjust(book: &mut Book, item: &Break, at_us: i64) -> Result<(), Refusal> {
    let missing = Refusal::Reconcile(Refused::EntryMissing);
    book.transfer(Transfer {
        id: format!("break/{}", item.id),
        order_id: Id::of_break(&item.id),
        debit: item.debit.clone().ok_or(missing)?,
        credit: item.credit.clone().ok_or(missing)?,
        amount_tiyn: item.adjusted_tiyn.ok_or(missing)?,
        operating_day: item.ended_day,
        moved_at_us: at_us,
    });
    Ok(())
}

/// An entry that an operator names: between two accounts of this bank, the Treasury and payees, and of
/// no more money than is in question.
fn checked(item: &Break, entry: &Entry) -> Result<Entry, Refusal> {
    let is_account = |name: &str| {
        let own = [
            Account::Receivable(item.bank.clone()),
            Account::Suspense(item.bank.clone()),
            Account::Returning(item.bank.clone()),
            Account::Treasury,
        ];
        own.iter().any(|account| account.to_string() == name) || is_payee(name)
    };
    let is_good = is_account(&entry.debit)
        && is_account(&entry.credit)
        && entry.debit != entry.credit
        && (1..=item.amount_tiyn).contains(&entry.amount_tiyn);
    if is_good { Ok(entry.clone()) } else { Err(Refusal::Reconcile(Refused::BadEntry)) }
}

/// `payable:BIN:КБК`.
fn is_payee(name: &str) -> bool {
    let parts = name.strip_prefix("payable:").and_then(|rest| rest.split_once(':'));
    let is_number = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    parts.is_some_and(|(bin, kbk)| is_number(bin, 12) && is_number(kbk, 6))
}

/// What a category asks for: money that the bank has and we do not know goes into suspense; money that
/// we count on and the bank does not have comes out of it.
fn usual(item: &Break) -> Result<Entry, Refusal> {
    let receivable = Account::Receivable(item.bank.clone()).to_string();
    let suspense = Account::Suspense(item.bank.clone()).to_string();
    let (is_more, amount_tiyn) = match item.category.as_str() {
        "MISSING_IN_GATEWAY" | "DUPLICATE_IN_BANK" => (true, item.amount_tiyn),
        "MISSING_IN_BANK" | "DUPLICATE_IN_GATEWAY" | "RETURN_UNLINKED" => (false, item.amount_tiyn),
        "AMOUNT_MISMATCH" if item.difference_tiyn != 0 => {
            (item.difference_tiyn > 0, item.difference_tiyn.abs())
        }
        _ => return Err(Refusal::Reconcile(Refused::EntryMissing)),
    };
    let (debit, credit) = if is_more { (receivable, suspense) } else { (suspense, receivable) };
    Ok(Entry { debit, credit, amount_tiyn })
}
