//! A bank's operating day out of the store: register in, evidence heard, day closed, both sides held together.
//!
//! What is left becomes breaks that live until evidence or two operators end them.
//!
//! A run is begun, and done, in the store; between the two everything is made anew or done twice without
//! harm, so that a run which was killed anywhere is simply run again and leaves the same bytes.

mod carry;
mod disk;
pub mod entry;
mod evidence;
pub mod export;
mod failed;
mod found;
pub mod intake;
mod look;
mod steps;
mod watch;

pub use entry::Proof;
pub use failed::Failed;
pub use steps::{Step, step};

use crate::config::settings::Bank;
use crate::journal::Journal;
use crate::payments::Payments;
use crate::payments::breaks::record::{Origin, Run};
use crate::payments::breaks::{self, BREAKS_MAX, Outcome, Refused, Taking, Totals, run_id};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{Command, Refusal, Reply};
use crate::reconcile::ingest::day::Calendar;
use crate::reconcile::ingest::formats::Forms;
use crate::reconcile::ingest::secret;
use crate::reconcile::report::{self, Folder};
use crate::reconcile::run::{Job, Statement, run as reconcile};
use crate::trial;
use entry::{About, Entry, now_us};
use qaqpa_kit::fault::Outcome as Ending;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// For how long nobody else takes a run on whose node has died.
const LEASE_US: i64 = 3_600_000_000;
/// Breaks that have ended, asked for at once.
const PAGE: u32 = 500;

/// Who reconciles, and with what.
#[derive(Clone)]
pub struct Desk {
    pub payments: Payments,
    pub journal: Journal,
    pub node: String,
}

/// What is to be reconciled.
#[derive(Clone)]
pub struct Asked {
    pub bank: Arc<Bank>,
    /// The operating day that is asked for; `None`: the one that the register names.
    pub day: Option<OperatingDay>,
    /// The day of a register that names none.
    pub told_day: Option<OperatingDay>,
    /// The bank's files of that day.
    pub registers: Vec<PathBuf>,
    /// How they are to be read.
    pub forms: Forms,
    /// Their names as their sender calls them; empty: as they are called here.
    pub names: Vec<String>,
    /// The folder for the reports.
    pub out: PathBuf,
    pub source: Origin,
    /// The participant, or the operator.
    pub sender: String,
    pub is_short_cut: bool,
    /// Told of every few bytes that were read.
    pub progress: Arc<dyn Fn(u64) + Send + Sync>,
}

/// A run that came to its end.
pub struct Done {
    pub run: Run,
    pub manifest: Value,
    /// What was counted; its findings have been written.
    pub statement: Statement,
    /// Orders whose outcome the register told.
    pub led_on: usize,
}

impl Desk {
    /// Reconciles an operating day, from its register to its reports and breaks.
    ///
    /// # Errors
    /// [`Failed`] says what was refused, and what failed; a run that failed can be run again.
    pub async fn reconcile(&self, asked: &Asked) -> Result<Done, Failed> {
        let files = digests(&asked.registers).await?;
        let (bank, day) = (&asked.bank, look::day(asked).await);
        if let Ok(day) = day {
            look::check(asked, day)?;
        }
        let digests: Vec<String> = files.iter().map(|(sha256, _)| sha256.clone()).collect();
        let id = run_id(&bank.id, &digests);
        let run = self.take(asked, &id, files).await?;
        let said = serde_json::json!({ "bank": bank.id, "files": digests, "run": run.id });
        let about = About {
            service: "reconcile.run",
            sender: &asked.sender,
            agency: "payments",
            subject: &run.id,
            said: &said.to_string(),
            certificate: [0; 32],
        };
        let entry = Entry::open(&self.journal, &about).await?;
        let ended = match day {
            Ok(day) => self.carry(asked, &run.id, day).await,
            Err(failed) => Err(failed),
        };
        let told = match &ended {
            Ok(done) => (Ending::Done, done.manifest.to_string()),
            Err(failed) => (Ending::Refused, failed.to_string()),
        };
        if let Err(Failed::Refused { reason, .. }) = &ended {
            let (run, reason) = (run.id.clone(), short(reason));
            self.ask(breaks::Command::Refuse { run, reason, at_us: now_us() }).await?;
        }
        entry.close(told.0, &told.1).await?;
        ended
    }

