//! Who is told what becomes of a payment, in which order, how often, and which node does it.

use crate::house::*;
use qaqpa::payments::Payments;
use qaqpa::payments::command::{Command, Inquiry, Refusal, Reply, Telling};
use qaqpa::payments::order::{Action, Said, State};
use qaqpa::payments::record::{Notice, Order};

const PORTAL: &str = "portal";
const OFFICE: &str = "tax_office";

async fn due(payments: &Payments, recipient: &str, at_us: i64) -> Vec<(i64, State)> {
    let due = payments.notices_due(recipient, at_us, 10).await.unwrap();
    due.iter().map(|notice| (notice.order_version, notice.state)).collect()
}

async fn first(payments: &Payments, recipient: &str, at_us: i64) -> Notice {
    payments.notices_due(recipient, at_us, 1).await.unwrap().remove(0)
}

fn begin(at_us: i64) -> Telling {
    Telling::Begin { until_us: at_us + SECOND_US }
}

async fn tell(payments: &Payments, notice: &Notice, telling: Telling, at_us: i64) -> Reply {
    let (notice, version) = (notice.id.clone(), notice.version);
    payments.run(Command::Tell { notice, version, telling, at_us }).await.unwrap()
}

async fn told(payments: &Payments, notice: &Notice, telling: Telling, at_us: i64) -> Notice {
    match tell(payments, notice, telling, at_us).await {
        Reply::Notice(notice) => *notice,
        other => panic!("{other:?}"),
    }
}

/// A payment that was posted, then settled: at [`MORNING_US`] and a second later.
async fn settled(payments: &Payments, number: &str) -> Order {
    let order = unknown(payments, &charged(payments, number).await).await;
    hear(payments, &order, &format!("{number}-1"), Said::Posted).await;
    hear(payments, &order, &format!("{number}-2"), Said::Settled).await
}

pub(crate) async fn who_is_concerned_is_told_of_every_end_and_of_money_that_came(house: &House) {
    let payments = house.start().await;
    let order = settled(&payments, "N-1").await;
    let all = payments.notices(&order.id).await.unwrap();
    let told: Vec<(State, &str)> =
        all.iter().map(|notice| (notice.state, notice.recipient.as_str())).collect();
    let expected = [
        (State::Posted, PORTAL),
        (State::Posted, OFFICE),
        (State::Settled, PORTAL),
        (State::Settled, OFFICE),
    ];
    assert_eq!(told, expected);
    let changes = payments.changes(&order.id).await.unwrap();
    assert!(all.iter().all(|notice| changes.iter().any(|change| change.id == notice.event_id())));
    // What a bank took itself, no portal asked for.
    let charge = charged(&payments, "N-2").await;
    let paid = order_of(payments.run(Command::Receive(receipt(&charge, "T1"))).await.unwrap());
    let notices = payments.notices(&paid.id).await.unwrap();
    assert_eq!((notices.len(), notices[0].recipient.as_str()), (1, OFFICE));
    let cancelled = opened(&payments, &charged(&payments, "N-3").await).await;
    payments.run(act(&cancelled.id, Action::Cancel, 0, MORNING_US)).await.unwrap();
    let notices = payments.notices(&cancelled.id).await.unwrap();
    assert!(notices.len() == 2 && notices.iter().all(|one| one.state == State::Cancelled));
}

pub(crate) async fn the_notices_of_one_payment_are_told_one_after_the_other(house: &House) {
    let payments = house.start().await;
    let order = settled(&payments, "N-4").await;
    let at_us = MORNING_US + HOUR_US;
    let posted = first(&payments, PORTAL, at_us).await;
    assert_eq!(due(&payments, PORTAL, at_us).await, [(posted.order_version, State::Posted)]);
    let begun = told(&payments, &posted, begin(at_us), at_us).await;
    assert_eq!((begun.attempts, begun.next_try_at_us), (1, at_us + SECOND_US));
    assert_eq!(due(&payments, PORTAL, at_us).await, [], "the second waits for the first");
    assert_eq!(
        due(&payments, OFFICE, at_us).await.len(),
        1,
        "nobody waits for another participant"
    );
    told(&payments, &begun, Telling::Told, at_us).await;
    assert_eq!(due(&payments, PORTAL, at_us).await, [(order.version, State::Settled)]);
    let again = tell(&payments, &begun, Telling::Told, at_us).await;
    assert_eq!(refusal_of(again), Refusal::Stale, "told once");
    assert!(house.sql("UPDATE notice SET told_at_us = NULL, version = version + 1").is_err());
}

