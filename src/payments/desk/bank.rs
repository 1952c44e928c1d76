//! What banks ask: whether a charge can be paid, that money was taken, and what became of orders.
//!
//! A bank that has taken money never hears of a technical error for a reason of the charge: late, double
//! and other amounts are taken into suspense. What it is told is made of the order's fixed parts alone,
//! so the same payment is told the same bytes for ever.

use super::charges::ORDERS_MAX;
use super::{Asker, Desk, Told, Unanswered, hex_sha256, json, ok, read, refused, terms};
use crate::config::settings::Bank;
use crate::payments::command::{self, About, Command, Payee, Receipt, Reply, Report};
use crate::payments::ledger::Claim;
use crate::payments::order::{Said, State};
use crate::payments::record::{Charge, Id, Order, Party, Source};
use qaqpa_adapters::payments::wire::{BankCheck, BankNotice, BankPay, BankTold, Notice, Refusal};
use qaqpa_adapters::payments::{from_word, word_of};
use qaqpa_kit::adapter::HttpOutgoing;
use qaqpa_kit::bank::Verdict;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::wire::Bin;
use std::sync::Arc;

/// Hexadecimal digits of the digest by which words under one name are told apart.
const WORDS_DIGITS: usize = 32;

impl Desk {
    pub(super) async fn bank_check(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let check: BankCheck = read(asked)?;
        self.bank(asker, &check.bank)?;
        let Some(charge) = self.charge_of(&check.account).await? else {
            return Ok(told(Verdict::NoCharge, check.txn_id));
        };
        let orders = self.payments.orders_of_charge(&charge.id, ORDERS_MAX).await?;
        // An order that nobody has attempted makes way for money.
        let is_taken = |order: &&Order| order.holds && order.state != State::Reserved;
        let verdict = match orders.iter().find(is_taken) {
            _ if charge.annulled_at_us.is_some() => Verdict::Annulled,
            Some(order) if order.claim == Some(Claim::Payable) => Verdict::AlreadyPaid,
            // It may still be refused.
            Some(_) => Verdict::InProgress,
            None => Verdict::Ok,
        };
        Ok(written(verdict, &about(&charge, check.txn_id)))
    }

    pub(super) async fn bank_pay(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let pay: BankPay = read(asked)?;
        let bank = self.bank(asker, &pay.bank)?;
        let txn_id = terms::name("txn_id", pay.txn_id.clone())?;
        let Ok(charge) = pay.account.parse::<Id>() else {
            return Ok(told(Verdict::NoCharge, txn_id));
        };
        let posted_at_us = match &pay.paid_at {
            Some(paid_at) => terms::moment("paid_at", paid_at)?,
            None => asker.at_us,
        };
        // Money that is taken is not refused for what the bank wrote of its payer.
        let payer = pay.payer.and_then(|payer| Party::read(&payer.0, asker.check_digits).ok());
        let document_number = match pay.document_number {
            Some(number) => Some(terms::name("document_number", number)?),
            None => None,
        };
        let receive = Command::Receive(Receipt {
            order: Id::at(asker.at_us),
            charge,
            bank: bank.id.clone(),
            txn_id: txn_id.clone(),
            payer,
            amount: terms::amount("amount_tiyn", pay.amount_tiyn)?,
            payee: Payee { bin: pay.payee_bin.map(|bin| bin.0), iban: pay.iban, kbk: pay.kbk },
            posted_at_us,
            document_number,
            at_us: asker.at_us,
            original_digest: asker.original_digest.to_owned(),
        });
        match self.payments.run(receive).await? {
            Reply::Order { order, charge: Some(charge), .. } => {
                let told = BankTold {
                    end_to_end_id: Some(order.end_to_end_id.clone()),
                    amount_tiyn: Some(order.amount_tiyn),
                    ..about(&charge, txn_id)
                };
                Ok(written(Verdict::Ok, &told))
            }
            Reply::Refused(command::Refusal::Taken) => Ok(told(Verdict::OtherTerms, txn_id)),
            Reply::Refused(command::Refusal::NoCharge) => Ok(told(Verdict::NoCharge, txn_id)),
            Reply::Refused(command::Refusal::OtherTerms) => {
                let comment = "the charge has another payee, account or КБК".to_owned();
                let told = BankTold { txn_id, comment, ..BankTold::default() };
                Ok(written(Verdict::NoCharge, &told))
            }
            Reply::Refused(refusal) => Err(refusal.into()),
            Reply::Order { .. }
            | Reply::Done
            | Reply::Closed(_)
            | Reply::Notice(_)
            | Reply::Reconciled(_) => {
                Err(Fault::new(Code::GatewayBug, Phase::Send, "no_order").into())
            }
        }
    }

