//! A watched folder with a folder for each bank: a file is taken once it has stopped growing, and moved when its run has ended.

use super::disk;
use super::intake::{Became, Intake, Waiting, listed};
use crate::payments::breaks::record::Origin;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file looked like: bytes, and when it was last written.
type Look = (u64, SystemTime);

/// A watched folder.
pub(super) struct Watch {
    folder: PathBuf,
    /// What files looked like at the last look.
    before: HashMap<PathBuf, Look>,
}

impl Watch {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, before: HashMap::new() }
    }

    /// Takes every file that looks as it did at the last look.
    pub(super) async fn look(&mut self, intake: &Intake) {
        let banks: Vec<String> = intake.banks.keys().cloned().collect();
        let folder = self.folder.clone();
        let seen = tokio::task::spawn_blocking(move || seen(&folder, &banks)).await;
        let seen = match seen.map_err(io::Error::other).and_then(|seen| seen) {
            Ok(seen) => seen,
            Err(error) => return tracing::warn!(%error, "the watched folder"),
        };
        let mut looks = HashMap::new();
        for (bank, path, look) in seen {
            let is_whole = self.before.get(&path) == Some(&look);
            looks.insert(path.clone(), look);
            if !is_whole {
                continue;
            }
            let waiting = Waiting { path, bank, source: Origin::Folder };
            let moved = match intake.run(&waiting).await {
                Became::Waits => Ok(()),
                Became::Done => moved(&waiting.path, "done", None),
                Became::Refused(reason) => moved(&waiting.path, "refused", Some(&reason)),
            };
            if let Err(error) = moved {
                tracing::error!(%error, path = %waiting.path.display(), "a register stays where it is");
            }
        }
        self.before = looks;
    }
}

/// The files of every bank that could be whole.
fn seen(folder: &Path, banks: &[String]) -> io::Result<Vec<(String, PathBuf, Look)>> {
    let mut seen = Vec::new();
    for bank in banks {
        for path in listed(&folder.join(bank))? {
            let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            if name.starts_with('.') || name.ends_with(".part") {
                continue;
            }
            let about = fs::metadata(&path)?;
            seen.push((bank.clone(), path.clone(), (about.len(), about.modified()?)));
        }
    }
    Ok(seen)
}

/// Moves a file beside the folder it came in; one of the same name is not lost.
fn moved(path: &Path, to: &str, reason: Option<&str>) -> io::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().unwrap_or_else(|| Path::new(".")).join(to);
    disk::folder(&folder)?;
    let is_free = |name: &String| !folder.join(name).exists();
    let numbered = (1..).map(|number: u32| format!("{number}-{name}"));
    let name = std::iter::once(name.clone()).chain(numbered.take(9_999)).find(is_free);
    let name = name.ok_or_else(|| io::Error::other("too many files of one name"))?;
    if let Some(reason) = reason {
        fs::write(folder.join(format!("{name}.reason.txt")), format!("{reason}\n"))?;
    }
    disk::rename(path, &folder.join(name))
}
