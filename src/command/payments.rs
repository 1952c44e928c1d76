//! `qaqpa payments`: what of the payments waits for a person, and the words that only a person may say.
//!
//! Reading disturbs no gateway. A word changes payments, so it is done as a node of its own: on PostgreSQL
//! beside running gateways, on an embedded store while its gateway is stopped. Each word is an entry of
//! the journal, open before it is done and closed with what became of it.

mod show;

use super::reconcile::exported;
use super::{Failure, check, now_unix_us};
use crate::config;
use crate::config::settings::Settings;
use crate::journal::entry::{CallKey, Closed, EntryId, Opened, Opening, SameCall};
use crate::journal::{Journal, JournalDown};
use crate::payments::Payments;
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{About, Command, Reply, Report, Telling};
use crate::payments::order::{Ruling, Said};
use crate::payments::record::{Id, Order, Source};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use jiff::civil::Date;
use qaqpa_kit::fault::Outcome;
use serde_json::{Value, json};
use show::{letters, list, show};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Dead letters among which one to be sent again is looked for.
const DEAD_MAX: u32 = 100_000;
/// Seconds that the stores have to take everything in before the command ends.
const DRAIN_S: u64 = 10;

/// See and settle what waits for a person.
#[derive(Debug, clap::Args)]
pub struct Args {
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
    /// Payments of which nobody knows the outcome, or whose evidence contradicts itself.
    Open(Limit),
    /// Money at a bank that pays no charge: late, double, contested.
    Suspense(Limit),
    /// Notices that were given up, each with who was to be told.
    Dead(Limit),
    /// One payment: what was done, what was said of it, where its money went.
    Show {
        #[arg(value_name = "PAYMENT")]
        order: Id,
    },
    /// Say what the bank's papers say of a payment.
    Note {
        #[arg(value_name = "PAYMENT")]
        order: Id,
        /// What they say.
        #[arg(long, value_enum)]
        said: SaidWord,
        #[command(flatten)]
        who: Who,
    },
    /// End a contradiction.
    Rule {
        #[arg(value_name = "PAYMENT")]
        order: Id,
        /// How it counts from now on.
        #[arg(long = "as", value_enum)]
        ruling: RulingWord,
        #[command(flatten)]
        who: Who,
    },
    /// Send a notice again that was given up.
    Resend {
        /// Its name, as `dead` shows it.
        #[arg(value_name = "NOTICE")]
        notice: String,
        #[command(flatten)]
        who: Who,
    },
    /// Write the journal's side of an operating day in the neutral form.
    Export {
        /// The bank, by its id or BIC.
        #[arg(long)]
        bank: String,
        /// Its date.
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Date,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Close an operating day of a bank, and every one before it.
    Close {
        #[arg(long)]
        bank: String,
        /// Its date.
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Date,
        #[command(flatten)]
        who: Who,
    },
}

#[derive(Debug, clap::Args)]
struct Limit {
    /// At most so many, longest waiting first.
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    limit: u32,
}

/// Who says it, and why: both stand in the journal and beside the payment for ever.
#[derive(Debug, clap::Args)]
struct Who {
    /// Who you are.
    #[arg(long, value_name = "NAME")]
    operator: String,
    /// Why, e.g. the number of the bank's letter.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SaidWord {
    Posted,
    Settled,
    Rejected,
    NotFound,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum RulingWord {
    Posted,
    Rejected,
}

/// Runs the command.
///
/// # Errors
/// The configuration has mistakes (78); a store cannot be used, or the word was refused (1).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let settings = config::load(&args.config).map_err(Failure::configuration)?;
    let text = super::block_on(told(&settings, &args))??;
    check::print(&text);
    Ok(ExitCode::SUCCESS)
}

async fn told(settings: &Settings, args: &Args) -> Result<String, Failure> {
    let at_us = now_unix_us();
    match &args.what {
        What::Open(Limit { limit }) => {
            let orders = reading(settings)?.unknown(*limit).await.map_err(down)?;
            Ok(list(&orders, args.json, at_us))
        }
        What::Suspense(Limit { limit }) => {
            let orders = reading(settings)?.suspended(*limit).await.map_err(down)?;
            Ok(list(&orders, args.json, at_us))
        }
        What::Dead(Limit { limit }) => {
            let dead = reading(settings)?.dead_letters(*limit).await.map_err(down)?;
            Ok(letters(&dead, args.json))
        }
        What::Resend { notice, who } => {
            let dead = reading(settings)?.dead_letters(DEAD_MAX).await.map_err(down)?;
            let found = dead.into_iter().find(|dead| dead.id == *notice);
            let found = found.ok_or_else(|| Failure::work("there is no such dead letter"))?;
            if who.line().is_empty() {
                return Err(Failure::usage("say who you are and why"));
            }
            let (notice, version, telling) = (found.id, found.version, Telling::Revive);
            let command = Command::Tell { notice, version, telling, at_us };
            say(settings, "payments.resend", command, who, args.json).await
        }
        What::Show { order } => show(&reading(settings)?, order, args.json).await,
        What::Note { order, said, who } => {
            let found = reading(settings)?.order(order).await.map_err(down)?;
            let found = found.ok_or_else(|| Failure::work("there is no such payment"))?;
            say(settings, "payments.note", note(&found, *said, who, at_us), who, args.json).await
        }
        What::Rule { order, ruling, who } => {
            let ruling = match ruling {
                RulingWord::Posted => Ruling::Posted,
                RulingWord::Rejected => Ruling::Rejected,
            };
            let command = Command::Rule { order: order.clone(), ruling, reason: who.line(), at_us };
            say(settings, "payments.rule", command, who, args.json).await
        }
        What::Export { bank, day, out } => exported(settings, (bank, *day), out, args.json).await,
        What::Close { bank, day, who } => {
            let day = OperatingDay::of(*day);
            let command = Command::Close { bank: bank.clone(), day, at_us };
            say(settings, "payments.close", command, who, args.json).await
        }
    }
}

impl Who {
    fn line(&self) -> String {
        let (operator, reason) = (self.operator.trim(), self.reason.trim());
        if operator.is_empty() || reason.is_empty() {
            // The rules refuse an empty reason; half of one is none.
            return String::new();
        }
        format!("{operator}: {reason}")
    }
}

fn down(down: JournalDown) -> Failure {
    Failure::work(down)
}

fn reading(settings: &Settings) -> Result<Payments, Failure> {
    Payments::reading(&settings.payments).map_err(Failure::work)
}

fn note(order: &Order, said: SaidWord, who: &Who, at_us: i64) -> Command {
    let line = who.line();
    Command::Hear(Report {
        bank: order.bank.clone(),
        event_id: format!("operator/{}", EntryId::at(at_us)),
        about: About::Order(order.id.clone()),
        said: match said {
            SaidWord::Posted => Said::Posted,
            SaidWord::Settled => Said::Settled,
            SaidWord::Rejected => Said::Rejected,
            SaidWord::NotFound => Said::NotFound,
        },
        source: Source::Operator,
        amount: None,
        document_number: None,
        txn_id: None,
        posted_at_us: None,
        at_us,
        original_digest: hex(&sha256(line.as_bytes())),
        redirect_url: None,
        note: line,
    })
}

/// Does it as a node of its own, between the two rows of its entry.
async fn say(
    settings: &Settings,
    service: &str,
    command: Command,
    who: &Who,
    is_json: bool,
) -> Result<String, Failure> {
    let node = format!("{}-operator", settings.node.id);
    let journal = Journal::start(&settings.journal, &node).await.map_err(Failure::work)?;
    let payments = Payments::start(&settings.payments, &node).await.map_err(Failure::work)?;
    let opened = opened(service, &command, who);
    let (id, key) = (opened.id, opened.key);
    let same_call = SameCall {
        expires_at_us: opened.opened_at_us,
        unique_message_id: false,
        idempotent: false,
    };
    match journal.open(opened, same_call).await.map_err(down)? {
        Opening::Fresh => {}
        _ => return Err(Failure::work("this word was said before")),
    }
    let replied = payments.run(command).await;
    let (outcome, told) = match &replied {
        Ok(Reply::Refused(refusal)) => (Outcome::Refused, json!({ "refused": refusal.reason() })),
        Ok(reply) => (Outcome::Done, done(reply)),
        Err(_) => (Outcome::Unknown, Value::Null),
    };
    let closed = closed(id, key, outcome, &told);
    journal.close(closed).await.map_err(down)?;
    let until = Instant::now() + Duration::from_secs(DRAIN_S);
    journal.drain(until).await.map_err(down)?;
    if let Reply::Refused(refusal) = replied.map_err(down)? {
        return Err(Failure::work(format!("refused: {} (entry {id})", refusal.reason())));
    }
    Ok(if is_json {
        json!({ "entry": id.to_string(), "done": told }).to_string()
    } else {
        format!("done: {} (entry {id})", words(&told))
    })
}

fn done(reply: &Reply) -> Value {
    match reply {
        Reply::Order { order, .. } => json!({ "payment": order.id, "state": order.state.word() }),
        Reply::Closed(closing) => json!({
            "bank": closing.bank,
            "day": closing.operating_day.to_string(),
            "orders": closing.orders,
            "paid_tiyn": closing.paid_tiyn,
            "returned_tiyn": closing.returned_tiyn,
        }),
        _ => Value::Null,
    }
}

fn words(told: &Value) -> String {
    let fields = told.as_object().into_iter().flatten();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields.map(|(name, value)| format!("{name} {}", word(value))).collect::<Vec<_>>().join(", ")
}

fn opened(service: &str, command: &Command, who: &Who) -> Opened {
    let at_us = now_unix_us();
    let id = EntryId::at(at_us);
    let said = format!("{service} by {}: {command:?}", who.operator);
    let digest = sha256(said.as_bytes());
    Opened {
        id,
        key: CallKey(sha256(id.0.as_bytes())),
        message_key: sha256(id.0.as_bytes()),
        opened_at_us: at_us,
        participant: "operator".to_owned(),
        sender_id: who.operator.clone(),
        agency: "payments".to_owned(),
        service: service.to_owned(),
        route_id: String::new(),
        message_id: id.to_string(),
        correlation_id: String::new(),
        caller_certificate: [0; 32],
        revocation: String::new(),
        request_digest: digest,
        request_bytes: said.len() as u64,
        request: Bytes::from(said),
    }
}

fn closed(id: EntryId, key: CallKey, outcome: Outcome, told: &Value) -> Closed {
    let answer = told.to_string();
    Closed {
        id,
        key,
        closed_at_us: now_unix_us(),
        outcome,
        fault: None,
        evidence: "operator",
        http_status: 0,
        agency_digest: [0; 32],
        agency_certificate: [0; 32],
        answer_digest: sha256(answer.as_bytes()),
        answer: Bytes::from(answer),
        streamed: None,
        phase_us: [0; 11],
        is_durable_first: true,
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
