//! How orders come to be, and what we do with them of our own accord.

use super::{AGE_US_MAX, Rules, SKEW_US_MAX, changed, path, put};
use crate::payments::book::{Book, Lookup};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{Act, Inquiry, Opening, Payee, Receipt, Refusal, Reply};
use crate::payments::order::{self, Action, Rank, Said, State, Step};
use crate::payments::record::{Charge, Heard, Id, Order, Party, Source};

/// Between whom money is to move.
pub(super) struct Sides<'s> {
    pub bank: &'s str,
    pub payer: &'s Party,
    pub payee: &'s Party,
    pub kbk: &'s str,
}

impl<'s> Sides<'s> {
    fn of(charge: &'s Charge, bank: &'s str, payer: &'s Party) -> Self {
        Self { bank, payer, payee: &charge.payee, kbk: &charge.kbk }
    }
}

/// A new order without a history.
pub(super) fn new_order(id: &Id, amount_tiyn: i64, sides: &Sides<'_>) -> Order {
    Order {
        id: id.clone(),
        reverses: None,
        takes: None,
        charge: None,
        bank: sides.bank.to_owned(),
        end_to_end_id: end_to_end_id(id),
        payer: sides.payer.clone(),
        payee: sides.payee.clone(),
        kbk: sides.kbk.to_owned(),
        amount_tiyn,
        step: Step::Reserved,
        rank: Rank::Silence,
        is_rejected: false,
        is_disputed: false,
        ruling: None,
        state: State::Reserved,
        asset: None,
        claim: None,
        holds: true,
        version: 0,
        node: String::new(),
        attempt: 0,
        attempted_at_us: None,
        opened_at_us: 0,
        changed_at_us: 0,
        deadline_us: 0,
        inquiries: 0,
        not_found: 0,
        next_check_at_us: None,
        posted_at_us: None,
        operating_day: None,
        document_number: None,
        document_key: None,
        document_at_us: None,
        txn_id: None,
        txn_key: None,
        txn_at_us: None,
        returned_tiyn: 0,
        source: None,
        reason: String::new(),
        agency: String::new(),
        opened_by: String::new(),
        redirect_url: None,
    }
}

/// The order's id without its hyphens: 34 of at most 35 characters, the same for every attempt.
pub(super) fn end_to_end_id(id: &Id) -> String {
    format!("GW{}", id.text().replace('-', ""))
}

pub(super) fn open(book: &mut Book, rules: &Rules, opening: &Opening) -> Result<Reply, Refusal> {
    if !rules.banks.contains_key(&opening.bank) {
        return Err(Refusal::NoBank);
    }
    if book.order(opening.order.text()).is_some() {
        return Err(Refusal::Taken);
    }
    let charge = book.charge(opening.charge.text()).ok_or(Refusal::NoCharge)?.clone();
    if charge.annulled_at_us.is_some() {
        return Err(Refusal::Annulled);
    }
    if let Some(holder) = book.order_by(Lookup::Holder, charge.id.text()) {
        return Err(Refusal::Held(holder.state));
    }
    if opening.deadline_us <= opening.at_us {
        return Err(Refusal::Late);
    }
    let sides = Sides::of(&charge, &opening.bank, &opening.payer);
    let order = Order {
        charge: Some(charge.id.clone()),
        opened_at_us: opening.at_us,
        deadline_us: opening.deadline_us,
        next_check_at_us: Some(first_check(
            rules,
            &opening.bank,
            (opening.at_us, opening.deadline_us),
        )),
        agency: charge.agency.clone(),
        opened_by: opening.opened_by.clone(),
        ..new_order(&opening.order, charge.amount_tiyn, &sides)
    };
    Ok(changed(put(book, rules, order, (opening.at_us, "opened"))))
}

/// When a new order is looked after: submitted at once where its bank takes orders, else given up at
/// its deadline.
pub(super) fn first_check(rules: &Rules, bank: &str, (at_us, deadline_us): (i64, i64)) -> i64 {
    let takes_orders = rules.banks.get(bank).is_some_and(|bank| bank.agency.is_some());
    if takes_orders { at_us } else { deadline_us }
}

/// The event under which a receipt is remembered.
pub(super) fn event_of(receipt: &Receipt) -> String {
    path(&[&receipt.bank, "receipt", &receipt.txn_id])
}

/// The bank's time, no later than ours, and the day that it is counted in.
fn posting(book: &Book, rules: &Rules, receipt: &Receipt) -> Option<(i64, OperatingDay)> {
    let bank = rules.banks.get(&receipt.bank)?;
    let posted_at_us = believed(receipt.posted_at_us, receipt.at_us);
    let closed = book.window(&receipt.bank).and_then(|window| window.closed_through);
    Some((posted_at_us, bank.window(posted_at_us, closed)))
}

