//! Registers that come by themselves: uploads from the spool and files of a watched folder, one after the other.
//!
//! Off the hot path and bounded: one run at a time, on threads that may block. A file stays where it lies
//! until its run has ended, so that a node which dies in the middle finds it again, and the same file again
//! is the same run.

use super::entry::{now_us, pause};
use super::watch::Watch;
use super::{Asked, Desk, Failed, disk};
use crate::config::settings::{Bank, Reconcile};
use crate::payments::breaks::record::{Origin, RunState};
use crate::payments::breaks::{self, run_id};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::Command;
use crate::reconcile::ingest::formats::Forms;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Files looked at in one folder at one look.
pub(super) const FILES_MAX: usize = 1_000;
/// No upload takes longer; what is older belongs to a life that has ended.
const HALF_KEPT: Duration = Duration::from_secs(86_400);

/// What takes registers in.
pub struct Intake {
    pub desk: Desk,
    pub banks: BTreeMap<String, Arc<Bank>>,
    pub settings: Reconcile,
}

/// A file that waits.
pub(super) struct Waiting {
    pub path: PathBuf,
    pub bank: String,
    pub source: Origin,
}

/// What became of a file.
pub(super) enum Became {
    Done,
    Refused(String),
    /// It is tried again: its day is open, or a store is down.
    Waits,
}

