//! What becomes of charges and orders: keys, restarts, evidence and operators.

use crate::house::*;
use qaqpa::payments::Payments;
use qaqpa::payments::command::{About, Answered, Command, Refusal, Reply, Report};
use qaqpa::payments::order::{Action, Ruling, Said, State};
use qaqpa::payments::record::Source;

pub(crate) async fn an_order_is_there_after_a_restart_and_before_anything_is_sent(house: &House) {
    let payments = house.start().await;
    let charge = charged(&payments, "A-1").await;
    let order = opened(&payments, &charge).await;
    assert_eq!((order.state, order.attempt, order.version), (State::Reserved, 0, 1));
    assert!(order.end_to_end_id.len() <= 35);
    let payments = house.restart(payments).await;
    assert_eq!(payments.order(&order.id).await.unwrap(), Some(order));
    assert_eq!(payments.charge_of("tax_office", "A-1").await.unwrap(), Some(charge));
}

pub(crate) async fn the_same_request_gets_the_same_bytes_and_another_body_is_told_so(
    house: &House,
) {
    let payments = house.start().await;
    let charge = charge("K-1");
    let ask = |digest: &'static str, answer: &'static str| {
        let render = Box::new(move |_: &Reply| answer.as_bytes().to_vec());
        let command = Command::Register(vec![charge.clone()]);
        payments.run_once(key("key-1", digest), render, command)
    };
    let first = ask("body", "first \u{0}\u{ff} answer").await.unwrap();
    let bytes = "first \u{0}\u{ff} answer".as_bytes().to_vec();
    assert_eq!(first, Answered::Now(Reply::Done, Some(bytes.clone())));
    assert_eq!(ask("body", "another").await.unwrap(), Answered::Again(bytes.clone()));
    assert_eq!(ask("other body", "another").await.unwrap(), Answered::OtherBody);
    assert_eq!(house.count("charge"), 1);
    assert_eq!(house.count("request_key"), 1);
}

pub(crate) async fn a_refusal_is_not_kept_for_its_key(house: &House) {
    let payments = house.start().await;
    let charge = charge("K-2");
    let open = || {
        let render = Box::new(|reply: &Reply| format!("{reply:?}").into_bytes());
        payments.run_once(key("key-2", "body"), render, Command::Open(opening(&charge)))
    };
    let refused = Answered::Now(Reply::Refused(Refusal::NoCharge), None);
    assert_eq!(open().await.unwrap(), refused);
    payments.run(Command::Register(vec![charge.clone()])).await.unwrap();
    assert!(matches!(open().await.unwrap(), Answered::Now(Reply::Order { .. }, Some(_))));
    assert!(matches!(open().await.unwrap(), Answered::Again(_)));
    payments.run(Command::Forget { before_us: MORNING_US + 1 }).await.unwrap();
    let held = Answered::Now(Reply::Refused(Refusal::Held(State::Reserved)), None);
    assert_eq!(open().await.unwrap(), held, "a forgotten key leaves the charge held");
}

pub(crate) async fn open_charges_are_those_that_nobody_pays(house: &House) {
    let payments = house.start().await;
    let charges = [charged(&payments, "O-1").await, charged(&payments, "O-2").await, charge("O-3")];
    let again = Command::Register(vec![charges[2].clone(), charges[0].clone()]);
    assert_eq!(refusal_of(payments.run(again).await.unwrap()), Refusal::Taken, "all or none");
    payments.run(Command::Register(vec![charges[2].clone()])).await.unwrap();
    let order = opened(&payments, &charges[0]).await;
    let annul = |agency: &str, number: usize| Command::Annul {
        charge: charges[number].id.clone(),
        agency: agency.to_owned(),
        at_us: MORNING_US,
    };
    let of = async |command| payments.run(command).await.unwrap();
    assert_eq!(refusal_of(of(annul("another", 1)).await), Refusal::NoCharge);
    assert_eq!(refusal_of(of(annul("tax_office", 0)).await), Refusal::Held(State::Reserved));
    assert_eq!(of(annul("tax_office", 1)).await, Reply::Done);
    let open = async || -> Vec<String> {
        let open = payments.charges_open(&payer(), 10).await.unwrap();
        open.into_iter().map(|charge| charge.number).collect()
    };
    assert_eq!(open().await, ["O-3"]);
    of(act(&order.id, Action::Cancel, 0, MORNING_US)).await;
    assert_eq!(open().await, ["O-1", "O-3"], "a cancelled order lets its charge go");
    let refused = of(Command::Open(opening(&charges[1]))).await;
    assert_eq!(refusal_of(refused), Refusal::Annulled);
}

