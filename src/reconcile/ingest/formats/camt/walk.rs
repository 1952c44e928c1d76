//! The way through a document: which element is open, and where the text of a leaf belongs.

use super::super::Sink;
use super::super::amount::tiyn;
use super::super::draft::{code, id, set, tagged};
use super::super::sequence::Sequence;
use super::entry::{Batch, Entry, Payment};
use super::promise::{Promise, Total};
use super::tag::Tag;
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;

/// Elements inside each other at most; the messages need some fifteen.
const DEPTH_MAX: usize = 64;

/// Where the reader is.
#[derive(Default)]
pub(super) struct Walk {
    path: Vec<Tag>,
    /// How deep the open statement, entry and payment are; 0 where none is.
    statement_at: usize,
    entry_at: usize,
    payment_at: usize,
    /// The text of the leaf under way, where it may be read.
    text: Vec<u8>,
    is_leaf: bool,
    currency: Vec<u8>,
    is_over: bool,
    is_message: bool,
    statements: u64,
    promise: Promise,
    sequence: Sequence,
    entry: Entry,
    payment: Payment,
}

impl Walk {
    /// An element begins on a line, which only those that become rows are asked for.
    pub(super) fn open(&mut self, tag: Tag, line: impl FnOnce() -> u64) -> Result<(), String> {
        let above = self.path.last().copied();
        self.enter(tag)?;
        let depth = self.path.len();
        self.is_leaf = tag.is_leaf();
        self.text.clear();
        match tag {
            _ if tag.has_currency() => self.currency.clear(),
            Tag::Message => self.is_message = true,
            Tag::Entry if self.statement_at == 0 || self.entry_at > 0 => {
                return Err("a Ntry outside of a statement, or inside another".to_owned());
            }
            Tag::Payment if self.payment_at > 0 => {
                return Err("TxDtls inside of TxDtls".to_owned());
            }
            Tag::Statement if above == Some(Tag::Message) => {
                self.promise = Promise::default();
                self.statement_at = depth;
            }
            Tag::Entry if self.statement_at > 0 && self.statement_at + 1 == depth => {
                self.entry.clear(line());
                self.payment.clear();
                self.payment.draft.line = self.entry.line;
                self.entry_at = depth;
            }
            Tag::Details if self.entry_at > 0 && self.entry_at + 1 == depth => {
                self.entry.batch = Batch::default();
            }
            // In the first version they stand in the entry itself.
            Tag::Payment if self.entry_at > 0 && (1..=2).contains(&(depth - self.entry_at)) => {
                self.payment.clear();
                self.payment.draft.line = line();
                self.payment_at = depth;
            }
            Tag::Returned => self.payment.is_return = true,
            Tag::Charges => self.entry.has_charges = true,
            Tag::Pages => self.promise.is_paged = true,
            _ => {}
        }
        Ok(())
    }

    /// What the element that was opened last tells of its currency.
    #[inline]
    pub(super) fn currency(&mut self, code: &[u8]) {
        self.currency.extend_from_slice(code);
    }

    #[inline]
    fn enter(&mut self, tag: Tag) -> Result<(), String> {
        if self.is_over || self.path.len() >= DEPTH_MAX {
            let reason = if self.is_over { "a second root element" } else { "too many levels" };
            return Err(reason.to_owned());
        }
        self.path.push(tag);
        Ok(())
    }