    /// Each word is heard on its own, so a notice that ends half way is heard whole when it is sent
    /// again.
    pub(super) async fn bank_notice(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let notice: BankNotice = read(asked)?;
        let bank = self.bank(asker, &notice.bank)?;
        let reports: Result<Vec<_>, _> =
            notice.notices.into_iter().map(|word| report(asker, &bank, word)).collect();
        for report in reports? {
            match self.payments.run(Command::of_word(report)).await? {
                // What is said of an order that nobody knows is evidence too, and is kept.
                Reply::Refused(command::Refusal::NoOrder) => {}
                Reply::Refused(refusal) => return Err(refusal.into()),
                _ => {}
            }
        }
        Ok(told(Verdict::Ok, String::new()))
    }

    /// The bank of that id, if the caller is it.
    fn bank(&self, asker: &Asker<'_>, id: &str) -> Result<Arc<Bank>, Unanswered> {
        let bank = self.settings.banks.get(id);
        let is_caller = |bank: &&Arc<Bank>| bank.participant.as_deref() == Some(asker.participant);
        bank.filter(is_caller)
            .cloned()
            .ok_or_else(|| Fault::new(Code::CallerForbidden, Phase::Route, "not_this_bank").into())
    }

    async fn charge_of(&self, account: &str) -> Result<Option<Charge>, Unanswered> {
        match account.parse::<Id>() {
            Ok(id) => Ok(self.payments.charge(&id).await?),
            Err(_) => Ok(None),
        }
    }
}

/// The name of what a bank says. Where the bank uses a name again for other words, these are new: else a
/// contradiction would count or not by which of the two came first.
pub(crate) fn event_of(notice: &Notice) -> String {
    let words = json(&(
        (&notice.end_to_end_id, &notice.about_txn_id, &notice.said),
        (&notice.amount_tiyn, &notice.document_number, &notice.txn_id),
    ));
    let digest = hex_sha256(&words);
    format!("{}#{}", notice.event_id, digest.get(..WORDS_DIGITS).unwrap_or(&digest))
}

/// What a bank's word says. That the Treasury has the money is not for the bank to say which owes it.
fn said_by_bank(word: &str) -> Option<Said> {
    match from_word(word)? {
        Said::Settled => Some(Said::Posted),
        said => Some(said),
    }
}

fn report(asker: &Asker<'_>, bank: &Bank, notice: Notice) -> Result<Report, Unanswered> {
    let said = said_by_bank(&notice.said);
    let event_id = event_of(&notice);
    terms::name("notices/event_id", notice.event_id)?;
    let about = match (notice.end_to_end_id, notice.about_txn_id) {
        (Some(id), None) => About::EndToEnd(id),
        (None, Some(id)) => About::Txn(id),
        _ => return Err(refused("fields_exclude_each_other", Some("notices/end_to_end_id"))),
    };
    let amount = notice.amount_tiyn.map(|tiyn| terms::amount("notices/amount_tiyn", tiyn));
    if amount.is_none() && said.is_some_and(Said::goes_back) {
        return Err(refused("field_missing", Some("notices/amount_tiyn")));
    }
    let posted_at_us = notice.posted_at.map(|at| terms::moment("notices/posted_at", &at));
    Ok(Report {
        bank: bank.id.clone(),
        event_id,
        about,
        said: said.ok_or_else(|| refused("code_unknown", Some("notices/said")))?,
        source: Source::Notice,
        amount: amount.transpose()?,
        document_number: notice.document_number,
        txn_id: notice.txn_id,
        posted_at_us: posted_at_us.transpose()?,
        at_us: asker.at_us,
        original_digest: asker.original_digest.to_owned(),
        redirect_url: None,
        note: notice.note.unwrap_or_default(),
    })
}

fn about(charge: &Charge, txn_id: String) -> BankTold {
    BankTold {
        txn_id,
        amount_tiyn: Some(charge.amount_tiyn),
        payee_bin: Some(Bin(charge.payee.digits().to_owned())),
        purpose: Some(charge.purpose_ru.clone()),
        ..BankTold::default()
    }
}

fn told(verdict: Verdict, txn_id: String) -> Told {
    written(verdict, &BankTold { txn_id, ..BankTold::default() })
}

/// The answer to values that cannot be taken, and which.
pub(super) fn malformed(refusal: &Refusal) -> Told {
    let place = refusal.field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
    let comment = format!("{}: {}{place}", Code::CallerMalformed.word(), refusal.reason);
    written(Verdict::Malformed, &BankTold { comment, ..BankTold::default() })
}

/// A verdict that is not good is a refusal: its call may be asked again and end otherwise.
fn written(verdict: Verdict, told: &BankTold) -> Told {
    let told = BankTold { verdict: word_of(&verdict), ..told.clone() };
    match verdict {
        Verdict::Ok => ok(&told),
        Verdict::NoCharge => Told { status: 404, body: json(&told) },
        _ => Told { status: 409, body: json(&told) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_says_that_it_has_taken_money_and_not_that_the_treasury_has_it() {
        for (word, said) in [
            ("accepted", Some(Said::Accepted)),
            ("posted", Some(Said::Posted)),
            ("settled", Some(Said::Posted)),
            ("rejected", Some(Said::Rejected)),
            ("paid", None),
        ] {
            assert_eq!(said_by_bank(word), said, "{word}");
        }
    }
}
