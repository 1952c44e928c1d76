//! Callers that call all the time, each of its calls on a connection of its own, while something else happens.

use crate::caller::{Caller, PERSON, PERSONS, text};
use crate::support::Ground;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Calls without a pause from several callers until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    pub answered: Arc<AtomicUsize>,
    pub failed: Arc<AtomicUsize>,
    callers: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    pub fn start(ground: &Ground, url: &str, ids: &[&'static str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let [answered, failed] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let callers = ids.iter().map(|id| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            let failures = Arc::clone(&failed);
            let caller = Caller::new(&ground.scratch, url, id, Some(id));
            tokio::spawn(async move {
                let mut failed = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let body = caller.sign(&caller.message(PERSONS, PERSON));
                    match caller.client.post(body).await {
                        Ok(posted) if posted.http_status == 200 => {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(posted) => failed.push(text(&posted)),
                        Err(failure) => failed.push(failure.to_string()),
                    }
                    failures.fetch_max(failed.len(), Ordering::Relaxed);
                }
                failed
            })
        });
        Self { callers: callers.collect(), stop, answered, failed }
    }

    /// Ends it; the calls answered, and what was wrong with the others.
    pub async fn end(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failed = Vec::new();
        for caller in self.callers {
            failed.extend(caller.await.unwrap());
        }
        (self.answered.load(Ordering::Relaxed), failed)
    }
}
