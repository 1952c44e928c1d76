//! Which rows a command needs: those that it names, and those that these lead to.

use super::{Request, Rules, early, hear, open, path, tell};
use crate::payments::book::{Book, Lookup, Wanted};
use crate::payments::breaks;
use crate::payments::command::{About, Command, Redeeming, Report, Telling};
use crate::payments::order::{Action, Rank, Said};
use crate::payments::record::Order;

impl Request {
    /// The rows that it needs first.
    pub(in crate::payments) fn want(&self, wanted: &mut Wanted) {
        if !self.is_clean() {
            return;
        }
        if let Some((key, _)) = &self.key {
            wanted.want(Lookup::Key, &key.id());
        }
        match &self.command {
            Command::Register(charges) => {
                for charge in charges {
                    wanted.want(Lookup::Charge, charge.id.text());
                    wanted.want(Lookup::ChargeName, &charge.name);
                }
            }
            Command::Annul { charge, .. } => want_charge(wanted, charge.text()),
            Command::Open(opening) => {
                want_charge(wanted, opening.charge.text());
                wanted.want(Lookup::Order, opening.order.text());
                early::want(wanted, &opening.bank, &opening.order, None);
            }
            Command::Receive(receipt) => {
                want_charge(wanted, receipt.charge.text());
                wanted.want(Lookup::Order, receipt.order.text());
                wanted.want(Lookup::Txn, &path(&[&receipt.bank, &receipt.txn_id]));
                wanted.want(Lookup::Window, &receipt.bank);
                wanted.want(Lookup::Evidence, &open::event_of(receipt));
                early::want(wanted, &receipt.bank, &receipt.order, Some(&receipt.txn_id));
            }
            Command::Act(act) => wanted.want(Lookup::Order, act.order.text()),
            Command::Inquire(inquiry) => wanted.want(Lookup::Order, inquiry.order.text()),
            Command::Hear(report) | Command::Return { report, .. } => {
                if let Command::Return { order, .. } = &self.command {
                    wanted.want(Lookup::Order, order.text());
                    early::want(wanted, &report.bank, order, None);
                }
                want_word(wanted, report);
            }
            Command::Refund(refund) => {
                wanted.want(Lookup::Order, refund.order.text());
                wanted.want(Lookup::Order, refund.original.text());
                wanted.want(Lookup::Reversing, refund.original.text());
                wanted.want(Lookup::Redemption, refund.original.text());
            }
            Command::Redeem(Redeeming { order, .. }) | Command::Restore { order, .. } => {
                wanted.want(Lookup::Order, order.text());
                wanted.want(Lookup::Redemption, order.text());
            }
            Command::Rule { order, .. } => wanted.want(Lookup::Order, order.text()),
            Command::Apply(asked) => {
                want_charge(wanted, asked.charge.text());
                wanted.want(Lookup::Order, asked.order.text());
                wanted.want(Lookup::Order, asked.from.text());
            }
            Command::Close { bank, .. } => wanted.want(Lookup::WindowToClose, bank),
            Command::Tell { notice, telling, .. } => {
                wanted.want(Lookup::Notice, notice);
                if *telling == Telling::Told {
                    wanted.want(Lookup::Order, tell::order_of(notice));
                }
            }
            Command::Reconcile(command) => breaks::want(command, wanted),
            Command::Forget { .. } => {}
        }
    }

