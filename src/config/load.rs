//! The door in: the only place where the configuration touches the disk.

use super::check::{self, FileContent, Inspection, Installation, World};
use super::document::{self, Document};
use super::finding::{ConfigErrors, Finding, Findings};
use super::ranges::{self, Range};
use super::settings::Settings;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No file of a configuration, certificate bundles included, is larger.
const FILE_BYTES_MAX: u64 = 4 * 1_024 * 1_024;

/// Reads and checks an installation.
///
/// `path` is the folder that holds `gateway.toml`, `services.toml`, `participants/` and, where
/// payments are taken, `payments.toml`; or the `gateway.toml` in it. File names in a file are relative to the folder of that file.
///
/// # Errors
/// Every mistake of all files, each with its file, line, key and cure.
pub fn load(path: &Path) -> Result<Settings, ConfigErrors> {
    inspect(path).map(|inspection| inspection.settings)
}

/// As [`load`], with the warnings and the certificates seen.
///
/// # Errors
/// As [`load`].
pub fn inspect(path: &Path) -> Result<Inspection, ConfigErrors> {
    let folder = folder(path);
    let mut findings = Findings::default();
    let participants = participant_files(&folder.join("participants"), &mut findings)
        .iter()
        .map(|file| document(file, ranges::PARTICIPANT, &mut findings))
        .collect();
    let installation = Installation {
        gateway: document(&folder.join("gateway.toml"), ranges::GATEWAY, &mut findings),
        services: document(&folder.join("services.toml"), ranges::SERVICES, &mut findings),
        participants,
        payments: optional(&folder.join("payments.toml"), &mut findings),
    };
    let named: RefCell<Vec<PathBuf>> = RefCell::default();
    let read = |path: &Path| {
        named.borrow_mut().push(path.to_owned());
        read_file(path)
    };
    let world = World {
        read: &read,
        peek: &read_file,
        is_folder: &Path::is_dir,
        adapters: &qaqpa_adapters::all(),
    };
    let inspected = check::check(&installation, &world, findings);
    let files = named.into_inner();
    match inspected {
        Ok(inspection) => Ok(Inspection { files, ..inspection }),
        Err(mut errors) => {
            errors.files = files;
            Err(errors)
        }
    }
}

fn folder(path: &Path) -> &Path {
    let is_file = path.extension().is_some_and(|extension| extension == "toml");
    if is_file { path.parent().unwrap_or(path) } else { path }
}

/// How the files of an installation looked: two that differ mean that somebody changed something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<PathBuf, Option<Look>>);

/// When a file was last changed (its content, owner or mode; seconds and nanoseconds), and its length.
type Look = (i64, i64, u64);

impl Marks {
    /// These files, with the looks that were seen `before` where they were: what changes while they are
    /// read is then seen to have changed.
    #[must_use]
    pub fn as_of(mut self, before: &Self) -> Self {
        for (file, look) in &mut self.0 {
            if let Some(seen) = before.0.get(file) {
                *look = *seen;
            }
        }
        self
    }
}

/// Looks at an installation's files, and at those that its last reading named, without reading any.
#[must_use]
pub fn marks(path: &Path, named: &[PathBuf]) -> Marks {
    let folder = folder(path);
    let listed = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let is_toml = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "toml");
    let participants = folder.join("participants");
    let own = listed(folder).chain(listed(&participants)).map(|entry| entry.path());
    let own = own.filter(is_toml);
    let look = |file: &Path| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.ctime(), metadata.ctime_nsec(), metadata.len()))
    };
    Marks(own.chain(named.iter().cloned()).map(|file| (file.clone(), look(&file))).collect())
}

/// One TOML file; where it cannot be read, what would follow from that is not told too.
fn document<T: DeserializeOwned + Default>(
    file: &Path,
    limits: &[Range],
    findings: &mut Findings,
) -> Document<T> {
    let shown = file.display().to_string();
    let text = read_file(file).and_then(|content| {
        std::str::from_utf8(&content.bytes)
            .map(ToOwned::to_owned)
            .map_err(|_| io::Error::other("it is not UTF-8"))
    });
    match text {
        Ok(text) => document::read(&shown, &text, limits, findings),
        Err(error) => {
            let cure = "take the example of that name from the project's config folder";
            findings.file_error(Finding::of_file(&shown, format!("cannot be read: {error}"), cure));
            Document::unreadable(shown)
        }
    }
}

/// A file that an installation may lack.
fn optional<T: DeserializeOwned + Default>(file: &Path, findings: &mut Findings) -> Document<T> {
    if file.exists() { document(file, &[], findings) } else { Document::default() }
}

/// The participants' files, in the order of their names.
fn participant_files(folder: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    let mut files = files.unwrap_or_else(|error| {
        let cure = "make the folder, with one file a participant";
        let wrong = format!("cannot be read: {error}");
        findings.file_error(Finding::of_file(&folder.display().to_string(), wrong, cure));
        Vec::new()
    });
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// A file's bytes, wiped when dropped.
fn read_file(path: &Path) -> io::Result<FileContent> {
    let file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.len() > FILE_BYTES_MAX || !metadata.is_file() {
        return Err(io::Error::other(format!("not a file of at most {FILE_BYTES_MAX} bytes")));
    }
    // Reserved at once: growing would leave unwiped copies of secrets behind.
    let room = usize::try_from(metadata.len()).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(FileContent { bytes, is_world_readable: is_world_readable(&metadata) })
}

#[cfg(unix)]
fn is_world_readable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_world_readable(_: &fs::Metadata) -> bool {
    false
}
