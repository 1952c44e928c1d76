//! An entry of a statement and the payments in it, as rows.
//!
//! A payment's own amount counts; one that has none is the only one of its entry and takes the entry's.
//! What is in another currency than the entry is none. Where several have none nobody can divide the entry: it is one row, without an id.

use super::super::Sink;
use super::super::draft::{ACCEPTED, Draft, POSTED, RETURNED, REVERSED, set};
use crate::reconcile::ingest::intake::Stop;

/// `Ntry`, what of it stands before its payments, and what its payments add up to.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) line: u64,
    pub(super) amount_tiyn: Option<i64>,
    pub(super) currency: Vec<u8>,
    pub(super) is_debit: Option<bool>,
    pub(super) is_reversal: bool,
    pub(super) status: Vec<u8>,
    pub(super) booked: Vec<u8>,
    pub(super) value: Vec<u8>,
    /// `CreDtTm` of its statement: the day where it tells none.
    pub(super) made: Vec<u8>,
    pub(super) receipt: Vec<u8>,
    /// Charges are in it, so that its payments need not add up to it.
    pub(super) has_charges: bool,
    pub(super) batch: Batch,
    payments: u64,
    /// Payments without an amount of their own.
    bare: u64,
    /// Sums of the payments: with the sign of the entry, and without.
    sum_tiyn: i128,
    gross_tiyn: i128,
}

/// `NtryDtls`: what `Btch` says of its payments, and what they are.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) count: Option<u64>,
    pub(super) promised_tiyn: Option<i64>,
    payments: u64,
    sum_tiyn: i128,
    gross_tiyn: i128,
}

/// Whether an entry's money has moved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Booked,
    Pending,
    /// For information only, or of a day to come.
    Told,
}

/// `TxDtls`.
#[derive(Default)]
pub(super) struct Payment {
    pub(super) draft: Draft,
    /// `Amt`, else `AmtDtls/TxAmt/Amt`, in the currency of the entry.
    pub(super) amount_tiyn: Option<i64>,
    pub(super) is_debit: Option<bool>,
    pub(super) is_return: bool,
    pub(super) transaction: Vec<u8>,
    pub(super) instruction: Vec<u8>,
    pub(super) real_payer: Vec<u8>,
}

impl Payment {
    pub(super) fn clear(&mut self) {
        self.draft.clear();
        (self.amount_tiyn, self.is_debit, self.is_return) = (None, None, false);
        self.transaction.clear();
        self.instruction.clear();
        self.real_payer.clear();
    }
}

impl Entry {
    pub(super) fn clear(&mut self, line: u64) {
        for text in [
            &mut self.currency,
            &mut self.status,
            &mut self.booked,
            &mut self.value,
            &mut self.receipt,
        ] {
            text.clear();
        }
        (self.line, self.amount_tiyn, self.is_debit) = (line, None, None);
        (self.is_reversal, self.has_charges) = (false, false);
        self.batch = Batch::default();
        (self.payments, self.bare) = (0, 0);
        (self.sum_tiyn, self.gross_tiyn) = (0, 0);
    }

