//! The model: what each order must be by everything that was said and done, worked out in plain ifs.

mod giving;

use crate::payments::command::{About, Command, Redeeming, Reply, Report};
use crate::payments::order::{Action, Ruling, Said, State, Step};
use crate::payments::record::{Heard, Order};
use std::collections::{BTreeMap, BTreeSet};

/// What the model remembers of one order.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub(super) last_action: Option<Action>,
    pub(super) said: BTreeSet<&'static str>,
    pub(super) is_disputed: bool,
    pub(super) is_surplus: bool,
    pub(super) ruling: Option<Ruling>,
    pub(super) bank: String,
    pub(super) amount_tiyn: i64,
    pub(super) charge: Option<String>,
    pub(super) reverses: Option<String>,
    /// The call that it is the proof for.
    pub(super) proves: Option<String>,
    /// A byte of an attempt may have left.
    pub(super) may_have_left: bool,
    /// It once was void; what is void holds no charge ever again.
    pub(super) was_void: bool,
    /// As a refund or a return it has its share of the payment.
    pub(super) has_share: bool,
    /// The bank made it by itself.
    pub(super) is_return: bool,
    /// The bank's number of a return.
    document: Option<String>,
    /// A bank's word that money went back was taken for this refund.
    was_refunded: bool,
    /// The payment without a charge whose money this one took.
    pub(super) takes: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) fates: BTreeMap<String, Fate>,
    heard: BTreeSet<(String, String)>,
    /// Words of which nobody knew the order.
    early: Vec<Report>,
}

const fn word(said: Said) -> Option<&'static str> {
    match said {
        Said::Accepted => Some("accepted"),
        Said::Posted => Some("posted"),
        Said::Settled => Some("settled"),
        Said::Rejected => Some("rejected"),
        _ => None,
    }
}

const fn is_void(state: State) -> bool {
    matches!(state, State::Rejected | State::Cancelled | State::Expired)
}

impl Fate {
    fn new(order: &Order) -> Self {
        Self {
            last_action: None,
            said: BTreeSet::new(),
            is_disputed: order.is_disputed,
            is_surplus: false,
            ruling: None,
            bank: order.bank.clone(),
            amount_tiyn: order.amount_tiyn,
            charge: order.charge.as_ref().map(|id| id.text().to_owned()),
            reverses: order.reverses.as_ref().map(|id| id.text().to_owned()),
            proves: None,
            may_have_left: false,
            was_void: false,
            has_share: order.reverses.is_some(),
            is_return: false,
            document: None,
            was_refunded: false,
            takes: order.takes.as_ref().map(|id| id.text().to_owned()),
        }
    }

    pub(super) fn is_posted(&self) -> bool {
        self.said.contains("posted") || self.said.contains("settled")
    }

    pub(super) fn state(&self) -> State {
        let (is_rejected, is_settled) =
            (self.said.contains("rejected"), self.said.contains("settled"));
        let is_beyond = self.is_return && !self.has_share;
        let is_contested = self.is_disputed || is_beyond || is_rejected && self.is_posted();
        if self.ruling.is_none() && is_contested {
            return State::Conflict;
        }
        match self.last_action {
            Some(Action::Cancel) => return State::Cancelled,
            Some(Action::Expire) => return State::Expired,
            _ => {}
        }
        match self.ruling {
            Some(Ruling::Rejected) => return State::Rejected,
            Some(Ruling::Posted) if is_settled => return State::Settled,
            Some(Ruling::Posted) => return State::Posted,
            None => {}
        }
        if is_settled {
            State::Settled
        } else if self.is_posted() {
            State::Posted
        } else if is_rejected {
            State::Rejected
        } else if self.said.contains("accepted") {
            State::Accepted
        } else {
            match self.last_action {
                None | Some(Action::Withdraw) => State::Reserved,
                Some(Action::Submit | Action::Resubmit) => State::Submitting,
                Some(Action::Sent) => State::Submitted,
                _ => State::Unknown,
            }
        }
    }

    /// What the order adds to an account, found by what is true of it.
    pub(super) fn balances(&self, source: Option<&str>) -> Vec<(String, i64)> {
        let (bank, amount) = (&self.bank, self.amount_tiyn);
        let is_over = matches!(self.last_action, Some(Action::Cancel | Action::Expire));
        let is_paid = self.is_posted() || self.ruling == Some(Ruling::Posted);
        let is_refused = self.ruling == Some(Ruling::Rejected);
        let is_beyond = self.is_return && !self.has_share;
        let asset = if is_refused || is_beyond {
            return Vec::new();
        } else if self.takes.is_some() {
            format!("suspense:{bank}")
        } else if self.said.contains("settled") {
            "treasury".to_owned()
        } else if is_paid {
            format!("receivable:{bank}")
        } else if is_over || self.said.contains("rejected") {
            return Vec::new();
        } else if source.is_some() {
            format!("returning:{bank}")
        } else {
            format!("pending:{bank}")
        };
        if let Some(source) = source {
            return vec![(source.to_owned(), amount), (asset, -amount)];
        }
        let is_owed = is_paid && !is_over && !self.is_surplus && self.state() != State::Conflict;
        let claim = match (is_paid, is_owed) {
            (false, _) => "expected:990140000017:108125".to_owned(),
            (true, true) => "payable:990140000017:108125".to_owned(),
            (true, false) => format!("suspense:{bank}"),
        };
        vec![(asset, amount), (claim, -amount)]
    }
}

