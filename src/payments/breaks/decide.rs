//! The rules of runs and breaks: a command and the book in, a changed book out. Pure.

use super::record::{Break, BreakState, BreakStep, RegisterFile, Run, RunState};
use super::work;
use super::{Command, Found, Outcome, Refused, Taking, Totals};
use crate::payments::book::{Book, Lookup, Wanted};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{Refusal, Reply};
use crate::payments::decide::Rules;

/// The rows that a command needs first.
pub(in crate::payments) fn want(command: &Command, wanted: &mut Wanted) {
    match command {
        Command::Take(taking) => {
            wanted.want(Lookup::Run, &taking.run);
            for (sha256, ..) in &taking.files {
                wanted.want(Lookup::RegisterFile, &format!("{}/{sha256}", taking.bank));
            }
        }
        Command::Begin { run, .. }
        | Command::Look { run, .. }
        | Command::Finish { run, .. }
        | Command::Refuse { run, .. } => wanted.want(Lookup::Run, run),
        Command::Record { run, found, .. } => {
            wanted.want(Lookup::Run, run);
            found.iter().for_each(|found| wanted.want(Lookup::Break, &found.id));
        }
        Command::End { run, breaks, .. } => {
            wanted.want(Lookup::Run, run);
            breaks.iter().for_each(|id| wanted.want(Lookup::Break, id));
        }
        Command::Step(step) => wanted.want(Lookup::Break, &step.break_id),
    }
}

/// A file that came before leads to its run.
pub(in crate::payments) fn want_more(command: &Command, book: &Book, wanted: &mut Wanted) {
    let Command::Take(taking) = command else { return };
    for (sha256, ..) in &taking.files {
        let file = book.shelf.file(&format!("{}/{sha256}", taking.bank));
        if let Some(file) = file.filter(|file| file.run != taking.run) {
            wanted.want(Lookup::Run, &file.run);
        }
    }
}

/// Decides it.
pub(in crate::payments) fn decide(
    book: &mut Book,
    rules: &Rules,
    command: &Command,
) -> Result<Reply, Refusal> {
    let outcome = match command {
        Command::Take(taking) => take(book, rules, taking)?,
        Command::Begin { run, node, at_us, until_us } => {
            begin(book, run, node, (*at_us, *until_us))?
        }
        Command::Look { run, day, waits, at_us } => {
            let mut run = run_of(book, run)?;
            if run.operating_day.is_some_and(|known| known != *day) {
                return Err(Refusal::Reconcile(Refused::OtherDay));
            }
            run.operating_day = Some(*day);
            if let Some(reason) = waits {
                (run.state, run.lease_until_us) = (RunState::Waiting, None);
                run.reason.clone_from(reason);
            }
            put_run(book, run, *at_us)
        }
        Command::Record { run, found, at_us } => {
            let run = run_of(book, run)?;
            let day = run.operating_day.ok_or(Refusal::Reconcile(Refused::OtherDay))?;
            let seen = found.iter().filter(|found| see(book, &run, found, (day, *at_us)));
            Outcome::Breaks(seen.count())
        }
        Command::End { run, breaks, at_us } => {
            let run = run_of(book, run)?;
            let day = run.operating_day.ok_or(Refusal::Reconcile(Refused::OtherDay))?;
            let ended = breaks.iter().filter(|id| end(book, &run, id, (day, *at_us)));
            Outcome::Breaks(ended.count())
        }
        Command::Finish { run, totals, at_us } => finish(book, run, totals, *at_us)?,
        Command::Refuse { run, reason, at_us } => {
            let mut run = run_of(book, run)?;
            if run.state == RunState::Done {
                return Err(Refusal::Reconcile(Refused::NotNow));
            }
            (run.state, run.lease_until_us) = (RunState::Refused, None);
            run.reason.clone_from(reason);
            put_run(book, run, *at_us)
        }
        Command::Step(step) => work::step(book, rules, step)?,
    };
    Ok(Reply::Reconciled(outcome))
}

