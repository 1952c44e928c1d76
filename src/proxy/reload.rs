//! A change of configuration under load: built and checked beside what runs, taken in one step or not at all.

use super::build::{self, Lasting};
use super::clerk::Clerk;
use super::start::{Running, StartError};
use super::trace;
use crate::config::fixed;
use crate::config::settings::Settings;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::spawn_blocking;

/// Why a configuration was not taken; the one before runs on, untouched.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Sockets, stores and the caps built into both last as long as the process.
    #[error("{0} cannot change while the node runs: restart it (a rolling restart loses no call)")]
    NeedsRestart(String),
    #[error(transparent)]
    Build(#[from] StartError),
    #[error("the configuration could not be built: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Running {
    /// Takes a changed configuration: participants, services, agencies, quotas, keys, certificates and
    /// trust. Calls under way end by the old one, those that begin afterwards go by the new one; what is
    /// spent, in flight or known of an agency stays. Certificates of the doors serve the next handshake.
    ///
    /// # Errors
    /// Nothing changed: a key that needs a restart, or a file that cannot be used.
    pub async fn reload(&mut self, settings: Settings) -> Result<(), ReloadError> {
        let result = self.take(settings).await;
        let figures = &self.gate.metrics.reload;
        match &result {
            Ok(()) => figures.taken(trace::now_unix_s(), false),
            Err(_) => {
                figures.refused();
                // What was made ready for the refused one is counted no more.
                self.gate.metrics.extend(&self.gate.settings);
            }
        }
        result
    }

    async fn take(&mut self, settings: Settings) -> Result<(), ReloadError> {
        let differing = fixed::differing(&self.gate.settings, &settings);
        if !differing.is_empty() {
            return Err(ReloadError::NeedsRestart(differing.join(", ")));
        }
        let settings = Arc::new(settings);
        let lasting = Lasting {
            journal: self.gate.journal.clone(),
            payments: self.gate.payments().cloned(),
            metrics: Arc::clone(&self.gate.metrics),
        };
        let (before, doors) = (Arc::clone(&self.gate), self.tls.clone());
        let (gate, made) = spawn_blocking(move || {
            let gate = build::build(&settings, lasting, Some(&before))?;
            let made = settings.listeners.iter().zip(&doors).map(|(listener, tls)| {
                tls.as_ref().map(|tls| tls.make(listener)).transpose().map_err(StartError::from)
            });
            let made = made.collect::<Result<Vec<_>, _>>()?;
            Ok::<_, StartError>((Arc::new(gate), made))
        })
        .await??;
        // From here on nothing can fail.
        gate.metrics.forget(&self.gate.settings, &gate.settings);
        build::tell_certificates(&gate.settings, &gate.metrics);
        self.current.renew(Arc::clone(&gate));
        for (tls, made) in self.tls.iter().zip(made) {
            if let (Some(tls), Some(made)) = (tls, made) {
                tls.renew(made);
            }
        }
        let clerk = gate.payments().map(|payments| Clerk::start(&gate, payments));
        if let Some(before) = std::mem::replace(&mut self.clerk, clerk) {
            // What it has under way it ends, as another node would beside the new one.
            let deadline = Instant::now() + gate.settings.limits.drain_deadline;
            tokio::spawn(async move { before.stop(deadline).await });
        }
        self.gate = gate;
        Ok(())
    }
}