    /// An element that holds a text alone, and is no statement, entry or payment.
    #[inline]
    pub(super) fn value(&mut self, tag: Tag, code: &[u8], text: &[u8]) -> Result<(), String> {
        self.enter(tag)?;
        if tag.has_currency() {
            set(&mut self.currency, code);
        }
        let read = if tag.is_leaf() { self.leaf(text.trim_ascii()) } else { Ok(()) };
        self.is_leaf = false;
        self.path.pop();
        self.is_over = self.path.is_empty();
        read
    }

    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) {
        if self.is_leaf {
            self.text.extend_from_slice(text);
        }
    }

    /// Whether an element is open.
    pub(super) const fn is_open(&self) -> bool {
        !self.path.is_empty()
    }

    /// The element that is open ends on a line.
    #[inline]
    pub(super) fn close(
        &mut self,
        line: impl FnOnce() -> u64,
        sink: &mut Sink<'_, '_>,
    ) -> Result<(), Stop> {
        if std::mem::take(&mut self.is_leaf) {
            let text = std::mem::take(&mut self.text);
            let read = self.leaf(text.trim_ascii());
            self.text = text;
            read.map_err(|reason| sink.wrong(line(), reason))?;
        } else {
            self.element(line, sink)?;
        }
        self.path.pop();
        self.is_over = self.path.is_empty();
        Ok(())
    }

    /// An element with elements in it has ended.
    #[inline]
    fn element(&mut self, line: impl FnOnce() -> u64, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        let depth = self.path.len();
        if depth == self.payment_at {
            self.payment_at = 0;
            self.entry.payment(&mut self.payment, sink)?;
        } else if depth == self.entry_at {
            self.entry_at = 0;
            self.promise.entry(&self.entry);
            self.entry.end(&mut self.payment, sink)?;
        } else if depth == self.statement_at {
            self.statement_at = 0;
            self.statements += 1;
            self.promise.check(line(), &mut self.sequence, sink);
        } else if self.path.last() == Some(&Tag::Details) && depth == self.entry_at + 1 {
            self.entry.batch_ended(line, sink);
        } else if self.path.last() == Some(&Tag::Balance) && depth == self.statement_at + 1 {
            self.promise.balance_ended();
        }
        Ok(())
    }

    /// The text of a leaf that may be read.
    fn leaf(&mut self, text: &[u8]) -> Result<(), String> {
        let below = |depth: usize| self.path.get(depth..).unwrap_or_default();
        if self.payment_at > 0 {
            let is_booked = self.currency == self.entry.currency;
            payment(&mut self.payment, below(self.payment_at), text, is_booked)
        } else if self.entry_at > 0 {
            entry(&mut self.entry, below(self.entry_at), text, &self.currency)
        } else if self.path.last() == Some(&Tag::Made) {
            // Of the message, then of the statement, which is nearer. Its day alone: when it was written
            // is no time of payment.
            set(&mut self.entry.made, text.get(..10).unwrap_or(text));
            Ok(())
        } else if self.statement_at > 0 {
            statement(&mut self.promise, below(self.statement_at), text, &self.currency)
        } else {
            Ok(())
        }
    }

    /// The document has ended.
    pub(super) fn finish(self, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        let whole = |reason: &str| Err(Stop::Whole(Reason::new(reason)));
        if !self.is_message {
            return whole("no camt.053, camt.054 or camt.052");
        }
        if self.statements == 0 {
            return whole("no statement and no notification in it");
        }
        sink.found.statements = self.statements;
        if let Some(gap) = self.sequence.gap("ElctrncSeqNb") {
            sink.broken(0, gap);
        }
        Ok(())
    }
}

fn direction(text: &[u8]) -> Result<bool, String> {
    match text {
        b"DBIT" => Ok(true),
        b"CRDT" => Ok(false),
        _ => Err("CdtDbtInd: neither CRDT nor DBIT".to_owned()),
    }
}

/// What may stand once: a reader that takes the last of two and one that takes the first read two files.
fn once<T>(name: &str, before: Option<T>) -> Result<(), String> {
    before.map_or(Ok(()), |_| Err(format!("{name} stands twice")))
}

fn truth(text: &[u8]) -> Result<bool, String> {
    match text {
        b"true" | b"1" => Ok(true),
        b"false" | b"0" => Ok(false),
        _ => Err("RvslInd: neither true nor false".to_owned()),
    }
}

fn number(text: &[u8]) -> Result<u64, &'static str> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or("no whole number")
}

fn money(text: &[u8]) -> Result<i64, String> {
    tiyn(text).map_err(|reason| format!("Amt: {reason}"))
}

fn total(promise: &mut Promise, of: Tag) -> Option<&mut Total> {
    let [all, credits, debits] = &mut promise.promised;
    match of {
        Tag::All => Some(all),
        Tag::Credits => Some(credits),
        Tag::Debits => Some(debits),
        _ => None,
    }
}

fn statement(
    promise: &mut Promise,
    rest: &[Tag],
    text: &[u8],
    currency: &[u8],
) -> Result<(), String> {
    let sum = |text: &[u8]| tiyn(text).map(i128::from).map_err(|reason| format!("Sum: {reason}"));
    match rest {
        [Tag::Number] => promise.number = number(text).ok(),
        [Tag::Account, Tag::Id, Tag::Iban] | [Tag::Account, Tag::Id, Tag::Other1, Tag::Id] => {
            set(&mut promise.account, text);
        }
        [Tag::Balance, Tag::Type, Tag::CodeOrOwn, Tag::Code]
        | [Tag::Balance, Tag::Type, Tag::Code] => set(&mut promise.balance.code, text),
        [Tag::Balance, Tag::Amount] => {
            promise.balance.amount_tiyn = money(text)?;
            set(&mut promise.balance.currency, currency);
        }
        [Tag::Balance, Tag::Direction] => promise.balance.is_debit = direction(text)?,
        [Tag::Summary, of, Tag::Count] => {
            if let Some(total) = total(promise, *of) {
                let count = number(text);
                total.count = Some(count.map_err(|reason| format!("NbOfNtries: {reason}"))?);
            }
        }
        [Tag::Summary, Tag::All, Tag::Net] if !text.is_empty() => {
            promise.promised_net_tiyn = Some(sum(text)?)
        }
        [Tag::Summary, Tag::All, Tag::Net, Tag::Amount] => {
            promise.promised_net_tiyn = Some(sum(text)?)
        }
        [Tag::Summary, Tag::All, Tag::Direction]
        | [Tag::Summary, Tag::All, Tag::Net, Tag::Direction] => {
            promise.is_net_debit = direction(text)?;
        }
        [Tag::Summary, of, Tag::Sum] => {
            if let Some(total) = total(promise, *of) {
                total.sum_tiyn = Some(sum(text)?);
            }
        }
        _ => {}
    }
    Ok(())
}

