//! `[reconcile]` checked: folders, and that a bank is there whose registers could come.

use super::inspector::Inspector;
use crate::config::document::Document;
use crate::config::raw;
use crate::config::settings::Reconcile;
use std::time::Duration;

/// What takes registers in by itself; `None`: nothing does.
pub(super) fn check(
    inspector: &mut Inspector<'_>,
    gateway: &Document<raw::Gateway>,
) -> Option<Reconcile> {
    let raw = &gateway.raw.reconcile;
    let place = gateway.source.top().key("reconcile");
    let named = |key: &str, folder: &str| (!folder.is_empty()).then(|| place.key(key).path(folder));
    let watched = named("folder", &raw.folder);
    let Some(data_folder) = named("data_folder", &raw.data_folder) else {
        if watched.is_some() {
            let wrong = "runs of what comes there have no folder for their reports";
            inspector.error(&place.key("folder"), wrong, "name data_folder too");
        }
        return None;
    };
    Some(Reconcile {
        data_folder,
        watched,
        register_bytes_max: raw.register_bytes_max,
        waiting_max: raw.waiting_max,
        look_pause: Duration::from_millis(raw.look_pause_ms),
    })
}
