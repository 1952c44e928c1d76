//! What every bank's dialect must hold, whatever it looks like: nothing lost, nothing told that costs money.

use crate::all;
use proptest::prelude::*;
use qaqpa_kit::adapter::{Adapter, HttpAnswer, HttpOutgoing, SimulatedAnswer, SimulatedRequest};
use qaqpa_kit::bank::{
    About, Ask, Asked, BankReading, BankRequest, Destination, Errand, Instruction, Notice, Order,
    Pay, Placement, Provider, Reaction, Said, TEXT_BYTES_MAX, Teller, Told, Verdict, Word,
};
use qaqpa_kit::fault::{Fault, Outcome, Phase};
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
        to: Destination::default(),
    };
    // A dialect that names the payer must read it again.
    [Ask::Check { txn_id, account }, Ask::Pay(pay)]
}

/// What a bank wrote, as it arrives here.
fn arrived(request: &BankRequest) -> Asked<'_> {
    Asked {
        method: request.method,
        path: request.path,
        query: &request.query,
        content_type: request.content_type,
        accept: None,
        placement: Placement::usual(),
        body: &request.body,
    }
}

/// What the bank makes of a verdict on this question; `None`: its dialect has no such question.
fn reading(
    bank: &dyn Adapter,
    provider: &dyn Provider,
    ask: &Ask,
    told: &Told,
) -> Option<BankReading> {
    let asker = provider.asker().expect("an asker");
    let request = asker.ask(ask, AT)?;
    let asked = arrived(&request);
    assert_eq!(provider.read(&asked).as_ref(), Ok(ask), "{}", bank.manifest().id);
    let answer = provider.write(&asked, told);
    let forbidden = told.verdict == Verdict::Forbidden;
    assert_eq!(answer.status == 403, forbidden, "{told:?}");
    let is_again = matches!(told.verdict, Verdict::InProgress | Verdict::Temporary);
    assert!(is_again || forbidden || answer.status == 200, "{told:?}: {}", answer.status);
    let read = asker.read(&HttpAnswer {
        status: answer.status,
        content_type: Some(answer.content_type),
        body: &answer.body,
    });
    Some(read.expect("a bank can read its own dialect"))
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
            let Some(read) = reading(bank.as_ref(), provider, &pay, &told) else { continue };
            assert_eq!(read.reaction, reaction, "{}: {verdict:?}", bank.manifest().id);
            assert!(read.amount.is_none_or(|told| told == amount()), "no tiyn is lost");
            assert!(read.end_to_end_id.is_none_or(|told| told == "GW1"));
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
            let told = Told::of(verdict, "words");
            let Some(read) = reading(bank.as_ref(), provider, &check, &told) else { continue };
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

fn order(amount: Amount, reverses: Option<&'static str>) -> Order<'static> {
    Order {
        end_to_end_id: "GW0199c3d2a9a77b558a0e1c2d3e4f5a6b",
        amount,
        payer: "900101300017",
        payee: "990140000017",
        iban: "KZ24070105KSN0000000",
        kbk: "108125",
        knp: "911",
        kbe: "11",
        purpose: "Мемлекеттік баж & <алым>",
        bic: "BANKKZ9A",
        opened_at: AT,
        reverses,
        placement: Placement::usual(),
    }
}

fn asked_of(sent: &HttpOutgoing) -> SimulatedRequest<'_> {
    SimulatedRequest::Http { method: sent.method, path: &sent.path, body: &sent.body }
}

fn word_in(
    teller: &dyn Teller,
    order: &Order<'_>,
    errand: &Errand,
    answer: SimulatedAnswer,
) -> Result<Word, Fault> {
    let SimulatedAnswer::Http { status, content_type, body } = answer else { panic!("HTTP") };
    let answer = HttpAnswer { status, content_type: Some(content_type), body: &body };
    match errand {
        Errand::Submit(_) => teller.submitted(order, &answer),
        Errand::Inquire { .. } => teller.inquired(order, &answer),
    }
}

#[test]
fn a_bank_reads_what_was_ordered_and_is_read_as_it_spoke() {
    let banks: Vec<_> = all().into_iter().filter(|bank| bank.teller().is_some()).collect();
    assert!(banks.len() > 1, "too few to be true");
    for bank in banks {
        let teller = bank.teller().expect("a teller");
        let mirror = teller.mirror().expect("a mirror");
        for order in [order(amount(), None), order(amount(), Some("GW1"))] {
            let sent = teller.submit(&order).expect("sent");
            assert_eq!(teller.submit(&order).as_ref(), Ok(&sent), "the same at every attempt");
            let submission = mirror.read(&asked_of(&sent)).expect("readable");
            assert_eq!(submission, Errand::Submit(Instruction::of(&order)));
            let inquiry = mirror.read(&asked_of(&teller.inquire(&order).expect("sent")));
            let inquiry = inquiry.expect("readable");
            let end_to_end_id = order.end_to_end_id.to_owned();
            assert_eq!(inquiry, Errand::Inquire { end_to_end_id });
            for said in [Said::Accepted, Said::Posted, Said::Rejected, Said::Pending] {
                let spoken = Word {
                    amount: Some(amount()),
                    document_number: Some("47000001".to_owned()),
                    ..Word::of(said)
                };
                for errand in [&submission, &inquiry] {
                    let answer = mirror.answer(errand, &spoken);
                    let word = word_in(teller, &order, errand, answer).expect("a word");
                    assert_eq!(word.said, said, "{}", bank.manifest().id);
                    assert_eq!(word.amount, Some(amount()));
                    assert_eq!(word.document_number.as_deref(), Some("47000001"));
                }
            }
            let answer = mirror.answer(&inquiry, &Word::of(Said::NotFound));
            let word = word_in(teller, &order, &inquiry, answer).expect("a word");
            assert_eq!(word.said, Said::NotFound, "{}", bank.manifest().id);
        }
    }
}

#[test]
fn money_that_went_back_is_read_as_it_was_told_with_its_amount() {
    let mut told = 0;
    for bank in providers() {
        let provider = bank.provider().expect("a provider");
        let asker = provider.asker().expect("an asker");
        for said in [Said::Returned, Said::Credited, Said::Refunded] {
            let word = Word {
                amount: Some(amount()),
                document_number: Some("47000002".to_owned()),
                ..Word::of(said)
            };
            let about = About::EndToEnd("GW0199c3d2a9a77b558a0e1c2d3e4f5a6b".to_owned());
            let notice = Notice { event_id: "E1".to_owned(), about, word };
            let Some(request) = asker.ask(&Ask::Notice(vec![notice]), AT) else { continue };
            let read = provider.read(&arrived(&request));
            let Ok(Ask::Notice(read)) = read else { panic!("{}: {read:?}", bank.manifest().id) };
            // A status does not say by which of the three ways.
            assert!(read[0].word.said.goes_back(), "{}: {said:?}", bank.manifest().id);
            assert_eq!(read[0].word.amount, Some(amount()));
            assert_eq!(read[0].word.document_number.as_deref(), Some("47000002"));
            told += 1;
        }
    }
    assert!(told > 4, "too few to be true");
}

#[test]
fn no_strange_answer_of_a_bank_says_anything_about_money() {
    let deep = "[".repeat(100_000);
    for bank in all() {
        let Some(teller) = bank.teller() else { continue };
        let order = order(amount(), None);
        for (status, body) in [
            (200, b"".as_slice()),
            (200, b"null"),
            (200, b"<html>sign in</html>"),
            (200, b"\xff\xfe"),
            (200, b"<Document/>"),
            (200, b"{\"statusName\":\"CHARGE\",\"invoiceID\":\"another\"}"),
            (200, deep.as_bytes()),
            (204, b""),
            (302, b""),
            (401, b"{}"),
            (404, b"{}"),
            (404, b""),
            (500, b""),
            (503, b"{}"),
        ] {
            let answer = HttpAnswer { status, content_type: None, body };
            for word in [teller.submitted(&order, &answer), teller.inquired(&order, &answer)] {
                let fault = word.expect_err("nothing was said");
                assert_eq!(fault.outcome(), Outcome::Unknown, "{status} {body:?}");
            }
        }
    }
}

fn amounts() -> impl Strategy<Value = Amount> {
    (1..=99_999_999_999_999_i64).prop_map(|tiyn| Amount::new(tiyn).expect("an amount"))
}

/// Any text that a form of an agency may hold.
fn purposes() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[а-яәғқңөұүһі /&<>:.]{0,200}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_bank_asks_is_read_as_it_was_meant(
        txn_id in "[A-Za-z0-9]{1,20}",
        account in "0199c3d2-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
        amount in amounts(),
        (hour, second) in (0..24_u8, 0..60_u8),
    ) {
        let paid_at = Some(format!("2026-11-22T{hour:02}:30:{second:02}"));
        let check = Ask::Check { txn_id: txn_id.clone(), account: account.clone() };
        let (document_number, payer) = (None, None);
        let to = Destination::default();
        let pay = Ask::Pay(Pay { txn_id, account, amount, paid_at, document_number, payer, to });
        let end_to_end_id = Some("GW1".to_owned());
        let told = Told { end_to_end_id, amount: Some(amount), ..Told::of(Verdict::Ok, "") };
        for bank in providers() {
            for ask in [&check, &pay] {
                let read = reading(bank.as_ref(), bank.provider().expect("one"), ask, &told);
                let is_lossless = read.is_none_or(|read| {
                    read.reaction == Reaction::Done && read.amount.is_none_or(|told| told == amount)
                });
                prop_assert!(is_lossless, "{}", bank.manifest().id);
            }
        }
    }

    #[test]
    fn whatever_is_ordered_is_read_as_it_was_meant_and_so_is_the_answer(
        amount in amounts(),
        purpose in purposes(),
        document_number in "[A-Za-z0-9]{1,20}",
        is_refund in any::<bool>(),
    ) {
        let order = Order { purpose: &purpose, ..order(amount, is_refund.then_some("GW1")) };
        for bank in all() {
            let Some(teller) = bank.teller() else { continue };
            let mirror = teller.mirror().expect("a mirror");
            let sent = teller.submit(&order).expect("sent");
            let errand = mirror.read(&asked_of(&sent)).expect("readable");
            prop_assert_eq!(&errand, &Errand::Submit(Instruction::of(&order)));
            let word = Word {
                amount: Some(amount),
                document_number: Some(document_number.clone()),
                ..Word::of(Said::Posted)
            };
            let read = word_in(teller, &order, &errand, mirror.answer(&errand, &word));
            let read = read.expect("a word");
            prop_assert_eq!((read.said, read.amount), (Said::Posted, Some(amount)));
            prop_assert_eq!(read.document_number.as_deref(), Some(&*document_number));
        }
    }
}
