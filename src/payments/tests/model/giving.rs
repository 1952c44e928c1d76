//! What the model knows of money that a bank gave back: refunds of ours, returns of its own, and their shares.

use super::{Fate, Model};
use crate::payments::command::{About, Report};
use crate::payments::order::{Ruling, Said};
use crate::payments::record::Order;

/// Whether a word names this order itself.
fn names(report: &Report, order: &Order) -> bool {
    match &report.about {
        About::Order(id) => *id == order.id,
        About::EndToEnd(id) => *id == order.end_to_end_id,
        About::Txn(_) => false,
    }
}

impl Model {
    /// A bank says that money went back.
    pub(super) fn give_back(&mut self, id: &str, report: &Report, order: &Order) {
        let payment = order.reverses.clone().expect("nothing but a refund or a return changes");
        let amount = report.amount.expect("it says how much").tiyn();
        if !self.fates.contains_key(id) {
            let is_ours = self.may_mean(payment.text(), amount).next().is_some();
            assert!(report.said != Said::Refunded || !is_ours, "our refund was taken for a return");
            self.learn(payment.text(), &["posted"]);
            self.share_out(payment.text());
            let is_it = |one: &&Fate| one.is_return && one.amount_tiyn == amount;
            let is_twin = self.of(payment.text()).map(|(_, one)| one).filter(is_it);
            let is_twin = is_twin.into_iter().any(|one| one.document == report.document_number);
            let mut fate = Fate::new(order);
            fate.said.insert("posted");
            (fate.is_return, fate.has_share, fate.is_disputed) = (true, false, is_twin);
            self.fates.insert(id.to_owned(), fate);
        } else if names(report, order) {
            let words: &[_] =
                if report.said == Said::Returned { &["posted", "rejected"] } else { &["posted"] };
            let fate = self.fates.get_mut(id).unwrap();
            let before = fate.clone();
            assert!(order.is_disputed || fate.amount_tiyn == amount, "another amount was believed");
            fate.said.extend(words);
            fate.is_disputed |= order.is_disputed;
            fate.is_shaken(&before);
        } else {
            assert_eq!(report.said, Said::Refunded, "a booking of its own was taken for a refund");
            let is_meant = self.may_mean(payment.text(), amount).any(|one| one == id);
            assert!(is_meant, "taken for a refund that it cannot be");
            self.fates.get_mut(id).unwrap().was_refunded = true;
            self.learn(id, &["posted"]);
            self.share(id);
            self.learn(payment.text(), &["posted"]);
        }
    }

    /// What went back of a payment, or was led to another charge.
    pub(in crate::payments::tests) fn taken(&self, payment: &str) -> i64 {
        let is_of_it = |one: &&Fate| {
            one.has_share && one.reverses.as_deref() == Some(payment)
                || one.takes.as_deref() == Some(payment)
        };
        self.fates.values().filter(is_of_it).map(|one| one.amount_tiyn).sum()
    }

    /// An operator leads money that pays nothing to a charge that nobody pays: all of it, once.
    pub(super) fn apply(&mut self, id: &str, order: &Order) {
        use crate::payments::order::Action::{Cancel, Expire};
        let mut fate = Fate::new(order);
        let from = fate.takes.clone().expect("it takes the money of a payment");
        let source = &self.fates[&from];
        let is_idle = source.is_surplus || matches!(source.last_action, Some(Cancel | Expire));
        let is_contested = source.state() == crate::payments::order::State::Conflict;
        assert!(source.has_money() && is_idle && !is_contested && source.reverses.is_none());
        assert_eq!((self.taken(&from), source.amount_tiyn), (0, order.amount_tiyn));
        let holds = |one: &Fate| one.charge == fate.charge && !one.was_void && !one.is_surplus;
        assert!(!self.fates.values().any(holds), "two pay one charge");
        fate.said.insert("posted");
        if source.said.contains("settled") {
            fate.said.insert("settled");
        }
        fate.last_action = Some(crate::payments::order::Action::Sent);
        assert!(self.fates.insert(id.to_owned(), fate).is_none(), "applied twice");
    }

    /// A number that a return is told later is its own from then on.
    pub(super) fn number(&mut self, id: &str, order: &Order) {
        let fate = self.fates.get_mut(id).unwrap();
        fate.document.clone_from(&order.document_number);
    }

    fn of(&self, payment: &str) -> impl Iterator<Item = (&String, &Fate)> {
        self.fates.iter().filter(move |(_, one)| one.reverses.as_deref() == Some(payment))
    }

    /// The refunds of ours that the bank may mean.
    fn may_mean(&self, payment: &str, amount: i64) -> impl Iterator<Item = &String> {
        use crate::payments::order::Action::{Cancel, Expire};
        let may = move |(_, one): &(&String, &Fate)| {
            let is_given_up = matches!(one.last_action, Some(Cancel | Expire));
            !one.is_return && !one.was_refunded && !is_given_up && one.amount_tiyn == amount
        };
        self.of(payment).filter(may).map(|(id, _)| id)
    }

    fn learn(&mut self, id: &str, words: &[&'static str]) {
        let fate = self.fates.get_mut(id).unwrap();
        let before = fate.clone();
        fate.said.extend(words);
        fate.is_shaken(&before);
    }

    /// Returns have their shares as soon as there is so much to give back, the oldest first; of a payment
    /// that has no money they have none.
    pub(super) fn share_out(&mut self, payment: &str) {
        let Some(paid) = self.fates.get(payment).cloned() else { return };
        let returns: Vec<String> =
            self.of(payment).filter(|(_, one)| one.is_return).map(|(id, _)| id.clone()).collect();
        for id in returns {
            let taken = self.taken(payment);
            let fate = self.fates.get_mut(&id).unwrap();
            let is_room = taken + fate.amount_tiyn <= paid.amount_tiyn && paid.proves.is_none();
            fate.has_share = fate.ruling != Some(Ruling::Rejected)
                && paid.has_money()
                && (fate.has_share || is_room);
        }
    }
}

impl Fate {
    /// It was posted, for all that anybody says.
    fn has_money(&self) -> bool {
        self.ruling != Some(Ruling::Rejected)
            && (self.is_posted() || self.ruling == Some(Ruling::Posted))
    }

    /// The account that its money is owed to, where it has come.
    pub(in crate::payments::tests) fn owed(&self) -> String {
        use crate::payments::order::Action::{Cancel, Expire};
        let is_over = matches!(self.last_action, Some(Cancel | Expire));
        let is_contested = self.state() == crate::payments::order::State::Conflict;
        if !self.has_money() || is_over || self.is_surplus || is_contested {
            return format!("suspense:{}", self.bank);
        }
        "payable:990140000017:108125".to_owned()
    }
}
