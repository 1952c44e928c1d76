//! Files that are there whole or as they were before, whatever stops the machine in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Puts these bytes in the place of a file, under whose mode they stay: what was a secret remains one.
///
/// # Errors
/// The disk. The file is as it was before, and nothing is left beside it.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".unfinished");
    let beside = PathBuf::from(beside);
    let mode = fs::metadata(path).map_or(0o666, |before| before.permissions().mode());
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside);
    let laid = made.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if let Err(error) = laid {
        // On a full disk the torn one would only stand in the way.
        let _is_gone = fs::remove_file(&beside).is_ok();
        return Err(error);
    }
    sync_names(path)
}

/// Gives a file another name on the same disk.
///
/// # Errors
/// The disk.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_names(to)
}

/// What the folder of this file calls its files is on disk.
///
/// # Errors
/// The disk.
pub fn sync_names(path: &Path) -> io::Result<()> {
    // A name alone is in the folder at hand.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_under_the_mode_that_it_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        write(&path, b"before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write(&path, b"after").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"after");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let moved = folder.path().join("moved");
        rename(&path, &moved).unwrap();
        assert!(write(folder.path(), b"no file").is_err(), "a folder is not replaced");
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert_eq!(names.len(), 1, "nothing lies beside it: {names:?}");
        let mut beside = folder.path().as_os_str().to_owned();
        beside.push(".unfinished");
        assert!(!Path::new(&beside).exists());
    }
}