/// A bank's time; one too far ahead of ours, or years behind it, counts as now.
pub(super) fn believed(posted_at_us: i64, at_us: i64) -> i64 {
    let earliest = at_us.saturating_sub(AGE_US_MAX);
    let is_of_now = (earliest..=at_us.saturating_add(SKEW_US_MAX)).contains(&posted_at_us);
    if is_of_now { posted_at_us } else { at_us }
}

pub(super) fn document_key(book: &Book, rules: &Rules, receipt: &Receipt) -> Option<String> {
    let document = receipt.document_number.as_deref()?;
    key_of_document(rules, &receipt.bank, document, posting(book, rules, receipt)?)
}

/// The key that no other order may have; `None` for money of a closed day, which lies in a later one: a
/// bank numbers its documents anew each day, so there its number may be another's too.
pub(super) fn key_of_document(
    rules: &Rules,
    bank: &str,
    document: &str,
    (posted_at_us, day): (i64, OperatingDay),
) -> Option<String> {
    let is_own_day = rules.banks.get(bank)?.operating_day(posted_at_us) == day;
    is_own_day.then(|| path(&[bank, &day.0.to_string(), document]))
}

/// The bank has the payer's money already: it is taken in, on the charge if that is still to be paid,
/// else into suspense; never refused for a reason that the payer cannot help.
pub(super) fn receive(book: &mut Book, rules: &Rules, receipt: &Receipt) -> Result<Reply, Refusal> {
    let (posted_at_us, day) = posting(book, rules, receipt).ok_or(Refusal::NoBank)?;
    let charge = book.charge(receipt.charge.text()).ok_or(Refusal::NoCharge)?.clone();
    if goes_elsewhere(&receipt.payee, &charge) {
        return Err(Refusal::OtherTerms);
    }
    let told = |order: Order, is_new| {
        let (order, charge) = (Box::new(order), Some(Box::new(charge.clone())));
        Reply::Order { order, is_new, charge }
    };
    let txn_key = path(&[&receipt.bank, &receipt.txn_id]);
    if let Some(known) = book.order_by(Lookup::Txn, &txn_key) {
        let is_same =
            known.charge.as_ref() == Some(&charge.id) && known.amount_tiyn == receipt.amount.tiyn();
        return if is_same { Ok(told(known.clone(), false)) } else { Err(Refusal::Taken) };
    }
    if book.order(receipt.order.text()).is_some() || book.has_heard(&event_of(receipt)) {
        return Err(Refusal::Taken);
    }
    let surplus = surplus(book, rules, &charge, receipt);
    let document_key = document_key(book, rules, receipt);
    let is_disputed =
        document_key.as_deref().is_some_and(|key| book.order_by(Lookup::Document, key).is_some());
    let payer = receipt.payer.as_ref().unwrap_or(&charge.payer);
    let sides = Sides::of(&charge, &receipt.bank, payer);
    let order = Order {
        charge: Some(charge.id.clone()),
        step: if surplus.is_some() { Step::Surplus } else { Step::Submitted },
        rank: Rank::Posted,
        is_disputed,
        holds: surplus.is_none(),
        opened_at_us: receipt.at_us,
        deadline_us: receipt.at_us,
        posted_at_us: Some(posted_at_us),
        operating_day: Some(day),
        document_number: receipt.document_number.clone(),
        document_key: document_key.filter(|_| !is_disputed),
        txn_id: Some(receipt.txn_id.clone()),
        txn_key: Some(txn_key),
        reason: surplus.unwrap_or_default().to_owned(),
        agency: charge.agency.clone(),
        ..new_order(&receipt.order, receipt.amount.tiyn(), &sides)
    };
    book.hear(Heard {
        id: event_of(receipt),
        order_id: Some(receipt.order.clone()),
        said: Said::Posted,
        source: Source::Notice,
        amount_tiyn: Some(receipt.amount.tiyn()),
        document_number: receipt.document_number.clone(),
        posted_at_us: Some(receipt.posted_at_us),
        heard_at_us: receipt.at_us,
        original_digest: receipt.original_digest.clone(),
        note: String::new(),
        name: None,
        txn_id: None,
        redirect_url: None,
    });
    Ok(told(put(book, rules, order, (receipt.at_us, "receipt")), true))
}

/// Whoever paid wrote the charge of one payee and the account of another: no money of this charge.
fn goes_elsewhere(said: &Payee, charge: &Charge) -> bool {
    let differs = |said: &Option<String>, own: &str| said.as_deref().is_some_and(|it| it != own);
    differs(&said.bin, charge.payee.digits())
        || differs(&said.iban, &charge.iban)
        || differs(&said.kbk, &charge.kbk)
}

/// Why the money cannot pay the charge. An order that nobody has attempted yet makes way.
fn surplus(
    book: &mut Book,
    rules: &Rules,
    charge: &Charge,
    receipt: &Receipt,
) -> Option<&'static str> {
    if charge.annulled_at_us.is_some() {
        return Some("charge_annulled");
    }
    if charge.amount_tiyn != receipt.amount.tiyn() {
        return Some("other_amount");
    }
    let holder = book.order_by(Lookup::Holder, charge.id.text())?.clone();
    let Some(step) = order::act(Action::Cancel, holder.state) else {
        return Some("double_paid");
    };
    let reason = "paid_at_a_bank".to_owned();
    put(book, rules, Order { step, reason, ..holder }, (receipt.at_us, "cancelled"));
    None
}

