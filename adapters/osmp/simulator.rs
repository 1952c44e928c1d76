//! A terminal network by the OSMP protocol: what it writes to us, and what it makes of our answers.

use super::PATH;
use super::wire::{Answer, reaction};
use qaqpa_kit::adapter::HttpAnswer;
use qaqpa_kit::bank::{Ask, Asker, BankReading, BankRequest, biller};
use qaqpa_kit::money::Amount;

/// The network.
pub struct Network;

impl Asker for Network {
    fn ask(&self, ask: &Ask, _at: &str) -> Option<BankRequest> {
        biller::request(PATH, ask)
    }

    fn read(&self, answer: &HttpAnswer<'_>) -> Option<BankReading> {
        let answer = Answer::read(answer.body)?;
        Some(BankReading {
            reaction: reaction(&answer.result),
            code: answer.result,
            end_to_end_id: answer.prv_txn,
            amount: answer.sum.and_then(|sum| Amount::parse(&sum).ok()),
        })
    }
}
