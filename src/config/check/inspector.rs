//! What every check needs: the findings so far, the door to files, and the questions asked often.

use super::World;
use super::credentials::SeenCertificate;
use crate::config::finding::{Findings, Place};
use crate::config::raw;
use crate::config::settings::Quota;
use hyper::Uri;
use qaqpa_kit::manifest::Name;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Longest name that an operator may choose, in characters.
const NAME_MAX: usize = 128;

/// Goes through one installation and notes what it finds.
pub(super) struct Inspector<'w> {
    pub(super) world: &'w World<'w>,
    findings: Findings,
    pub(super) certificates: Vec<SeenCertificate>,
}

impl<'w> Inspector<'w> {
    pub(super) fn new(world: &'w World<'w>, findings: Findings) -> Self {
        Self { world, findings, certificates: Vec::new() }
    }

    pub(super) fn finish(mut self) -> (Findings, Vec<SeenCertificate>) {
        self.certificates.sort();
        (self.findings, self.certificates)
    }

    /// Notes a mistake.
    pub(super) fn error(
        &mut self,
        place: &Place<'_>,
        wrong: impl fmt::Display,
        cure: impl fmt::Display,
    ) {
        self.findings.error(place, wrong, cure);
    }

    /// Notes what works but should not stay so.
    pub(super) fn warning(
        &mut self,
        place: &Place<'_>,
        wrong: impl fmt::Display,
        cure: impl fmt::Display,
    ) {
        self.findings.warning(place, wrong, cure);
    }

    /// Demands a key; true where it is there.
    pub(super) fn demand(&mut self, place: &Place<'_>, value: &str, cure: &str) -> bool {
        if value.is_empty() {
            self.findings.missing(place, cure);
        }
        !value.is_empty()
    }

    /// An id of ours: it stands in metrics, file names and SQL.
    pub(super) fn id(&mut self, place: &Place<'_>, id: &str) {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let cure = "write lower-case letters, digits, `_` and `-`, at most 64";
        if self.demand(place, id, cure) && (id.len() > 64 || !id.chars().all(is_plain)) {
            self.error(place, format!("{id:?} is no id"), cure);
        }
    }

    /// A `serviceId`, `senderId` or `routeId` of the registry of interactions.
    pub(super) fn wire_id(&mut self, place: &Place<'_>, id: &str) {
        let is_wire = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if id.len() > NAME_MAX || !id.chars().all(is_wire) {
            let cure = "write letters, digits, `_`, `-` and `.`, at most 128";
            self.error(place, format!("{id:?} is no id of the registry"), cure);
        }
    }

    /// A name for people, demanded in all three languages.
    pub(super) fn name(&mut self, place: &Place<'_>, name: &raw::Name) -> Name {
        for (language, text) in [("kk", &name.kk), ("ru", &name.ru), ("en", &name.en)] {
            let cure = "write the name in Kazakh (kk), Russian (ru) and English (en)";
            if self.demand(&place.key(language), text, cure) && text.chars().count() > NAME_MAX {
                self.error(
                    &place.key(language),
                    "the name is too long",
                    "write at most 128 letters",
                );
            }
        }
        Name { kk: name.kk.clone(), ru: name.ru.clone(), en: name.en.clone() }
    }

    /// An IP address with a port; port 0, which the system chooses, on loopback only.
    pub(super) fn address(&mut self, place: &Place<'_>, address: &str) -> Option<SocketAddr> {
        let cure = "write IP address and port, 1 … 65535, e.g. \"0.0.0.0:8443\" or \"[::1]:8443\"";
        let parsed = address.parse::<SocketAddr>().ok();
        match parsed {
            Some(parsed) if parsed.port() > 0 || parsed.ip().is_loopback() => Some(parsed),
            Some(_) => {
                let wrong = "port 0 would be another one at each start";
                self.error(place, wrong, "write a port, 1 … 65535");
                None
            }
            None => {
                self.error(place, format!("{address:?} is no address to listen on"), cure);
                None
            }
        }
    }

    /// An `http://` or `https://` URL with a host and nothing secret in it.
    pub(super) fn url(&mut self, place: &Place<'_>, url: &str) -> Option<Uri> {
        let parsed = url.parse::<Uri>().ok().filter(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && uri.query().is_none()
                && !url.contains('#')
        });
        if parsed.is_none() {
            let wrong = format!("{url:?} is no http or https URL");
            self.error(
                place,
                wrong,
                "write e.g. \"https://host:port/path\", without user or query",
            );
        }
        parsed
    }
}

/// The same numbers; their limits are checked already.
pub(super) fn quota(raw: &raw::Quota) -> Quota {
    Quota { per_second: raw.per_second, burst: raw.burst, in_flight_max: raw.in_flight_max }
}

/// Bytes to this host never leave the machine.
pub(super) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_from_the_network() {
        let is = |url: &str| is_loopback(&url.parse().expect("url"));
        assert!(is("http://127.0.0.1:80/a") && is("http://[::1]:80") && is("http://localhost"));
        assert!(!is("http://10.0.0.1") && !is("http://localhost.example.kz"));
    }
}
