//! The manifest: of which files, by which rules, calendar and code a run was made, and what it counted.

use crate::reconcile::breaks::CATEGORIES;
use crate::reconcile::counts::{Broken, Counts, Tally};
use crate::reconcile::ingest::Input;
use crate::reconcile::ingest::day::Calendar;
use crate::reconcile::matching::proposals::GUESSES;
use crate::reconcile::matching::residual::RULES;
use crate::reconcile::run::Statement;
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa_kit::hex;
use serde_json::{Map, Value, json};

/// What is compared and in which order rules are tried; a change of either is another rule set.
const RULE_SET: &str = "exact e2e_id; best pair by amount ccy status iin payee_bin kbk knp value_date \
    operating_day; receipt, one side without e2e_id, unique; iin amount ccy value_date within 1 day, \
    one side without e2e_id, unique; proposals: covering_set 2-8 of 200 within 7 days, tolerance by fee, \
    similar within 7 days and one slip";

/// Everything that tells one run from another; nothing of when or where.
pub(super) fn of(statement: &Statement, calendar: &Calendar) -> Value {
    json!({
        "form": 1,
        "bank": statement.window.bank,
        "opdate": statement.window.day.to_string(),
        "inputs": {
            "journal": inputs(&statement.journal),
            "register": inputs(&statement.register),
            "open": inputs(&statement.open),
        },
        "calendar": calendar_of(calendar),
        "rules": { "names": RULES, "fees_tiyn": statement.fees_tiyn, "sha256": hex::lower(digest(&SHA256, RULE_SET.as_bytes()).as_ref()) },
        "code": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
        "matched": statement.counts.matched.rows,
        "matched_by": matched_by(&statement.counts),
        "rows": {
            "journal": statement.journal_rows.rows,
            "register": statement.register_rows.rows,
        },
        "carried": {
            "journal": statement.journal_carried.rows,
            "register": statement.register_carried.rows,
        },
        "breaks": breaks(&statement.counts),
        "proposals": proposals(statement),
        "sums": sums(statement),
    })
}

/// Files by their digest: their names and their order are not theirs.
fn inputs(inputs: &[Input]) -> Vec<Value> {
    let mut inputs: Vec<_> = inputs.iter().collect();
    inputs.sort_by_key(|input| input.digest);
    let input = |input: &&Input| {
        json!({
            "sha256": hex::lower(&input.digest),
            "bytes": input.bytes,
            "rows": input.header.count,
            "sum_tiyn": input.header.sum_tiyn,
        })
    };
    inputs.iter().map(input).collect()
}

fn calendar_of(calendar: &Calendar) -> Value {
    match calendar {
        Calendar::EveryDate { cut_off } => {
            json!({ "zone": "Asia/Almaty", "cut_off": cut_off.to_string(), "days": "every date" })
        }
        Calendar::Bank(bank) => {
            let dates = |dates: &std::collections::BTreeSet<jiff::civil::Date>| {
                dates.iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            let rest = bank.rest_days.iter().map(|day| format!("{day:?}").to_lowercase());
            json!({
                "zone": "Asia/Almaty",
                "cut_off": bank.cut_off.to_string(),
                "rest_days": rest.collect::<Vec<_>>(),
                "holidays": dates(&bank.holidays),
                "working_days": dates(&bank.working_days),
            })
        }
    }
}

fn matched_by(counts: &Counts) -> Value {
    let rules = counts.rules.iter().map(|(rule, pairs)| (rule.word().to_owned(), json!(pairs)));
    Value::Object(rules.collect::<Map<_, _>>())
}

/// How many by rule; `left_out`: rows that were too many to look through.
fn proposals(statement: &Statement) -> Value {
    let mut counts: Map<String, Value> = Map::new();
    for guess in GUESSES {
        let mine = statement.guesses.proposals.iter().filter(|one| one.guess == guess).count();
        if mine > 0 {
            counts.insert(guess.word().to_owned(), json!(mine));
        }
    }
    if statement.guesses.left_out > 0 {
        counts.insert("left_out".to_owned(), json!(statement.guesses.left_out));
    }
    Value::Object(counts)
}

/// Categories with breaks, in their order.
fn breaks(counts: &Counts) -> Value {
    let found = CATEGORIES.iter().filter_map(|category| counts.broken.get_key_value(category));
    let found = found.map(|(category, broken)| (category.word().to_owned(), json!(broken.breaks)));
    Value::Object(found.collect::<Map<_, _>>())
}

fn sums(statement: &Statement) -> Value {
    let broken = |side: fn(&Broken) -> Tally| {
        statement.counts.broken.values().map(|broken| side(broken).sum_tiyn).sum::<i128>()
    };
    json!({
        "journal": statement.journal_rows.sum_tiyn,
        "register": statement.register_rows.sum_tiyn,
        "carried_journal": statement.journal_carried.sum_tiyn,
        "carried_register": statement.register_carried.sum_tiyn,
        "matched": statement.counts.matched.sum_tiyn,
        "breaks_journal": broken(|broken| broken.journal),
        "breaks_register": broken(|broken| broken.register),
    })
}
