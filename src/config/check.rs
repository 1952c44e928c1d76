//! Raw → Settings: every mistake at once. Pure: what it needs of the disk, the door hands in.

mod credentials;
mod gateway;
mod inspector;
mod participants;
mod services;

pub use credentials::SeenCertificate;

use super::document::Document;
use super::finding::{ConfigErrors, Finding, Findings};
use super::raw;
use super::settings::Settings;
use inspector::Inspector;
use qaqpa_kit::adapter::Adapter;
use std::io;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A configuration found valid.
#[derive(Debug)]
pub struct Inspection {
    pub settings: Settings,
    /// What works but should not stay so, in the order of files and lines.
    pub warnings: Vec<Finding>,
    /// Every certificate that the configuration names, with its end.
    pub certificates: Vec<SeenCertificate>,
}

/// One installation as written.
#[derive(Debug, Default)]
pub(super) struct Installation {
    pub(super) gateway: Document<raw::Gateway>,
    pub(super) services: Document<raw::Services>,
    pub(super) participants: Vec<Document<raw::Participant>>,
}

/// A file that the configuration names.
pub(super) struct FileContent {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Everyone on this machine may read it.
    pub(super) is_world_readable: bool,
}

/// What a check needs of the world outside.
pub(super) struct World<'w> {
    /// Reads a file named in the configuration; of bounded size.
    pub(super) read: &'w dyn Fn(&Path) -> io::Result<FileContent>,
    /// Adapters of this build.
    pub(super) adapters: &'w [Arc<dyn Adapter>],
}

/// Checks one installation as a whole.
pub(super) fn check(
    installation: &Installation,
    world: &World<'_>,
    findings: Findings,
) -> Result<Inspection, ConfigErrors> {
    let mut inspector = Inspector::new(world, findings);
    let node = gateway::check(&mut inspector, &installation.gateway);
    let offer = services::check(&mut inspector, &installation.services, &installation.gateway.raw);
    let participants =
        participants::check(&mut inspector, &installation.participants, &offer, node.has_mutual);
    let (findings, certificates) = inspector.finish();
    let warnings = findings.settle()?;
    let settings = Settings {
        node: node.node,
        listeners: node.listeners,
        ops: node.ops,
        limits: node.limits,
        signing: node.signing,
        trust: node.trust,
        journal: node.journal,
        participants,
        agencies: offer.agencies,
        services: offer.services,
    };
    Ok(Inspection { settings, warnings, certificates })
}