pub(crate) async fn a_notice_that_waits_for_another_is_due_at_no_time(house: &House) {
    let payments = house.start().await;
    for number in ["N-10", "N-11", "N-12"] {
        settled(&payments, number).await;
    }
    let at_us = MORNING_US + HOUR_US;
    let looked_at = format!("notice WHERE recipient = '{PORTAL}' AND next_try_at_us <= {at_us}");
    assert_eq!(house.count(&looked_at), 3, "one of each payment, whoever follows");
    let notice = first(&payments, PORTAL, at_us).await;
    let begun = told(&payments, &notice, begin(at_us), at_us).await;
    told(&payments, &begun, Telling::Told, at_us).await;
    let untold = format!("{looked_at} AND told_at_us IS NULL");
    assert_eq!(house.count(&untold), 3, "the next of the one that was told is due at once");
    assert_eq!(due(&payments, PORTAL, at_us).await.len(), 3);
}

pub(crate) async fn a_notice_that_comes_while_the_one_before_is_told_is_due(house: &House) {
    let payments = house.start().await;
    let other = house.another(&payments).await;
    let at_us = MORNING_US + HOUR_US;
    for round in 0..20 {
        let number = format!("N-13-{round}");
        let order = unknown(&payments, &charged(&payments, &number).await).await;
        hear(&payments, &order, &format!("{number}-1"), Said::Posted).await;
        let notices = payments.notices(&order.id).await.unwrap();
        let posted = notices.iter().find(|notice| notice.recipient == PORTAL).unwrap();
        let event = format!("{number}-2");
        tokio::join!(
            hear(&payments, &order, &event, Said::Settled),
            told(&other, posted, Telling::Told, at_us),
        );
    }
    let due = payments.notices_due(PORTAL, at_us, 100).await.unwrap();
    assert_eq!(due.len(), 20, "none is forgotten");
    assert!(due.iter().all(|notice| notice.state == State::Settled));
}

pub(crate) async fn a_notice_that_nobody_takes_becomes_a_dead_letter_that_can_be_sent_again(
    house: &House,
) {
    let payments = house.start().await;
    settled(&payments, "N-5").await;
    let mut at_us = MORNING_US + HOUR_US;
    let mut notice = first(&payments, PORTAL, at_us).await;
    for pause in [1, 5] {
        notice = told(&payments, &notice, begin(at_us), at_us).await;
        notice = told(&payments, &notice, Telling::Failed, at_us).await;
        assert_eq!(due(&payments, PORTAL, at_us + pause * SECOND_US - 1).await, []);
        at_us += pause * SECOND_US;
        assert_eq!(due(&payments, PORTAL, at_us).await.len(), 1);
    }
    notice = told(&payments, &notice, begin(at_us), at_us).await;
    let dead = told(&payments, &notice, Telling::Failed, at_us).await;
    assert_eq!((dead.attempts, dead.dead_at_us), (3, Some(at_us)), "the ladder has an end");
    assert_eq!(due(&payments, PORTAL, at_us + HOUR_US).await, [], "what follows it waits");
    let counts = payments.notice_counts().await.unwrap();
    let of_portal = counts.iter().find(|count| count.recipient == PORTAL).unwrap();
    assert_eq!((of_portal.waiting, of_portal.dead), (1, 1));
    assert_eq!(payments.dead_letters(10).await.unwrap(), std::slice::from_ref(&dead));
    let revived = told(&payments, &dead, Telling::Revive, at_us).await;
    assert_eq!((revived.attempts, revived.dead_at_us), (0, None));
    let again = tell(&payments, &revived, Telling::Revive, at_us).await;
    assert_eq!(refusal_of(again), Refusal::NotDue);
    assert_eq!(due(&payments, PORTAL, at_us).await.len(), 1);
}

