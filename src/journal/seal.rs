//! Keeps contents unreadable without their day's key: compressed, then AES-256-GCM (NIST SP 800-38D).
//!
//! A day key is random, and stored wrapped by the master key. Whoever deletes its row erases every
//! content of that day; digests and rows stay as proof. A sealed content is one byte of method, the
//! nonce, the ciphertext and its tag; it is bound to its entry and part, so that it cannot be moved.
//! A compressed content is its size (4 bytes, little endian) and one LZ4 block.

use super::down::JournalError;
use super::entry::EntryId;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use bytes::Bytes;
use lz4_flex::block;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const PLAIN: u8 = 1;
const LZ4: u8 = 2;
/// Below this, compression costs more than it saves.
const COMPRESS_BYTES_MIN: usize = 256;
/// What every signed envelope says, given to the compressor beforehand: most of a small message.
/// What was sealed with it opens with these very bytes only; better ones are another method.
const DICTIONARY: &[u8] = include_bytes!("seal/dictionary.xml");
/// Method and nonce, before the ciphertext.
const HEAD_BYTES: usize = 1 + NONCE_LEN;

/// Which content of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the caller sent.
    Request,
    /// What the caller got.
    Answer,
}

impl Part {
    /// The word in the store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// The key that wraps the day keys: 32 bytes in a file.
pub(super) struct MasterKey {
    key: RandomizedNonceKey,
    pub file: PathBuf,
}

impl MasterKey {
    /// Reads the key file.
    pub(super) fn read(file: &Path) -> Result<Self, JournalError> {
        let failed = |cause: io::Error| JournalError::file(file, format!("master key: {cause}"));
        let bytes = Zeroizing::new(fs::read(file).map_err(failed)?);
        if bytes.len() != KEY_BYTES {
            let cause = format!("a master key has {KEY_BYTES} bytes, this file {}", bytes.len());
            return Err(JournalError::file(file, cause));
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes)
            .map_err(|_| JournalError::file(file, "not a key"))?;
        Ok(Self { key, file: file.to_owned() })
    }

    /// Reads the key file beside an embedded store, or makes it, readable by its owner alone.
    pub(super) fn read_or_make(file: &Path) -> Result<Self, JournalError> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Ok(mut made) => {
                let key = random_key().ok_or_else(|| JournalError::file(file, "no randomness"))?;
                made.write_all(key.as_slice())
                    .and_then(|()| made.sync_all())
                    .map_err(|cause| JournalError::file(file, cause))?;
            }
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(JournalError::file(file, cause)),
        }
        Self::read(file)
    }

    /// A new day key, wrapped; the row to store. `None` when there is no randomness.
    pub(super) fn wrap_new(&self, day: i32) -> Option<Vec<u8>> {
        let key = random_key()?;
        // Room for the tag, so that no copy of the bare key is left behind by a bigger buffer.
        let mut wrapped = Vec::with_capacity(KEY_BYTES + AES_256_GCM.tag_len());
        wrapped.extend_from_slice(key.as_slice());
        let nonce = self.key.seal_in_place_append_tag(wrapping(day), &mut wrapped).ok()?;
        Some([nonce.as_ref().as_slice(), &wrapped].concat())
    }

    /// The day key of a stored row; `None` when another master key wrapped it.
    pub(super) fn unwrap(&self, day: i32, wrapped: &[u8]) -> Option<DayKey> {
        let (nonce, sealed) = split_nonce(wrapped)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let key = self.key.open_in_place(nonce, wrapping(day), &mut sealed).ok()?;
        RandomizedNonceKey::new(&AES_256_GCM, key).ok().map(DayKey)
    }
}

fn random_key() -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    rand::fill(key.as_mut_slice()).ok()?;
    Some(key)
}

fn wrapping(day: i32) -> Aad<[u8; 20]> {
    let mut text = *b"qaqpa day key       ";
    if let Some(place) = text.last_chunk_mut() {
        *place = day.to_be_bytes();
    }
    Aad::from(text)
}

fn split_nonce(sealed: &[u8]) -> Option<(Nonce, &[u8])> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    Some((Nonce::assume_unique_for_key(*nonce), rest))
}

