//! Where money lies: the ledger, suspense, documents, operating days and refunds.

use crate::house::*;
use qaqpa::payments::calendar::OperatingDay;
use qaqpa::payments::command::{Applying, Command, Refusal, Reply, Report};
use qaqpa::payments::order::{Action, Ruling, Said, State};
use qaqpa::payments::record::Order;
use qaqpa_kit::money::Amount;

const PAYABLE: &str = "payable:990140000017:108125";
const EXPECTED: &str = "expected:990140000017:108125";

pub(crate) async fn money_is_where_the_order_says_at_every_step(house: &House) {
    let payments = house.start().await;
    let charge = charged(&payments, "M-1").await;
    let order = opened(&payments, &charge).await;
    let of = async |account| balance(&payments, account).await;
    assert_eq!((of("pending:demo_bank").await, of(EXPECTED).await), (AMOUNT, -AMOUNT));
    payments.run(act(&order.id, Action::Submit, 0, MORNING_US)).await.unwrap();
    hear(&payments, &order, "E1", Said::Accepted).await;
    assert_eq!(of("pending:demo_bank").await, AMOUNT);
    hear(&payments, &order, "E2", Said::Posted).await;
    assert_eq!((of("pending:demo_bank").await, of("receivable:demo_bank").await), (0, AMOUNT));
    assert_eq!((of(EXPECTED).await, of(PAYABLE).await), (0, -AMOUNT));
    hear(&payments, &order, "E3", Said::Settled).await;
    assert_eq!((of("receivable:demo_bank").await, of("treasury").await), (0, AMOUNT));
    assert_eq!(payments.exposure().await.unwrap(), []);
    assert_eq!(payments.transfers(&order.id).await.unwrap().len(), 4);
    let other = charged(&payments, "M-2").await;
    let order = unknown(&payments, &other).await;
    hear(&payments, &order, "E4", Said::Rejected).await;
    assert_eq!((of("pending:demo_bank").await, of(EXPECTED).await), (0, 0));
}

pub(crate) async fn late_and_double_money_lies_in_suspense(house: &House) {
    let payments = house.start().await;
    let charge = charged(&payments, "L-1").await;
    let order = opened(&payments, &charge).await;
    let expire = act(&order.id, Action::Expire, 0, MORNING_US + HOUR_US - 1);
    let of = async |command| payments.run(command).await.unwrap();
    assert_eq!(refusal_of(of(expire).await), Refusal::NotDue);
    of(act(&order.id, Action::Expire, 0, MORNING_US + HOUR_US)).await;
    let late = hear(&payments, &order, "E1", Said::Posted).await;
    assert_eq!(late.state, State::Expired, "late money does not bring it back to life");
    assert_eq!(balance(&payments, "suspense:demo_bank").await, -AMOUNT);

    let paid = order_of(of(Command::Receive(receipt(&charge, "T1"))).await);
    assert_eq!((paid.state, paid.reason.as_str()), (State::Posted, ""));
    assert_eq!(balance(&payments, PAYABLE).await, -AMOUNT);
    let double = order_of(of(Command::Receive(receipt(&charge, "T2"))).await);
    assert_eq!((double.state, double.reason.as_str()), (State::Posted, "double_paid"));
    let mut less = receipt(&charged(&payments, "L-2").await, "T3");
    less.amount = Amount::new(AMOUNT - 1).unwrap();
    let other = order_of(of(Command::Receive(less)).await);
    assert_eq!(other.reason, "other_amount");
    assert_eq!(balance(&payments, "suspense:demo_bank").await, -3 * AMOUNT + 1);

    // Whoever has not sent anything yet makes way for money that is there.
    let third = charged(&payments, "L-3").await;
    let waiting = opened(&payments, &third).await;
    let paid = order_of(of(Command::Receive(receipt(&third, "T4"))).await);
    assert_eq!(paid.reason, "");
    let waiting = payments.order(&waiting.id).await.unwrap().unwrap();
    assert_eq!(waiting.state, State::Cancelled);
    assert_eq!(balance(&payments, "pending:demo_bank").await, 0);
}

