//! Raw → Settings: every mistake at once. Pure: what it needs of the disk, the door hands in.

mod calendar;
mod credentials;
mod demands;
mod dialect;
mod gateway;
mod inspector;
mod limits;
mod notices;
mod operations;
mod paid;
mod participants;
mod payments;
mod reconcile;
mod services;
mod trust;

pub use credentials::SeenCertificate;

use super::document::Document;
use super::finding::{ConfigErrors, Finding, Findings};
use super::raw;
use super::settings::Settings;
use inspector::Inspector;
use qaqpa_kit::adapter::Adapter;
use std::io;
use std::path::{Path, PathBuf};
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
    /// Files that the configuration names.
    pub files: Vec<PathBuf>,
}

/// One installation as written.
#[derive(Debug, Default)]
pub(super) struct Installation {
    pub(super) gateway: Document<raw::Gateway>,
    pub(super) services: Document<raw::Services>,
    pub(super) participants: Vec<Document<raw::Participant>>,
    pub(super) payments: Document<raw::Payments>,
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
    /// The same for a file that the gateway writes itself: nobody waits for its changes.
    pub(super) peek: &'w dyn Fn(&Path) -> io::Result<FileContent>,
    /// Whether there is a folder of that name.
    pub(super) is_folder: &'w dyn Fn(&Path) -> bool,
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
    let offer = services::check(&mut inspector, installation, node.has_mutual);
    let participants =
        participants::check(&mut inspector, &installation.participants, &offer, node.has_mutual);
    let known = payments::Known {
        gateway: &installation.gateway,
        journal: &node.journal.store,
        participants: &participants,
        offer: &offer,
    };
    let payments = payments::check(&mut inspector, &installation.payments, &known);
    let reconcile = reconcile::check(&mut inspector, &installation.gateway);
    paid::check_house(&mut inspector, &installation.services, &installation.payments);
    let (findings, certificates) = inspector.finish();
    let warnings = findings.settle()?;
    let settings = Settings {
        node: node.node,
        listeners: node.listeners,
        ops: node.ops,
        watch: node.watch,
        limits: node.limits,
        signing: node.signing,
        trust: node.trust,
        journal: node.journal,
        payments,
        reconcile,
        participants,
        agencies: offer.agencies,
        services: offer.services,
        operations: offer.operations,
    };
    Ok(Inspection { settings, warnings, certificates, files: Vec::new() })
}