impl Model {
    /// Remembers what this command brought about.
    pub(super) fn follow(&mut self, command: &Command, reply: &Reply) {
        let is_news = match command {
            Command::Hear(report) | Command::Return { report, .. } => {
                let event = (report.bank.clone(), report.event_id.clone());
                let is_early = matches!(
                    reply,
                    Reply::Refused(refusal) if refusal.reason() == "no_such_payment"
                );
                let is_heard = is_early || !matches!(reply, Reply::Refused(_));
                let is_news = is_heard && self.heard.insert(event);
                if is_early && is_news {
                    self.early.push(report.clone());
                }
                is_news
            }
            _ => true,
        };
        if let (Command::Restore { order, call, .. }, Reply::Done) = (command, reply)
            && let Some(fate) = self.fates.get_mut(order.text())
            && fate.proves.as_ref() == Some(call)
        {
            fate.proves = None;
            self.share_out(order.text());
        }
        let Reply::Order { order, is_new, .. } = reply else { return };
        let id = order.id.text().to_owned();
        match command {
            Command::Open(_) | Command::Refund(_) => {
                let original = order.reverses.as_ref().and_then(|id| self.fates.get(id.text()));
                assert!(original.is_none_or(|fate| fate.proves.is_none()), "a proof went back");
                let fate = Fate::new(order);
                assert!(self.fates.insert(id.clone(), fate).is_none(), "opened twice");
            }
            Command::Redeem(asked) => self.redeem(&id, asked, *is_new),
            Command::Receive(_) if *is_new => self.receive(id.clone(), order),
            Command::Act(act) => {
                let fate = self.fates.get_mut(&id).unwrap();
                if act.action == Action::Withdraw {
                    assert!(!fate.may_have_left, "withdrawn after a byte may have left");
                }
                fate.may_have_left |=
                    matches!(act.action, Action::Sent | Action::Lose | Action::Resubmit);
                fate.last_action = Some(act.action);
            }
            Command::Hear(report) if is_news => self.hear(&id, report, order),
            Command::Return { report, .. } if is_news => self.give_back(&id, report, order),
            Command::Apply(_) => self.apply(&id, order),
            Command::Rule { ruling, .. } => {
                let fate = self.fates.get_mut(&id).unwrap();
                fate.ruling = Some(*ruling);
                let is_over = matches!(fate.last_action, Some(Action::Cancel | Action::Expire));
                if *ruling == Ruling::Posted && fate.was_void && fate.charge.is_some() && !is_over {
                    self.take_again(&id, order);
                }
            }
            _ => {}
        }
        self.settle(&id, order);
    }

    /// What was said of an order before anybody knew it is true of it once it is there; `heard` tells
    /// which order each word was taken for.
    pub(super) fn recall(&mut self, after: &BTreeMap<String, Order>, heard: &[Heard]) {
        let is_of = |report: &Report, order: &Order| {
            let is_named = match &report.about {
                About::Order(id) => order.id == *id,
                About::EndToEnd(id) => order.end_to_end_id == *id,
                About::Txn(id) => order.txn_id.as_ref() == Some(id),
            };
            is_named && order.bank == report.bank
        };
        self.early.sort_by_key(|report| (report.at_us, report.event_id.clone()));
        for report in std::mem::take(&mut self.early) {
            let Some(order) = after.values().find(|order| is_of(&report, order)) else {
                self.early.push(report);
                continue;
            };
            if !report.said.goes_back() {
                self.hear(order.id.text(), &report, order);
                self.settle(order.id.text(), order);
                continue;
            }
            let event = format!("{}/{}", report.bank, report.event_id);
            let word = heard.iter().find(|word| word.id == event).expect("it was kept");
            let meant = word.order_id.as_ref().and_then(|id| after.get(id.text()));
            let meant = meant.expect("a word whose order is known has one");
            self.give_back(meant.id.text(), &report, meant);
            self.settle(meant.id.text(), meant);
        }
    }

    fn settle(&mut self, id: &str, order: &Order) {
        for fate in self.fates.values_mut() {
            let state = fate.state();
            fate.was_void |= is_void(state);
        }
        self.share(id);
        self.number(id, order);
        let payment = self.fates[id].reverses.clone().unwrap_or_else(|| id.to_owned());
        self.share_out(&payment);
    }