pub(crate) async fn a_document_or_a_transaction_names_one_payment(house: &House) {
    let payments = house.start().await;
    let charges = [charged(&payments, "D-1").await, charged(&payments, "D-2").await];
    let with_document = |number: usize, txn: &str| {
        let mut receipt = receipt(&charges[number], txn);
        receipt.document_number = Some("47000001".to_owned());
        Command::Receive(receipt)
    };
    let of = async |command| payments.run(command).await.unwrap();
    let first = order_of(of(with_document(0, "T1")).await);
    assert_eq!(first.state, State::Posted);
    assert_eq!(order_of(of(with_document(0, "T1")).await), first, "the same again");
    let other = of(with_document(1, "T1")).await;
    assert_eq!(refusal_of(other), Refusal::Taken, "a transaction of another charge");
    let second = order_of(of(with_document(1, "T2")).await);
    assert_eq!(
        (second.state, second.document_number),
        (State::Conflict, Some("47000001".to_owned()))
    );
    let order = unknown(&payments, &charged(&payments, "D-3").await).await;
    let mut word = report(&order, "E1", Said::Posted);
    word.txn_id = Some("T2".to_owned());
    assert_eq!(order_of(of(Command::Hear(word)).await).state, State::Conflict);
    // The next day the bank may count its documents from the beginning.
    let mut tomorrow = receipt(&charged(&payments, "D-4").await, "T5");
    tomorrow.document_number = Some("47000001".to_owned());
    tomorrow.posted_at_us = MORNING_US + 24 * HOUR_US;
    tomorrow.at_us = tomorrow.posted_at_us;
    assert_eq!(order_of(of(Command::Receive(tomorrow)).await).state, State::Posted);
}

pub(crate) async fn a_closed_day_takes_no_posting_and_keeps_what_it_held(house: &House) {
    let payments = house.start().await;
    let of = async |command| payments.run(command).await.unwrap();
    let first = charged(&payments, "W-1").await;
    let paid = order_of(of(Command::Receive(receipt(&first, "T1"))).await);
    let day = paid.operating_day.unwrap();
    assert_eq!(day.to_string(), "2026-11-25");
    let close = |day, at_us| Command::Close { bank: "demo_bank".to_owned(), day, at_us };
    assert_eq!(refusal_of(of(close(day, MORNING_US)).await), Refusal::NotDue, "not over yet");
    let evening_us = MORNING_US + 7 * HOUR_US;
    let Reply::Closed(closing) = of(close(day, evening_us)).await else { panic!("not closed") };
    assert_eq!((closing.orders, closing.paid_tiyn, closing.returned_tiyn), (1, AMOUNT, 0));
    assert_eq!(refusal_of(of(close(day, evening_us)).await), Refusal::Taken, "once");
    let second = charged(&payments, "W-2").await;
    let late = order_of(of(Command::Receive(receipt(&second, "T2"))).await);
    assert_eq!(late.operating_day.unwrap().to_string(), "2026-11-26");
    assert_eq!(late.posted_at_us, Some(MORNING_US), "the bank's time stays as it was");
    assert_eq!(payments.closing("demo_bank", day).await.unwrap(), Some(*closing));
    assert_eq!(payments.orders_of(("demo_bank", day), "", 10).await.unwrap().len(), 1);
    let saturday = OperatingDay(day.0 + 3);
    let refused = of(close(saturday, MORNING_US + 240 * HOUR_US)).await;
    assert_eq!(refusal_of(refused), Refusal::NotDue, "no such operating day");
    // Clocks of banks are believed up to five minutes; beyond, a posting counts as now.
    let mut ahead = receipt(&charged(&payments, "W-3").await, "T3");
    ahead.posted_at_us = MORNING_US + 240 * HOUR_US;
    let ahead = order_of(of(Command::Receive(ahead)).await);
    assert_eq!(ahead.operating_day.unwrap().to_string(), "2026-11-26");
}

