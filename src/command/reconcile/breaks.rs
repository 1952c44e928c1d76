//! `qaqpa reconcile breaks`: what waits to be ended, and the steps of operators until two of them end it.

use super::store::{self, Open};
use crate::command::operator::{Speaker, Who, operator};
use crate::command::{Failure, check};
use crate::config;
use crate::config::settings::Settings;
use crate::payments::Payments;
use crate::payments::breaks::record::{Break, BreakStep, Resolution};
use crate::payments::breaks::{Doing, Entry, questions::Filter};
use crate::payments::calendar::{OperatingDay, country_time};
use crate::reconcile::breaks::Age;
use crate::reconcile::desk::{Step, step};
use crate::reconcile::ingest::day::Calendar;
use qaqpa_kit::money::Tiyn;
use qaqpa_kit::redact;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// See breaks, and work on them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The installation.
    #[arg(long, value_name = "FOLDER|FILE", global = true, default_value = "config")]
    config: PathBuf,
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Open breaks, the most urgent first.
    List {
        /// Of one bank, by its id or BIC.
        #[arg(long)]
        bank: Option<String>,
        /// Of one category, e.g. `AMOUNT_MISMATCH`.
        #[arg(long, default_value = "")]
        category: String,
        /// Those that have ended too.
        #[arg(long)]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_name = "COUNT")]
        limit: u32,
    },
    /// One break: both rows, why they are no pair, and what was done.
    Show { id: String },
    /// Say who looks after it.
    Assign {
        id: String,
        /// Who does from now on.
        #[arg(long, value_name = "NAME", value_parser = operator)]
        to: String,
        #[command(flatten)]
        who: Who,
    },
    /// Say why it is there.
    Explain {
        id: String,
        #[command(flatten)]
        who: Who,
    },
    /// Propose to end it by an entry of the ledger; another operator approves it.
    Adjust {
        id: String,
        /// The account that is debited; left out with the next two: the entry that its category asks for.
        #[arg(long, value_name = "ACCOUNT", requires_all = ["credit", "amount"])]
        debit: Option<String>,
        /// The account that is credited.
        #[arg(long, value_name = "ACCOUNT", requires = "debit")]
        credit: Option<String>,
        /// Whole tiyn, at most the money in question.
        #[arg(long, value_name = "TIYN", requires = "debit")]
        amount: Option<i64>,
        #[command(flatten)]
        who: Who,
    },
    /// Propose to end it without an entry; another operator approves it.
    WriteOff {
        id: String,
        #[command(flatten)]
        who: Who,
    },
    /// Propose to end it by evidence that no register carries; another operator approves it.
    Close {
        id: String,
        #[command(flatten)]
        who: Who,
    },
    /// End it as another operator has proposed.
    Approve {
        id: String,
        #[command(flatten)]
        who: Who,
    },
}

/// Runs it.
///
/// # Errors
/// The configuration has mistakes (78); a store cannot be used, or the step was refused (1).
pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let settings = config::load(&args.config).map_err(Failure::configuration)?;
    let text = crate::command::block_on(told(&settings, args))??;
    check::print(&text);
    Ok(ExitCode::SUCCESS)
}

async fn told(settings: &Settings, args: Args) -> Result<String, Failure> {
    let is_json = args.json;
    let (break_id, doing, who) = match args.what {
        What::List { bank, category, all, limit } => {
            let bank = match bank {
                Some(name) => store::bank(settings, &name)?.id.clone(),
                None => String::new(),
            };
            let asked = Filter { bank, category, with_ended: all };
            let items = reading(settings)?.break_items(&asked, limit).await;
            return Ok(list(settings, &items.map_err(Failure::work)?, is_json));
        }
        What::Show { id } => return show(settings, &id, is_json).await,
        What::Assign { id, to, who } => (id, Doing::Assign { owner: to }, who),
        What::Explain { id, who } => (id, Doing::Explain, who),
        What::Adjust { id, debit, credit, amount, who } => {
            let entry = match (debit, credit, amount) {
                (Some(debit), Some(credit), Some(amount_tiyn)) => {
                    Some(Entry { debit, credit, amount_tiyn })
                }
                _ => None,
            };
            (id, Doing::Propose { resolution: Resolution::Adjust, entry }, who)
        }
        What::WriteOff { id, who } => (id, proposed(Resolution::WriteOff), who),
        What::Close { id, who } => (id, proposed(Resolution::Close), who),
        What::Approve { id, who } => (id, Doing::Approve, who),
    };
    let by = |Speaker { operator, reason, proof }: Speaker| Step {
        operator,
        note: reason,
        proof,
        ..Step::of(break_id.clone(), doing.clone())
    };
    let speaker = who.speaks(settings, |speaker| by(speaker.clone()).said().to_string())?;
    let taken = by(speaker);
    let open = Open::stores(settings).await?;
    let done = step(&open.desk, &taken).await;
    open.close().await?;
    let item = done.map_err(|failed| Failure::work(format!("refused: {failed}")))?;
    Ok(if is_json {
        object(settings, &item).to_string()
    } else {
        format!("{} {}", item.id, item.state.word())
    })
}

