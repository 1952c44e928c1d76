//! What a bank's engineer gets wrong and an attacker tries: refused in words that say why, or kept for an operator; never lost.

use crate::caller::Caller;
use crate::dialects::{call_back, callback, signature, transfer, with_banks};
use crate::house::{TIYN, charge, money, payment, text};
use crate::support::{Installation, Plan};
use qaqpa::command::client::Posted;

const AT: &str = "2026-11-20T14:30:06+05:00";
const OUR_IBAN: &str = "KZ24070105KSN0000000";

async fn signed(bank: &Caller, body: &[u8]) -> Posted {
    let own = signature(bank, body);
    call_back(bank, body.to_vec(), Some(&own)).await
}

async fn iso(portal: &Caller, body: &[u8]) -> Posted {
    let headers = [("content-type", "application/xml")];
    portal.client.post_to("/bank/iso/iso20022", &headers, body.to_vec()).await.unwrap()
}

/// A bank's name of an event used twice: whichever came first, the money waits for an operator.
#[tokio::test(flavor = "multi_thread")]
async fn other_words_under_a_name_that_was_used_are_heard_in_either_order() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    for is_wrong_first in [false, true] {
        let id = charge(&portal).await;
        let right = callback(&payment(&portal, &id, "card").await, "CHARGE");
        let wrong = String::from_utf8(right.clone()).unwrap().replace("5347.07", "5347.08");
        let mut words = [right, wrong.into_bytes()];
        if is_wrong_first {
            words.reverse();
        }
        for word in words {
            assert_eq!(signed(&bank, &word).await.http_status, 200);
        }
        let (state, paid, suspense, _) = money(&portal, &id).await;
        assert_eq!((&*state, paid, suspense), ("conflict", 0, TIYN), "{is_wrong_first}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_under_a_banks_own_id_is_not_passed_over() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let (first, second) = (charge(&portal).await, charge(&portal).await);
    for id in [&first, &second] {
        let order = payment(&portal, id, "card").await;
        let body = String::from_utf8(callback(&order, "CHARGE")).unwrap();
        let body = body.replace(&format!("A{order}"), "one-id-for-all");
        assert_eq!(signed(&bank, body.as_bytes()).await.http_status, 200);
    }
    assert_eq!(money(&portal, &first).await.0, "paid");
    let (state, paid, suspense, _) = money(&portal, &second).await;
    assert_eq!((&*state, paid, suspense), ("conflict", 0, TIYN), "its money is seen");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_names_our_charge_and_pays_somebody_else_is_sent_back() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let portal = installation.caller("portal");
    let id = charge(&portal).await;
    let plain = String::from_utf8(transfer(&id)).unwrap();
    let to = |payee: &str, iban: &str| {
        let party = format!(
            "<Cdtr><Id><OrgId><Othr><Id>{payee}</Id></Othr></OrgId></Id></Cdtr>\
             <CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct>"
        );
        assert!(plain.contains("<Cdtr></Cdtr>"), "{plain}");
        plain.replace("<Cdtr></Cdtr>", &party)
    };
    for (payee, iban) in [("171140001235", OUR_IBAN), ("190540007715", "KZ77999A000000000001")] {
        let told = iso(&portal, to(payee, iban).as_bytes()).await;
        assert!(text(&told).contains("<TxSts>RJCT</TxSts>"), "{}", text(&told));
        assert!(text(&told).contains("another payee"), "{}", text(&told));
    }
    assert_eq!(money(&portal, &id).await, ("open".to_owned(), 0, 0, 0), "it was not ours");
    let told = iso(&portal, to("190540007715", OUR_IBAN).as_bytes()).await;
    assert!(text(&told).contains("<TxSts>ACCP</TxSts>"), "{}", text(&told));
    assert_eq!(money(&portal, &id).await.0, "paid");
    installation.stop().await;
}

/// Readers that look only at their own fields would take these, and the number in them.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_number_that_hides_in_what_cannot_be_read_does_not_enter() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    let body = callback(&payment(&portal, &id, "card").await, "CHARGE");
    let beside = |value: &[u8]| {
        let open = body.strip_suffix(b"}").unwrap();
        [open, b",\"more\":", value, b"}"].concat()
    };
    let deep = format!("{}\"4111111111111111\"{}", "[".repeat(200), "]".repeat(200));
    for value in [
        &b"\"\xc8 4111111111111111\""[..],
        deep.as_bytes(),
        b"1e400,\"b\":\"4111111111111111\"",
        b"\"\\u0034111111111111111\"",
    ] {
        let told = signed(&bank, &beside(value)).await;
        assert_eq!(told.fault.as_deref(), Some("caller.malformed"), "{}", text(&told));
    }
    assert_eq!(money(&portal, &id).await.1, 0);
    assert_eq!(signed(&bank, &beside(b"\"fine\"")).await.fault, None);
    assert_eq!(money(&portal, &id).await.0, "paid");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_is_told_which_of_its_values_cannot_be_taken() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    let body = String::from_utf8(callback(&payment(&portal, &id, "card").await, "CHARGE")).unwrap();
    for (from, to, expected) in [
        (AT, "2026-11-20", "caller.malformed: date_malformed (notices/posted_at)"),
        (AT, "2026-11-20T25:00:00", "caller.malformed: date_malformed (notices/posted_at)"),
        ("5347.07", "92233720368547758.07", "caller.malformed: amount_too_large"),
    ] {
        let told = signed(&bank, body.replace(from, to).as_bytes()).await;
        assert!(text(&told).contains(expected), "{to}: {}", text(&told));
        assert!(text(&told).contains("\"refused\""), "{to}: {}", text(&told));
    }
    // A clock that was never set: the money is taken, in the day of today.
    let told = signed(&bank, body.replace(AT, "1970-01-01T00:00:00Z").as_bytes()).await;
    assert!(text(&told).contains("\"ok\""), "{}", text(&told));
    let desk = installation.inner.running.gate.desk.clone().unwrap();
    let order = desk.payments.orders_of_charge(&id.parse().unwrap(), 10).await.unwrap().remove(0);
    let age_us = jiff::Timestamp::now().as_microsecond() - order.posted_at_us.unwrap();
    assert!((0..86_400_000_000).contains(&age_us), "{age_us}");
    installation.stop().await;
}