pub(crate) async fn refunds_never_exceed_what_was_paid(house: &House) {
    let payments = house.start().await;
    let of = async |command| payments.run(command).await.unwrap();
    let charge = charged(&payments, "B-1").await;
    let reserved = opened(&payments, &charge).await;
    assert_eq!(refusal_of(of(refund(&reserved, 1)).await), Refusal::NotRefundable);
    of(act(&reserved.id, Action::Cancel, 0, MORNING_US)).await;
    let paid = order_of(of(Command::Receive(receipt(&charge, "T1"))).await);
    let half = order_of(of(refund(&paid, AMOUNT / 2)).await);
    assert_eq!((half.reverses.as_ref(), half.state), (Some(&paid.id), State::Reserved));
    assert_eq!(refusal_of(of(refund(&paid, AMOUNT / 2 + 1)).await), Refusal::TooMuch);
    assert_eq!(balance(&payments, "returning:demo_bank").await, -AMOUNT / 2);
    // A refund that the bank refuses gives its share back.
    of(act(&half.id, Action::Submit, 0, MORNING_US)).await;
    hear(&payments, &half, "E1", Said::Rejected).await;
    assert_eq!(payments.order(&paid.id).await.unwrap().unwrap().returned_tiyn, 0);
    let whole = order_of(of(refund(&paid, AMOUNT)).await);
    of(act(&whole.id, Action::Submit, 0, MORNING_US)).await;
    let returned = hear(&payments, &whole, "E2", Said::Posted).await;
    assert_eq!(returned.state, State::Posted);
    let balances = payments.balances().await.unwrap();
    assert!(balances.iter().all(|row| row.balance_tiyn == 0), "{balances:?}");
    assert_eq!(refusal_of(of(refund(&returned, 1)).await), Refusal::NotRefundable);
    assert_eq!(payments.order(&paid.id).await.unwrap().unwrap().state, State::Posted);
}

pub(crate) async fn a_refund_that_was_refused_and_then_paid_is_taken_by_the_database_too(
    house: &House,
) {
    let payments = house.start().await;
    let charge = charged(&payments, "M-7").await;
    let paid = order_of(payments.run(Command::Receive(receipt(&charge, "T1"))).await.unwrap());
    let back = order_of(payments.run(refund(&paid, AMOUNT)).await.unwrap());
    hear(&payments, &back, "E1", Said::Rejected).await;
    let returned = async || payments.order(&paid.id).await.unwrap().unwrap().returned_tiyn;
    assert_eq!(returned().await, 0, "it came to nothing");
    let back = hear(&payments, &back, "E2", Said::Posted).await;
    assert_eq!((back.state, back.holds), (State::Conflict, true));
    assert_eq!(returned().await, AMOUNT, "its money went out nevertheless");
}

