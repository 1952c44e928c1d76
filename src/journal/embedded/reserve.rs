//! Disk kept back beside an embedded store, so that what was opened can be closed on a full disk.

use aws_lc_rs::rand;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// After a release, how long until it is tried to make the reserve again.
const REMAKE_PAUSE: Duration = Duration::from_secs(1);

/// The least that is kept back, whatever the settings say: twice what SQLite's log may still hold.
const BYTES_MIN: u64 = 8 << 20;

/// A file of noise that is given up when the disk is full.
#[derive(Debug)]
pub(super) struct Reserve {
    file: PathBuf,
    bytes: u64,
    released_at: Option<Instant>,
}

impl Reserve {
    /// The reserve in `file`, made if it is not there; on a full disk it starts released.
    pub(super) fn new(file: PathBuf, bytes: u64) -> Self {
        let mut reserve = Self { file, bytes: bytes.max(BYTES_MIN), released_at: None };
        if reserve.make().is_err() {
            reserve.release();
        }
        reserve
    }

    /// Gives the space to whoever writes next.
    pub(super) fn release(&mut self) {
        // Absent is as good as removed.
        let _absent = fs::remove_file(&self.file);
        self.released_at = Some(Instant::now());
    }

    /// Whether the space is kept back; tries to make it again now and then.
    pub(super) fn is_kept(&mut self) -> bool {
        match self.released_at {
            None => true,
            Some(at) if at.elapsed() < REMAKE_PAUSE => false,
            Some(_) if self.make().is_ok() => {
                self.released_at = None;
                true
            }
            Some(_) => {
                self.release();
                false
            }
        }
    }

    /// Writes noise, because only written blocks are kept back, on a disk that compresses too. A
    /// quarter more must be free than is kept, so that a disk at its brim does not flap.
    fn make(&self) -> io::Result<()> {
        if fs::metadata(&self.file).is_ok_and(|file| file.len() == self.bytes) {
            return Ok(());
        }
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).open(&self.file)?;
        let mut noise = vec![0; 1 << 16];
        let mut left = self.bytes + self.bytes / 4;
        while left > 0 {
            rand::fill(&mut noise).map_err(|_| io::Error::other("no randomness"))?;
            let piece = noise.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            file.write_all(noise.get(..piece).unwrap_or_default())?;
            left -= piece as u64;
        }
        file.sync_all()?;
        file.set_len(self.bytes)?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::Reserve;
    use std::fs;

    #[test]
    fn the_reserve_takes_real_blocks_and_gives_them_back() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("reserve");
        let mut reserve = Reserve::new(file.clone(), 9 << 20);
        let kept = fs::metadata(&file).unwrap();
        assert_eq!(kept.len(), 9 << 20);
        assert!(kept.blocks() * 512 >= 9 << 20, "a hole keeps nothing back");
        assert!(reserve.is_kept());
        reserve.release();
        assert!(!file.exists() && !reserve.is_kept());
    }

    #[test]
    fn a_reserve_that_cannot_be_made_starts_released() {
        let mut reserve = Reserve::new("/nowhere/at/all".into(), 1 << 20);
        assert!(!reserve.is_kept());
    }
}