pub(super) fn default_limits() -> super::settings::Limits {
    limits::checked(&raw::Limits::default())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::{document, ranges};
    use rcgen::{CertificateParams, KeyPair};
    use std::sync::LazyLock;

    pub(crate) const GATEWAY: &str = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    pub(crate) const SERVICES: &str = "[agency.office]\nadapter = \"passthrough\"\nwire = \"rest\"\n\
        endpoint = \"http://127.0.0.1:9/\"\nname = { kk = \"a\", ru = \"b\", en = \"c\" }\n\
        [agency.office.service.Ask]\nname = { kk = \"a\", ru = \"b\", en = \"c\" }\n";
    pub(crate) const PARTICIPANT: &str = "id = \"demo\"\nsender_id = \"demo\"\nbin = \"190540007715\"\n\
        name = { kk = \"a\", ru = \"b\", en = \"c\" }\nservices = [\"Ask\"]\n";

    /// A key and its certificate, and the key of somebody else.
    static PEMS: LazyLock<[String; 3]> = LazyLock::new(|| {
        let key = KeyPair::generate().expect("key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        let certificate = params.self_signed(&key).expect("certificate");
        let other = KeyPair::generate().expect("key");
        [key.serialize_pem(), certificate.pem(), other.serialize_pem()]
    });

    /// A disk on which every `.pem` and `.key` belongs together.
    fn read(path: &Path) -> io::Result<FileContent> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let [key, certificate, other] = &*PEMS;
        let text = match name.as_str() {
            "other.key" => other.clone(),
            "ed25519.pem" => {
                let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("key");
                CertificateParams::default().self_signed(&key).expect("certificate").pem()
            }
            "torn.pem" => {
                "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_owned()
            }
            "two.pem" => format!("{certificate}{certificate}"),
            "master.32" => "m".repeat(32),
            "lines.password" => "one\ntwo\n".to_owned(),
            "some.password" | "open.password" => "pass word\r\n".to_owned(),
            "some.url" => "postgresql://qaqpa:secret@db/qaqpa\n".to_owned(),
            _ if name.contains("missing") => return Err(io::ErrorKind::NotFound.into()),
            _ if name.ends_with(".key") => key.clone(),
            _ if name.ends_with(".pem") => certificate.clone(),
            _ => "nonsense".to_owned(),
        };
        let bytes = Zeroizing::new(text.into_bytes());
        Ok(FileContent { bytes, is_world_readable: name == "open.password" })
    }

    fn inspect(
        gateway: &str,
        services: &str,
        participants: &[&str],
    ) -> Result<Inspection, ConfigErrors> {
        let mut findings = Findings::default();
        let participants = (participants.iter().enumerate())
            .map(|(at, text)| {
                let file = format!("participants/{at}.toml");
                document::read(&file, text, ranges::PARTICIPANT, &mut findings)
            })
            .collect();
        let installation = Installation {
            gateway: document::read("gateway.toml", gateway, ranges::GATEWAY, &mut findings),
            services: document::read("services.toml", services, ranges::SERVICES, &mut findings),
            participants,
            payments: Document::default(),
        };
        let world = World {
            read: &read,
            peek: &read,
            is_folder: &|path| path.ends_with("folder"),
            adapters: &qaqpa_adapters::all(),
        };
        check(&installation, &world, findings)
    }

    /// The smallest installation: one participant, one agency, one service.
    pub(crate) fn smallest() -> Settings {
        smallest_with(SERVICES)
    }

    /// The same with other services, `Ask` among them.
    pub(crate) fn smallest_with(services: &str) -> Settings {
        inspect(GATEWAY, services, &[PARTICIPANT]).expect("valid").settings
    }

    /// Every finding, mistakes or warnings, one a line.
    pub(crate) fn told(gateway: &str, services: &str, participants: &[&str]) -> String {
        let warnings = |inspection: Inspection| {
            inspection.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect()
        };
        inspect(gateway, services, participants).map_or_else(|errors| errors.to_string(), warnings)
    }

    #[test]
    fn what_is_valid_becomes_settings() {
        let participant = format!(
            "{PARTICIPANT}password_file = \"../secrets/some.password\"\naccept = [\"bare\"]\n\
             [service_quota.Ask]\nper_second = 7\n[[certificate]]\nfile = \"own.pem\"\n\
             until = 2030-01-01\n"
        );
        let inspection = inspect(GATEWAY, SERVICES, &[&participant]).expect("valid");
        let settings = &inspection.settings;
        let demo = &settings.participants["demo"];
        assert_eq!(demo.password.as_deref().map(String::as_str), Some("pass word"));
        assert!(demo.accept_bare && !demo.accept_unsigned);
        assert_eq!(demo.service_quotas["Ask"].per_second, 7);
        assert_eq!(demo.certificates[0].until_unix_s, 1_893_438_000);
        assert!(demo.certificates[0].der.is_some());
        assert_eq!(settings.services["Ask"][0].agency.id, "office");
        assert_eq!(settings.services["Ask"][0].body_bytes_max, settings.limits.body_bytes_max);
        let shown = format!("{settings:?}");
        assert!(!shown.contains("pass word") && !shown.contains("190540007715"), "{shown}");
        let owners: Vec<_> =
            inspection.certificates.iter().map(|seen| seen.owner.as_str()).collect();
        assert!(owners.contains(&"participant demo") && owners.contains(&"listener 127.0.0.1:0"));
    }

    #[test]
    fn mistakes_of_the_node_are_told() {
        for (gateway, expected) in [
            ("[node]\nid = \"Gate 1\"", "gateway.toml:2: node.id: \"Gate 1\" is no id"),
            ("listener = []", "gateway.toml:1: listener: nobody could call"),
            ("[ops]\naddress = \"h:1\"", "ops.address: \"h:1\" is no address"),
            ("[ops]\naddress = \"1.2.3.4:70000\"", "\"1.2.3.4:70000\" is no address to listen on"),
            ("[ops]\naddress = \"0.0.0.0:0\"", "ops.address: port 0 would be another one"),
            ("[ops]\naddress = \"127.0.0.1:8443\"", "is taken already at gateway.toml:2"),
            ("[[listener]]\nkey_file = \"other.key\"", "listener[0].key_file: other.key with"),
            ("[[listener]]\ncertificate_file = \"a.txt\"", "no PEM block CERTIFICATE"),
            ("[[listener]]\ntls = \"off\"", "warning: gateway.toml:2: listener[0].tls: passwords"),
            ("[[listener]]\npublic_url = \"ftp://a\"", "public_url: \"ftp://a\" is no http"),
            ("[[listener]]\npublic_url = \"https://a/b\"", "\"https://a/b\" has a path"),
            ("[signing]\nkey = []", "signing.key: the gateway has no key to sign with"),
            (
                "[[signing.key]]\nkey_file = \"other.key\"",
                "other.key: the private key does not belong to the certificate",
            ),
            ("[[signing.key]]\nkey_file = \"missing.key\"", "key file missing.key does not exist"),
            ("[trust]\nfiles = []", "trust.files: the gateway would believe nobody"),
            ("[trust]\nfiles = [\"missing.pem\"]", "gateway.toml:2: trust.files[0]: certificate"),
            ("[journal]\nstore = \"postgres\"", "journal.postgres.url_file: the database URL file"),
            ("[journal]\nstore = \"postgres\"", "journal.master_key_file: the nodes of a cluster"),
            ("[journal]\nmaster_key_file = \"short\"", "master_key_file: the master key file does"),
            ("[journal.embedded]\npath = \"\"", "journal.embedded.path: this key is missing"),
        ] {
            let told = told(gateway, SERVICES, &[PARTICIPANT]);
            assert!(told.contains(expected), "{gateway}\n{told}\nlacks {expected}");
        }
        let cluster = "[journal]\nstore = \"postgres\"\nmaster_key_file = \"master.32\"\n\
                       [journal.postgres]\nurl_file = \"some.url\"\n";
        assert!(told(cluster, SERVICES, &[PARTICIPANT]).contains("database in clear text"));
    }

    #[test]
    fn mistakes_of_agencies_and_services_are_told() {
        let built_in = "[agency.p]\nadapter = \"gbd_fl\"\nendpoint = \"https://a\"\n";
        let with = |text: &str| format!("{SERVICES}{text}");
        for (services, expected) in [
            (with("[agency.x]\n"), "services.toml:8: agency.x.adapter: this key is missing"),
            (
                with("[agency.x]\nadapter = \"gbd_fi\"\n"),
                "there is no adapter \"gbd_fi\". Cure: write \"gbd_fl\"",
            ),
            (with("[agency.X]\nadapter = \"passthrough\"\n"), "agency.X: \"X\" is no id"),
            (with("[agency.x]\nadapter = \"passthrough\"\n"), "agency.x.wire: this key is missing"),
            (
                with("[agency.x]\nadapter = \"passthrough\"\n"),
                "agency.x.service: this agency offers no service",
            ),
            (with(built_in), "agency.p.answer_certificate: nobody is known who may sign"),
            (
                with(&format!("{built_in}services = [\"GBDFL\"]\n")),
                "agency.p.services[0]: adapter \"gbd_fl\" has no",
            ),
            (with(&format!("{built_in}wire = \"rest\"\n")), "name and wire are the adapter's own"),
            (
                with(&format!("{built_in}[agency.p.service.Nope]\n")),
                "adapter \"gbd_fl\" has no service \"Nope\"",
            ),
            (
                with(&format!(
                    "{built_in}[agency.p.service.GBDFL_UniversalServiceSync]\nidempotent = true\n"
                )),
                "adapter \"gbd_fl\" itself says this",
            ),
            (
                SERVICES.replace("/\"", "/?a=b\""),
                "endpoint: \"http://127.0.0.1:9/?a=b\" is no http",
            ),
            (
                SERVICES.replace("127.0.0.1", "10.0.0.1"),
                "warning: services.toml:4: agency.office.endpoint",
            ),
            (
                SERVICES.replace("\"rest\"", "\"sync_v10\""),
                "agency.office.service.Ask.done_codes: this key",
            ),
            (
                with("done_codes = [\"1\"]\nrefused_codes = [\"2\", \"1\"]\n"),
                "\"1\" would mean both",
            ),
            (with("body_bytes_max = 99999999\n"), "more than limits.body_bytes_max = 10485760"),
            (with("route_id = \"a b\"\n"), "route_id: \"a b\" is no id of the registry"),
            (
                with(&SERVICES.replace("office", "twin")),
                "service \"Ask\" with route \"\" is offered at services.toml:6 too",
            ),
            (
                with("[[agency.office.answer_certificate]]\nspki_sha256 = \"00\"\n"),
                "answer_certificate[0].spki_sha256: this is no SHA-256 digest",
            ),
        ] {
            let told = told(GATEWAY, &services, &[PARTICIPANT]);
            assert!(told.contains(expected), "{services}\n{told}\nlacks {expected}");
        }
    }

    #[test]
    fn mistakes_of_participants_are_told() {
        let with = |text: &str| format!("{PARTICIPANT}{text}");
        let certificate = |text: &str| with(&format!("[[certificate]]\n{text}\n"));
        for (participant, expected) in [
            (String::new(), "participants/0.toml: id: this key is missing"),
            (PARTICIPANT.replace("15\"", "16\""), "participants/0.toml:3: bin: this is no BIN"),
            (PARTICIPANT.replace("bin", "#"), "certificate: nothing proves this participant"),
            (PARTICIPANT.replace("ru = \"b\"", "ru = \"\""), "name.ru: this key is missing"),
            (PARTICIPANT.replace("[\"Ask\"]", "[\"Aks\"]"), "no agency offers service \"Aks\""),
            (PARTICIPANT.replace("[\"Ask\"]", "[]"), "warning: participants/0.toml:5: services"),
            (with("[service_quota.Asks]\n"), "\"Asks\". Cure: write \"Ask\""),
            (with("[quota]\nburst = 0\n"), "participants/0.toml:7: quota.burst: 0 is beyond"),
            (with("password_file = \"missing\"\n"), "password file participants/missing does not"),
            (with("password_file = \"lines.password\"\n"), "does not hold one line of text"),
            (with("password_file = \"open.password\"\n"), "everyone may read the password file"),
            (certificate(""), "certificate[0].file: this certificate is not named"),
            (certificate("file = \"ed25519.pem\""), "no signature can be verified with the key"),
            (certificate("file = \"torn.pem\""), "a certificate of torn.pem cannot be read"),
            (certificate("file = \"two.pem\""), "two.pem holds 2 certificates"),
            (certificate("file = \"a.pem\"\nspki_sha256 = \"0\""), "both `file` and `spki_sha256`"),
            (certificate("file = \"a.pem\"\nfrom = 2026-01-02\nuntil = 2026-01-02"), "ends before"),
            (
                certificate("file = \"a.pem\"\nfrom = 2026-01-02T10:00:00Z"),
                "from: 2026-01-02T10:00:00Z is no day",
            ),
            (
                certificate(&format!("spki_sha256 = \"{}\"", "ab".repeat(32))),
                "certificate[0].until: this key is missing",
            ),
        ] {
            let told = told(GATEWAY, SERVICES, &[&participant]);
            assert!(told.contains(expected), "{participant}\n{told}\nlacks {expected}");
        }
    }

    #[test]
    fn participants_are_told_apart() {
        let other = PARTICIPANT.replace("id = \"demo\"\nsender", "id = \"other\"\nsender");
        let told_twice = told(GATEWAY, SERVICES, &[PARTICIPANT, &other]);
        assert!(told_twice.starts_with(
            "participants/1.toml:2: sender_id: \"demo\" is taken already at participants/0.toml:2"
        ));
        let certificate = "[[certificate]]\nfile = \"a.pem\"\n";
        let other = other.replace("sender_id = \"demo\"", "sender_id = \"other\"") + certificate;
        let shared = told(GATEWAY, SERVICES, &[&format!("{PARTICIPANT}{certificate}"), &other]);
        assert!(shared.contains("participant demo shows the same key"), "{shared}");
    }

    #[test]
    fn what_only_mutual_tls_proves_needs_a_listener_with_it() {
        let server = "[[listener]]\naddress = \"127.0.0.1:0\"\ntls = \"server\"\n";
        let participant = format!("{PARTICIPANT}accept = [\"unsigned\"]\n");
        assert!(
            told(server, SERVICES, &[&participant]).contains("accept: unsigned and bare calls")
        );
        assert_eq!(told(GATEWAY, SERVICES, &[&participant]), "");
    }

    #[test]
    fn a_mistake_in_one_file_is_not_told_again_in_another() {
        let broken = SERVICES.replace("adapter = \"passthrough\"", "adapter = 5");
        let told = told(GATEWAY, &broken, &[PARTICIPANT]);
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}