pub(crate) async fn a_return_is_posted_by_the_word_that_tells_of_it_and_takes_its_share(
    house: &House,
) {
    let payments = house.start().await;
    let charge = charged(&payments, "M-8").await;
    let paid = unknown(&payments, &charge).await;
    let back = |event: &str, said: Said, tiyn: i64| {
        let amount = Amount::new(tiyn).ok();
        let document_number = Some(event.to_owned());
        Command::of_word(Report { amount, document_number, ..report(&paid, event, said) })
    };
    let first = order_of(payments.run(back("B1", Said::Returned, 1_000)).await.unwrap());
    assert_eq!((first.state, first.reverses.as_ref()), (State::Posted, Some(&paid.id)));
    let again = payments.run(back("B1", Said::Returned, 1_000)).await.unwrap();
    assert!(matches!(again, Reply::Order { is_new: false, .. }), "{again:?}");
    assert_eq!(house.count("payment_order"), 2);
    let payment = payments.order(&paid.id).await.unwrap().unwrap();
    assert_eq!((payment.state, payment.returned_tiyn), (State::Posted, 1_000));
    assert_eq!(balance(&payments, "receivable:demo_bank").await, AMOUNT - 1_000);
    // More than is left: kept, and no money is moved.
    let late = order_of(payments.run(back("B2", Said::Credited, AMOUNT)).await.unwrap());
    assert_eq!((late.state, late.holds), (State::Conflict, false));
    assert_eq!(balance(&payments, PAYABLE).await, 1_000 - AMOUNT);
    let told = payments.notices(&first.id).await.unwrap();
    assert_eq!(told.len(), 2, "whose charge it is, and who asked");
    // The first turns out to be none: the second takes what it has let go.
    hear(&payments, &first, "E1", Said::Rejected).await;
    let rule = |order: &Order, ruling| {
        let (order, reason) = (order.id.clone(), "the bank's letter".to_owned());
        Command::Rule { order, ruling, reason, at_us: MORNING_US }
    };
    payments.run(rule(&first, Ruling::Rejected)).await.unwrap();
    let late = payments.order(&late.id).await.unwrap().unwrap();
    assert_eq!((late.state, late.holds), (State::Posted, true));
    assert_eq!(balance(&payments, "receivable:demo_bank").await, 0);
}

pub(crate) async fn only_confirmed_money_of_the_right_terms_is_a_proof(house: &House) {
    let payments = house.start().await;
    let iin = payer();
    let proofs = async || payments.proofs(&iin, ("108125", "duty_05"), 10).await.unwrap().len();
    let order = unknown(&payments, &charged(&payments, "R-1").await).await;
    let refused = refusal_of(payments.run(redeem(&order, "call-1")).await.unwrap());
    assert_eq!((refused, proofs().await), (Refusal::NotConfirmed(State::Unknown), 0));
    let paid = hear(&payments, &order, "E1", Said::Posted).await;
    assert_eq!(proofs().await, 1);
    let cheaper = qaqpa::payments::record::Order { amount_tiyn: 1, ..paid.clone() };
    let other_code = qaqpa::payments::record::Order { kbk: "204160".to_owned(), ..paid.clone() };
    for other in [cheaper, other_code] {
        let refused = refusal_of(payments.run(redeem(&other, "call-1")).await.unwrap());
        assert_eq!(refused, Refusal::OtherTerms);
    }
    assert!(payments.run(redeem(&paid, "call-1")).await.unwrap().order().is_some());
    assert_eq!(proofs().await, 0, "what was used is not found again");
    let refused = refusal_of(payments.run(refund(&paid, 1)).await.unwrap());
    assert_eq!(refused, Refusal::Used, "what was used does not go back");

    // A call that came to nothing frees it; another call's word does not.
    let restore = |call: &str| Command::Restore {
        order: paid.id.clone(),
        call: call.to_owned(),
        at_us: MORNING_US,
    };
    payments.run(restore("call-2")).await.unwrap();
    let refused = refusal_of(payments.run(redeem(&paid, "call-2")).await.unwrap());
    assert_eq!(refused, Refusal::Used);
    payments.run(restore("call-1")).await.unwrap();
    assert!(payments.run(redeem(&paid, "call-2")).await.unwrap().order().is_some());
    payments.run(restore("call-2")).await.unwrap();
    let back = payments.run(refund(&paid, 1)).await.unwrap();
    assert!(back.order().is_some(), "{back:?}");
    let refused = refusal_of(payments.run(redeem(&paid, "call-3")).await.unwrap());
    assert_eq!(refused, Refusal::Returned);

    // A second payment of the same charge lies in suspense and proves nothing; nor does a refund.
    let charge = charged(&payments, "R-2").await;
    payments.run(Command::Receive(receipt(&charge, "T1"))).await.unwrap();
    let double = order_of(payments.run(Command::Receive(receipt(&charge, "T2"))).await.unwrap());
    let refused = refusal_of(payments.run(redeem(&double, "call-4")).await.unwrap());
    assert_eq!(refused, Refusal::NotConfirmed(State::Posted));
    let refused = refusal_of(payments.run(redeem(&order_of(back), "call-4")).await.unwrap());
    assert_eq!(refused, Refusal::NoOrder);
}