/// One day's key.
pub(super) struct DayKey(RandomizedNonceKey);

impl DayKey {
    /// Compresses and encrypts; `None` only when there is no randomness.
    pub(super) fn seal(&self, id: EntryId, part: Part, content: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = compressed(content).unwrap_or_else(|| plain(content));
        let (head, text) = sealed.split_first_chunk_mut::<HEAD_BYTES>()?;
        let [method, nonce_place @ ..] = head;
        let bound = binding(*method, id, part);
        let (nonce, tag) = self.0.seal_in_place_separate_tag(bound, text).ok()?;
        nonce_place.copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());
        Some(sealed)
    }

    /// Decrypts and expands; `None` for what this key did not seal for this part of this entry.
    pub(super) fn open(&self, id: EntryId, part: Part, sealed: &[u8]) -> Option<Bytes> {
        let (&method, rest) = sealed.split_first()?;
        let (nonce, text) = split_nonce(rest)?;
        let mut text = text.to_vec();
        let text = self.0.open_in_place(nonce, binding(method, id, part), &mut text).ok()?;
        if method == PLAIN {
            return Some(Bytes::copy_from_slice(text));
        }
        // Its size was bounded when it was sealed, and the tag proves that we sealed it.
        block::decompress_size_prepended_with_dict(text, DICTIONARY).ok().map(Bytes::from)
    }
}

/// Room for a sealed content, its method and head written, nothing after them yet.
fn begun(method: u8, text_bytes_max: usize) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEAD_BYTES + text_bytes_max + AES_256_GCM.tag_len());
    sealed.resize(HEAD_BYTES, 0);
    if let Some(first) = sealed.first_mut() {
        *first = method;
    }
    sealed
}

fn plain(content: &[u8]) -> Vec<u8> {
    let mut sealed = begun(PLAIN, content.len());
    sealed.extend_from_slice(content);
    sealed
}

/// `None` where it would not be shorter.
fn compressed(content: &[u8]) -> Option<Vec<u8>> {
    if content.len() < COMPRESS_BYTES_MIN {
        return None;
    }
    let size = u32::try_from(content.len()).ok()?.to_le_bytes();
    let block_bytes_max = block::get_maximum_output_size(content.len());
    let mut sealed = begun(LZ4, size.len() + block_bytes_max);
    sealed.extend_from_slice(&size);
    let start = sealed.len();
    sealed.resize(start + block_bytes_max, 0);
    let block = sealed.get_mut(start..)?;
    let block_bytes = block::compress_into_with_dict(content, block, DICTIONARY).ok()?;
    sealed.truncate(start + block_bytes);
    (size.len() + block_bytes < content.len()).then_some(sealed)
}

fn binding(method: u8, id: EntryId, part: Part) -> Aad<Vec<u8>> {
    Aad::from([&[method], id.0.as_bytes().as_slice(), part.word().as_bytes()].concat())
}

/// Keys of days ahead that are kept in memory, of a clock that jumps ahead and back.
const KEYS_AHEAD_MAX: usize = 2;

/// The day keys in use: today's and yesterday's, and those of a clock that jumped ahead, which push none
/// of them out. Older ones are read each time they are needed, so that erasing one takes effect at once.
#[derive(Default)]
pub(super) struct DayKeys {
    recent: RwLock<BTreeMap<i32, Arc<DayKey>>>,
    /// One task at a time asks the store for a new day's key.
    pub making: tokio::sync::Mutex<()>,
}

