//! Both stores against the book in memory: the same history gives the same replies and the same rows.

#[path = "../../../tests/support/postgres.rs"]
mod postgres;

use super::closings::{Story, returned_later, told_later};
use super::history::{Chance, commands, id};
use super::{BANKS, World, bank, rules};
use crate::config::settings::{self, Store};
use crate::payments::breaks::record::DayRow;
use crate::payments::command::{Command, Reply};
use crate::payments::record::Closing;
use crate::payments::{Payments, migrate};
use postgres::Cluster;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

const ON_SQLITE: u64 = 120;
const ON_POSTGRES: u64 = 40;

#[tokio::test]
async fn a_history_on_sqlite_is_that_in_memory() {
    for seed in 0..ON_SQLITE {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Embedded { path: folder.path().join("payments.sqlite") };
        compare(seed, store).await;
    }
}

#[tokio::test]
async fn a_closed_day_on_sqlite_is_told_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for (number, story) in [told_later(), returned_later()].into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.sqlite"));
        is_told_as_it_was(Store::Embedded { path }, story).await;
    }
}

#[tokio::test]
async fn a_closed_day_on_postgresql_is_told_as_it_was() {
    let cluster = Cluster::shared();
    for story in [told_later(), returned_later()] {
        let database = cluster.database();
        let url = |user: &str| Store::Postgres {
            url: Zeroizing::new(cluster.url(user, &database)),
            connections_max: 3,
        };
        migrate(&url("qaqpa_migrate")).await.unwrap();
        is_told_as_it_was(url("qaqpa_app"), story).await;
    }
}

#[tokio::test]
async fn a_history_on_postgresql_is_that_in_memory() {
    let cluster = Cluster::shared();
    let url = |user: &str, database: &str| Store::Postgres {
        url: Zeroizing::new(cluster.url(user, database)),
        connections_max: 3,
    };
    let template = cluster.database();
    assert_eq!(migrate(&url("qaqpa_migrate", &template)).await.unwrap(), 0);
    for seed in 0..ON_POSTGRES {
        let database = cluster.copy_of(&template);
        compare(1_000 + seed, url("qaqpa_app", &database)).await;
    }
}

/// Runs a history in groups of random size, and in memory, and compares everything.
async fn compare(seed: u64, store: Store) {
    let payments = start(store).await;
    let mut world = World::new();
    let mut chance = Chance::new(seed ^ 0xACED);
    let mut rest = &commands(seed)[..];
    while !rest.is_empty() {
        let (group, after) = rest.split_at((1 + chance.below(6)).min(rest.len()));
        rest = after;
        let expected: Vec<Reply> = group.iter().map(|command| world.run(command.clone())).collect();
        assert_eq!(all(&payments, group).await, expected, "seed {seed}: {group:#?}");
    }
    rows_are_equal(seed, &payments, &world).await;
}

/// The journal's side of a closed day is told the same for ever, whatever comes after the closing.
async fn is_told_as_it_was(store: Store, (commands, place): Story) {
    let payments = start(store).await;
    let mut first: Option<(Closing, Vec<DayRow>)> = None;
    for (number, command) in commands.into_iter().enumerate() {
        let reply = payments.run(command).await.unwrap();
        assert!(!matches!(reply, Reply::Refused(_)), "{reply:?}");
        if let Reply::Closed(closing) = reply {
            assert_eq!(number, place);
            let rows = closed_day(&payments, &closing).await;
            assert_eq!(rows, day(&payments, &closing, None).await, "what is known now");
            first = Some((*closing, rows));
        }
    }
    let (closing, rows) = first.unwrap();
    assert_eq!(closed_day(&payments, &closing).await, rows);
    let now = day(&payments, &closing, None).await;
    assert!(now.len() == rows.len() && now != rows, "much has come since");
}