    /// Notes the files and begins the run.
    async fn take(
        &self,
        asked: &Asked,
        id: &str,
        files: Vec<(String, u64)>,
    ) -> Result<Run, Failed> {
        let named = files.into_iter().enumerate().map(|(at, (sha256, bytes))| {
            let path = asked.registers.get(at).and_then(|path| path.file_name());
            let here = path.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let name = asked.names.get(at).cloned().unwrap_or(here);
            (sha256, i64::try_from(bytes).unwrap_or(i64::MAX), name)
        });
        let taking = Taking {
            run: id.to_owned(),
            bank: asked.bank.id.clone(),
            day: None,
            files: named.collect(),
            source: asked.source,
            sender: asked.sender.clone(),
            at_us: now_us(),
        };
        let known = self.run_of(breaks::Command::Take(taking)).await?;
        if known.id != id {
            let reason = format!("this file is one of those of run {}: give all of them", known.id);
            return Err(Failed::Refused { reason, error: None });
        }
        let at_us = now_us();
        let (run, node) = (known.id, self.node.clone());
        let until_us = at_us.saturating_add(LEASE_US);
        let run = self.run_of(breaks::Command::Begin { run, node, at_us, until_us }).await?;
        trial::point("reconcile.begun");
        Ok(run)
    }

    /// A run that has begun, to its end.
    async fn carry(&self, asked: &Asked, run: &str, day: OperatingDay) -> Result<Done, Failed> {
        let bank = &asked.bank;
        let look = breaks::Command::Look { run: run.to_owned(), day, waits: None, at_us: now_us() };
        match self.run_of(look).await {
            Err(Failed::Store(Refusal::Reconcile(Refused::OtherDay))) => {
                return Err(Failed::refused(format!(
                    "the register is of {day}, and its sender has named another day"
                )));
            }
            looked => looked?,
        };
        let folder = tempfile::tempdir_in(beside(&asked.out)?)?;
        let mut led_on = 0;
        let is_closed = || async { self.payments.closing(&bank.id, day).await };
        if is_closed().await?.is_none() {
            // What the register proves belongs to its own day, so it is heard before the day closes.
            let (mut statement, _) = self.held(asked, day, folder.path()).await?;
            led_on += self.hear(asked, &mut statement).await?;
            trial::point("reconcile.heard");
            let close = Command::Close { bank: bank.id.clone(), day, at_us: now_us() };
            match self.payments.run(close).await? {
                // Another node was faster.
                Reply::Closed(_) | Reply::Refused(Refusal::Taken) => {}
                Reply::Refused(refusal) => return Err(Failed::Store(refusal)),
                other => return Err(Failed::Bug(format!("a closing: {other:?}"))),
            }
            trial::point("reconcile.closed");
        }
        let (statement, calendar) = self.held(asked, day, folder.path()).await?;
        let (manifest, statement) = written(statement, calendar, asked.out.clone()).await?;
        trial::point("reconcile.reported");
        led_on += self.record(asked, run, day).await?;
        let run = self.finish(run, &manifest).await?;
        Ok(Done { run, manifest, statement, led_on })
    }

    /// The journal's side of the day, held against the register.
    async fn held(
        &self,
        asked: &Asked,
        day: OperatingDay,
        folder: &Path,
    ) -> Result<(Statement, Calendar), Failed> {
        let (journal, open) = (folder.join("journal.csv"), folder.join("open.csv"));
        export::export(&self.payments, &asked.bank, day, &journal).await?;
        let is_carried = carry::carry(&self.payments, &asked.bank, day, &open).await?;
        trial::point("reconcile.exported");
        let open = if is_carried { vec![open] } else { Vec::new() };
        let calendar = Calendar::Bank(Arc::clone(&asked.bank));
        let (asked, scratch) = (asked.clone(), folder.to_owned());
        let told = blocking(move || {
            let secret = secret()?;
            let statement = reconcile(&Job {
                journal: &[journal],
                register: &asked.registers,
                open: &open,
                forms: &asked.forms,
                calendar: &calendar,
                secret: &secret,
                scratch: &scratch,
                progress: &*asked.progress,
                when_over: &|_| (),
                is_short_cut: asked.is_short_cut,
                fees_tiyn: &[],
            });
            statement.map(|statement| (statement, calendar)).map_err(failed::of)
        });
        told.await
    }