fn run_of(book: &Book, id: &str) -> Result<Run, Refusal> {
    book.shelf.run(id).cloned().ok_or(Refusal::Reconcile(Refused::NoRun))
}

fn put_run(book: &mut Book, mut run: Run, at_us: i64) -> Outcome {
    run.version += 1;
    run.changed_at_us = at_us;
    book.shelf.put_run(run.clone());
    Outcome::Run(Box::new(run), true)
}

fn take(book: &mut Book, rules: &Rules, taking: &Taking) -> Result<Outcome, Refusal> {
    if !rules.banks.contains_key(&taking.bank) {
        return Err(Refusal::NoBank);
    }
    let ids = taking.files.iter().map(|(sha256, ..)| format!("{}/{sha256}", taking.bank));
    let known: Vec<_> = ids.filter_map(|id| book.shelf.file(&id).cloned()).collect();
    if let ([file], [_]) = (known.as_slice(), taking.files.as_slice()) {
        // The same file again is no second file.
        return Ok(Outcome::Run(Box::new(run_of(book, &file.run)?), false));
    }
    if let Some(run) = book.shelf.run(&taking.run) {
        return Ok(Outcome::Run(Box::new(run.clone()), false));
    }
    for (sha256, bytes, name) in &taking.files {
        let id = format!("{}/{sha256}", taking.bank);
        if book.shelf.file(&id).is_some() {
            continue;
        }
        book.shelf.put_file(RegisterFile {
            id,
            bank: taking.bank.clone(),
            sha256: sha256.clone(),
            bytes: *bytes,
            name: name.clone(),
            source: taking.source,
            sender: taking.sender.clone(),
            run: taking.run.clone(),
            received_at_us: taking.at_us,
        });
    }
    let run = Run {
        id: taking.run.clone(),
        bank: taking.bank.clone(),
        operating_day: taking.day,
        state: RunState::Waiting,
        node: String::new(),
        attempts: 0,
        lease_until_us: None,
        received_at_us: taking.at_us,
        changed_at_us: taking.at_us,
        reason: String::new(),
        journal_rows: 0,
        register_rows: 0,
        matched: 0,
        breaks: 0,
        manifest: String::new(),
        version: 0,
    };
    Ok(put_run(book, run, taking.at_us))
}

/// One node runs it. A node's own lease of an earlier life is no hindrance.
fn begin(
    book: &mut Book,
    run: &str,
    node: &str,
    (at_us, until_us): (i64, i64),
) -> Result<Outcome, Refusal> {
    let mut run = run_of(book, run)?;
    if run.node != node && run.lease_until_us.is_some_and(|until| until > at_us) {
        return Err(Refusal::Reconcile(Refused::Busy));
    }
    run.state = RunState::Running;
    run.lease_until_us = Some(until_us);
    run.attempts = run.attempts.saturating_add(1);
    node.clone_into(&mut run.node);
    run.reason.clear();
    Ok(put_run(book, run, at_us))
}

fn finish(book: &mut Book, run: &str, totals: &Totals, at_us: i64) -> Result<Outcome, Refusal> {
    let mut run = run_of(book, run)?;
    if run.state != RunState::Running || run.operating_day.is_none() {
        return Err(Refusal::Reconcile(Refused::NotNow));
    }
    (run.state, run.lease_until_us) = (RunState::Done, None);
    run.journal_rows = totals.journal_rows;
    run.register_rows = totals.register_rows;
    run.matched = totals.matched;
    run.breaks = totals.breaks;
    run.manifest.clone_from(&totals.manifest);
    Ok(put_run(book, run, at_us))
}