    /// An operator says that money came of which the charge was let go: it pays that, unless another
    /// does, or it is annulled.
    fn take_again(&mut self, id: &str, order: &Order) {
        let charge = self.fates[id].charge.clone();
        let rivals = self.fates.iter().filter(|(other, _)| *other != id);
        let is_held = rivals
            .filter(|(_, one)| one.charge == charge)
            .any(|(_, one)| !one.was_void && !one.is_surplus);
        let is_surplus = order.step == Step::Surplus;
        assert!(is_surplus || !is_held && order.holds, "two pay one charge");
        let fate = self.fates.get_mut(id).unwrap();
        fate.is_surplus |= is_surplus;
        fate.was_void &= is_surplus;
    }

    /// A refund has its share until it comes to nothing; where its money goes out nevertheless, it takes
    /// what is still there, or somebody has to look at it.
    fn share(&mut self, id: &str) {
        let fate = &self.fates[id];
        let Some(original) = fate.reverses.clone().filter(|_| !fate.is_return) else { return };
        let is_out = (fate.is_posted() || fate.ruling == Some(Ruling::Posted))
            && fate.ruling != Some(Ruling::Rejected);
        let (amount, has_share) = (fate.amount_tiyn, fate.has_share);
        let keeps = has_share && (is_out || !is_void(fate.state()));
        let taken = self.taken(&original);
        let payment = &self.fates[&original];
        let is_room = taken + amount <= payment.amount_tiyn && payment.proves.is_none();
        let fate = self.fates.get_mut(id).unwrap();
        fate.has_share = keeps || !has_share && is_out && is_room;
        fate.is_disputed |= !has_share && is_out && !is_room;
    }

    /// Money that was taken already: it pays the charge, or it is too much.
    fn receive(&mut self, id: String, order: &Order) {
        let mut fate = Fate::new(order);
        fate.said.insert("posted");
        fate.last_action = Some(Action::Sent);
        fate.is_surplus = !order.reason.is_empty();
        // An order that nobody had attempted makes way.
        let rivals = self.fates.values_mut().filter(|rival| rival.charge == fate.charge);
        for rival in rivals.filter(|rival| rival.state() == State::Reserved) {
            if !fate.is_surplus {
                rival.last_action = Some(Action::Cancel);
            }
        }
        assert!(self.fates.insert(id, fate).is_none(), "received twice");
    }

    /// A proof: money that a payee is owed, all of it still there, on these terms, for one call.
    fn redeem(&mut self, id: &str, asked: &Redeeming, is_new: bool) {
        let returns = |fate: &&Fate| fate.reverses.as_deref() == Some(id) && fate.has_share;
        let is_returned = self.fates.values().any(|fate| returns(&fate));
        let fate = self.fates.get_mut(id).unwrap();
        assert_eq!(
            is_new,
            fate.proves.is_none(),
            "a proof was used twice, or refused its own call"
        );
        assert!(
            fate.proves.as_ref().is_none_or(|call| *call == asked.call),
            "two calls, one proof"
        );
        if is_new {
            let is_owed =
                matches!(fate.state(), State::Posted | State::Settled) && !fate.is_surplus;
            assert!(is_owed && fate.reverses.is_none(), "unconfirmed money was a proof: {fate:?}");
            assert!(!is_returned, "returned money was a proof");
            assert_eq!((fate.amount_tiyn, &*asked.kbk), (asked.amount.tiyn(), "108125"));
        }
        fate.proves = Some(asked.call.clone());
    }

    fn hear(&mut self, id: &str, report: &Report, order: &Order) {
        let before = self.fates[id].clone();
        let fate = self.fates.get_mut(id).unwrap();
        fate.said.extend(word(report.said));
        if report.amount.is_some_and(|amount| amount.tiyn() != fate.amount_tiyn) {
            assert!(order.is_disputed, "another amount was believed");
        }
        // Documents and transactions: unique, and the first of an order is its own for ever.
        let is_other_txn = report.txn_id.is_some() && report.txn_id != order.txn_id;
        let is_other_document = fate.is_posted()
            && report.document_number.is_some()
            && report.document_number != order.document_number;
        assert!(!(is_other_txn || is_other_document) || order.is_disputed, "a second name");
        fate.is_disputed |= order.is_disputed;
        fate.is_shaken(&before);
    }
}

impl Fate {
    fn is_shaken(&mut self, before: &Self) {
        let fate = self;
        // A ruling ends what was known of; what denies it later is a new contradiction.
        let is_new = |word| fate.said.contains(word) && !before.said.contains(word);
        let is_denied = match fate.ruling {
            Some(Ruling::Posted) => is_new("rejected"),
            Some(Ruling::Rejected) => {
                is_new("settled") || is_new("posted") && !before.said.contains("settled")
            }
            None => false,
        };
        if is_denied || fate.is_disputed && !before.is_disputed {
            fate.ruling = None;
        }
    }
}