pub(super) fn act(book: &mut Book, rules: &Rules, act: &Act) -> Result<Reply, Refusal> {
    let order = book.order(act.order.text()).ok_or(Refusal::NoOrder)?.clone();
    let step = order::act(act.action, order.state).ok_or(Refusal::NotNow(order.state))?;
    let speaks_of_attempt = matches!(act.action, Action::Sent | Action::Lose | Action::Withdraw);
    if speaks_of_attempt && act.attempt != order.attempt {
        return Err(Refusal::Stale);
    }
    let order = match act.action {
        Action::Submit if act.at_us >= order.deadline_us => return Err(Refusal::Late),
        Action::Submit | Action::Resubmit if is_frozen(book, &order) => {
            return Err(Refusal::NotNow(State::Conflict));
        }
        Action::Expire if act.at_us < order.deadline_us => return Err(Refusal::NotDue),
        Action::Withdraw if order.step != Step::Submitting => {
            return Err(Refusal::NotNow(order.state));
        }
        Action::Resubmit if !may_resubmit(&order, rules, act.at_us) => return Err(Refusal::NotDue),
        Action::Submit | Action::Resubmit => Order {
            step,
            node: act.node.clone(),
            attempt: order.attempt + 1,
            attempted_at_us: Some(act.at_us),
            next_check_at_us: Some(act.check_at_us),
            inquiries: 0,
            not_found: 0,
            ..order
        },
        Action::Lose => {
            let pause = order::inquiry_pause(0, rules.inquiry_pause_max);
            Order { step, next_check_at_us: Some(after(act.at_us, pause)), inquiries: 0, ..order }
        }
        // Sent again after a while, as long as there is time; its number stays, so that nothing which
        // is late speaks of the next attempt.
        Action::Withdraw => {
            let tried = order.attempt.saturating_sub(1);
            let next = after(act.at_us, order::inquiry_pause(tried, rules.inquiry_pause_max));
            Order { step, next_check_at_us: Some(next.min(order.deadline_us)), ..order }
        }
        Action::Sent | Action::Cancel | Action::Expire => Order { step, ..order },
    };
    let cause = match act.action {
        Action::Submit => "submitted",
        Action::Sent => "sent",
        Action::Lose => "lost",
        Action::Withdraw => "withdrawn",
        Action::Resubmit => "resubmitted",
        Action::Cancel => "cancelled",
        Action::Expire => "expired",
    };
    Ok(changed(put(book, rules, order, (act.at_us, cause))))
}

/// A refund of a payment of which nobody knows whether it came: nothing is sent until an operator rules.
fn is_frozen(book: &Book, order: &Order) -> bool {
    let original = order.reverses.as_ref().and_then(|original| book.order(original.text()));
    original.is_some_and(|payment| payment.state == State::Conflict)
}

/// The bank has said `not found` often enough, and long enough after the last attempt.
fn may_resubmit(order: &Order, rules: &Rules, at_us: i64) -> bool {
    let attempted_at_us = order.attempted_at_us.unwrap_or(order.opened_at_us);
    order.not_found >= rules.not_found_min && at_us >= after(attempted_at_us, rules.quiet)
}

/// One node asks the bank what became of an order; or has asked in vain, or can do nothing yet, and looks
/// again after a pause.
pub(super) fn inquire(book: &mut Book, rules: &Rules, inquiry: &Inquiry) -> Result<Reply, Refusal> {
    let order = book.order(inquiry.order.text()).ok_or(Refusal::NoOrder)?.clone();
    if order.version != inquiry.version {
        return Err(Refusal::Stale);
    }
    let may_wait = order.state.needs_inquiry() || order.state == State::Reserved;
    if !may_wait || order.state == State::Submitting {
        return Err(Refusal::NotNow(order.state));
    }
    let (inquiries, next_check_at_us) = match inquiry.until_us {
        Some(until_us) => (order.inquiries, until_us),
        None => {
            let inquiries = order.inquiries.saturating_add(1);
            let pause = order::inquiry_pause(inquiries, rules.inquiry_pause_max);
            (inquiries, after(inquiry.at_us, pause))
        }
    };
    let (node, next_check_at_us) = (inquiry.node.clone(), Some(next_check_at_us));
    let order = Order { node, inquiries, next_check_at_us, ..order };
    Ok(changed(put(book, rules, order, (inquiry.at_us, "inquiry"))))
}

/// A moment later than another.
pub(in crate::payments) fn after(at_us: i64, pause: std::time::Duration) -> i64 {
    at_us.saturating_add(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX))
}
