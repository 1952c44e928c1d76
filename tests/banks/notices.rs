//! A bank whose callbacks come repeated, in any order and at once: the end is the same for all of them.

use crate::caller::Caller;
use crate::dialects::{call_back, callback, signature, with_banks};
use crate::house::{TIYN, charge, money, payment, text};
use crate::support::{Installation, Plan};
use std::sync::Arc;
use tokio::task::JoinSet;

/// What the bank says of one payment; each again under the same name.
const PAID: [&str; 3] = ["NEW", "AUTH", "CHARGE"];
const CONTESTED: [&str; 4] = ["AUTH", "CHARGE", "FAILED", "NEW"];

/// The words in an order of their own for each seed, each of them twice.
fn order_of<'w>(words: &[&'w str], seed: usize) -> Vec<&'w str> {
    let mut all = [words, words].concat();
    for at in (1..all.len()).rev() {
        all.swap(at, (seed * 31 + at * 17 + seed / 3) % (at + 1));
    }
    all
}

/// Says everything, one word after the other or all at once.
async fn say(bank: &Arc<Caller>, order: &str, words: &[&str], is_at_once: bool) {
    let mut calls = JoinSet::new();
    for word in words {
        let (bank, body) = (Arc::clone(bank), callback(order, word));
        let call = async move {
            let signed = signature(&bank, &body);
            // "Again" is no answer: the bank calls again.
            loop {
                let told = call_back(&bank, body.clone(), Some(&signed)).await;
                if told.http_status != 503 {
                    assert_eq!(told.http_status, 200, "{}", text(&told));
                    return;
                }
            }
        };
        if is_at_once {
            calls.spawn(call);
        } else {
            call.await;
        }
    }
    calls.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_order_a_banks_words_come_in_the_money_ends_in_the_same_place() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), Arc::new(installation.caller("bank")));
    for seed in 0..10 {
        for (words, expected) in [(&PAID[..], (TIYN, 0)), (&CONTESTED[..], (0, TIYN))] {
            let id = charge(&portal).await;
            let order = payment(&portal, &id, "card").await;
            let words = order_of(words, seed);
            say(&bank, &order, &words, seed % 2 == 1).await;
            let (state, paid, suspense, _) = money(&portal, &id).await;
            assert_eq!((paid, suspense), expected, "seed {seed}: {words:?} ended as {state}");
        }
    }
    installation.stop().await;
}
