//! Many at once, on PostgreSQL from two nodes: what may happen once happens once.

use crate::house::*;
use qaqpa::payments::Payments;
use qaqpa::payments::command::{About, Answered, Applying, Command, Refusal, Reply, Report};
use qaqpa::payments::order::{Action, Said, State};
use tokio::task::JoinSet;

/// Runs all commands at the same time, taking turns between the nodes.
async fn all_at_once(nodes: &[Payments; 2], commands: Vec<Command>) -> Vec<Reply> {
    let mut tasks = JoinSet::new();
    for (place, command) in commands.into_iter().enumerate() {
        let node = nodes[place % 2].clone();
        tasks.spawn(async move { node.run(command).await.unwrap() });
    }
    tasks.join_all().await
}

async fn two(house: &House) -> [Payments; 2] {
    let first = house.start().await;
    let second = house.another(&first).await;
    [first, second]
}

pub(crate) async fn of_a_hundred_equal_payments_at_once_one_is_made(house: &House) {
    let nodes = two(house).await;
    let charge = charged(&nodes[0], "H-1").await;
    let mut tasks = JoinSet::new();
    for place in 0..100 {
        let (node, receipt) = (nodes[place % 2].clone(), receipt(&charge, "T1"));
        tasks.spawn(async move {
            let render = Box::new(|reply: &Reply| format!("{reply:?}").into_bytes());
            let answered = node.run_once(key("T1", "body"), render, Command::Receive(receipt));
            match answered.await.unwrap() {
                Answered::Now(Reply::Order { .. }, Some(bytes)) => (true, bytes),
                Answered::Again(bytes) => (false, bytes),
                other => panic!("{other:?}"),
            }
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|(is_first, _)| *is_first).count(), 1);
    assert!(answers.iter().all(|(_, bytes)| *bytes == answers[0].1), "all got the same bytes");
    assert_eq!(house.count("payment_order"), 1);
    assert_eq!(balance(&nodes[0], "receivable:demo_bank").await, AMOUNT);
}

pub(crate) async fn of_a_hundred_orders_for_one_charge_one_is_opened(house: &House) {
    let nodes = two(house).await;
    let charge = charged(&nodes[0], "H-2").await;
    let commands = (0..100).map(|_| Command::Open(opening(&charge))).collect();
    let replies = all_at_once(&nodes, commands).await;
    let held = Reply::Refused(Refusal::Held(State::Reserved));
    assert_eq!(replies.iter().filter(|reply| **reply == held).count(), 99);
    assert_eq!(house.count("payment_order"), 1);
}

pub(crate) async fn refunds_at_once_never_exceed_the_payment(house: &House) {
    let nodes = two(house).await;
    let charge = charged(&nodes[0], "H-3").await;
    let paid = nodes[0].run(Command::Receive(receipt(&charge, "T1"))).await.unwrap();
    let paid = order_of(paid);
    let commands = (0..40).map(|_| refund(&paid, AMOUNT / 10)).collect();
    let replies = all_at_once(&nodes, commands).await;
    let opened = replies.iter().filter(|reply| reply.order().is_some()).count();
    let refused = replies.iter().filter(|reply| **reply == Reply::Refused(Refusal::TooMuch));
    assert_eq!((opened, refused.count()), (10, 30));
    assert_eq!(nodes[1].order(&paid.id).await.unwrap().unwrap().returned_tiyn, AMOUNT);
    assert_eq!(balance(&nodes[0], "returning:demo_bank").await, -AMOUNT);
}

pub(crate) async fn money_in_suspense_is_led_to_one_charge_or_given_back(house: &House) {
    let nodes = two(house).await;
    for round in 0..10 {
        let charge = charged(&nodes[0], &format!("H-9-{round}")).await;
        let received =
            |number: usize| Command::Receive(receipt(&charge, &format!("S-{round}-{number}")));
        nodes[0].run(received(0)).await.unwrap();
        let double = order_of(nodes[0].run(received(1)).await.unwrap());
        let others = [0, 1].map(|number| format!("H-9-{round}-{number}"));
        let others = [charged(&nodes[0], &others[0]).await, charged(&nodes[1], &others[1]).await];
        let mut commands = vec![refund(&double, AMOUNT)];
        for other in others.iter().chain(&others) {
            commands.push(Command::Apply(Applying {
                order: new_id(),
                from: double.id.clone(),
                charge: other.id.clone(),
                reason: "paid twice".to_owned(),
                at_us: MORNING_US,
            }));
            commands.push(Command::Open(opening(other)));
        }
        if round % 2 == 0 {
            commands.reverse();
        }
        let replies = all_at_once(&nodes, commands).await;
        let done = replies.iter().filter_map(Reply::order);
        let taken = done.filter(|one| one.takes.is_some() || one.reverses.is_some()).count();
        assert!(taken <= 1, "round {round}: {replies:?}");
        let is = nodes[0].order(&double.id).await.unwrap().unwrap();
        assert_eq!(is.returned_tiyn, if taken == 1 { AMOUNT } else { 0 });
        for other in &others {
            let orders = nodes[1].orders_of_charge(&other.id, 10).await.unwrap();
            assert!(orders.iter().filter(|one| one.holds).count() <= 1, "two pay one charge");
        }
    }
}

pub(crate) async fn a_cancellation_and_an_attempt_never_both_succeed(house: &House) {
    let nodes = two(house).await;
    for round in 0..15 {
        let charge = charged(&nodes[0], &format!("H-4-{round}")).await;
        let order = opened(&nodes[0], &charge).await;
        let mut commands: Vec<Command> = Vec::new();
        for _ in 0..4 {
            commands.push(act(&order.id, Action::Submit, 0, MORNING_US));
            commands.push(act(&order.id, Action::Cancel, 0, MORNING_US));
        }
        if round % 2 == 0 {
            commands.reverse();
        }
        let replies = all_at_once(&nodes, commands).await;
        let done: Vec<_> = replies.iter().filter_map(Reply::order).collect();
        assert_eq!(done.len(), 1, "one of eight: {replies:?}");
        let is = nodes[0].order(&order.id).await.unwrap().unwrap();
        assert_eq!((is.state, is.attempt), (done[0].state, done[0].attempt));
        assert_eq!(is.attempt, u32::from(is.state == State::Submitting));
    }
}

pub(crate) async fn a_closing_counts_every_posting_in_its_day_and_no_other(house: &House) {
    let nodes = two(house).await;
    let charges: Vec<_> = (0..60).map(|number| charge(&format!("H-5-{number}"))).collect();
    nodes[0].run(Command::Register(charges.clone())).await.unwrap();
    let mut commands: Vec<Command> = (charges.iter().enumerate())
        .map(|(number, charge)| Command::Receive(receipt(charge, &format!("T{number}"))))
        .collect();
    let evening_us = MORNING_US + 7 * HOUR_US;
    let bank = house.settings.banks["demo_bank"].clone();
    let day = bank.operating_day(MORNING_US);
    let close = Command::Close { bank: "demo_bank".to_owned(), day, at_us: evening_us };
    commands.insert(30, close);
    let replies = all_at_once(&nodes, commands).await;
    let closing = replies.iter().find_map(|reply| match reply {
        Reply::Closed(closing) => Some(closing.clone()),
        _ => None,
    });
    let closing = closing.unwrap();
    let (mut inside, mut after) = (0, 0);
    for order in replies.iter().filter_map(Reply::order) {
        if order.operating_day == Some(day) { inside += 1 } else { after += 1 }
    }
    assert_eq!(inside + after, 60);
    assert_eq!((closing.orders, closing.paid_tiyn), (inside, inside * AMOUNT));
    let held = nodes[1].orders_of(("demo_bank", day), "", 100).await.unwrap();
    assert_eq!(i64::try_from(held.len()).unwrap(), inside);
}

pub(crate) async fn of_a_hundred_calls_with_one_proof_one_is_let_through(house: &House) {
    let nodes = two(house).await;
    let charge = charged(&nodes[0], "H-7").await;
    let paid = order_of(nodes[0].run(Command::Receive(receipt(&charge, "T1"))).await.unwrap());
    let commands = (0..100).map(|place| redeem(&paid, &format!("call-{}", place % 50))).collect();
    let replies = all_at_once(&nodes, commands).await;
    let new = |reply: &&Reply| matches!(reply, Reply::Order { is_new: true, .. });
    let again = |reply: &&Reply| matches!(reply, Reply::Order { is_new: false, .. });
    let used = |reply: &&Reply| **reply == Reply::Refused(Refusal::Used);
    let counts = [replies.iter().filter(new).count(), replies.iter().filter(again).count()];
    assert_eq!(counts, [1, 1], "the call itself and its own repetition");
    assert_eq!(replies.iter().filter(used).count(), 98);
    assert!(nodes[1].redemption(&paid.id).await.unwrap().unwrap().call.is_some());
}

pub(crate) async fn a_payment_is_used_or_given_back_and_never_both(house: &House) {
    let nodes = two(house).await;
    for round in 0..15 {
        let charge = charged(&nodes[0], &format!("H-8-{round}")).await;
        let received = Command::Receive(receipt(&charge, &format!("T-{round}")));
        let paid = order_of(nodes[0].run(received).await.unwrap());
        let mut commands = vec![redeem(&paid, "call-1"), refund(&paid, 1), redeem(&paid, "call-1")];
        if round % 2 == 0 {
            commands.reverse();
            commands.push(refund(&paid, AMOUNT));
        }
        let replies = all_at_once(&nodes, commands).await;
        let is = nodes[0].order(&paid.id).await.unwrap().unwrap();
        let is_used = nodes[0].redemption(&paid.id).await.unwrap().is_some();
        assert_eq!(is_used, is.returned_tiyn == 0, "round {round}: {replies:?}");
    }
}

pub(crate) async fn one_event_heard_by_many_at_once_counts_once(house: &House) {
    let nodes = two(house).await;
    let charge = charged(&nodes[0], "H-6").await;
    let order = unknown(&nodes[0], &charge).await;
    let commands = (0..40)
        .map(|place| {
            let said = if place % 4 == 3 { Said::Accepted } else { Said::Posted };
            Command::Hear(report(&order, &format!("E{}", place % 4), said))
        })
        .collect();
    all_at_once(&nodes, commands).await;
    assert_eq!(house.count("order_evidence"), 4);
    let is = nodes[0].order(&order.id).await.unwrap().unwrap();
    assert_eq!(is.state, State::Posted);
    assert_eq!(balance(&nodes[0], "receivable:demo_bank").await, AMOUNT);
    assert_eq!(house.count("order_change WHERE state = 'posted'"), 1);
}

pub(crate) async fn a_word_and_the_payment_that_it_speaks_of_never_pass_each_other(house: &House) {
    let nodes = two(house).await;
    let charges: Vec<_> = (0..150).map(|number| charge(&format!("H-9-{number}"))).collect();
    nodes[0].run(Command::Register(charges.clone())).await.unwrap();
    let nobody = unknown(&nodes[0], &charged(&nodes[0], "H-9").await).await;
    for (number, charge) in charges.iter().enumerate() {
        let txn_id = format!("T{number}");
        let about = About::Txn(txn_id.clone());
        let word = Report { about, ..report(&nobody, &format!("E{number}"), Said::Rejected) };
        let mut commands = vec![Command::Receive(receipt(charge, &txn_id)), Command::Hear(word)];
        if number % 2 == 0 {
            commands.reverse();
        }
        all_at_once(&nodes, commands).await;
        let order = nodes[0].holder(&charge.id).await.unwrap().unwrap();
        assert_eq!(order.state, State::Conflict, "{number}");
    }
}
