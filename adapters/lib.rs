//! The one list of adapters: adding an agency is one folder and one line here.

pub mod acquiring;
pub mod address_register;
#[cfg(test)]
mod banks;
pub mod gbd_fl;
pub mod gbd_ul;
pub mod iso20022;
pub mod osmp;
mod passthrough;
pub mod payments;
pub mod provider;
pub mod pshep;
#[cfg(test)]
mod trial;
#[cfg(test)]
mod twins;

pub use passthrough::Passthrough;

use qaqpa_kit::adapter::Adapter;
use qaqpa_kit::manifest::{Manifest, ManifestError};
use std::sync::{Arc, LazyLock};

/// Manifests are read once. One that cannot be read would leave its agency out; the test below holds
/// every folder against this list, so that cannot be built.
static ADAPTERS: LazyLock<Vec<Arc<dyn Adapter>>> = LazyLock::new(|| {
    [
        shared(acquiring::Acquiring::new()),
        shared(address_register::AddressRegister::new()),
        shared(gbd_fl::GbdFl::new()),
        shared(gbd_ul::GbdUl::new()),
        shared(iso20022::Iso20022::new()),
        shared(osmp::Osmp::new()),
        shared(payments::Payments::new()),
        shared(provider::CheckPay::new()),
        shared(pshep::Pshep::new()),
    ]
    .into_iter()
    .flatten()
    .collect()
});

fn shared(adapter: Result<impl Adapter + 'static, ManifestError>) -> Option<Arc<dyn Adapter>> {
    adapter.ok().map(|adapter| Arc::new(adapter) as Arc<dyn Adapter>)
}

/// Every adapter of the house, in alphabetical order.
#[must_use]
pub fn all() -> Vec<Arc<dyn Adapter>> {
    ADAPTERS.clone()
}

/// The adapter of that id.
#[must_use]
pub fn find(id: &str) -> Option<Arc<dyn Adapter>> {
    ADAPTERS.iter().find(|adapter| adapter.manifest().id == id).cloned()
}

/// An adapter for an agency that needs no code.
#[must_use]
pub fn passthrough(manifest: Manifest) -> Arc<dyn Adapter> {
    Arc::new(Passthrough::new(manifest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::adapter::{Answer, EnvelopeAnswer, ErrorInfo, HttpAnswer};
    use qaqpa_kit::fault::{Language, Outcome};
    use qaqpa_kit::xml::{Document, Limits};
    use std::collections::BTreeSet;
    use std::{fs, path::Path};

    const FILES: [&str; 5] = ["adapter.toml", "mod.rs", "samples", "simulator.rs", "wire.rs"];

    fn folders() -> Vec<String> {
        let mut folders: Vec<_> = entries(Path::new(env!("CARGO_MANIFEST_DIR")))
            .into_iter()
            .filter(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name).is_dir())
            .filter(|name| name != "kit")
            .collect();
        folders.sort();
        folders
    }

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_list_holds_every_folder_in_order() {
        let ids: Vec<_> = all().iter().map(|adapter| adapter.manifest().id.clone()).collect();
        assert_eq!(ids, folders());
        for id in ids {
            assert_eq!(find(&id).expect("found").manifest().id, id);
            assert_eq!(entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join(&id)), FILES, "{id}");
        }
        assert!(find("nobody").is_none());
    }

    #[test]
    fn agencies_and_services_are_named_in_three_languages() {
        for adapter in all() {
            let manifest = adapter.manifest();
            let services = manifest.services.iter().map(|service| (&service.id, &service.name));
            for (id, name) in services.chain([(&manifest.id, &manifest.name)]) {
                let texts = [Language::Kk, Language::Ru, Language::En].map(|l| name.text(l));
                assert!(texts.iter().all(|text| text.trim().len() > 3), "{id}: {texts:?}");
                assert_eq!(BTreeSet::from(texts).len(), 3, "{id}: {texts:?}");
            }
        }
    }

    #[test]
    fn a_service_belongs_to_one_agency_and_a_code_to_one_list() {
        let mut seen = BTreeSet::new();
        for adapter in all() {
            let is_bank = adapter.provider().is_some() || adapter.teller().is_some();
            assert!(is_bank || !adapter.manifest().services.is_empty(), "it does nothing");
            for service in &adapter.manifest().services {
                assert!(seen.insert(service.id.clone()), "{} is offered twice", service.id);
                assert!(!service.done_codes.is_empty() && !service.refused_codes.is_empty());
                for code in service.done_codes.iter().chain(&service.refused_codes) {
                    assert!(service.outcome(code).is_ok(), "{}: {code} is in both", service.id);
                }
            }
        }
    }

    #[test]
    fn no_strange_answer_is_ever_done() {
        let source = b"<data><messageResult/><Status/><x>1</x></data>";
        let document = Document::scan(source, &Limits::default()).expect("well-formed");
        let data = Some(document.root());
        let deep = "[".repeat(100_000);
        let envelope = |status_code, data| {
            Answer::Envelope(EnvelopeAnswer { status_code, status_message: "", data })
        };
        let http = |status, body| Answer::Http(HttpAnswer { status, content_type: None, body });
        let fault = |error_code| Answer::Fault(ErrorInfo { error_code, error_message: "" });
        for adapter in all() {
            for service in &adapter.manifest().services {
                let call = trial::call(&service.id, &document);
                for answer in [
                    envelope("", data),
                    envelope("scss001", data),
                    envelope("SCSS001", data),
                    envelope("SCSS001", None),
                    envelope("00000", data),
                    fault("SCSS001"),
                    fault(""),
                    http(200, b"".as_slice()),
                    http(200, b"null"),
                    http(200, b"<html/>"),
                    http(200, b"\xFF\xFE"),
                    http(200, deep.as_bytes()),
                    http(204, b""),
                    http(302, b"{}"),
                    http(404, b"{\"code\":\"200\",\"message\":\"\"}"),
                    http(0, b""),
                ] {
                    let outcome = adapter
                        .decode(&call, &answer)
                        .map_or_else(|fault| fault.outcome(), |reply| reply.outcome);
                    assert_eq!(outcome, Outcome::Unknown, "{}: {answer:?}", service.id);
                }
            }
        }
    }

    #[test]
    fn a_call_for_a_service_of_another_agency_is_not_sent() {
        let document = Document::scan(b"<data/>", &Limits::default()).expect("well-formed");
        for adapter in all() {
            let fault = adapter.encode(&trial::call("Other", &document)).expect_err("not offered");
            assert_eq!((fault.reason, fault.outcome()), ("service_not_offered", Outcome::Refused));
        }
    }
}