pub(crate) async fn what_was_being_sent_when_a_life_ended_is_unknown(house: &House) {
    let payments = house.start().await;
    let charge = charged(&payments, "R-1").await;
    let order = opened(&payments, &charge).await;
    let submitted = payments.run(act(&order.id, Action::Submit, 0, MORNING_US)).await.unwrap();
    assert_eq!(order_of(submitted).attempt, 1);
    let payments = house.restart(payments).await;
    let waiting = payments.unknown(10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].node.as_str()), (1, "node-1"));
    assert_eq!((&waiting[0].id, waiting[0].state), (&order.id, State::Unknown));
    let check = waiting[0].next_check_at_us.unwrap();
    assert_eq!(payments.due("demo_bank", check, 10).await.unwrap().len(), 1);
    assert_eq!(payments.due("demo_bank", check - 1, 10).await.unwrap().len(), 0);
    let exposed = payments.exposure().await.unwrap();
    assert_eq!((exposed.len(), exposed[0].amount_tiyn), (1, AMOUNT));
}

pub(crate) async fn unknown_is_left_by_evidence_and_sent_again_only_after_silence(house: &House) {
    let payments = house.start().await;
    let charge = charged(&payments, "U-1").await;
    let order = unknown(&payments, &charge).await;
    let of = async |command| payments.run(command).await.unwrap();
    for action in [Action::Cancel, Action::Expire, Action::Lose, Action::Submit] {
        let late = act(&order.id, action, 1, MORNING_US + 10 * HOUR_US);
        assert_eq!(refusal_of(of(late).await), Refusal::NotNow(State::Unknown), "{action:?}");
    }
    let resubmit =
        |after_s: i64| act(&order.id, Action::Resubmit, 1, MORNING_US + after_s * SECOND_US);
    hear(&payments, &order, "E1", Said::NotFound).await;
    assert_eq!(refusal_of(of(resubmit(3600)).await), Refusal::NotDue, "once is not enough");
    // The same event again is no second answer.
    hear(&payments, &order, "E1", Said::NotFound).await;
    assert_eq!(refusal_of(of(resubmit(3600)).await), Refusal::NotDue);
    let twice = hear(&payments, &order, "E2", Said::NotFound).await;
    assert_eq!((twice.state, twice.not_found, twice.inquiries), (State::Unknown, 2, 2));
    let pause_us = twice.next_check_at_us.unwrap() - (MORNING_US + SECOND_US);
    assert_eq!(pause_us, 4 * SECOND_US, "inquiries grow rarer");
    assert_eq!(refusal_of(of(resubmit(59)).await), Refusal::NotDue, "not quiet yet");
    let again = order_of(of(resubmit(60)).await);
    assert_eq!((again.state, again.attempt), (State::Submitting, 2));
    assert_eq!(again.end_to_end_id, order.end_to_end_id);
    let stale = act(&order.id, Action::Sent, 1, MORNING_US);
    assert_eq!(refusal_of(of(stale).await), Refusal::Stale);
    let posted = hear(&payments, &order, "E3", Said::Posted).await;
    assert_eq!((posted.state, posted.next_check_at_us), (State::Posted, None));
    let lower = hear(&payments, &order, "E4", Said::Accepted).await;
    assert_eq!((lower.state, lower.version), (State::Posted, posted.version));
    assert_eq!(payments.evidence(&order.id).await.unwrap().len(), 4);
}

pub(crate) async fn what_a_bank_says_of_an_order_that_is_not_its_own_is_kept_and_changes_nothing(
    house: &House,
) {
    let payments = house.start().await;
    let charge = charged(&payments, "S-1").await;
    let order = unknown(&payments, &charge).await;
    let mut strange = report(&order, "E1", Said::Posted);
    strange.about = About::EndToEnd("GWnobody".to_owned());
    let reply = payments.run(Command::Hear(strange.clone())).await.unwrap();
    assert_eq!(refusal_of(reply), Refusal::NoOrder);
    assert_eq!(house.count("order_evidence WHERE order_id IS NULL"), 1, "it is kept");
    let mut unknown_bank = report(&order, "E2", Said::Posted);
    unknown_bank.bank = "another_bank".to_owned();
    let reply = payments.run(Command::Hear(unknown_bank)).await.unwrap();
    assert_eq!(refusal_of(reply), Refusal::NoBank);
    assert_eq!(payments.order(&order.id).await.unwrap(), Some(order));
}