impl Intake {
    /// Looks and runs until it is stopped; what is under way then is run again in the next life.
    pub async fn work(self, mut stopped: watch::Receiver<bool>) {
        let mut watched = self.settings.watched.clone().map(Watch::new);
        while !*stopped.borrow() {
            let looked = async {
                self.look_at_spool().await;
                if let Some(watched) = &mut watched {
                    watched.look(&self).await;
                }
            };
            tokio::select! {
                () = looked => {}
                _ = stopped.changed() => break,
            }
            tokio::select! {
                () = pause(self.settings.look_pause) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    async fn look_at_spool(&self) {
        let spool = self.settings.spool();
        let files = match tokio::task::spawn_blocking(move || listed(&spool)).await {
            Ok(Ok(files)) => files,
            Ok(Err(error)) => return tracing::warn!(%error, "the spool of registers"),
            Err(error) => return tracing::error!(%error, "the spool of registers"),
        };
        for path in files {
            let Some((bank, _)) = Reconcile::spooled(&path) else {
                forget(&path);
                continue;
            };
            let bank = bank.to_owned();
            let source = Origin::Upload;
            let waiting = Waiting { path, bank, source };
            if !matches!(self.run(&waiting).await, Became::Waits)
                && let Err(error) = self.keep(&waiting)
            {
                tracing::error!(%error, "a register that was reconciled stays in the spool");
            }
        }
    }

    /// Moves an upload whose run has ended out of the spool.
    fn keep(&self, waiting: &Waiting) -> io::Result<()> {
        let to = self.settings.kept(&waiting.bank);
        disk::folder(&to)?;
        let (_, sha256) = Reconcile::spooled(&waiting.path).unwrap_or_default();
        disk::rename(&waiting.path, &to.join(sha256))
    }

    /// Runs one file.
    pub(super) async fn run(&self, waiting: &Waiting) -> Became {
        let Some(bank) = self.banks.get(&waiting.bank) else {
            return Became::Refused("there is no such bank in payments.toml".to_owned());
        };
        let sha256 = match self.identity(waiting).await {
            Ok(sha256) => sha256,
            Err(became) => return became,
        };
        let run = run_id(&bank.id, std::slice::from_ref(&sha256));
        let mut told_day = named_day(&waiting.path);
        match self.desk.payments.reconcile_run(&run).await {
            Ok(Some(known)) if known.state == RunState::Done => return Became::Done,
            Ok(Some(known)) if known.state == RunState::Refused => {
                return Became::Refused(known.reason);
            }
            Ok(Some(known)) => told_day = known.operating_day.or(told_day),
            Ok(None) => {}
            Err(down) => {
                tracing::warn!(%down, "a register waits");
                return Became::Waits;
            }
        }
        let asked = Asked {
            bank: Arc::clone(bank),
            day: None,
            told_day,
            registers: vec![waiting.path.clone()],
            forms: forms(bank),
            names: Vec::new(),
            out: self.settings.reports(&bank.id, &run),
            source: waiting.source,
            sender: bank.participant.clone().unwrap_or_default(),
            is_short_cut: true,
            progress: Arc::new(|_| {}),
        };
        match self.desk.reconcile(&asked).await {
            Ok(done) => {
                let (run, matched, breaks) = (done.run.id, done.run.matched, done.run.breaks);
                tracing::info!(bank = bank.id, run, matched, breaks, "reconciled");
                Became::Done
            }
            Err(Failed::Refused { reason, .. }) => {
                tracing::warn!(bank = bank.id, run, reason, "a register was refused");
                Became::Refused(reason)
            }
            Err(failed) => self.waits(&run, failed).await,
        }
    }

    async fn identity(&self, waiting: &Waiting) -> Result<String, Became> {
        let path = waiting.path.clone();
        let digest = tokio::task::spawn_blocking(move || disk::digest(&path)).await;
        let digest = digest.map_err(io::Error::other).and_then(|digest| digest);
        match digest {
            Ok((_, bytes)) if bytes > self.settings.register_bytes_max => {
                let max = self.settings.register_bytes_max;
                Err(Became::Refused(format!("{bytes} bytes, {max} at most (register_bytes_max)")))
            }
            Ok((sha256, _)) => Ok(sha256),
            Err(error) => {
                tracing::warn!(%error, path = %waiting.path.display(), "a register waits");
                Err(Became::Waits)
            }
        }
    }

    /// Notes why a run waits, where it has begun to be one.
    async fn waits(&self, run: &str, failed: Failed) -> Became {
        if let Failed::OpenDay { day, .. } = &failed {
            let waits = Some(failed.to_string());
            let look =
                breaks::Command::Look { run: run.to_owned(), day: *day, waits, at_us: now_us() };
            let known = self.desk.payments.reconcile_run(run).await;
            let is_news = |known: &crate::payments::breaks::record::Run| {
                known.reason.is_empty() || known.operating_day.is_none()
            };
            if known.is_ok_and(|known| known.is_some_and(|known| is_news(&known))) {
                // Told once; that it still waits is no news.
                drop(self.desk.payments.run(Command::Reconcile(look)).await);
            }
        } else {
            tracing::warn!(%failed, run, "a register waits");
        }
        Became::Waits
    }
}

/// The day at the head of a file's name, `2026-11-25-register.csv`, for a file that does not name it.
fn named_day(path: &Path) -> Option<OperatingDay> {
    let date = path.file_name()?.to_str()?.get(..10)?;
    date.parse().ok().map(OperatingDay::of)
}

/// How a bank's registers are to be read: by their content, columns by its adapter's manifest.
fn forms(bank: &Bank) -> Forms {
    let dialect = bank.dialect.as_ref();
    let columns = dialect.and_then(|dialect| dialect.adapter.manifest().register.clone());
    Forms { columns, ..Forms::default() }
}

/// Removes an upload that a node which died has left half; one under way is younger.
fn forget(path: &Path) {
    let changed = std::fs::metadata(path).and_then(|about| about.modified());
    let age = changed.ok().and_then(|changed| changed.elapsed().ok());
    if age.is_some_and(|age| age > HALF_KEPT)
        && let Err(error) = std::fs::remove_file(path)
    {
        tracing::warn!(%error, path = %path.display(), "half an upload stays");
    }
}

/// The regular files of a folder by their names, at most so many; none where it is not there.
pub(super) fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries.take(FILES_MAX) {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}