impl DayKeys {
    pub(super) fn recent(&self, day: i32) -> Option<Arc<DayKey>> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner).get(&day).cloned()
    }

    /// Keeps the key of this day; `today` is told by a clock that does not jump ahead.
    pub(super) fn keep(&self, today: i32, day: i32, key: DayKey) -> Arc<DayKey> {
        let key = Arc::new(key);
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        // What nobody needs, but for the one that is needed now.
        recent.retain(|kept, _| *kept >= today.min(day) - 1);
        let ahead = recent.split_off(&(today + 1));
        recent.extend(ahead.into_iter().take(KEYS_AHEAD_MAX - 1));
        recent.insert(day, Arc::clone(&key));
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(folder: &Path) -> MasterKey {
        MasterKey::read_or_make(&folder.join("master")).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_for_its_own_entry_and_part_only() {
        let folder = tempfile::tempdir().unwrap();
        let master = master(folder.path());
        let key = master.unwrap(3, &master.wrap_new(3).unwrap()).unwrap();
        let (id, other) = (EntryId::at(1_000), EntryId::at(2_000));
        for content in [&b""[..], b"short", "ұзақ мәтін ".repeat(1_000).as_bytes()] {
            let sealed = key.seal(id, Part::Request, content).unwrap();
            assert_eq!(key.open(id, Part::Request, &sealed).unwrap(), content);
            assert!(key.open(id, Part::Answer, &sealed).is_none());
            assert!(key.open(other, Part::Request, &sealed).is_none());
            for place in 0..sealed.len() {
                let mut bent = sealed.clone();
                bent[place] ^= 1;
                assert!(key.open(id, Part::Request, &bent).is_none(), "byte {place}");
            }
        }
    }

    #[test]
    fn what_was_sealed_opens_later_because_the_dictionary_never_changes() {
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, DICTIONARY);
        let sum = qaqpa_kit::hex::lower(sum.as_ref());
        assert_eq!(sum, "0fa50eaf99676aa17bc73b2755e53cc1eb9ca7fee01bc557a3ece5206ccd61b9");
    }

    #[test]
    fn long_texts_are_stored_compressed_and_noise_is_not_made_longer() {
        let folder = tempfile::tempdir().unwrap();
        let master = master(folder.path());
        let key = master.unwrap(3, &master.wrap_new(3).unwrap()).unwrap();
        let id = EntryId::at(1_000);
        assert!(key.seal(id, Part::Answer, &[b'x'; 10_000]).unwrap().len() < 500);
        let mut noise = [0; 1_000];
        rand::fill(&mut noise).unwrap();
        assert_eq!(key.seal(id, Part::Answer, &noise).unwrap().len(), 1_000 + 29);
    }

    #[test]
    fn a_day_key_opens_with_its_master_key_and_day_only() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let wrapped = master(here.path()).wrap_new(3).unwrap();
        assert!(master(here.path()).unwrap(3, &wrapped).is_some(), "the file is made once");
        assert!(master(here.path()).unwrap(4, &wrapped).is_none());
        assert!(master(there.path()).unwrap(3, &wrapped).is_none());
    }

    #[test]
    fn a_made_master_key_is_readable_by_its_owner_alone_and_a_short_one_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = master(folder.path()).file;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, b"short").unwrap();
        let error = MasterKey::read(&file).err().unwrap().to_string();
        assert!(error.contains("32 bytes") && error.contains("master"), "{error}");
    }

    #[test]
    fn only_the_last_two_days_keys_are_kept_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let master = master(folder.path());
        let keys = DayKeys::default();
        let today = 20_000;
        let days = [today - 2, today - 1, today];
        for day in days {
            keys.keep(today, day, master.unwrap(day, &master.wrap_new(day).unwrap()).unwrap());
        }
        assert_eq!(days.map(|day| keys.recent(day).is_some()), [false, true, true]);
    }

    #[test]
    fn a_clock_that_jumps_ahead_and_back_pushes_todays_key_out_never() {
        let folder = tempfile::tempdir().unwrap();
        let master = master(folder.path());
        let keys = DayKeys::default();
        let today = 20_000;
        let keep = |day| {
            keys.keep(today, day, master.unwrap(day, &master.wrap_new(day).unwrap()).unwrap());
            assert!(keys.recent(day).is_some(), "the one that is needed now");
        };
        keep(today - 1);
        keep(today);
        for ahead in 1..100 {
            keep(today + ahead);
            assert!(keys.recent(today - 1).is_some() && keys.recent(today).is_some(), "{ahead}");
        }
        let kept = keys.recent.read().unwrap().len();
        assert_eq!(kept, 2 + KEYS_AHEAD_MAX, "those ahead are few");
    }
}