/// Writes a break and the step that brought it there: what and why, then who and in which entry.
pub(super) fn put_break(
    book: &mut Book,
    mut item: Break,
    (step, note): (&str, &str),
    by: (&str, &str),
    at_us: i64,
) {
    item.version += 1;
    item.changed_at_us = at_us;
    book.shelf.put_step(BreakStep {
        id: format!("{}/{}", item.id, item.version),
        break_id: item.id.clone(),
        version: item.version,
        step: step.to_owned(),
        operator: by.0.to_owned(),
        note: note.to_owned(),
        entry: by.1.to_owned(),
        at_us,
    });
    book.shelf.put_break(item);
}

/// A run has found a break: the first time, again, or again after evidence had ended it.
fn see(book: &mut Book, run: &Run, found: &Found, (day, at_us): (OperatingDay, i64)) -> bool {
    let note = format!("run {}", run.id);
    let Some(known) = book.shelf.item(&found.id).cloned() else {
        let item = new_break(run, found, (day, at_us));
        put_break(book, item, ("found", &note), ("", ""), at_us);
        return true;
    };
    // What operators ended stays ended, and an earlier day's run says nothing of a later day.
    if known.seen_run == run.id || day < known.seen_day || known.approved_by.is_some() {
        return false;
    }
    let item = Break {
        seen_day: day,
        seen_run: run.id.clone(),
        amount_tiyn: found.amount_tiyn,
        difference_tiyn: found.difference_tiyn,
        rule: found.rule.clone(),
        why: found.why.clone(),
        candidates: found.candidates.clone(),
        journal_row: found.journal_row.clone(),
        register_row: found.register_row.clone(),
        ..known
    };
    if found.is_closed || !item.state.is_ended() {
        let item = Break { version: item.version + 1, ..item };
        book.shelf.put_break(item);
        return true;
    }
    let item = Break { state: BreakState::Open, ended_day: None, ended_run: None, ..item };
    put_break(book, item, ("reopened", &note), ("", ""), at_us);
    true
}

fn new_break(run: &Run, found: &Found, (day, at_us): (OperatingDay, i64)) -> Break {
    Break {
        id: found.id.clone(),
        bank: run.bank.clone(),
        category: found.category.clone(),
        side: found.side.clone(),
        item: found.item.clone(),
        since_day: found.since_day,
        seen_day: day,
        seen_run: run.id.clone(),
        amount_tiyn: found.amount_tiyn,
        difference_tiyn: found.difference_tiyn,
        acts: found.acts.clone(),
        owner: found.owner.clone(),
        rule: found.rule.clone(),
        why: found.why.clone(),
        candidates: found.candidates.clone(),
        journal_row: found.journal_row.clone(),
        register_row: found.register_row.clone(),
        state: if found.is_closed { BreakState::Closed } else { BreakState::Open },
        resolution: None,
        debit: None,
        credit: None,
        adjusted_tiyn: None,
        proposed_by: None,
        approved_by: None,
        found_at_us: at_us,
        changed_at_us: at_us,
        ended_day: found.is_closed.then_some(day),
        ended_run: found.is_closed.then(|| run.id.clone()),
        version: 0,
    }
}

/// A break that a run did not find again, though it looked: evidence has ended it.
fn end(book: &mut Book, run: &Run, id: &str, (day, at_us): (OperatingDay, i64)) -> bool {
    let Some(known) = book.shelf.item(id).cloned() else { return false };
    if known.state.is_ended() || known.seen_run == run.id || day < known.seen_day {
        return false;
    }
    let item = Break {
        state: BreakState::Closed,
        ended_day: Some(day),
        ended_run: Some(run.id.clone()),
        ..withdrawn(known)
    };
    put_break(book, item, ("closed", &format!("run {}", run.id)), ("", ""), at_us);
    true
}

/// Without what somebody proposed.
pub(super) fn withdrawn(item: Break) -> Break {
    Break {
        resolution: None,
        debit: None,
        credit: None,
        adjusted_tiyn: None,
        proposed_by: None,
        ..item
    }
}