const fn proposed(resolution: Resolution) -> Doing {
    Doing::Propose { resolution, entry: None }
}

fn reading(settings: &Settings) -> Result<Payments, Failure> {
    Payments::reading(&settings.payments).map_err(Failure::work)
}

/// Its age in the bank's operating days, now or when it ended.
fn age(settings: &Settings, item: &Break) -> Option<Age> {
    let bank = settings.payments.banks.get(&item.bank)?;
    let today = bank.operating_day(crate::command::now_unix_us());
    let day = item.ended_day.unwrap_or(today).max(item.since_day);
    Some(Age::of(&Calendar::Bank(Arc::clone(bank)), item.since_day, day))
}

/// A break as an operator sees it: identifiers of people masked.
fn object(settings: &Settings, item: &Break) -> Value {
    let age = age(settings, item);
    let masked = |text: &Option<String>| text.as_ref().map(|text| redact::ids(text).into_owned());
    json!({
        "id": item.id,
        "bank": item.bank,
        "category": item.category,
        "state": item.state.word(),
        "item": redact::ids(&item.item),
        "since": item.since_day.to_string(),
        "age_days": age.map(|age| age.days),
        "age": age.map(|age| age.bucket),
        "priority": age.map(|age| age.priority(item.amount_tiyn)),
        "amount_tiyn": item.amount_tiyn,
        "difference_tiyn": item.difference_tiyn,
        "acts": item.acts,
        "owner": item.owner,
        "rule": item.rule,
        "why": item.why,
        "candidates": redact::ids(&item.candidates),
        "journal": masked(&item.journal_row),
        "register": masked(&item.register_row),
        "resolution": item.resolution,
        "debit": masked(&item.debit),
        "credit": masked(&item.credit),
        "adjusted_tiyn": item.adjusted_tiyn,
        "proposed_by": item.proposed_by,
        "approved_by": item.approved_by,
        "ended": item.ended_day.map(|day: OperatingDay| day.to_string()),
        "run": item.seen_run,
    })
}

fn list(settings: &Settings, items: &[Break], is_json: bool) -> String {
    let priority =
        |item: &Break| age(settings, item).map_or(0, |age| age.priority(item.amount_tiyn));
    let mut items: Vec<&Break> = items.iter().collect();
    items.sort_by_key(|item| std::cmp::Reverse((priority(item), item.id.clone())));
    if is_json {
        let lines = items.iter().map(|item| object(settings, item).to_string());
        return lines.collect::<Vec<_>>().join("\n");
    }
    if items.is_empty() {
        return "none".to_owned();
    }
    let mut table = check::table([
        "break", "bank", "category", "tenge", "since", "days", "state", "owner", "acts", "why",
    ]);
    for item in items {
        table.add_row([
            item.id.clone(),
            item.bank.clone(),
            item.category.clone(),
            Tiyn::new(item.amount_tiyn).to_string(),
            item.since_day.to_string(),
            age(settings, item).map_or_else(String::new, |age| age.days.to_string()),
            item.state.word().to_owned(),
            item.owner.clone(),
            item.acts.clone(),
            item.why.clone(),
        ]);
    }
    table.trim_fmt()
}

async fn show(settings: &Settings, id: &str, is_json: bool) -> Result<String, Failure> {
    let payments = reading(settings)?;
    let item = payments.break_item(id).await.map_err(Failure::work)?;
    let item = item.ok_or_else(|| Failure::work("there is no such break"))?;
    let steps = payments.break_steps(id).await.map_err(Failure::work)?;
    let shown = object(settings, &item);
    if is_json {
        return Ok(json!({ "break": shown, "steps": steps }).to_string());
    }
    let mut table = check::table(["", ""]);
    for (name, value) in shown.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => drop(table.add_row([name, text])),
            other => drop(table.add_row([name.clone(), other.to_string()])),
        }
    }
    let mut done = check::table(["when", "step", "by", "note", "entry"]);
    for BreakStep { at_us, step, operator, note, entry, .. } in &steps {
        done.add_row([&country_time(*at_us), step, operator, note, entry]);
    }
    Ok(format!("{}\n\n{}", table.trim_fmt(), done.trim_fmt()))
}