    /// The rows that it needs because of those read first.
    pub(in crate::payments) fn want_more(&self, book: &Book, rules: &Rules, wanted: &mut Wanted) {
        let order = match &self.command {
            Command::Act(act) => book.order(act.order.text()),
            Command::Rule { order, .. } => book.order(order.text()),
            Command::Hear(report) => {
                let found = hear::find(book, &report.bank, &report.about);
                want_document(wanted, (book, rules), found, report);
                found
            }
            Command::Return { report, .. } => {
                let found = hear::find(book, &report.bank, &report.about);
                // A refund's own booking, which has a number as a payment's has.
                let booked = Report { said: Said::Posted, ..report.clone() };
                let refund = found.filter(|order| order.reverses.is_some());
                want_document(wanted, (book, rules), refund, &booked);
                found
            }
            Command::Receive(receipt) => {
                if let Some(key) = open::document_key(book, rules, receipt) {
                    wanted.want(Lookup::Document, &key);
                }
                None
            }
            Command::Refund(refund) => {
                if let Some(original) = book.order(refund.original.text()) {
                    early::want(wanted, &original.bank, &refund.order, None);
                }
                None
            }
            Command::Apply(asked) => {
                if let Some(from) = book.order(asked.from.text()) {
                    wanted.want(Lookup::Window, &from.bank);
                    wanted.want(Lookup::Reversing, from.id.text());
                    wanted.want(Lookup::Untold, from.id.text());
                }
                None
            }
            Command::Close { bank, .. } => {
                wanted.want(Lookup::Totals, bank);
                None
            }
            Command::Tell { notice, telling: Telling::Told, .. } => {
                wanted.want(Lookup::Untold, tell::order_of(notice));
                None
            }
            Command::Reconcile(command) => {
                breaks::want_more(command, book, wanted);
                None
            }
            Command::Restore { order, .. } => book.order(order.text()),
            _ => None,
        };
        if let Some(order) = order {
            self.want_beside(order, wanted);
        }
    }

    /// What goes with an order that this is about.
    fn want_beside(&self, order: &Order, wanted: &mut Wanted) {
        if let Some(original) = &order.reverses {
            wanted.want(Lookup::Order, original.text());
        }
        let payment = order.reverses.as_ref().unwrap_or(&order.id).text();
        // Others wait to hear of it, perhaps.
        if tell::is_told(order.state) || self.may_share_out(order) {
            wanted.want(Lookup::Untold, payment);
        }
        if self.may_share_out(order) {
            wanted.want(Lookup::Reversing, payment);
            wanted.want(Lookup::Redemption, payment);
            // The days of these returns may be closed.
            wanted.want(Lookup::Window, &order.bank);
        }
        if matches!(self.command, Command::Return { .. }) {
            wanted.want(Lookup::Refunded, order.id.text());
        }
        if matches!(self.command, Command::Rule { .. }) {
            wanted.want(Lookup::Window, &order.bank);
            if let Some(charge) = &order.charge {
                want_charge(wanted, charge.text());
            }
        }
    }

    /// Whether the returns of the payment may get or lose their shares of it: where its money may be
    /// taken elsewhere, or a share may be let go. A payment that was not posted has none.
    fn may_share_out(&self, order: &Order) -> bool {
        match &self.command {
            Command::Return { .. } | Command::Rule { .. } => true,
            Command::Act(act) => {
                order.reverses.is_some() && matches!(act.action, Action::Cancel | Action::Expire)
            }
            _ => order.reverses.is_some() || order.rank >= Rank::Posted,
        }
    }
}

fn want_charge(wanted: &mut Wanted, charge: &str) {
    wanted.want(Lookup::Charge, charge);
    wanted.want(Lookup::Holder, charge);
}

/// Who has the number of the document that a bank names, where it would become this order's.
fn want_document(
    wanted: &mut Wanted,
    (book, rules): (&Book, &Rules),
    order: Option<&Order>,
    report: &Report,
) {
    if let (Some(order), Some(document)) = (order, &report.document_number)
        && let Some(posting) = hear::posting(book, rules, order, report)
        && let Some(key) = open::key_of_document(rules, &report.bank, document, posting)
    {
        wanted.want(Lookup::Document, &key);
    }
}

/// What a word of a bank needs: its order, its event, and what waits for the same order.
fn want_word(wanted: &mut Wanted, report: &Report) {
    match &report.about {
        About::Order(id) => wanted.want(Lookup::Order, id.text()),
        About::EndToEnd(id) => wanted.want(Lookup::EndToEnd, id),
        About::Txn(id) => wanted.want(Lookup::Txn, &path(&[&report.bank, id])),
    }
    if let Some(txn_id) = &report.txn_id {
        wanted.want(Lookup::Txn, &path(&[&report.bank, txn_id]));
    }
    wanted.want(Lookup::Evidence, &path(&[&report.bank, &report.event_id]));
    wanted.want(Lookup::Window, &report.bank);
    early::want_of_word(wanted, report);
}