fn entry(entry: &mut Entry, rest: &[Tag], text: &[u8], currency: &[u8]) -> Result<(), String> {
    match rest {
        [Tag::Amount] => {
            once("Amt", entry.amount_tiyn.replace(money(text)?))?;
            if currency.is_empty() {
                return Err("Amt: no Ccy".to_owned());
            }
            set(&mut entry.currency, currency);
        }
        [Tag::Direction] => once("CdtDbtInd", entry.is_debit.replace(direction(text)?))?,
        [Tag::Reversal] => entry.is_reversal = truth(text)?,
        // Before version 8 the code stood in `Sts` itself.
        [Tag::Status] if !text.is_empty() => set(&mut entry.status, text),
        [Tag::Status, Tag::Code | Tag::Own] => set(&mut entry.status, text),
        [Tag::Booked, Tag::Day | Tag::Moment] => set(&mut entry.booked, text),
        [Tag::Value, Tag::Day | Tag::Moment] => set(&mut entry.value, text),
        [Tag::Receipt] => set(&mut entry.receipt, id(text)),
        [Tag::Details, Tag::Batch, Tag::BatchCount] => {
            let count = number(text);
            entry.batch.count = Some(count.map_err(|reason| format!("NbOfTxs: {reason}"))?);
        }
        [Tag::Details, Tag::Batch, Tag::BatchSum] if currency == entry.currency => {
            let sum = tiyn(text).map_err(|reason| format!("TtlAmt: {reason}"))?;
            entry.batch.promised_tiyn = Some(sum);
        }
        _ => {}
    }
    Ok(())
}

/// Of a payment; `is_booked`: an amount is in the currency of the entry.
fn payment(
    payment: &mut Payment,
    rest: &[Tag],
    text: &[u8],
    is_booked: bool,
) -> Result<(), String> {
    let draft = &mut payment.draft;
    match rest {
        [Tag::References, Tag::EndToEnd] => {
            once("EndToEndId", Some(()).filter(|()| !draft.e2e_id.is_empty()))?;
            set(&mut draft.e2e_id, id(text));
        }
        [Tag::References, Tag::Receipt] => set(&mut draft.receipt, id(text)),
        [Tag::References, Tag::Transaction] => set(&mut payment.transaction, id(text)),
        [Tag::References, Tag::Instruction] => set(&mut payment.instruction, id(text)),
        [Tag::Amount] | [Tag::Amounts, Tag::Transacted, Tag::Amount] => {
            let amount_tiyn = money(text)?;
            if is_booked && (rest.len() == 1 || payment.amount_tiyn.is_none()) {
                payment.amount_tiyn = Some(amount_tiyn);
            }
        }
        [Tag::Direction] => once("CdtDbtInd", payment.is_debit.replace(direction(text)?))?,
        [Tag::Parties, party, rest @ ..] => {
            let rest = rest.strip_prefix(&[Tag::Party]).unwrap_or(rest);
            let [Tag::Id, Tag::Organisation | Tag::Person, Tag::Other1, Tag::Id] = rest else {
                return Ok(());
            };
            let place = match party {
                Tag::Payer => &mut draft.iin,
                Tag::RealPayer => &mut payment.real_payer,
                Tag::Payee => &mut draft.payee_bin,
                _ => return Ok(()),
            };
            if place.is_empty() {
                set(place, code(text, 12));
            }
        }
        [Tag::Purpose, Tag::Own | Tag::Code] => set(&mut draft.knp, code(text, 3)),
        [Tag::Reporting, Tag::ReportingDetails, Tag::Code]
        | [Tag::Remittance, Tag::Structured, Tag::Tax, Tag::Record, Tag::Category] => {
            let place = if text.len() == 3 { &mut draft.knp } else { &mut draft.kbk };
            let digits = if text.len() == 3 { 3 } else { 6 };
            if place.is_empty() {
                set(place, code(text, digits));
            }
        }
        [Tag::Remittance, Tag::Words] => {
            for (place, tags, digits) in [
                (&mut draft.knp, ["/KNP/", "/KNP/"], 3),
                (&mut draft.kbk, ["/KBK/", "/BCLASS/"], 6),
            ] {
                for tag in tags {
                    if place.is_empty() {
                        set(place, code(tagged(text, tag.as_bytes()), digits));
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}
