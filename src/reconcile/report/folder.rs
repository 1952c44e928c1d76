//! The folder of a run: files under a passing name until all are whole, then renamed, the manifest last.

use crate::durable;
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The file that stands only in the folder of a finished run.
pub(super) const MANIFEST: &str = "manifest.json";
const BUFFER_BYTES: usize = 64 * 1_024;

/// A folder that one run at a time writes to.
pub struct Folder {
    path: PathBuf,
    names: Mutex<Vec<String>>,
    /// Held open for its lock.
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and keeps other runs out of it.
    ///
    /// # Errors
    /// The disk, or another run that writes here.
    pub fn new(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock = File::open(path)?;
        lock.try_lock().map_err(|_| io::Error::other("another run writes here"))?;
        Ok(Self { path: path.to_owned(), names: Mutex::new(Vec::new()), _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new file; rows hold people's numbers, so that only its owner reads it.
    ///
    /// # Errors
    /// The disk.
    pub fn file(&self, name: &str) -> io::Result<BufWriter<File>> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.push(name.to_owned());
        let passing = self.passing(name);
        match fs::remove_file(&passing) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(passing)?;
        Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
    }

    /// A new file with these bytes.
    ///
    /// # Errors
    /// The disk.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.file(name)?;
        file.write_all(bytes)?;
        close(file)
    }

    /// Gives all files their names. A reader that finds the manifest finds all of one run.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(&self, manifest: &Value) -> io::Result<()> {
        let names = std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner));
        let mut file = self.file(MANIFEST)?;
        writeln!(file, "{manifest:#}")?;
        close(file)?;
        match fs::remove_file(self.path.join(MANIFEST)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for name in names.iter().map(String::as_str).chain([MANIFEST]) {
            fs::rename(self.passing(name), self.path.join(name))?;
        }
        durable::sync_names(&self.path.join(MANIFEST))
    }

    fn passing(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}.unfinished"))
    }
}

/// Everything is on disk.
///
/// # Errors
/// It is not.
pub(in crate::reconcile) fn close(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
