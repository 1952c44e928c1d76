//! `qaqpa payments`: what of the payments waits for a person, and the words that only a person may say.
//!
//! Reading disturbs no gateway. A word changes payments, so it is done as a node of its own: on PostgreSQL
//! beside running gateways, on an embedded store while its gateway is stopped. Each word is an entry of
//! the journal, open before it is done and closed with what became of it; who speaks is a name that is
//! believed, or a key that signs the word.

mod show;

use super::operator::{Saying, Who};
use super::reconcile::exported;
use super::reconcile::store::{self, Open};
use super::{Failure, check, now_unix_us};
use crate::config;
use crate::config::settings::Settings;
use crate::journal::JournalDown;
use crate::journal::entry::EntryId;
use crate::payments::Payments;
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{self, Applying, Command, Reply, Report, Telling};
use crate::payments::order::{Ruling, Said};
use crate::payments::record::{Id, Order, Source};
use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil::Date;
use qaqpa_kit::fault::{Language, Outcome};
use qaqpa_kit::{hex, refusal};
use serde_json::{Value, json};
use show::{letters, list, show};
use std::path::PathBuf;
use std::process::ExitCode;

/// Dead letters among which one to be sent again is looked for.
const DEAD_MAX: u32 = 100_000;

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
    /// Pay an open charge of the same payee and amount with money that pays none: late or double money.
    Apply {
        /// The payment whose money it is, as `suspense` shows it.
        #[arg(value_name = "PAYMENT")]
        order: Id,
        /// The charge; its own where that is open again.
        #[arg(long = "to", value_name = "CHARGE")]
        charge: Id,
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

/// A word that only a person may say: what it is called in the journal, what it says there, and what it
/// does once it is known who speaks.
struct Word {
    service: &'static str,
    subject: String,
    said: Value,
    command: Box<dyn FnOnce(String) -> Command>,
}

/// Runs the command.
///
/// # Errors
/// The configuration has mistakes (78); a store cannot be used, or the word was refused (1).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let settings = config::load(&args.config).map_err(Failure::configuration)?;
    let text = super::block_on(told(&settings, args))??;
    check::print(&text);
    Ok(ExitCode::SUCCESS)
}

async fn told(settings: &Settings, args: Args) -> Result<String, Failure> {
    let (at_us, is_json) = (now_unix_us(), args.json);
    let (word, who) = match args.what {
        What::Open(Limit { limit }) => {
            let orders = reading(settings)?.unknown(limit).await.map_err(down)?;
            return Ok(list(&orders, is_json, at_us));
        }
        What::Suspense(Limit { limit }) => {
            let orders = reading(settings)?.suspended(limit).await.map_err(down)?;
            return Ok(list(&orders, is_json, at_us));
        }
        What::Dead(Limit { limit }) => {
            let dead = reading(settings)?.dead_letters(limit).await.map_err(down)?;
            return Ok(letters(&dead, is_json));
        }
        What::Show { order } => return show(&reading(settings)?, &order, is_json).await,
        What::Export { bank, day, out } => {
            return exported(settings, (&bank, day), &out, is_json).await;
        }
        What::Resend { notice, who } => (resend(settings, notice, at_us).await?, who),
        What::Note { order, said, who } => (note(settings, &order, said, at_us).await?, who),
        What::Rule { order, ruling, who } => (rule(order, ruling, at_us), who),
        What::Apply { order, charge, who } => (apply(order, charge, at_us), who),
        What::Close { bank, day, who } => (close(settings, &bank, day, at_us)?, who),
    };
    say(settings, word, who, is_json).await
}

async fn resend(settings: &Settings, notice: String, at_us: i64) -> Result<Word, Failure> {
    let dead = reading(settings)?.dead_letters(DEAD_MAX).await.map_err(down)?;
    let found = dead.into_iter().find(|dead| dead.id == notice);
    let found = found.ok_or_else(|| Failure::work("there is no such dead letter"))?;
    let (notice, version, telling) = (found.id, found.version, Telling::Revive);
    Ok(Word {
        service: "payments.resend",
        subject: notice.clone(),
        said: json!({ "notice": notice }),
        command: Box::new(move |_| Command::Tell { notice, version, telling, at_us }),
    })
}

