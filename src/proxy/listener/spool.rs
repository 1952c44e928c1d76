//! Where bodies are counted, and large ones wait while they arrive: files without a name, so nothing is left behind.

use super::answer::AnswerBody;
use super::arriving::{BodyError, RequestBody};
use super::budget::{Budget, Room};
use super::crowd::{Crowd, Seat};
use crate::config::settings::Limits;
use crate::ops::metrics::DoorFigures;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use prometheus::IntGauge;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Room made ahead for a body of several pieces: what it says of its length is believed so far, which is
/// as much as a connection's own buffers take. It is counted only as it fills.
const AHEAD_BYTES_MAX: usize = 16 * 1024;

/// Memory and disk for the bodies of one door.
#[derive(Debug)]
pub(super) struct Spool {
    memory: Arc<Budget>,
    disk: Arc<Budget>,
    /// Answers that their callers have not taken.
    unsent: Arc<Budget>,
    /// Bytes on disk by whose they are.
    holders: Arc<Crowd<Arc<str>>>,
    holder_bytes_max: usize,
    memory_bytes_max: usize,
    folder: Option<PathBuf>,
}

/// An answer and its part of what may be unsent.
struct Unsent {
    bytes: Bytes,
    _room: Room,
}

impl AsRef<[u8]> for Unsent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body in the spool.
struct Waiting {
    file: File,
    bytes: usize,
    room: Room,
    /// Its holder's share, piece by piece.
    shares: Vec<Seat<Arc<str>>>,
}

impl Spool {
    pub(super) fn new(limits: &Limits, figures: &DoorFigures) -> Self {
        let budget = |bytes_max, gauge: &IntGauge| Arc::new(Budget::new(bytes_max, gauge.clone()));
        let disk_bytes_max = usize::try_from(limits.spool_bytes_max).unwrap_or(usize::MAX);
        Self {
            memory: budget(limits.in_flight_bytes_max, &figures.in_flight_bytes),
            disk: budget(disk_bytes_max, &figures.spool_bytes),
            unsent: budget(limits.in_flight_bytes_max, &figures.unsent_bytes),
            holders: Arc::default(),
            holder_bytes_max: usize::try_from(limits.spool_bytes_per_participant_max)
                .unwrap_or(usize::MAX),
            memory_bytes_max: limits.body_memory_bytes_max,
            folder: limits.spool_folder.clone(),
        }
    }

    /// Room in memory, still empty.
    pub(super) fn room(&self) -> Room {
        self.memory.room()
    }

    /// Whether so much waits for callers who do not take their answers that no more shall come of it.
    pub(super) fn is_held_up(&self) -> bool {
        self.unsent.is_full()
    }

    /// An answer, counted until its last byte is taken or its connection ends.
    pub(super) fn counted(&self, answer: AnswerBody) -> AnswerBody {
        answer.mapped(|bytes| {
            let mut room = self.unsent.room();
            room.hold(bytes.len());
            Bytes::from_owner(Unsent { bytes, _room: room })
        })
    }

    /// Fails where no file can be made, so that a wrong folder is found at start.
    pub(super) fn try_out(&self) -> io::Result<()> {
        file(self.folder.as_ref()).map(drop)
    }

    /// Receives a body to its end. What exceeds `body_memory_bytes_max` waits on disk until the whole
    /// is there: a slow caller of a large body holds little memory. `holder` is whose body it is.
    pub(super) async fn receive(
        &self,
        body: &mut RequestBody,
        holder: impl Fn() -> Arc<str>,
    ) -> Result<(Bytes, Room), BodyError> {
        let mut room = self.memory.room();
        let mut whole = Bytes::new();
        let mut joined = BytesMut::new();
        let mut waiting = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if !room.take(data.len()) {
                return Err(BodyError::Full);
            }
            if whole.is_empty() && joined.is_empty() {
                // Most requests are one piece: no copy.
                whole = data;
                continue;
            }
            if joined.is_empty() {
                let ahead = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
                joined.reserve(whole.len() + data.len() + ahead.min(AHEAD_BYTES_MAX));
            }
            joined.extend_from_slice(&std::mem::take(&mut whole));
            joined.extend_from_slice(&data);
            if joined.len() >= self.memory_bytes_max {
                let put = self.put(waiting, holder(), joined.split());
                waiting = Some(Box::pin(put).await?);
                room.clear();
            }
        }
        let tail = if joined.is_empty() { whole } else { joined.freeze() };
        match waiting {
            None => Ok((tail, room)),
            Some(waiting) => Box::pin(take(waiting, tail, room)).await,
        }
    }

    async fn put(
        &self,
        waiting: Option<Waiting>,
        holder: Arc<str>,
        piece: BytesMut,
    ) -> Result<Waiting, BodyError> {
        let share = self.holders.enter_many(holder, piece.len(), self.holder_bytes_max);
        let share = share.ok_or(BodyError::SpoolShare)?;
        let mut next = match waiting {
            Some(waiting) => waiting,
            None => {
                let folder = self.folder.clone();
                let file = blocking(move || file(folder.as_ref())).await?;
                Waiting { file, bytes: 0, room: self.disk.room(), shares: Vec::new() }
            }
        };
        if !next.room.take(piece.len()) {
            return Err(BodyError::SpoolFull);
        }
        next.shares.push(share);
        blocking(move || {
            next.file.write_all(&piece)?;
            next.bytes += piece.len();
            Ok(next)
        })
        .await
    }
}

/// Loads a body that is complete, where memory has room for it.
async fn take(
    mut waiting: Waiting,
    tail: Bytes,
    mut room: Room,
) -> Result<(Bytes, Room), BodyError> {
    if !room.take(waiting.bytes) {
        return Err(BodyError::Full);
    }
    blocking(move || {
        let mut whole = Vec::with_capacity(waiting.bytes + tail.len());
        waiting.file.rewind()?;
        waiting.file.read_to_end(&mut whole)?;
        if whole.len() != waiting.bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        whole.extend_from_slice(&tail);
        Ok((Bytes::from(whole), room))
    })
    .await
}

fn file(folder: Option<&PathBuf>) -> io::Result<File> {
    match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    }
}

/// Disks are slow: they have threads of their own.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> Result<R, BodyError> {
    let done = spawn_blocking(work).await.map_err(io::Error::other);
    done.and_then(|result| result).map_err(|error| {
        tracing::error!(%error, "the spool of large bodies fails");
        BodyError::SpoolFull
    })
}
