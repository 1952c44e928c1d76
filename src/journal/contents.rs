//! Bodies and stored answers on their way in and out: under which key, on which thread.

use super::down::{JournalDown, JournalError, Why};
use super::entry::{Closed, EntryId};
use super::group::{Job, NewDayKey};
use super::seal::{DayKey, MasterKey, Part};
use super::{Journal, PATIENCE, SMALL_BYTES_MAX, embedded, settings, wait};
use crate::config::settings::Store;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A content that the journal was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// None was kept: by policy, or because there was none.
    Absent,
    /// Its day's key was erased, and it with it.
    Erased,
    Kept(Bytes),
}

/// The master key of the settings; an embedded store without one makes its own.
pub(super) fn master_key(settings: &settings::Journal) -> Result<MasterKey, JournalError> {
    match (&settings.master_key_file, &settings.store) {
        (Some(file), _) => MasterKey::read(file),
        (None, Store::Embedded { path }) => {
            MasterKey::read_or_make(&embedded::beside(path, "master"))
        }
        (None, Store::Postgres { .. }) => Err(JournalError::MasterKeyMissing),
    }
}

/// Seals a request; a big one on a thread that may block. An empty one is not kept.
pub(super) async fn seal(key: Arc<DayKey>, id: EntryId, content: Bytes) -> Option<Vec<u8>> {
    if content.is_empty() {
        return None;
    }
    if content.len() <= SMALL_BYTES_MAX {
        return key.seal(id, Part::Request, &content);
    }
    let sealed = tokio::task::spawn_blocking(move || key.seal(id, Part::Request, &content));
    sealed.await.ok().flatten()
}

impl Journal {
    /// What the entry's caller sent or got.
    ///
    /// # Errors
    /// When the store cannot be read now.
    pub async fn body(&self, id: EntryId, part: Part) -> Result<Body, JournalDown> {
        let Some(sealed) = self.inner.reader.body(id, part).await? else {
            return Ok(Body::Absent);
        };
        Ok(self.unseal(id, part, &sealed).await?.map_or(Body::Erased, Body::Kept))
    }

    /// Opens a sealed content; `None` when its day's key is erased.
    pub(super) async fn unseal(
        &self,
        id: EntryId,
        part: Part,
        sealed: &[u8],
    ) -> Result<Option<Bytes>, JournalDown> {
        let day = id.day();
        let key = match self.inner.day_keys.recent(day) {
            Some(key) => Some(key),
            None => match self.inner.reader.day_key(Some(day)).await? {
                Some((_, wrapped)) => self.inner.master.unwrap(day, &wrapped).map(Arc::new),
                None => None,
            },
        };
        Ok(key.and_then(|key| key.open(id, part, sealed)))
    }

    /// Ends an entry with the next group, for those who cannot wait.
    pub fn close_soon(&self, closed: Closed) {
        // Refused only by a journal that has stopped; the next start closes the entry as interrupted.
        drop(self.send_close(closed, None));
    }

    /// Seals an answer by the key that its opening made; an empty one is not kept.
    pub(super) fn seal_answer(&self, id: EntryId, content: &[u8]) -> Option<Vec<u8>> {
        if content.is_empty() {
            return None;
        }
        self.inner.day_keys.recent(id.day())?.seal(id, Part::Answer, content)
    }

    /// The key of a day, made in the store where there is none yet.
    pub(super) async fn day_key(&self, day: i32) -> Result<Arc<DayKey>, JournalDown> {
        if let Some(key) = self.inner.day_keys.recent(day) {
            return Ok(key);
        }
        // Boxed: it is made once a day. While the store hangs, nobody waits behind others for longer than they.
        let made = timeout(PATIENCE, Box::pin(self.make_day_key(day))).await;
        made.unwrap_or_else(|_| {
            Err(JournalDown::new(Why::Slow, "no key of the day within a second"))
        })
    }

    async fn make_day_key(&self, day: i32) -> Result<Arc<DayKey>, JournalDown> {
        let _making = self.inner.day_keys.making.lock().await;
        if let Some(key) = self.inner.day_keys.recent(day) {
            return Ok(key);
        }
        let broken = |cause: &str| JournalDown::new(Why::Broken, cause);
        let wrapped = self.inner.master.wrap_new(day).ok_or_else(|| broken("no randomness"))?;
        let (answer, stored) = oneshot::channel();
        self.order(Job::DayKey(NewDayKey { day, wrapped, answer }))?;
        let stored = wait(stored).await?;
        let key = self.inner.master.unwrap(day, &stored);
        let key = key.ok_or_else(|| broken("the day's key was wrapped by another master key"))?;
        Ok(self.inner.day_keys.keep(self.inner.clock.day(), day, key))
    }
}