async fn note(
    settings: &Settings,
    order: &Id,
    said: SaidWord,
    at_us: i64,
) -> Result<Word, Failure> {
    let found = reading(settings)?.order(order).await.map_err(down)?;
    let found = found.ok_or_else(|| Failure::work("there is no such payment"))?;
    let said = match said {
        SaidWord::Posted => Said::Posted,
        SaidWord::Settled => Said::Settled,
        SaidWord::Rejected => Said::Rejected,
        SaidWord::NotFound => Said::NotFound,
    };
    Ok(Word {
        service: "payments.note",
        subject: order.text().to_owned(),
        said: json!({ "payment": order, "said": said }),
        command: Box::new(move |line| heard(&found, said, line, at_us)),
    })
}

fn heard(order: &Order, said: Said, line: String, at_us: i64) -> Command {
    Command::Hear(Report {
        bank: order.bank.clone(),
        event_id: format!("operator/{}", EntryId::at(at_us)),
        about: command::About::Order(order.id.clone()),
        said,
        source: Source::Operator,
        amount: None,
        document_number: None,
        txn_id: None,
        posted_at_us: None,
        at_us,
        original_digest: hex::lower(digest(&SHA256, line.as_bytes()).as_ref()),
        redirect_url: None,
        note: line,
    })
}

fn rule(order: Id, ruling: RulingWord, at_us: i64) -> Word {
    let (ruling, word) = match ruling {
        RulingWord::Posted => (Ruling::Posted, "posted"),
        RulingWord::Rejected => (Ruling::Rejected, "rejected"),
    };
    Word {
        service: "payments.rule",
        subject: order.text().to_owned(),
        said: json!({ "payment": order, "as": word }),
        command: Box::new(move |reason| Command::Rule { order, ruling, reason, at_us }),
    }
}

fn apply(from: Id, charge: Id, at_us: i64) -> Word {
    Word {
        service: "payments.apply",
        subject: from.text().to_owned(),
        said: json!({ "payment": from, "to": charge }),
        command: Box::new(move |reason| {
            Command::Apply(Applying { order: Id::at(at_us), from, charge, reason, at_us })
        }),
    }
}

fn close(settings: &Settings, bank: &str, day: Date, at_us: i64) -> Result<Word, Failure> {
    let bank = store::bank(settings, bank)?.id.clone();
    Ok(Word {
        service: "payments.close",
        subject: format!("{bank}/{day}"),
        said: json!({ "bank": bank, "day": day.to_string() }),
        command: Box::new(move |_| Command::Close { bank, day: OperatingDay::of(day), at_us }),
    })
}

fn down(down: JournalDown) -> Failure {
    Failure::work(down)
}

fn reading(settings: &Settings) -> Result<Payments, Failure> {
    Payments::reading(&settings.payments).map_err(Failure::work)
}

/// Does it as a node of its own, between the two rows of its entry.
async fn say(settings: &Settings, word: Word, who: Who, is_json: bool) -> Result<String, Failure> {
    let Word { service, subject, said, command } = word;
    let saying = Saying { service, agency: "payments", subject: &subject, asked: &said };
    let speaker = who.speaks(settings, |speaker| saying.words(speaker).to_string())?;
    let open = Open::stores(settings).await?;
    let entry = saying.open(&open.desk.journal, &speaker).await.map_err(down)?;
    let id = entry.id;
    let replied = open.desk.payments.run(command(speaker.line())).await;
    let (outcome, told) = match &replied {
        Ok(Reply::Refused(refusal)) => (Outcome::Refused, json!({ "refused": refusal.reason() })),
        Ok(reply) => (Outcome::Done, done(reply)),
        Err(_) => (Outcome::Unknown, Value::Null),
    };
    entry.close(outcome, &told.to_string()).await.map_err(down)?;
    open.close().await?;
    if let Reply::Refused(refusal) = replied.map_err(down)? {
        let reason = refusal.reason();
        let why = refusal::find(reason).map_or(reason, |row| row.text(Language::En));
        return Err(Failure::work(format!("refused: {reason}: {why} (entry {id})")));
    }
    Ok(if is_json {
        json!({ "entry": id.to_string(), "by": speaker.operator, "done": told }).to_string()
    } else {
        format!("done: {} (entry {id})", in_words(&told))
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

fn in_words(told: &Value) -> String {
    let fields = told.as_object().into_iter().flatten();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields.map(|(name, value)| format!("{name} {}", word(value))).collect::<Vec<_>>().join(", ")
}
