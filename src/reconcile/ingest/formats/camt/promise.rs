//! What a statement promises of itself: balances, numbers of entries, sums, and its place in a sequence.

use super::super::Sink;
use super::super::sequence::Sequence;
use super::entry::{Entry, Standing};

/// Entries counted, or promised to be.
#[derive(Clone, Copy, Default)]
pub(super) struct Total {
    pub(super) count: Option<u64>,
    pub(super) sum_tiyn: Option<i128>,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    count: u64,
    sum_tiyn: i128,
}

impl Counted {
    fn add(&mut self, amount_tiyn: i64) {
        self.count += 1;
        self.sum_tiyn += i128::from(amount_tiyn);
    }
}

/// A balance under way.
#[derive(Default)]
pub(super) struct Balance {
    pub(super) code: Vec<u8>,
    pub(super) amount_tiyn: i64,
    pub(super) currency: Vec<u8>,
    pub(super) is_debit: bool,
}

/// One statement's.
#[derive(Default)]
pub(super) struct Promise {
    pub(super) account: Vec<u8>,
    pub(super) number: Option<u64>,
    pub(super) is_paged: bool,
    pub(super) balance: Balance,
    /// `OPBD`, `PRCD`, `CLBD`.
    balances: [Option<(i64, Vec<u8>)>; 3],
    /// All entries, credits, debits; as promised.
    pub(super) promised: [Total; 3],
    /// Credits minus debits, without a sign.
    pub(super) promised_net_tiyn: Option<i128>,
    pub(super) is_net_debit: bool,
    /// The same as counted: those booked, and all.
    booked: [Counted; 3],
    all: [Counted; 3],
    /// Booked money in minus booked money out.
    net_tiyn: i128,
    currency: Vec<u8>,
    has_currencies: bool,
}

const CODES: [&[u8]; 3] = [b"OPBD", b"PRCD", b"CLBD"];

impl Promise {
    pub(super) fn balance_ended(&mut self) {
        let Balance { code, amount_tiyn, currency, is_debit } = std::mem::take(&mut self.balance);
        let signed = if is_debit { -amount_tiyn } else { amount_tiyn };
        let place = CODES.iter().zip(&mut self.balances).find(|(word, _)| **word == code);
        if let Some((word, place)) = place {
            // Of several the first one opens, the last one closes.
            if *word == b"CLBD" || place.is_none() {
                *place = Some((signed, currency));
            }
        }
    }

    pub(super) fn entry(&mut self, entry: &Entry) {
        let (Some(amount_tiyn), Some(is_debit)) = (entry.amount_tiyn, entry.is_debit) else {
            return;
        };
        let standing = entry.standing().unwrap_or(Standing::Told);
        let [_, credits, debits] = &mut self.all;
        if is_debit {
            debits.add(amount_tiyn)
        } else {
            credits.add(amount_tiyn)
        }
        if standing == Standing::Booked {
            let [_, credits, debits] = &mut self.booked;
            if is_debit {
                debits.add(amount_tiyn)
            } else {
                credits.add(amount_tiyn)
            }
            let signed = if is_debit { -amount_tiyn } else { amount_tiyn };
            self.net_tiyn += i128::from(signed);
            if self.currency.is_empty() {
                self.currency.clone_from(&entry.currency);
            }
            self.has_currencies |= self.currency != entry.currency;
        }
    }

    /// The statement has ended: did it keep its word?
    pub(super) fn check(&mut self, line: u64, sequence: &mut Sequence, sink: &mut Sink<'_, '_>) {
        if let Some(reason) = self.totals().or_else(|| self.identity()) {
            sink.broken(line, reason);
        }
        if let Some(number) = self.number {
            sequence.add(std::mem::take(&mut self.account), number, self.is_paged);
        }
    }

    fn totals(&mut self) -> Option<String> {
        for counted in [&mut self.booked, &mut self.all] {
            let [total, credits, debits] = counted;
            total.count = credits.count + debits.count;
            total.sum_tiyn = credits.sum_tiyn + debits.sum_tiyn;
        }
        let names = ["TtlNtries", "TtlCdtNtries", "TtlDbtNtries"];
        let counted = self.booked.iter().zip(&self.all);
        for ((promised, (booked, all)), name) in self.promised.iter().zip(counted).zip(names) {
            let is_count = promised.count.is_none_or(|n| n == booked.count || n == all.count);
            if !is_count {
                let promised = promised.count.unwrap_or(0);
                return Some(format!("{name}/NbOfNtries is {promised}, entries are {}", all.count));
            }
            let is_sum = |sum: i128| sum == booked.sum_tiyn || sum == all.sum_tiyn;
            if let Some(sum) = promised.sum_tiyn.filter(|sum| !is_sum(*sum)) {
                let found = all.sum_tiyn;
                return Some(format!("{name}/Sum is {sum} tiyn, of the entries {found} tiyn"));
            }
        }
        let signed = |net: i128| if self.is_net_debit { -net } else { net };
        let net = |[_, credits, debits]: &[Counted; 3]| credits.sum_tiyn - debits.sum_tiyn;
        let found = [net(&self.booked), net(&self.all)];
        let promised = self.promised_net_tiyn.map(signed).filter(|net| !found.contains(net))?;
        let [_, all] = found;
        Some(format!("TtlNetNtry is {promised} tiyn, of the entries {all} tiyn"))
    }

    fn identity(&self) -> Option<String> {
        let [opened, before, closed] = &self.balances;
        let (opened, currency) = opened.as_ref().or(before.as_ref())?;
        let (closed, other) = closed.as_ref()?;
        let is_one = self.currency.is_empty() || self.currency == *currency;
        if currency != other || self.has_currencies || !is_one {
            return None;
        }
        let sum = i128::from(*opened) + self.net_tiyn;
        let is_right = sum == i128::from(*closed);
        let reason = format!(
            "opening balance {opened} and entries of {} tiyn make {sum}, CLBD is {closed}",
            self.net_tiyn
        );
        (!is_right).then_some(reason)
    }
}
