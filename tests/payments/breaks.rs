//! Runs, files and breaks on both stores: a file is one file, evidence ends a break, and nobody does alone.

use crate::house::*;
use qaqpa::payments::Payments;
use qaqpa::payments::breaks::record::{Break, BreakState, Origin, Resolution, Run, RunState};
use qaqpa::payments::breaks::{
    Command as Reconcile, Doing, Entry, Found, Outcome, Refused, Stepping, Taking, Totals,
};
use qaqpa::payments::calendar::OperatingDay;
use qaqpa::payments::command::{Command, Refusal, Reply};

const DAY: OperatingDay = OperatingDay(20_782);
const RUN: &str = "0123456789abcdef0123456789abcdef";

async fn ask(payments: &Payments, command: Reconcile) -> Result<Outcome, Refusal> {
    match payments.run(Command::Reconcile(command)).await.unwrap() {
        Reply::Reconciled(outcome) => Ok(outcome),
        Reply::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn taking(run: &str, sha256: &str) -> Reconcile {
    Reconcile::Take(Taking {
        run: run.to_owned(),
        bank: "demo_bank".to_owned(),
        day: None,
        files: vec![(sha256.to_owned(), 100, "register.csv".to_owned())],
        source: Origin::Upload,
        sender: "bank".to_owned(),
        at_us: MORNING_US,
    })
}

async fn run_of(payments: &Payments, command: Reconcile) -> (Run, bool) {
    match ask(payments, command).await.unwrap() {
        Outcome::Run(run, is_new) => (*run, is_new),
        other => panic!("{other:?}"),
    }
}

/// A run of a day that has begun.
async fn begun(payments: &Payments, run: &str, day: OperatingDay) {
    run_of(payments, taking(run, run)).await;
    let (run, node) = (run.to_owned(), "node-1".to_owned());
    let until_us = MORNING_US + HOUR_US;
    let begin = Reconcile::Begin { run: run.clone(), node, at_us: MORNING_US, until_us };
    run_of(payments, begin).await;
    run_of(payments, Reconcile::Look { run, day, waits: None, at_us: MORNING_US }).await;
}

fn found(id: &str, category: &str, since: OperatingDay) -> Found {
    Found {
        id: id.to_owned(),
        category: category.to_owned(),
        side: "register".to_owned(),
        item: "GW1".to_owned(),
        since_day: since,
        amount_tiyn: 5_000,
        difference_tiyn: 300,
        acts: "gateway".to_owned(),
        owner: "payments_desk".to_owned(),
        rule: String::new(),
        why: "e2e_id is not on the other side".to_owned(),
        candidates: String::new(),
        journal_row: None,
        register_row: Some("GW1;1;".to_owned()),
        is_closed: category == "LATE_CUTOFF",
    }
}

async fn record(payments: &Payments, run: &str, found: Vec<Found>) {
    let run = run.to_owned();
    ask(payments, Reconcile::Record { run, found, at_us: MORNING_US }).await.unwrap();
}

async fn item(payments: &Payments, id: &str) -> Break {
    payments.break_item(id).await.unwrap().unwrap()
}

fn doing(break_id: &str, operator: &str, doing: Doing) -> Reconcile {
    Reconcile::Step(Stepping {
        break_id: break_id.to_owned(),
        doing,
        operator: operator.to_owned(),
        note: "letter 17".to_owned(),
        journal_entry: "e".to_owned(),
        at_us: MORNING_US,
    })
}

pub(crate) async fn the_same_file_again_is_no_second_file_and_a_run_has_one_node(house: &House) {
    let payments = house.start().await;
    let (run, is_new) = run_of(&payments, taking(RUN, "aa")).await;
    assert!(is_new && run.state == RunState::Waiting);
    let (again, is_new) = run_of(&payments, taking("other", "aa")).await;
    assert!(!is_new && again == run, "{again:?}");
    assert_eq!(house.count("register_file"), 1);
    let begin = |node: &str, at_us| Reconcile::Begin {
        run: RUN.to_owned(),
        node: node.to_owned(),
        at_us,
        until_us: at_us + HOUR_US,
    };
    run_of(&payments, begin("node-1", MORNING_US)).await;
    let busy = ask(&payments, begin("node-2", MORNING_US + 1)).await;
    assert_eq!(busy, Err(Refusal::Reconcile(Refused::Busy)));
    // The next life of the same node, and another once the lease has ended.
    assert_eq!(run_of(&payments, begin("node-1", MORNING_US + 1)).await.0.attempts, 2);
    let later = MORNING_US + 2 * HOUR_US;
    assert_eq!(run_of(&payments, begin("node-2", later)).await.0.attempts, 3);
    let look = |day| Reconcile::Look { run: RUN.to_owned(), day, waits: None, at_us: later };
    run_of(&payments, look(DAY)).await;
    let other = ask(&payments, look(OperatingDay(DAY.0 + 1))).await;
    assert_eq!(other, Err(Refusal::Reconcile(Refused::OtherDay)));
    let totals = Totals { matched: 7, manifest: "{}".to_owned(), ..Totals::default() };
    let finish = Reconcile::Finish { run: RUN.to_owned(), totals, at_us: later };
    assert_eq!(run_of(&payments, finish).await.0.state, RunState::Done);
    let payments = house.restart(payments).await;
    let run = payments.reconcile_run(RUN).await.unwrap().unwrap();
    assert_eq!((run.matched, run.operating_day, run.version), (7, Some(DAY), 6));
    assert!(payments.reconcile_runs_open(9).await.unwrap().is_empty());
    assert_eq!(payments.reconcile_runs("demo_bank", 9).await.unwrap(), [run]);
}

pub(crate) async fn later_evidence_ends_a_break_and_newer_evidence_opens_it_again(house: &House) {
    let payments = house.start().await;
    begun(&payments, "run1", DAY).await;
    let lone = || found("b1", "MISSING_IN_GATEWAY", DAY);
    let late = found("b3", "LATE_CUTOFF", DAY);
    record(&payments, "run1", vec![lone(), found("b2", "AMOUNT_MISMATCH", DAY), late]).await;
    record(&payments, "run1", vec![lone()]).await;
    assert_eq!(house.count("break_step"), 3, "seen twice by one run is seen once");
    assert_eq!(item(&payments, "b3").await.state, BreakState::Closed);
    let next = OperatingDay(DAY.0 + 1);
    let day = |day| ("demo_bank", day);
    let carried = payments.breaks_carried(day(next), "", 9).await.unwrap();
    assert_eq!(carried.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b1"]);
    assert!(payments.breaks_carried(day(DAY), "", 9).await.unwrap().is_empty());
    // The next day's run looks at lone rows alone, and does not find this one any more.
    begun(&payments, "run2", next).await;
    let unseen = payments.breaks_unseen(day(next), ("run2", ""), 9).await.unwrap();
    let breaks: Vec<String> = unseen.into_iter().map(|one| one.id).collect();
    assert_eq!(breaks, ["b1"]);
    let end = Reconcile::End { run: "run2".to_owned(), breaks, at_us: MORNING_US };
    ask(&payments, end).await.unwrap();
    let ended = item(&payments, "b1").await;
    assert_eq!((ended.state, ended.ended_day), (BreakState::Closed, Some(next)));
    assert_eq!(ended.ended_run.as_deref(), Some("run2"));
    // A second run of either day finds what the first found, and has the same to carry.
    record(&payments, "run1", vec![lone()]).await;
    assert_eq!(item(&payments, "b1").await, ended);
    assert_eq!(payments.breaks_carried(day(next), "", 9).await.unwrap().len(), 1);
    let later = OperatingDay(DAY.0 + 2);
    assert!(payments.breaks_carried(day(later), "", 9).await.unwrap().is_empty());
    // A corrected register of the next day has it after all.
    begun(&payments, "run3", next).await;
    record(&payments, "run3", vec![lone()]).await;
    assert_eq!(item(&payments, "b1").await.state, BreakState::Open);
    let steps = payments.break_steps("b1").await.unwrap();
    let steps: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["found", "closed", "reopened"]);
    let counts = payments.break_counts().await.unwrap();
    assert_eq!(counts.iter().map(|count| count.breaks).sum::<i64>(), 2, "{counts:?}");
}

pub(crate) async fn two_operators_end_a_break_and_one_alone_is_refused(house: &House) {
    let payments = house.start().await;
    begun(&payments, "run1", DAY).await;
    let all = ["MISSING_IN_GATEWAY", "AMOUNT_MISMATCH", "STATUS_MISMATCH"];
    let all = all.iter().zip(["b1", "b2", "b3"]).map(|(category, id)| found(id, category, DAY));
    record(&payments, "run1", all.collect()).await;
    let adjust = |entry| Doing::Propose { resolution: Resolution::Adjust, entry };
    let refused = |refused| Err(Refusal::Reconcile(refused));
    let none = ask(&payments, doing("b1", "aigul", Doing::Approve)).await;
    assert_eq!(none, refused(Refused::NotNow));
    let unnamed = ask(&payments, doing("b1", "Aigul", adjust(None))).await;
    assert_eq!(unnamed, refused(Refused::NoOperator));
    ask(&payments, doing("b1", "aigul", Doing::Assign { owner: "bolat".to_owned() }))
        .await
        .unwrap();
    ask(&payments, doing("b1", "bolat", Doing::Explain)).await.unwrap();
    ask(&payments, doing("b1", "bolat", adjust(None))).await.unwrap();
    let alone = ask(&payments, doing("b1", "bolat", Doing::Approve)).await;
    assert_eq!(alone, refused(Refused::SameOperator));
    assert_eq!(balance(&payments, "suspense:demo_bank").await, 0);
    ask(&payments, doing("b1", "aigul", Doing::Approve)).await.unwrap();
    assert_eq!(balance(&payments, "suspense:demo_bank").await, -5_000);
    assert_eq!(balance(&payments, "receivable:demo_bank").await, 5_000);
    let again = ask(&payments, doing("b1", "aigul", Doing::Approve)).await;
    assert_eq!(again, refused(Refused::NotNow));
    // A mismatch of amounts moves the difference; other categories have no entry of their own.
    ask(&payments, doing("b2", "bolat", adjust(None))).await.unwrap();
    assert_eq!(item(&payments, "b2").await.adjusted_tiyn, Some(300));
    let none = ask(&payments, doing("b3", "bolat", adjust(None))).await;
    assert_eq!(none, refused(Refused::EntryMissing));
    for (debit, credit, tiyn) in [
        ("receivable:demo_bank", "receivable:demo_bank", 1),
        ("receivable:other_bank", "suspense:demo_bank", 1),
        ("receivable:demo_bank", "payable:1:2", 1),
        ("receivable:demo_bank", "suspense:demo_bank", 5_001),
        ("receivable:demo_bank", "suspense:demo_bank", 0),
    ] {
        let entry = Entry { debit: debit.into(), credit: credit.into(), amount_tiyn: tiyn };
        let bad = ask(&payments, doing("b3", "bolat", adjust(Some(entry)))).await;
        assert_eq!(bad, refused(Refused::BadEntry), "{debit} {credit} {tiyn}");
    }
    let write_off = Doing::Propose { resolution: Resolution::WriteOff, entry: None };
    ask(&payments, doing("b3", "bolat", write_off)).await.unwrap();
    ask(&payments, doing("b3", "aigul", Doing::Approve)).await.unwrap();
    assert_eq!(item(&payments, "b3").await.state, BreakState::WrittenOff);
    // Evidence does not open again what two people have ended.
    begun(&payments, "run2", DAY).await;
    record(&payments, "run2", vec![found("b1", "MISSING_IN_GATEWAY", DAY)]).await;
    assert_eq!(item(&payments, "b1").await.state, BreakState::Adjusted);
    hostile(house);
}

/// What the rules refuse, the database refuses too.
fn hostile(house: &House) {
    let end = "version = version + 1, ended_day = 1";
    for forbidden in [
        format!(
            "UPDATE break_item SET {end}, state = 'adjusted', approved_by = 'bolat' WHERE id = 'b2'"
        ),
        format!("UPDATE break_item SET {end}, state = 'written_off' WHERE id = 'b2'"),
        format!("UPDATE break_item SET {end}, state = 'closed' WHERE id = 'b2'"),
        format!(
            "UPDATE break_item SET {end}, state = 'adjusted', approved_by = 'x', adjusted_tiyn = 9 \
             WHERE id = 'b2'"
        ),
        format!(
            "UPDATE break_item SET {end}, state = 'adjusted', approved_by = 'bolat', \
             proposed_by = 'x' WHERE id = 'b2'"
        ),
        "UPDATE break_item SET version = version + 1, state = 'open', ended_day = NULL, \
         approved_by = NULL, ended_run = NULL WHERE id = 'b1'"
            .to_owned(),
        "UPDATE break_item SET state = 'open' WHERE id = 'b2'".to_owned(),
        "DELETE FROM break_item".to_owned(),
        "UPDATE break_step SET operator = 'x'".to_owned(),
        "DELETE FROM break_step".to_owned(),
        "UPDATE register_file SET name = 'x'".to_owned(),
        "DELETE FROM reconcile_run".to_owned(),
        "INSERT INTO transfer VALUES ('break/b2', 'b2', 'receivable:demo_bank', \
         'suspense:demo_bank', 300, NULL, 0)"
            .to_owned(),
        "INSERT INTO transfer VALUES ('break/b9', 'b9', 'receivable:demo_bank', \
         'suspense:demo_bank', 300, NULL, 0)"
            .to_owned(),
    ] {
        assert!(house.sql(&forbidden).is_err(), "{forbidden}");
    }
    let allowed = format!(
        "UPDATE break_item SET {end}, state = 'adjusted', approved_by = 'aigul' WHERE id = 'b2'"
    );
    house.sql(&allowed).unwrap();
}
