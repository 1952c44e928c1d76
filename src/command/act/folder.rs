//! The files of a run's folder by their digests, as acts name them.

use crate::command::Failure;
use crate::reconcile::act::{Digested, FILES_MAX};
use aws_lc_rs::digest::{Context, SHA256};
use qaqpa_kit::hex;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const BUFFER_BYTES: usize = 256 * 1_024;

/// Every file of a folder but hidden ones and acts themselves (`act*`), by name.
///
/// # Errors
/// The disk, or more files than an act names.
pub(in crate::command) fn digested(folder: &Path) -> Result<Vec<Digested>, Failure> {
    let failed = |error: io::Error| Failure::work(format!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_file = entry.file_type().map_err(failed)?.is_file();
        if !is_file || name.starts_with('.') || name.starts_with("act") {
            continue;
        }
        if files.len() == FILES_MAX {
            return Err(Failure::work(format!("more than {FILES_MAX} files to sign")));
        }
        let (sha256, bytes) = digest(&entry.path()).map_err(failed)?;
        files.push(Digested { name, sha256, bytes });
    }
    files.sort();
    Ok(files)
}

/// The acts of a folder, by name.
///
/// # Errors
/// The disk.
pub(super) fn acts(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::work(format!("{}: {error}", folder.display()));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("act") && name.ends_with(".xml") {
            paths.push(path.clone());
        }
    }
    paths.sort();
    Ok(paths)
}

fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((hex::lower(hash.finish().as_ref()), bytes));
        }
        bytes += count as u64;
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}
