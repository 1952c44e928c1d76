//! What must stay current: trust files and lists on the disk, lists by address, answers of responders.

use super::Revocation;
use crate::proxy::current::Current;
use crate::sign::pem;
use crate::upstream::{Upstream, UpstreamRequest};
use bytes::Bytes;
use hyper::{HeaderMap, Method};
use jiff::Timestamp;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How often is looked what is due. A change on the disk works within twice of it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// For a list to arrive.
const LIST_DEADLINE: Duration = Duration::from_secs(60);

/// Bytes of one trust file.
const TRUST_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub(super) fn now_unix_s() -> i64 {
    Timestamp::now().as_second()
}

/// What tells one state of a file from another: device, inode, bytes, time of change; `None`: no file.
type Seen = Option<(u64, u64, u64, i64, i64)>;

fn seen(path: &Path) -> Seen {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// A file of bounded size. What is no file is not opened: a pipe would be waited for.
pub(super) fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Keeps revocation current until it is stopped.
pub struct Refresh(JoinHandle<()>);

impl Refresh {
    /// Begins; the lists of files are read first.
    pub async fn start(current: &Arc<Current>) -> Self {
        let revocation = Arc::clone(&current.gate().revocation);
        tell_trust(&revocation.trust);
        let mut watch = Watch::new(revocation);
        watch.read_lists().await;
        let current = Arc::clone(current);
        Self(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK_EVERY);
            loop {
                ticks.tick().await;
                let revocation = Arc::clone(&current.gate().revocation);
                if !Arc::ptr_eq(&revocation, &watch.revocation) {
                    tell_trust(&revocation.trust);
                    watch = Watch::new(revocation);
                }
                watch.look().await;
            }
        }))
    }

    /// Ends it.
    pub fn stop(self) {
        self.0.abort();
    }
}

struct Watch {
    revocation: Arc<Revocation>,
    trust: Vec<Seen>,
    lists: Vec<Seen>,
    /// When each address was asked last.
    fetched: Vec<Option<Instant>>,
}

impl Watch {
    fn new(revocation: Arc<Revocation>) -> Self {
        if let Some(kept) = &revocation.kept {
            kept.remember(&revocation.trust);
        }
        Self {
            trust: revocation.settings.files.iter().map(|path| seen(path)).collect(),
            lists: vec![None; revocation.settings.crl_files.len()],
            fetched: vec![None; revocation.lists.len()],
            revocation,
        }
    }

    async fn look(&mut self) {
        self.read_trust();
        self.read_lists().await;
        self.fetch_lists();
        self.ask_ahead();
        self.keep_late();
        let revocation = &self.revocation;
        let figures = &revocation.metrics.revocation;
        figures.shelf(&revocation.trust.shelf(), now_unix_s());
        figures.statuses.set(i64::try_from(revocation.memory.len()).unwrap_or(i64::MAX));
        let now = Instant::now();
        let ways = revocation.responder.iter().chain(revocation.named.iter().map(|(_, way)| way));
        ways.chain(&revocation.lists).for_each(|way| way.sweep(now));
    }

    /// Trust files that changed take the place of those in use, all together or not at all.
    fn read_trust(&mut self) {
        let files = &self.revocation.settings.files;
        let now: Vec<Seen> = files.iter().map(|path| seen(path)).collect();
        if now == self.trust {
            return;
        }
        self.trust = now;
        let all: io::Result<Vec<_>> = files
            .iter()
            .map(|path| Ok((path.display(), read(path, TRUST_FILE_BYTES_MAX)?)))
            .collect();
        match all.map(|all| self.revocation.trust.swap(all)) {
            Ok(Ok(())) => {
                tell_trust(&self.revocation.trust);
                // Authorities may have come whose lists were refused before.
                self.lists.fill(None);
                self.fetched.fill(None);
            }
            Ok(Err(error)) => tracing::error!(%error, "trust files stay as they were"),
            Err(error) => tracing::error!(%error, "trust files stay as they were"),
        }
    }

    async fn read_lists(&mut self) {
        let revocation = Arc::clone(&self.revocation);
        let bytes_max = revocation.settings.crl_bytes_max as u64;
        for (path, last) in revocation.settings.crl_files.iter().zip(&mut self.lists) {
            let now = seen(path);
            if now.is_some() && now == *last {
                continue;
            }
            let is_new = now != *last;
            *last = now;
            match read(path, bytes_max) {
                Ok(bytes) => take(&revocation, bytes.into(), path.display().to_string()).await,
                Err(error) if is_new => {
                    revocation.metrics.revocation.crl("unreachable");
                    tracing::error!(%error, list = %path.display(), "a revocation list is missing");
                }
                Err(_) => {}
            }
        }
    }