pub(crate) async fn what_was_used_goes_back_once_its_use_came_to_nothing(house: &House) {
    let payments = house.start().await;
    let charge = charged(&payments, "U-1").await;
    let paid = order_of(payments.run(Command::Receive(receipt(&charge, "T1"))).await.unwrap());
    payments.run(redeem(&paid, "call-1")).await.unwrap();
    let returned =
        Report { amount: Amount::new(AMOUNT).ok(), ..report(&paid, "B1", Said::Returned) };
    let back = order_of(payments.run(Command::of_word(returned)).await.unwrap());
    assert_eq!(back.state, State::Conflict, "its use stands");
    let (order, call) = (paid.id.clone(), "call-1".to_owned());
    payments.run(Command::Restore { order, call, at_us: MORNING_US }).await.unwrap();
    let now = async |id| payments.order(id).await.unwrap().unwrap();
    assert_eq!(
        (now(&back.id).await.state, now(&paid.id).await.returned_tiyn),
        (State::Posted, AMOUNT)
    );
    let refused = refusal_of(payments.run(redeem(&paid, "call-2")).await.unwrap());
    assert_eq!(refused, Refusal::Returned);
}

pub(crate) async fn money_that_was_led_to_a_charge_and_never_was_can_be_ruled_away(house: &House) {
    let payments = house.start().await;
    let (twice, other) = (charged(&payments, "A-1").await, charged(&payments, "A-2").await);
    payments.run(Command::Receive(receipt(&twice, "T1"))).await.unwrap();
    let double = order_of(payments.run(Command::Receive(receipt(&twice, "T2"))).await.unwrap());
    let led = Applying {
        order: new_id(),
        from: double.id.clone(),
        charge: other.id.clone(),
        reason: "paid twice".to_owned(),
        at_us: MORNING_US,
    };
    let led = order_of(payments.run(Command::Apply(led)).await.unwrap());
    assert_eq!(led.state, State::Posted);
    let contested = hear(&payments, &led, "E1", Said::Rejected).await;
    assert_eq!(contested.state, State::Conflict);
    let (order, reason) = (led.id.clone(), "the bank's letter".to_owned());
    let ruling = Ruling::Rejected;
    let rule = Command::Rule { order, ruling, reason, at_us: MORNING_US };
    let ruled = order_of(payments.run(rule).await.unwrap());
    assert_eq!((ruled.state, ruled.holds), (State::Rejected, false));
    let suspense = balance(&payments, "suspense:demo_bank").await;
    assert_eq!(suspense, -AMOUNT, "where it was before it was led away");
}

pub(crate) async fn a_refund_whose_number_is_taken_is_heard_and_contested(house: &House) {
    let payments = house.start().await;
    let (first, second) = (charged(&payments, "N-1").await, charged(&payments, "N-2").await);
    let named = |charge, txn: &str, number: &str| {
        let document_number = Some(number.to_owned());
        Command::Receive(qaqpa::payments::command::Receipt {
            document_number,
            ..receipt(charge, txn)
        })
    };
    payments.run(named(&first, "T1", "47")).await.unwrap();
    let paid = order_of(payments.run(named(&second, "T2", "48")).await.unwrap());
    let back = order_of(payments.run(refund(&paid, 1_000)).await.unwrap());
    let back = order_of(payments.run(act(&back.id, Action::Submit, 0, MORNING_US)).await.unwrap());
    let (amount, document_number) = (Amount::new(1_000).ok(), Some("47".to_owned()));
    let booked = Report { amount, document_number, ..report(&back, "B1", Said::Credited) };
    let heard = order_of(payments.run(Command::of_word(booked)).await.unwrap());
    assert_eq!((heard.id, heard.state), (back.id, State::Conflict));
}
