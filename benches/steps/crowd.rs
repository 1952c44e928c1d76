//! One caller and one service among many: what finding them costs.

use super::messages::Fallible;
use qaqpa::command::demo::scratch::{Endpoints, Scratch};
use qaqpa::config::load::load;
use qaqpa::config::settings::Settings;
use qaqpa::proxy::admit::Admission;
use qaqpa::proxy::identify::Callers;
use qaqpa::proxy::listener::Peer;
use qaqpa::proxy::{admit::Permit, route};
use qaqpa::sign::certificate::CertificateCache;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::ids::Bin;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

const SERVICE: &str = "GBDFL_UniversalServiceSync";
const NOW_UNIX_S: i64 = 1_795_590_000;

/// Writes the demo's installation with so many services and participants more.
pub(super) fn write(folder: &Path, services: usize, participants: usize) -> Fallible<()> {
    let scratch = Scratch::prepare(folder)?;
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let endpoints = Endpoints { persons: nowhere, companies: nowhere, addresses: nowhere };
    scratch.write(&endpoints, None)?;
    let path = scratch.config.join("services.toml");
    let mut text = fs::read_to_string(&path)?;
    let name = "name = { kk = \"t\", ru = \"t\", en = \"t\" }\n";
    for number in 0..services {
        if number % 100 == 0 {
            let _ok = write!(
                text,
                "\n[agency.office_{number}]\nadapter = \"passthrough\"\nwire = \"rest\"\n{name}\
                 endpoint = \"http://{nowhere}/\"\nanswer_signed = false\n"
            );
        }
        let agency = number - number % 100;
        let _ok = write!(
            text,
            "[agency.office_{agency}.service.Office_{number}]\n{name}idempotent = true\n\
             done_codes = [\"200\"]\nrefused_codes = [\"404\"]\n"
        );
    }
    fs::write(&path, text)?;
    let template = fs::read_to_string(scratch.config.join("participants/bank.toml"))?;
    // Proved by a BIN of its own; a certificate each would only take time to make.
    for (number, bin) in (0..).filter_map(bin_of).enumerate().take(participants) {
        let text =
            template.lines().take_while(|line| !line.starts_with("[[certificate]]")).map(|line| {
                match line.split_once(" = ") {
                    Some(("id", _)) => format!("id = \"crowd_{number}\"\n"),
                    Some(("sender_id", _)) => format!("sender_id = \"crowd_{number}\"\n"),
                    Some(("bin", _)) => format!("bin = \"{bin}\"\n"),
                    Some(("services", _)) => format!("services = [\"{SERVICE}\"]\n"),
                    _ => format!("{line}\n"),
                }
            });
        let text: String = text.collect();
        fs::write(scratch.config.join(format!("participants/crowd_{number}.toml")), text)?;
    }
    Ok(())
}

/// A BIN of a made-up kind with that number, where a last digit checks it.
fn bin_of(number: usize) -> Option<String> {
    (0..10)
        .map(|check| format!("200141{number:05}{check}"))
        .find(|bin| Bin::parse(bin, true).is_ok())
}

/// An installation, and the portal's certificate as a connection shows it.
pub(super) struct Crowd {
    settings: Arc<Settings>,
    callers: Callers,
    admission: Admission,
    certificates: CertificateCache,
    certificate: CertificateDer<'static>,
    runtime: Runtime,
}

impl Crowd {
    pub(super) fn load(folder: &Path) -> Fallible<Self> {
        let settings = Arc::new(load(&folder.join("config"))?);
        let certificate = CertificateDer::from_pem_file(folder.join("pki/portal.cert.pem"))?;
        Ok(Self {
            callers: Callers::new(Arc::clone(&settings)),
            admission: Admission::new(&settings),
            settings,
            certificates: CertificateCache::default(),
            certificate,
            runtime: Builder::new_current_thread().enable_time().build()?,
        })
    }

    /// Identifies the caller of a new connection, finds the service, lets the call in.
    pub(super) fn find(&self) -> Result<Permit, Fault> {
        let peer = Peer::new(self.certificate.clone(), Vec::new());
        let (peer, certificates) = (Some(&peer), &self.certificates);
        let caller = self.callers.identify_by_certificate(peer, certificates, NOW_UNIX_S)?;
        let service = route::find(&self.settings, SERVICE, "");
        let unknown = || Fault::new(Code::GatewayBug, Phase::Route, "service_id");
        let service = service.ok_or_else(unknown)?;
        let deadline = Instant::now() + Duration::from_secs(1);
        self.runtime.block_on(self.admission.admit(&caller.participant, service, deadline))
    }
}
