//! A bank of cards: an order waits until its payer has paid on the bank's own page.

use super::SimulatedBank;
use super::ledger::Line;
use crate::proxy::listener::{AnswerBody, Received};
use bytes::Bytes;
use hyper::{Method, Response};
use qaqpa_kit::bank::{Instruction, Said, Word};
use std::io;

/// Where the page of an order is; its end-to-end id follows.
const PAGE_PATH: &str = "/pay/";

impl SimulatedBank {
    /// The same bank with a page of its own below this address: what is to be paid is not booked before its
    /// payer has paid there.
    #[must_use]
    pub fn with_page(self, base_url: &str) -> Self {
        Self { page: Some(format!("{base_url}{PAGE_PATH}")), ..self }
    }

    /// What is said to an order that a payer has to pay; `None`: this bank has no page, or gives money back.
    pub(super) fn invoice(&self, order: &Instruction) -> io::Result<Option<Word>> {
        let Some(page) = self.page.as_ref().filter(|_| order.reverses.is_none()) else {
            return Ok(None);
        };
        let (end_to_end_id, amount_tiyn) = (order.end_to_end_id.clone(), order.amount.tiyn());
        let reverses = None;
        self.ledger.write(&Line::Order { end_to_end_id, amount_tiyn, reverses })?;
        Ok(Some(Word {
            amount: Some(order.amount),
            redirect_url: Some(format!("{page}{}", order.end_to_end_id)),
            ..Word::of(Said::Pending)
        }))
    }

    /// The page, where one is asked for: `POST` pays, once; anything else looks.
    pub(super) fn paged(&self, received: &Received) -> io::Result<Option<Response<AnswerBody>>> {
        let id = received.uri.path().strip_prefix(PAGE_PATH).filter(|_| self.page.is_some());
        let Some(id) = id else { return Ok(None) };
        let account = self.ledger.account(id);
        if account.orders == 0 {
            return Ok(Some(shown(404, "no such payment")));
        }
        let is_paid = account.bookings > 0;
        if received.method == Method::POST && !is_paid {
            let (end_to_end_id, amount_tiyn) = (id.to_owned(), account.ordered_tiyn);
            self.ledger.write(&Line::Booked { end_to_end_id, amount_tiyn })?;
            return Ok(Some(shown(200, "paid")));
        }
        Ok(Some(shown(200, if is_paid { "paid already" } else { "to be paid" })))
    }
}

fn shown(status: u16, words: &'static str) -> Response<AnswerBody> {
    crate::simulate::respond(status, "text/plain", Bytes::from_static(words.as_bytes()))
}
