//! How new the newest lists were, kept over a restart in the small file `trust.crl_seen_file`.

use super::refresh;
use crate::durable;
use crate::sign::Trust;
use crate::sign::trust::crl::shelf::Shelf;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Bytes of the file: a thousand lines of at most 126.
const SEEN_BYTES_MAX: u64 = 256 * 1024;

/// The file, and what stands in it.
pub(super) struct Kept {
    path: PathBuf,
    /// Held by whoever reads or writes the file; a change of the configuration goes on with it.
    content: Mutex<Content>,
}

enum Content {
    /// Nobody looked.
    Unread,
    /// It cannot be read, or holds what is no word of ours: it is left alone.
    Strange,
    /// This text.
    Known { text: String, is_behind: bool },
}

impl Kept {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), content: Mutex::new(Content::Unread) }
    }

    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// What was kept before a restart; read once.
    pub(super) fn remember(&self, trust: &Trust) {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*content, Content::Unread) {
            return;
        }
        *content = Content::Strange;
        let file = self.path.display();
        match refresh::read(&self.path, SEEN_BYTES_MAX) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let strange = trust.remember(&text);
                if strange == 0 {
                    *content = Content::Known { text: text.into_owned(), is_behind: false };
                } else {
                    tracing::error!(%file, strange, "{STRANGE}");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *content = Content::Known { text: String::new(), is_behind: false };
            }
            Err(error) => tracing::error!(%file, %error, "trust.crl_seen_file cannot be read"),
        }
    }

    /// Whether what it should hold could not be written last.
    pub(super) fn is_behind(&self) -> bool {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(*content, Content::Known { is_behind: true, .. })
    }

    /// Writes how new the lists are, where that changed. It takes nothing back: a fetch that began before
    /// a change of the configuration may end after it.
    pub(super) fn keep(&self, trust: &Trust) {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let Content::Known { text, is_behind } = &mut *content else { return };
        let now = Shelf::default().with_marks(text).0.with_marks(&trust.shelf().marks()).0.marks();
        if now == *text {
            return;
        }
        match durable::write(&self.path, now.as_bytes()) {
            Ok(()) => {
                *text = now;
                *is_behind = false;
            }
            Err(error) => {
                // Tried again at each look; told once.
                if !std::mem::replace(is_behind, true) {
                    let file = self.path.display();
                    tracing::error!(%file, %error, "trust.crl_seen_file cannot be written");
                }
            }
        }
    }
}

const STRANGE: &str = "trust.crl_seen_file holds lines that the gateway did not write: it is left as it is, \
                       and what newer lists say is not kept; delete it";

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0000000000000000000000000000000000000000000000000000000000000001 7 05\n";
    const NEW: &str = "0000000000000000000000000000000000000000000000000000000000000001 9 06\n";

    fn trust_that_knows(marks: &str) -> Trust {
        let trust = Trust::default();
        assert_eq!(trust.remember(marks), 0);
        trust
    }

    #[test]
    fn the_file_holds_the_newest_whoever_writes_last() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("lists.seen");
        let kept = Kept::new(&path);
        kept.remember(&Trust::default());
        kept.keep(&trust_that_knows(NEW));
        assert_eq!(std::fs::read_to_string(&path).expect("file"), NEW);
        kept.keep(&trust_that_knows(OLD));
        assert_eq!(std::fs::read_to_string(&path).expect("file"), NEW, "nothing is taken back");
        let after = Trust::default();
        Kept::new(&path).remember(&after);
        assert_eq!(after.shelf().marks(), NEW);
        let names = std::fs::read_dir(folder.path()).expect("folder").count();
        assert_eq!(names, 1, "nothing lies beside it");
    }

    #[test]
    fn what_could_not_be_written_is_written_as_soon_as_it_can_be() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("later").join("lists.seen");
        let kept = Kept::new(&path);
        kept.remember(&Trust::default());
        kept.keep(&trust_that_knows(NEW));
        assert!(kept.is_behind());
        std::fs::create_dir(folder.path().join("later")).expect("folder");
        kept.keep(&trust_that_knows(NEW));
        assert!(!kept.is_behind());
        assert_eq!(std::fs::read_to_string(&path).expect("file"), NEW);
    }

    #[test]
    fn a_file_of_somebody_else_is_left_as_it_is_and_its_good_lines_count() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("lists.seen");
        for strange in [
            format!("{OLD}-----BEGIN CERTIFICATE-----\n"),
            OLD.replace(" 05", " +5"),
            OLD.replace(" 05", " 005"),
            OLD.replace(" 05", " 0005"),
            OLD.replace(" 05", &" 05".repeat(40)),
            OLD.trim_end().to_owned(),
            "\0\u{fffd}".repeat(9),
            "x".repeat(300_000),
        ] {
            std::fs::write(&path, &strange).expect("file");
            let (trust, kept) = (Trust::default(), Kept::new(&path));
            kept.remember(&trust);
            let expected = if strange.starts_with(OLD) { OLD } else { "" };
            assert_eq!(trust.shelf().marks(), expected, "{strange:.90}");
            kept.keep(&trust_that_knows(NEW));
            assert_eq!(std::fs::read_to_string(&path).expect("file"), strange);
        }
        let kept = Kept::new(folder.path());
        kept.remember(&Trust::default());
        kept.keep(&trust_that_knows(NEW));
        assert!(folder.path().is_dir(), "a folder is not replaced");
    }
}