    /// Believes what lone rows of the register say of orders without an outcome.
    async fn hear(&self, asked: &Asked, statement: &mut Statement) -> Result<usize, Failed> {
        let mut led_on = 0;
        while let Some(finding) = statement.findings.take()? {
            let line = finding.register.as_ref().filter(|_| finding.journal.is_none());
            let text = line.and_then(|line| std::str::from_utf8(line.text()).ok());
            if let Some(text) = text {
                let heard = evidence::hear(&self.payments, &asked.bank, text, now_us()).await?;
                led_on += usize::from(heard);
            }
        }
        Ok(led_on)
    }

    /// Puts the breaks of the reports into the store, and ends those that are gone.
    async fn record(&self, asked: &Asked, run: &str, day: OperatingDay) -> Result<usize, Failed> {
        let mut found = found::Breaks::open(&asked.out)?;
        let mut led_on = 0;
        loop {
            let page = found.take(BREAKS_MAX)?;
            if page.is_empty() {
                break;
            }
            for lone in page.iter().filter(|found| found.journal_row.is_none()) {
                let text = lone.register_row.as_deref().unwrap_or_default();
                let heard = evidence::hear(&self.payments, &asked.bank, text, now_us()).await?;
                led_on += usize::from(heard);
            }
            let run = run.to_owned();
            self.ask(breaks::Command::Record { run, found: page, at_us: now_us() }).await?;
            trial::point("reconcile.recorded");
        }
        let mut after = String::new();
        loop {
            let place = (asked.bank.id.as_str(), day);
            let unseen = self.payments.breaks_unseen(place, (run, &after), PAGE).await?;
            let Some(last) = unseen.last() else { return Ok(led_on) };
            last.id.clone_into(&mut after);
            let breaks = unseen.into_iter().map(|item| item.id).collect();
            let run = run.to_owned();
            self.ask(breaks::Command::End { run, breaks, at_us: now_us() }).await?;
            trial::point("reconcile.ended");
        }
    }

    async fn finish(&self, run: &str, manifest: &Value) -> Result<Run, Failed> {
        let number = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_i64);
        let breaks = manifest.get("breaks").and_then(Value::as_object);
        let breaks = breaks.map(|all| all.values().filter_map(Value::as_i64).sum());
        let totals = Totals {
            journal_rows: number("/rows/journal").unwrap_or(0),
            register_rows: number("/rows/register").unwrap_or(0),
            matched: number("/matched").unwrap_or(0),
            breaks: breaks.unwrap_or(0),
            manifest: manifest.to_string(),
        };
        let run = run.to_owned();
        self.run_of(breaks::Command::Finish { run, totals, at_us: now_us() }).await
    }

    async fn ask(&self, command: breaks::Command) -> Result<Outcome, Failed> {
        match self.payments.run(Command::Reconcile(command)).await? {
            Reply::Reconciled(outcome) => Ok(outcome),
            Reply::Refused(refusal) => Err(Failed::Store(refusal)),
            other => Err(Failed::Bug(format!("a reply to a run: {other:?}"))),
        }
    }

    async fn run_of(&self, command: breaks::Command) -> Result<Run, Failed> {
        match self.ask(command).await? {
            Outcome::Run(run, _) => Ok(*run),
            other => Err(Failed::Bug(format!("an outcome of a run: {other:?}"))),
        }
    }
}

async fn digests(paths: &[PathBuf]) -> Result<Vec<(String, u64)>, Failed> {
    let paths = paths.to_vec();
    blocking(move || {
        let named = |path: &PathBuf| {
            disk::digest(path).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })
        };
        paths.iter().map(named).collect::<io::Result<_>>().map_err(Failed::Io)
    })
    .await
}

async fn written(
    mut statement: Statement,
    calendar: Calendar,
    out: PathBuf,
) -> Result<(Value, Statement), Failed> {
    blocking(move || {
        let folder = Folder::new(&out)?;
        let manifest = report::write(&mut statement, &calendar, &folder)?;
        Ok((manifest, statement))
    })
    .await
}

/// Work that would hold up others, on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failed> + Send + 'static,
) -> Result<T, Failed> {
    let task = tokio::task::spawn_blocking(work);
    task.await.unwrap_or_else(|cause| Err(Failed::Bug(cause.to_string())))
}

/// The folder in which another one stands, made where it is missing.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
    disk::folder(&parent)?;
    Ok(parent)
}

/// What the store takes of a reason.
fn short(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(450).collect()
}
