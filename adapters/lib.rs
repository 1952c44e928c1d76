//! The one list of adapters: adding an agency is one folder and one line here.

use qaqpa_kit::adapter::Adapter;
use qaqpa_kit::manifest::Manifest;
use std::sync::Arc;

/// Every adapter of the house, in alphabetical order.
#[must_use]
pub fn all() -> Vec<Arc<dyn Adapter>> {
    Vec::new()
}

/// The adapter of that id.
#[must_use]
pub fn find(id: &str) -> Option<Arc<dyn Adapter>> {
    all().into_iter().find(|adapter| adapter.manifest().id == id)
}

/// An adapter for an agency that needs no code.
#[must_use]
pub fn passthrough(manifest: Manifest) -> Arc<dyn Adapter> {
    let _ = manifest;
    todo!()
}