pub(crate) async fn of_two_nodes_one_tells_and_one_asks_the_bank(house: &House) {
    let payments = house.start().await;
    let other = house.another(&payments).await;
    let order = unknown(&payments, &charged(&payments, "N-6").await).await;
    let inquiry = |until_us| {
        Command::Inquire(Inquiry {
            order: order.id.clone(),
            version: order.version,
            node: "node-2".to_owned(),
            at_us: MORNING_US,
            until_us,
        })
    };
    let until_us = MORNING_US + 30 * SECOND_US;
    let both =
        tokio::join!(payments.run(inquiry(Some(until_us))), other.run(inquiry(Some(until_us))));
    let replies = [both.0.unwrap(), both.1.unwrap()];
    let asked: Vec<&Order> = replies.iter().filter_map(Reply::order).collect();
    assert!(replies.contains(&Reply::Refused(Refusal::Stale)), "{replies:?}");
    assert_eq!((asked.len(), asked[0].next_check_at_us), (1, Some(until_us)));
    assert_eq!((asked[0].state, asked[0].node.as_str()), (State::Unknown, "node-2"));
    // In vain: the next inquiry comes after a longer pause.
    let in_vain = Inquiry {
        order: order.id.clone(),
        version: asked[0].version,
        node: "node-2".to_owned(),
        at_us: MORNING_US,
        until_us: None,
    };
    let planned = order_of(payments.run(Command::Inquire(in_vain)).await.unwrap());
    assert_eq!(
        (planned.inquiries, planned.next_check_at_us),
        (1, Some(MORNING_US + 2 * SECOND_US))
    );
    settled(&payments, "N-7").await;
    let notice = first(&payments, PORTAL, MORNING_US + HOUR_US).await;
    let telling = |node: &Payments| {
        let (node, notice) = (node.clone(), notice.clone());
        async move { tell(&node, &notice, begin(MORNING_US), MORNING_US).await }
    };
    let both = tokio::join!(telling(&payments), telling(&other));
    let refused =
        [both.0, both.1].iter().filter(|reply| **reply == Reply::Refused(Refusal::Stale)).count();
    assert_eq!(refused, 1);
}

pub(crate) async fn a_new_order_is_looked_after_at_once_and_an_old_one_until_it_has_ended(
    house: &House,
) {
    let payments = house.start().await;
    let order = opened(&payments, &charged(&payments, "N-8").await).await;
    // This bank takes no orders: there is nothing to do before the deadline.
    assert_eq!(order.next_check_at_us, Some(order.deadline_us));
    let due = payments.due("demo_bank", order.deadline_us, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    let at_us = order.deadline_us;
    let ended = order_of(payments.run(act(&order.id, Action::Expire, 0, at_us)).await.unwrap());
    assert_eq!((ended.state, ended.next_check_at_us), (State::Expired, None));
    assert_eq!(payments.due("demo_bank", at_us + HOUR_US, 10).await.unwrap(), []);
    assert_eq!(payments.due("another", at_us + HOUR_US, 10).await.unwrap(), []);
    unknown(&payments, &charged(&payments, "N-9").await).await;
    let open = payments.open_counts().await.unwrap();
    assert_eq!(
        (open[0].bank.as_str(), open[0].state, open[0].orders),
        ("demo_bank", State::Unknown, 1)
    );
    assert_eq!(payments.overdue("demo_bank", MORNING_US + HOUR_US).await.unwrap(), 1);
    assert_eq!(payments.overdue("demo_bank", MORNING_US).await.unwrap(), 0);
}
