//! `kill -9` at every step of a run: the next run leaves the bytes and the books that it would have left alone.

use crate::house::{House, close, seeded};

/// Every step of a run, and how often it is come to before the kill.
const POINTS: [&str; 12] = [
    "reconcile.begun:1",
    "reconcile.exported:1",
    "reconcile.heard:1",
    "reconcile.closed:1",
    "reconcile.exported:2",
    "reconcile.reported:1",
    "reconcile.recorded:1",
    "journal.commit.after:1",
    "payments.commit.before:4",
    "payments.commit.after:5",
    "payments.commit.before:7",
    "payments.commit.after:8",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_anywhere_is_run_again_to_the_same_bytes_on_sqlite() {
    killed(&House::new(false).await, &POINTS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_anywhere_is_run_again_to_the_same_bytes_on_postgres() {
    // The steps between the stores' own commits, of which the other suites kill each.
    killed(&House::new(true).await, &POINTS[2..6]).await;
}

async fn killed(house: &House, points: &[&str]) {
    let payments = house.payments().await;
    let day = seeded(&payments).await;
    close(payments).await;
    let undisturbed = house.twin();
    let file = undisturbed.write("register.csv", &day.register);
    assert_eq!(undisturbed.reconcile(&file, "out", None).code, Some(0));
    let (bytes, rows) = (undisturbed.contents("out"), books(&undisturbed).await);
    assert!(rows.contains("MISSING_IN_BANK open") && rows.contains("done"), "{rows}");
    for point in points {
        let house = house.twin();
        let file = house.write("register.csv", &day.register);
        let killed = house.reconcile(&file, "out", Some(point));
        assert_eq!(killed.code, None, "{point} was not come to: {}{}", killed.out, killed.errors);
        let again = house.reconcile(&file, "out", None);
        assert_eq!(again.code, Some(0), "{point}: {}", again.errors);
        assert_eq!(house.contents("out"), bytes, "{point}");
        assert_eq!(books(&house).await, rows, "{point}");
    }
}

/// What the stores hold, without times.
async fn books(house: &House) -> String {
    let payments = house.payments().await;
    let all = qaqpa::payments::breaks::questions::Filter { with_ended: true, ..Default::default() };
    let mut lines = Vec::new();
    for item in payments.break_items(&all, 99).await.unwrap() {
        let steps = payments.break_steps(&item.id).await.unwrap().len();
        lines.push(format!("{} {} {} {steps}", item.id, item.category, item.state.word()));
    }
    for run in payments.reconcile_runs("demo", 9).await.unwrap() {
        let state = run.state.word();
        lines.push(format!("{} {state} {} {} {}", run.id, run.matched, run.breaks, run.manifest));
    }
    for balance in payments.balances().await.unwrap() {
        lines.push(format!("{} {}", balance.account, balance.balance_tiyn));
    }
    close(payments).await;
    lines.sort();
    lines.join("\n")
}
