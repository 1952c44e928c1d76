//! Where registers come in by themselves, and where their runs leave what they find.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What takes registers in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconcile {
    /// This node's own.
    pub data_folder: PathBuf,
    /// With a folder for each bank.
    pub watched: Option<PathBuf>,
    /// Of one register.
    pub register_bytes_max: u64,
    /// Uploads that may wait.
    pub waiting_max: usize,
    pub look_pause: Duration,
}

impl Reconcile {
    /// Where uploads wait: `bank~SHA-256` each; what is under way ends otherwise.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.data_folder.join("spool")
    }

    /// Where the reports of a run lie.
    #[must_use]
    pub fn reports(&self, bank: &str, run: &str) -> PathBuf {
        self.data_folder.join("reports").join(bank).join(run)
    }

    /// Where an uploaded register is kept once its run has ended.
    #[must_use]
    pub fn kept(&self, bank: &str) -> PathBuf {
        self.data_folder.join("registers").join(bank)
    }

    /// The bank and the digest that a name in the spool tells; `None`: not yet whole.
    #[must_use]
    pub fn spooled(path: &Path) -> Option<(&str, &str)> {
        let (bank, sha256) = path.file_name()?.to_str()?.split_once('~')?;
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then_some((bank, sha256))
    }
}
