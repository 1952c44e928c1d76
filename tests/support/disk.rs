//! A small disk of its own, to be filled.
//!
//! Include it with `#[path = "support/disk.rs"] mod disk;`.
#![allow(clippy::unwrap_used, reason = "tests fail so")]

use std::path::PathBuf;
use std::process::Command;

/// A disk so small that it fills at once.
pub(crate) struct Disk(pub(crate) PathBuf);

impl Disk {
    /// Of so many mebibytes.
    pub(crate) fn mount(mebibytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let size = format!("size={mebibytes}m");
        let options = ["-t", "tmpfs", "-o", &size, "tmpfs"];
        let mounted = Command::new("mount").args(options).arg(&folder).status().unwrap();
        assert!(mounted.success(), "this test needs root: it mounts a small disk to fill it");
        Self(folder)
    }

    /// Takes all that is free.
    pub(crate) fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let full = Command::new("dd")
            .args(["if=/dev/zero", "bs=4096", "status=none"])
            .arg(format!("of={}", filler.display()))
            .output()
            .unwrap();
        assert!(String::from_utf8_lossy(&full.stderr).contains("No space left"), "{full:?}");
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().unwrap();
        std::fs::remove_dir(&self.0).unwrap();
    }
}
