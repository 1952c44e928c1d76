//! A bank that checks and pays: what it writes to us, and what it makes of our answers.

use super::PATH;
use super::wire::{Answer, reaction};
use qaqpa_kit::adapter::HttpAnswer;
use qaqpa_kit::bank::{Ask, Asker, BankReading, BankRequest, biller};
use qaqpa_kit::money::Amount;

/// The bank.
pub struct Bank;

impl Asker for Bank {
    fn ask(&self, ask: &Ask, _at: &str) -> Option<BankRequest> {
        biller::request(PATH, ask)
    }

    fn read(&self, answer: &HttpAnswer<'_>) -> Option<BankReading> {
        let answer: Answer = serde_json::from_slice(answer.body).ok()?;
        Some(BankReading {
            reaction: reaction(answer.result),
            code: answer.result.to_string(),
            end_to_end_id: answer.prv_txn_id,
            amount: answer.sum.and_then(|sum| Amount::parse(&sum).ok()),
        })
    }
}