    /// # Errors
    /// A status that says neither that the money moved nor that it did not.
    pub(super) fn standing(&self) -> Result<Standing, &'static str> {
        match self.status.as_slice() {
            b"BOOK" | b"" => Ok(Standing::Booked),
            b"PDNG" => Ok(Standing::Pending),
            b"INFO" | b"FUTR" => Ok(Standing::Told),
            _ => Err("Ntry/Sts: none of BOOK, PDNG, INFO and FUTR"),
        }
    }

    /// One of its payments has ended.
    pub(super) fn payment(
        &mut self,
        payment: &mut Payment,
        sink: &mut Sink<'_, '_>,
    ) -> Result<(), Stop> {
        self.payments += 1;
        let Some(amount_tiyn) = payment.amount_tiyn else {
            self.bare += 1;
            if self.payments > 1 && self.bare < self.payments {
                return Err(sink.wrong(payment.draft.line, MIXED));
            }
            // Kept until it is known to be the only one.
            return Ok(());
        };
        if self.bare > 0 {
            return Err(sink.wrong(payment.draft.line, MIXED));
        }
        let is_same_way = payment.is_debit.is_none_or(|debit| Some(debit) == self.is_debit);
        let amount = i128::from(amount_tiyn);
        self.sum_tiyn += if is_same_way { amount } else { -amount };
        self.gross_tiyn += amount;
        self.batch.payments += 1;
        self.batch.sum_tiyn += if is_same_way { amount } else { -amount };
        self.batch.gross_tiyn += amount;
        payment.draft.amount_tiyn = amount_tiyn;
        payment.draft.currency.clone_from(&self.currency);
        self.hand_out(payment, sink)
    }

    /// Payments without amounts of their own are often told of one in the name of all, so only those
    /// with amounts are held against the numbers of their batch.
    pub(super) fn batch_ended(&self, line: impl FnOnce() -> u64, sink: &mut Sink<'_, '_>) {
        let Batch { count, promised_tiyn, payments, sum_tiyn, gross_tiyn } = self.batch;
        if self.bare > 0 || payments == 0 {
            return;
        }
        if let Some(count) = count.filter(|count| *count != payments) {
            let reason = format!("Btch/NbOfTxs is {count}, TxDtls are {payments}");
            return sink.broken(line(), reason);
        }
        let is_sum = |sum: i64| [sum_tiyn, gross_tiyn].contains(&i128::from(sum));
        if let Some(sum) = promised_tiyn.filter(|sum| !is_sum(*sum) && !self.has_charges) {
            let reason = format!("Btch/TtlAmt is {sum} tiyn, of its TxDtls {sum_tiyn} tiyn");
            sink.broken(line(), reason);
        }
    }

    /// The entry has ended.
    pub(super) fn end(
        &mut self,
        payment: &mut Payment,
        sink: &mut Sink<'_, '_>,
    ) -> Result<(), Stop> {
        let Some(amount_tiyn) = self.amount_tiyn else {
            return Err(sink.wrong(self.line, "Ntry/Amt is missing"));
        };
        if self.is_debit.is_none() {
            return Err(sink.wrong(self.line, "Ntry/CdtDbtInd is missing"));
        }
        if self.bare > 0 || self.payments == 0 {
            let is_only = self.payments == 1;
            if !is_only {
                payment.clear();
                payment.draft.line = self.line;
            }
            payment.draft.amount_tiyn = amount_tiyn;
            payment.draft.currency.clone_from(&self.currency);
            return self.hand_out(payment, sink);
        }
        let is_sum = [self.sum_tiyn, self.gross_tiyn].contains(&i128::from(amount_tiyn));
        if !is_sum && !self.has_charges {
            sink.broken(self.line, "the amounts of its TxDtls are not the Amt of their Ntry");
        }
        Ok(())
    }

    fn hand_out(&mut self, payment: &mut Payment, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        let standing = self.standing().map_err(|reason| sink.wrong(self.line, reason))?;
        if standing == Standing::Told {
            sink.pass_over();
            return Ok(());
        }
        let draft = &mut payment.draft;
        draft.is_debit = payment.is_debit.or(self.is_debit).unwrap_or(false);
        let is_only = self.payments <= 1;
        let other: [&[u8]; 3] =
            [if is_only { &self.receipt } else { &[] }, &payment.transaction, &payment.instruction];
        if draft.receipt.is_empty() {
            let receipt = other.into_iter().find(|text| !text.is_empty()).unwrap_or(&self.receipt);
            draft.receipt.extend_from_slice(receipt);
        }
        if !payment.real_payer.is_empty() {
            draft.iin.clone_from(&payment.real_payer);
        }
        let status = match standing {
            _ if self.is_reversal => REVERSED,
            _ if payment.is_return => RETURNED,
            Standing::Pending => ACCEPTED,
            _ => POSTED,
        };
        draft.status.clear();
        draft.status.extend_from_slice(status);
        let first = |place: &mut Vec<u8>, texts: [&Vec<u8>; 3]| {
            set(place, texts.into_iter().find(|text| !text.is_empty()).map_or(&[], Vec::as_slice));
        };
        first(&mut draft.posted_at, [&self.booked, &self.value, &self.made]);
        first(&mut draft.value_date, [&self.value, &self.booked, &self.made]);
        sink.push(draft)
    }
}

const MIXED: &str = "TxDtls with an amount and without one in the same Ntry";