pub(crate) async fn what_was_said_before_its_order_was_known_counts_without_being_said_again(
    house: &House,
) {
    let payments = house.start().await;
    let (paid, asked) = (charged(&payments, "W-1").await, charged(&payments, "W-2").await);
    let nobody = unknown(&payments, &charged(&payments, "W-3").await).await;
    let of_txn = |event: &str, said, txn_id: &str| {
        let about = About::Txn(txn_id.to_owned());
        Command::Hear(Report { about, ..report(&nobody, event, said) })
    };
    let of = async |payments: &Payments, command| payments.run(command).await.unwrap();
    // The bank's callbacks overtake its own `pay`, and its answer to us.
    for early in [
        of_txn("E1", Said::Rejected, "T1"),
        of_txn("E2", Said::Posted, "T2"),
        of_txn("E2", Said::Rejected, "T2"),
    ] {
        assert_eq!(refusal_of(of(&payments, early).await), Refusal::NoOrder);
    }
    let payments = house.restart(payments).await;
    let received = order_of(of(&payments, Command::Receive(receipt(&paid, "T1"))).await);
    let contested = payments.order(&received.id).await.unwrap().unwrap();
    assert_eq!(contested.state, State::Conflict, "it took the money and will not pay");
    let order = unknown(&payments, &asked).await;
    let answer = Report { txn_id: Some("T2".to_owned()), ..report(&order, "E3", Said::Accepted) };
    of(&payments, Command::Hear(answer)).await;
    let posted = payments.order(&order.id).await.unwrap().unwrap();
    assert_eq!(
        posted.state,
        State::Posted,
        "one event is one word, whatever is said under it later"
    );
    let heard = payments.evidence(&order.id).await.unwrap();
    assert_eq!(
        heard.iter().map(|one| one.said).collect::<Vec<_>>(),
        [Said::Posted, Said::Accepted]
    );
    let again = order_of(of(&payments, of_txn("E2", Said::Posted, "T2")).await);
    assert_eq!(again.version, posted.version, "the same word again says nothing new");
    assert_eq!(house.count("evidence_joined"), 2);
    // What an earlier version kept had no name: it is heard when the bank says it again.
    let kept = "INSERT INTO order_evidence (id, said, source, heard_at_us, original_digest, note) \
         VALUES ('demo_bank/E4', 'posted', 'notice', 1, '', '')";
    house.sql(kept).unwrap();
    assert_eq!(hear(&payments, &nobody, "E4", Said::Posted).await.state, State::Posted);
    assert_eq!(payments.evidence(&nobody.id).await.unwrap().len(), 1);
}

pub(crate) async fn a_contradiction_freezes_until_an_operator_rules_with_a_reason(house: &House) {
    let payments = house.start().await;
    let charge = charged(&payments, "C-1").await;
    let order = unknown(&payments, &charge).await;
    let mut word = report(&order, "E0", Said::Posted);
    word.source = Source::Operator;
    let reply = payments.run(Command::Hear(word)).await.unwrap();
    assert_eq!(refusal_of(reply), Refusal::NoReason, "an operator says why");
    hear(&payments, &order, "E1", Said::Rejected).await;
    let frozen = hear(&payments, &order, "E2", Said::Posted).await;
    assert_eq!((frozen.state, frozen.next_check_at_us), (State::Conflict, None));
    assert_eq!(balance(&payments, "suspense:demo_bank").await, -AMOUNT);
    let rule = |ruling, reason: &str| Command::Rule {
        order: order.id.clone(),
        ruling,
        reason: reason.to_owned(),
        at_us: MORNING_US,
    };
    let of = async |command| payments.run(command).await.unwrap();
    assert_eq!(refusal_of(of(rule(Ruling::Posted, "")).await), Refusal::NoReason);
    assert_eq!(refusal_of(of(refund(&order, 1)).await), Refusal::NotRefundable);
    let ruled = order_of(of(rule(Ruling::Rejected, "letter 17 of the bank")).await);
    assert_eq!((ruled.state, ruled.reason.as_str()), (State::Rejected, "letter 17 of the bank"));
    assert_eq!(balance(&payments, "suspense:demo_bank").await, 0);
    let again = of(rule(Ruling::Posted, "once more")).await;
    assert_eq!(refusal_of(again), Refusal::NotNow(State::Rejected));
}

pub(crate) async fn hostile_texts_hurt_nobody_else(house: &House) {
    let payments = house.start().await;
    let good = charge("'; DROP TABLE charge; -- \u{202e}\"\\u0000{\"");
    let bad: Vec<_> = ["a\0b".to_owned(), "x".repeat(2_001)].map(|text| charge(&text)).into();
    let (first, second, third) = tokio::join!(
        payments.run(Command::Register(vec![bad[0].clone()])),
        payments.run(Command::Register(vec![good.clone()])),
        payments.run(Command::Register(vec![bad[1].clone()])),
    );
    assert_eq!(refusal_of(first.unwrap()), Refusal::Malformed);
    assert_eq!(second.unwrap(), Reply::Done);
    assert_eq!(refusal_of(third.unwrap()), Refusal::Malformed);
    assert_eq!(payments.charge(&good.id).await.unwrap(), Some(good));
    let shown = format!("{:?}", payments.charges_open(&payer(), 1).await.unwrap());
    assert!(!shown.contains("900101300017") && !shown.contains("990140000017"), "{shown}");
}
