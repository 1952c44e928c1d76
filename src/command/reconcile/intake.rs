//! Registers taken in beside a running gateway, in its process and off its hot path.

use crate::config::settings::Settings;
use crate::proxy::Gateway;
use crate::reconcile::desk::{self, Desk};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What takes registers in, while the gateway runs; nothing, where none are taken in.
pub struct Intake {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Intake {
    /// Begins, where `[reconcile]` names a folder and payments are taken.
    #[must_use]
    pub fn start(settings: &Settings, gate: &Gateway) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = settings.reconcile.clone().zip(gate.payments()).map(|(reconcile, payments)| {
            let intake = desk::intake::Intake {
                desk: Desk {
                    payments: payments.clone(),
                    journal: gate.journal.clone(),
                    node: settings.node.id.clone(),
                },
                banks: settings.payments.banks.clone(),
                settings: reconcile,
            };
            tokio::spawn(intake.work(stopped))
        });
        Self { stop, task }
    }

    /// Begins nothing more; a run under way is run again by the next life.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task {
            drop(task.await);
        }
    }
}
