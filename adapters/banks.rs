//! What every bank's dialect must hold, whatever it looks like: nothing lost, nothing told that costs money.

use crate::all;
use qaqpa_kit::adapter::{Adapter, HttpAnswer};
use qaqpa_kit::bank::{
    Ask, Asked, BankReading, Pay, Placement, Provider, Reaction, TEXT_BYTES_MAX, Told, Verdict,
};
use qaqpa_kit::fault::{Outcome, Phase};
use qaqpa_kit::money::Amount;
use std::sync::Arc;

const AT: &str = "2026-11-22T14:30:06+05:00";

fn providers() -> Vec<Arc<dyn Adapter>> {
    let banks: Vec<_> = all().into_iter().filter(|bank| bank.provider().is_some()).collect();
    assert!(banks.len() > 1, "too few to be true");
    banks
}

fn amount() -> Amount {
    Amount::parse("19875.07").expect("an amount")
}

fn asks() -> [Ask; 2] {
    let [txn_id, account] =
        ["1700000002", "0199c3d2-a9a7-7b55-8a0e-1c2d3e4f5a6b"].map(str::to_owned);
    let pay = Pay {
        txn_id: txn_id.clone(),
        account: account.clone(),
        amount: amount(),
        paid_at: Some("2026-11-22T14:30:05".to_owned()),
        document_number: None,
        payer: None,
    };
    [Ask::Check { txn_id, account }, Ask::Pay(pay)]
}

/// What the bank makes of a verdict on this question.
fn reading(bank: &dyn Adapter, provider: &dyn Provider, ask: &Ask, told: &Told) -> BankReading {
    let asker = provider.asker().expect("an asker");
    let request = asker.ask(ask, AT).expect("a question of this dialect");
    let asked = Asked {
        method: request.method,
        path: request.path,
        query: &request.query,
        content_type: request.content_type,
        accept: None,
        placement: Placement::usual(),
        body: &request.body,
    };
    assert_eq!(provider.read(&asked).as_ref(), Ok(ask), "{}", bank.manifest().id);
    let answer = provider.write(&asked, told);
    let forbidden = told.verdict == Verdict::Forbidden;
    assert_eq!(answer.status, if forbidden { 403 } else { 200 }, "{told:?}");
    let read = asker.read(&HttpAnswer {
        status: answer.status,
        content_type: Some(answer.content_type),
        body: &answer.body,
    });
    read.expect("a bank can read its own dialect")
}

#[test]
fn a_bank_that_took_money_never_hears_that_it_shall_give_it_back_for_a_while() {
    for bank in providers() {
        let provider = bank.provider().expect("a provider");
        let [_, pay] = asks();
        for (verdict, reaction) in [
            (Verdict::Ok, Reaction::Done),
            (Verdict::InProgress, Reaction::Again),
            (Verdict::Temporary, Reaction::Again),
            (Verdict::NoCharge, Reaction::Refused),
            (Verdict::OtherTerms, Reaction::Refused),
            (Verdict::Malformed, Reaction::Refused),
            (Verdict::Forbidden, Reaction::Refused),
        ] {
            let told = Told {
                txn_id: "1700000002".to_owned(),
                end_to_end_id: Some("GW1".to_owned()),
                amount: Some(amount()),
                ..Told::of(verdict, "words")
            };
            let read = reading(bank.as_ref(), provider, &pay, &told);
            assert_eq!(read.reaction, reaction, "{}: {verdict:?}", bank.manifest().id);
            assert_eq!(read.amount, Some(amount()), "no tiyn is lost");
            assert_eq!(read.end_to_end_id.as_deref(), Some("GW1"));
        }
    }
}

#[test]
fn only_a_charge_that_can_be_paid_is_told_as_good() {
    for bank in providers() {
        let provider = bank.provider().expect("a provider");
        let [check, _] = asks();
        for verdict in [
            Verdict::Ok,
            Verdict::InProgress,
            Verdict::Temporary,
            Verdict::NoCharge,
            Verdict::Annulled,
            Verdict::AlreadyPaid,
            Verdict::OtherTerms,
            Verdict::Malformed,
            Verdict::Forbidden,
        ] {
            let read = reading(bank.as_ref(), provider, &check, &Told::of(verdict, "words"));
            assert_eq!(read.reaction == Reaction::Done, verdict == Verdict::Ok, "{verdict:?}");
        }
    }
}

#[test]
fn whatever_a_stranger_sends_is_refused_before_anything_happens_and_answered_in_the_dialect() {
    let long = format!("command=pay&txn_id={}&account=1&sum=1", "9".repeat(TEXT_BYTES_MAX));
    for bank in providers() {
        let provider = bank.provider().expect("a provider");
        let id = &bank.manifest().id;
        for (path, query, body) in [
            (id.as_str(), "", b"".as_slice()),
            (id, "command=pay&command=check&txn_id=1&account=2&sum=1", b""),
            (id, "command=pay&txn_id=%00&account=2&sum=1", b""),
            (id, "command=refund&txn_id=1&account=2&sum=1", b""),
            (id, "command=pay&txn_id=1&account=2&sum=1.005", b""),
            (id, "command=pay&txn_id=1&account=2&sum=-1.00", b""),
            (id, &long, b""),
            (id, "", b"<a/>"),
            (id, "", b"\xff\xfe"),
            ("elsewhere", "command=check&txn_id=1&account=2", b""),
        ] {
            for method in ["GET", "POST"] {
                let asked = Asked {
                    method,
                    path,
                    query,
                    content_type: None,
                    accept: None,
                    placement: Placement::usual(),
                    body,
                };
                let fault = provider.read(&asked).expect_err("malformed");
                assert_eq!((fault.phase, fault.outcome()), (Phase::Receive, Outcome::Refused));
                let answer = provider.write(&asked, &Told::fault(&fault));
                assert_eq!(answer.status, 200, "{id}: {query}");
                assert!(!answer.body.is_empty() && answer.body.len() < 2_000, "{id}: {query}");
            }
        }
    }
}