    fn fetch_lists(&mut self) {
        let every = self.revocation.settings.crl_refresh;
        for (place, last) in self.fetched.iter_mut().enumerate() {
            if last.is_some_and(|at| at.elapsed() < every) {
                continue;
            }
            *last = Some(Instant::now());
            let revocation = Arc::clone(&self.revocation);
            tokio::spawn(async move {
                let url = revocation.settings.crl_urls.get(place);
                if let (Some(url), Some(way)) = (url, revocation.lists.get(place)) {
                    fetch(&revocation, way, url).await;
                }
            });
        }
    }

    /// What could not be written of the lists before, on a disk that was full.
    fn keep_late(&self) {
        if self.revocation.kept.as_ref().is_some_and(|kept| kept.is_behind()) {
            let revocation = Arc::clone(&self.revocation);
            tokio::task::spawn_blocking(move || revocation.keep());
        }
    }

    /// Asks anew about certificates in use before their answers end; calls do not wait for it.
    fn ask_ahead(&self) {
        let revocation = &self.revocation;
        let now = now_unix_s();
        for known in revocation.memory.all() {
            if known.is_due(now, revocation.settings.ocsp_refresh)
                && let Some(way) = revocation.way(&known.certificate)
            {
                let subject = (Arc::clone(&known.certificate), Arc::clone(&known.issuer));
                // Where too many are under way, the next look comes soon.
                let _is_begun = revocation.begin(way, subject).is_ok();
            }
        }
    }
}

async fn fetch(revocation: &Arc<Revocation>, way: &Arc<Upstream>, url: &str) {
    let request = Box::new(UpstreamRequest {
        method: Method::GET,
        path: String::new(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        may_repeat: true,
    });
    match way.send(request, Instant::now() + LIST_DEADLINE).await {
        Ok(answer) if answer.status == 200 => take(revocation, answer.body, url.to_owned()).await,
        Ok(answer) => {
            revocation.metrics.revocation.crl("unreachable");
            tracing::error!(status = answer.status, list = url, "no revocation list came");
        }
        Err(error) => {
            revocation.metrics.revocation.crl("unreachable");
            tracing::error!(%error, list = url, "no revocation list came");
        }
    }
}

/// Puts one list on the shelf; twenty megabytes are read beside the calls, not between them.
async fn take(revocation: &Arc<Revocation>, bytes: Bytes, source: String) {
    let own = Arc::clone(revocation);
    let read = tokio::task::spawn_blocking(move || {
        let der = der_of(bytes).map_err(|cause| (source.clone(), cause))?;
        let now_unix_s = now_unix_s();
        match own.trust.shelve(&der, now_unix_s) {
            Ok(crl) => {
                own.keep();
                Ok((source, crl))
            }
            Err(error) => Err((source, error.to_string())),
        }
    });
    let figures = &revocation.metrics.revocation;
    match read.await {
        Ok(Ok((list, crl))) => {
            figures.crl("taken");
            tracing::info!(
                list,
                entries = crl.entries(),
                is_delta = crl.is_delta(),
                "a revocation list"
            );
        }
        Ok(Err((list, error))) => {
            figures.crl("refused");
            tracing::error!(list, error, "a revocation list is not used");
        }
        Err(error) => tracing::error!(%error, "a revocation list could not be read"),
    }
}

fn der_of(bytes: Bytes) -> Result<Bytes, String> {
    if !bytes.starts_with(b"-----BEGIN") {
        return Ok(bytes);
    }
    let blocks = pem::blocks(&bytes)?;
    let list = blocks.into_iter().find(|block| block.label == "X509 CRL");
    list.map(|block| Bytes::from(block.der.to_vec())).ok_or_else(|| "no X509 CRL in it".to_owned())
}

/// Says which certificates are believed, so that people can compare them with what was made public.
fn tell_trust(trust: &crate::sign::Trust) {
    for loaded in trust.loaded() {
        let (file, role, sha256) = (&loaded.file, loaded.role.word(), loaded.sha256());
        tracing::info!(file, role, sha256, "a certificate of the trust files");
    }
}