async fn closed_day(payments: &Payments, closing: &Closing) -> Vec<DayRow> {
    day(payments, closing, Some(closing.closed_at_us)).await
}

async fn day(payments: &Payments, closing: &Closing, closed_at_us: Option<i64>) -> Vec<DayRow> {
    let day = (&*closing.bank, closing.operating_day);
    payments.day_rows(day, closed_at_us, "", 9).await.unwrap()
}

async fn start(store: Store) -> Payments {
    let rules = rules();
    let settings = settings::Payments {
        store,
        banks: BANKS.iter().map(|id| ((*id).to_owned(), Arc::new(bank(id)))).collect(),
        not_found_min: rules.not_found_min,
        quiet: rules.quiet,
        inquiry_pause_max: rules.inquiry_pause_max,
        recipients: rules.recipients.iter().map(|id| (id.clone(), id.clone())).collect(),
        notice_pauses: rules.notice_pauses.clone(),
        ..settings::Payments::embedded("unused".into())
    };
    Payments::start(&settings, "node").await.unwrap()
}

/// Runs commands so that they are queued in this order, for the writer to group.
async fn all(payments: &Payments, group: &[Command]) -> Vec<Reply> {
    let mut tasks = JoinSet::new();
    for (place, command) in group.iter().cloned().enumerate() {
        let payments = payments.clone();
        // On one thread, tasks begin in the order in which they were made.
        tasks.spawn(async move { (place, payments.run(command).await.unwrap()) });
    }
    let mut replies = tasks.join_all().await;
    replies.sort_by_key(|(place, _)| *place);
    replies.into_iter().map(|(_, reply)| reply).collect()
}

async fn rows_are_equal(seed: u64, payments: &Payments, world: &World) {
    for (order_id, expected) in world.book.orders() {
        let order = payments.order(&order_id.parse().unwrap()).await.unwrap();
        assert_eq!(order.as_ref(), Some(&expected), "seed {seed}");
        let redemption = payments.redemption(&expected.id).await.unwrap();
        let proof = world.book.redemption(expected.id.text());
        assert_eq!(redemption.as_ref(), proof, "seed {seed}");
        let mut heard = world.book.heard();
        heard.retain(|heard| heard.order_id == Some(expected.id.clone()));
        heard.sort_by(|a, b| (a.heard_at_us, &a.id).cmp(&(b.heard_at_us, &b.id)));
        assert_eq!(payments.evidence(&expected.id).await.unwrap(), heard, "seed {seed}");
    }
    let mut balances: BTreeMap<String, i64> = BTreeMap::new();
    for transfer in world.book.transfers() {
        *balances.entry(transfer.debit.clone()).or_default() += transfer.amount_tiyn;
        *balances.entry(transfer.credit.clone()).or_default() -= transfer.amount_tiyn;
    }
    let stored = payments.balances().await.unwrap();
    let stored: BTreeMap<_, _> =
        stored.into_iter().map(|row| (row.account, row.balance_tiyn)).collect();
    assert_eq!(stored, balances, "seed {seed}");
    for order_id in world.book.orders().keys() {
        let order_id = order_id.parse().unwrap();
        let mut changes = world.book.changes().to_vec();
        changes.retain(|change| change.order_id == order_id);
        assert_eq!(payments.changes(&order_id).await.unwrap(), changes, "seed {seed}");
        let mut notices = world.book.notices();
        notices.retain(|notice| notice.order_id == order_id);
        assert_eq!(payments.notices(&order_id).await.unwrap(), notices, "seed {seed}");
    }
    for number in 0..2 {
        let charge = payments.charge(&id(number)).await.unwrap();
        assert_eq!(charge.as_ref(), world.book.charge(id(number).text()), "seed {seed}");
    }
    for closing in world.book.closings() {
        let stored = payments.closing(&closing.bank, closing.operating_day).await.unwrap();
        assert_eq!(stored.as_ref(), Some(closing), "seed {seed}");
    }
}
