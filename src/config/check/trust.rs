//! `[trust]` checked: whom the gateway believes, and who tells it what was revoked.

use super::inspector::Inspector;
use crate::config::finding::Place;
use crate::config::raw;
use crate::config::settings::{Revocation, Trust};
use crate::sign::trust::crl::shelf::Shelf;
use std::path::Path;
use std::time::Duration;

pub(super) fn trust(inspector: &mut Inspector<'_>, place: &Place<'_>, raw: &raw::Trust) -> Trust {
    if raw.files.is_empty() {
        let cure = "name the PEM files of the certification authorities";
        inspector.error(&place.key("files"), "the gateway would believe nobody", cure);
    }
    inspector.trust_files(&place.key("files"), &raw.files, "trust");
    for (at, url) in raw.crl_urls.iter().enumerate() {
        plain_url(inspector, &place.key("crl_urls").item(at), url);
    }
    if !raw.ocsp_url.is_empty() {
        plain_url(inspector, &place.key("ocsp_url"), &raw.ocsp_url);
    }
    for (at, origin) in raw.ocsp_origins.iter().enumerate() {
        let place = place.key("ocsp_origins").item(at);
        if plain_url(inspector, &place, origin)
            && origin.trim_start_matches("http://").contains('/')
        {
            let wrong = format!("{origin:?} has a path");
            inspector.error(&place, wrong, "write http://host or http://host:port only");
        }
    }
    if raw.revocation != raw::Revocation::Off {
        has_source(inspector, &place.key("revocation"), raw);
    }
    let crl_seen_file = (!raw.crl_seen_file.is_empty()).then(|| place.path(&raw.crl_seen_file));
    if let Some(file) = &crl_seen_file {
        seen_file(inspector, &place.key("crl_seen_file"), file);
    }
    Trust {
        files: raw.files.iter().map(|file| place.path(file)).collect(),
        gost_2015_256: raw.gost_2015_256,
        crl_files: raw.crl_files.iter().map(|file| place.path(file)).collect(),
        crl_urls: raw.crl_urls.clone(),
        crl_seen_file,
        crl_bytes_max: raw.crl_bytes_max,
        crl_refresh: Duration::from_secs(raw.crl_refresh_s),
        ocsp_url: Some(raw.ocsp_url.clone()).filter(|url| !url.is_empty()),
        ocsp_origins: raw.ocsp_origins.clone(),
        ocsp_by_sha1: raw.ocsp_digest == raw::OcspDigest::Sha1,
        ocsp_deadline: Duration::from_millis(raw.ocsp_deadline_ms),
        ocsp_refresh: Duration::from_secs(raw.ocsp_refresh_s),
        ocsp_age_s_max: i64::try_from(raw.ocsp_age_s_max).unwrap_or(i64::MAX),
        ocsp_in_flight_max: raw.ocsp_in_flight_max,
        statuses_max: raw.statuses_max,
    }
}

/// A service's own policy, else the node's.
pub(super) fn of_service(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &raw::Service,
    trust: &raw::Trust,
) -> Revocation {
    if raw.revocation.is_some_and(|own| own != raw::Revocation::Off) {
        has_source(inspector, &place.key("revocation"), trust);
    }
    match raw.revocation.unwrap_or(trust.revocation) {
        raw::Revocation::Off => Revocation::Off,
        raw::Revocation::FailClosed => Revocation::FailClosed,
        raw::Revocation::DegradeAndMark => Revocation::DegradeAndMark,
    }
}

/// The gateway makes this file, in a folder that must be there; another's it would not touch.
fn seen_file(inspector: &mut Inspector<'_>, place: &Place<'_>, file: &Path) {
    let (world, shown) = (inspector.world, file.display());
    // A name alone lies in the folder at hand.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let missing = folder.filter(|folder| !(world.is_folder)(folder));
    if let Some(folder) = missing {
        let wrong = format!("the folder {} does not exist", folder.display());
        inspector.error(place, wrong, "make it, writable by the gateway, or correct the path");
    } else if (world.is_folder)(file) {
        inspector.error(place, format!("{shown} is a folder"), "name a file in it");
    } else if let Ok(content) = (world.peek)(file)
        && Shelf::default().with_marks(&String::from_utf8_lossy(&content.bytes)).1 > 0
    {
        let wrong = format!("{shown} holds lines that the gateway did not write");
        inspector.warning(place, wrong, "name another file; delete this one if it was damaged");
    }
}

/// A policy that asks needs somebody to ask.
fn has_source(inspector: &mut Inspector<'_>, place: &Place<'_>, trust: &raw::Trust) {
    let is_none = trust.crl_files.is_empty()
        && trust.crl_urls.is_empty()
        && trust.ocsp_url.is_empty()
        && trust.ocsp_origins.is_empty();
    if is_none {
        let wrong = "nobody is known who could say what was revoked";
        let cure = "set trust.crl_files, trust.crl_urls, trust.ocsp_url or trust.ocsp_origins";
        inspector.error(place, wrong, cure);
    }
}

/// What comes from there is signed itself, and an authority's TLS would need its own revocation.
fn plain_url(inspector: &mut Inspector<'_>, place: &Place<'_>, url: &str) -> bool {
    let is_plain = inspector.url(place, url).is_some_and(|url| url.scheme_str() == Some("http"));
    if !is_plain && url.starts_with("https://") {
        let cure = "write the http address: lists and answers are signed themselves";
        inspector.error(place, format!("{url:?} is no http address"), cure);
    }
    is_plain
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PARTICIPANT, SERVICES, told};

    #[test]
    fn the_file_of_newest_lists_needs_a_folder_and_must_be_the_gateways_own() {
        for (file, expected) in [
            ("missing/a", "trust.crl_seen_file: the folder missing does not exist"),
            ("folder", "trust.crl_seen_file: folder is a folder"),
            ("open.pem", "warning: gateway.toml:2: trust.crl_seen_file: open.pem holds lines"),
        ] {
            let gateway = format!("[trust]\ncrl_seen_file = \"{file}\"");
            let told = told(&gateway, SERVICES, &[PARTICIPANT]);
            assert!(told.contains(expected), "{told}\nlacks {expected}");
        }
        let told = told("[trust]\ncrl_seen_file = \"missing.seen\"", SERVICES, &[PARTICIPANT]);
        assert!(!told.contains("crl_seen_file"), "it is made by the gateway: {told}");
    }
}
