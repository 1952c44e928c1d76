//! The demo's installation on disk: keys, passwords and the same TOML files that a real one has.

use super::gost;
use super::pki::{Family, Pair, Root};
use crate::command::Failure;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A participant of the demo; every one is invented.
pub struct Member {
    pub id: &'static str,
    pub sender_id: &'static str,
    pub password: &'static str,
    bin: &'static str,
    pub pair: Pair,
    /// Its signing pair, where TLS does not speak the algorithm.
    signing: Option<Pair>,
}

impl Member {
    /// The pair that it signs with.
    #[must_use]
    pub fn signing(&self) -> &Pair {
        self.signing.as_ref().unwrap_or(&self.pair)
    }
}

/// Everything in the state folder.
pub struct Scratch {
    /// Holds gateway.toml, services.toml and participants/.
    pub config: PathBuf,
    pub journal: PathBuf,
    pub trust_pem: PathBuf,
    /// The root of the country's keys, for trust.
    pub gost_trust_pem: PathBuf,
    /// The gateway's own pairs: for TLS and ECDSA signatures, and for RSA signatures.
    pub gateway: [Pair; 2],
    /// The gateway's pair for signatures of ГОСТ.
    pub gateway_gost: Pair,
    /// portal, bank, agency, greedy, hospital.
    pub members: [Member; 5],
}

/// Where the simulated agencies listen.
pub struct Endpoints {
    pub persons: SocketAddr,
    pub companies: SocketAddr,
    pub addresses: SocketAddr,
}

const GATEWAY_BIN: &str = "020340000033";

impl Scratch {
    /// Makes the PKI in `state`, or finds the one of an earlier run.
    ///
    /// # Errors
    /// The disk or a key generator failed.
    pub fn prepare(state: &Path) -> Result<Self, Failure> {
        // The files name one another, and names in a configuration are relative to its own folder.
        let state = std::path::absolute(state).map_err(Failure::usage)?;
        let folder = state.join("pki");
        let config = state.join("config");
        for path in [&folder, &config.join("participants"), &config.join("secrets")] {
            std::fs::create_dir_all(path)
                .map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
        }
        let root = Root::find_or_make(&folder)?;
        let member = |id, sender_id, password, bin, family| {
            let pair = root.pair(&folder, id, bin, family)?;
            Ok::<_, Failure>(Member { id, sender_id, password, bin, pair, signing: None })
        };
        let gost = gost::Root::find_or_make(&folder)?;
        let hospital_bin = "180240000011";
        let hospital = Member {
            signing: Some(gost.pair(&folder, "hospital-gost", hospital_bin)?),
            ..member("hospital", "demo_hospital", "demo-hospital", hospital_bin, Family::EcdsaP256)?
        };
        let gateway = |name, family| root.pair(&folder, name, GATEWAY_BIN, family);
        Ok(Self {
            config,
            journal: state.join("journal.sqlite"),
            trust_pem: root.cert_pem.clone(),
            gateway: [
                gateway("gateway-ecdsa", Family::EcdsaP256)?,
                gateway("gateway-rsa", Family::Rsa2048)?,
            ],
            gateway_gost: gost.pair(&folder, "gateway-gost", GATEWAY_BIN)?,
            gost_trust_pem: gost.cert_pem,
            members: [
                member("portal", "egov_portal", "demo-portal", "190540007715", Family::Rsa2048)?,
                member("bank", "demo_bank", "demo-bank", "171140001235", Family::EcdsaP256)?,
                member("agency", "demo_agency", "demo-agency", "981040000123", Family::Rsa2048)?,
                member("greedy", "greedy_batch", "demo-greedy", "150841000221", Family::EcdsaP256)?,
                hospital,
            ],
        })
    }

    /// The participant of that id.
    ///
    /// # Errors
    /// There is none.
    pub fn member(&self, id: &str) -> Result<&Member, Failure> {
        let found = self.members.iter().find(|member| member.id == id);
        found.ok_or_else(|| Failure::usage(format!("the demo has no participant {id}")))
    }

    /// Writes gateway.toml, services.toml, the participants and their passwords.
    ///
    /// # Errors
    /// The disk failed, or the agency is missing from the members.
    pub fn write(&self, endpoints: &Endpoints, store: Option<&str>) -> Result<(), Failure> {
        for member in &self.members {
            let secret = format!("secrets/{}.password", member.id);
            self.file(&secret, &format!("{}\n", member.password))?;
            self.file(&format!("participants/{}.toml", member.id), &participant(member))?;
        }
        if let Some(url) = store {
            self.file("secrets/store.url", &format!("{url}\n"))?;
            self.master_key()?;
        }
        self.file("gateway.toml", &self.gateway_toml(store.is_some()))?;
        self.file("payments.toml", &payments_toml()?)?;
        self.file("services.toml", &self.services_toml(endpoints)?)
    }

    /// Adds the demo's other banks to what was written: three that ask in other dialects, and at these
    /// addresses one that never answers an order, and the bank of cards.
    ///
    /// # Errors
    /// The disk failed.
    pub fn add_banks(&self, absent: SocketAddr, cards: SocketAddr) -> Result<(), Failure> {
        let bank = |id: &str, rest: &str| {
            format!(
                "\n[bank.{id}]\nbic = \"DEMOKZ2A\"\nname = {{ kk = \"{id}\", ru = \"{id}\", \
                 en = \"{id}\" }}\n{rest}"
            )
        };
        let asks = |dialect: &str| format!("participant = \"bank\"\nprovider = \"{dialect}\"\n");
        let signs = format!(
            "signature_header = \"{}\"\nsignature_covers = \"body\"\n",
            super::faces::SIGNATURE
        );
        let banks = [
            bank("terminals", &asks("osmp")),
            bank("transfers", &asks("iso20022")),
            bank("cards", &(asks("acquiring") + &signs + "agency = \"cards_bank\"\n")),
            bank("absent", "agency = \"absent_bank\"\n"),
        ];
        let client = &self.gateway[0];
        let agency = format!(
            "\n[agency.absent_bank]\nadapter = \"iso20022\"\nendpoint = \"http://{absent}/\"\n\
             deadline_ms = 1000\n\n\
             [agency.cards_bank]\nadapter = \"acquiring\"\nendpoint = \"https://{cards}/\"\n\
             tls_client_certificate_file = {:?}\ntls_client_key_file = {:?}\n",
            client.cert_pem, client.key_pem,
        );
        self.append("payments.toml", &banks.concat())?;
        self.append("services.toml", &agency)
    }

    fn append(&self, name: &str, text: &str) -> Result<(), Failure> {
        let before = std::fs::read_to_string(self.config.join(name)).map_err(Failure::work)?;
        self.file(name, &(before + text))
    }

    fn file(&self, name: &str, text: &str) -> Result<(), Failure> {
        super::pki::write(&self.config.join(name), text)
    }

    /// What wraps the day keys; the one of an earlier run stays, or its contents could not be read.
    fn master_key(&self) -> Result<(), Failure> {
        let path = self.config.join("secrets/master.key");
        if path.exists() {
            return Ok(());
        }
        let mut key = zeroize::Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| Failure::work("no randomness"))?;
        super::pki::write(&path, key.as_slice())
    }

    fn gateway_toml(&self, is_postgres: bool) -> String {
        let [ecdsa, rsa] = &self.gateway;
        let store = if is_postgres {
            "store = \"postgres\"\nmaster_key_file = \"secrets/master.key\"\n\n\
             [journal.postgres]\nurl_file = \"secrets/store.url\"\n"
                .to_owned()
        } else {
            let payments = self.journal.with_file_name("payments.sqlite");
            let journal = &self.journal;
            format!("\n[journal.embedded]\npath = {journal:?}\n\n[payments]\npath = {payments:?}\n")
        };
        format!(
            "[node]\nid = \"demo\"\nlanguage = \"ru\"\n\n\
             [[listener]]\naddress = \"127.0.0.1:0\"\ntls = \"mutual\"\n\
             receipts = true\n\
             certificate_file = {:?}\nkey_file = {:?}\n\n\
             [limits]\nconnections_per_address_max = 10000\n\
             connections_per_participant_max = 10000\n\
             connections_per_address_per_second = 10000\n\
             connections_per_address_burst = 10000\n\
             refusals_per_address_per_second = 10000\n\
             refusals_per_address_burst = 10000\n\
             lag_ms_max = 2000\n\n\
             [ops]\naddress = \"127.0.0.1:0\"\nlog_level = \"warn\"\n\n\
             [[signing.key]]\nkey_file = {:?}\ncertificate_file = {:?}\n\n\
             [[signing.key]]\nkey_file = {:?}\ncertificate_file = {:?}\n\n\
             [[signing.key]]\nkey_file = {:?}\ncertificate_file = {:?}\n\n\
             [trust]\nfiles = [{:?}, {:?}]\n\n\
             [reconcile]\ndata_folder = {:?}\nfolder = {:?}\nlook_pause_ms = 100\n\n\
             [journal]\nreserve_bytes = 8388608\n{store}",
            ecdsa.cert_pem,
            ecdsa.key_pem,
            ecdsa.key_pem,
            ecdsa.cert_pem,
            rsa.key_pem,
            rsa.cert_pem,
            self.gateway_gost.key_pem,
            self.gateway_gost.cert_pem,
            self.trust_pem,
            self.gost_trust_pem,
            self.journal.with_file_name("reconcile"),
            self.journal.with_file_name("registers"),
        )
    }

    fn services_toml(&self, endpoints: &Endpoints) -> Result<String, Failure> {
        let client = &self.gateway[0];
        let signer = &self.member("agency")?.pair.cert_pem;
        let agency = |id: &str, address: SocketAddr| {
            format!(
                "[agency.{id}]\nadapter = \"{id}\"\nendpoint = \"https://{address}/\"\n\
                 tls_client_certificate_file = {:?}\ntls_client_key_file = {:?}\n\
                 quota = {{ per_second = 5000, burst = 5000, in_flight_max = 512 }}\n",
                client.cert_pem, client.key_pem,
            )
        };
        let pinned =
            |id: &str| format!("\n[[agency.{id}.answer_certificate]]\nfile = {signer:?}\n\n");
        Ok([
            agency("gbd_fl", endpoints.persons),
            pinned("gbd_fl"),
            agency("gbd_ul", endpoints.companies),
            pinned("gbd_ul"),
            agency("address_register", endpoints.addresses),
            "\n[agency.payments]\nadapter = \"payments\"\nendpoint = \"house:payments\"\n\
             quota = { per_second = 5000, burst = 5000, in_flight_max = 512 }\n"
                .to_owned(),
            // Nothing listens on the discard port: an agency that is down.
            "\n[agency.closed_office]\nadapter = \"passthrough\"\nwire = \"rest\"\n\
             endpoint = \"http://127.0.0.1:9/\"\nanswer_signed = false\n\
             name = { kk = \"Жабық мекеме\", ru = \"Закрытое ведомство\", en = \"Office that is down\" }\n\n\
             [agency.closed_office.service.DEMO_AgencyDown]\n\
             name = { kk = \"Жауапсыз\", ru = \"Без ответа\", en = \"Without answer\" }\n\
             idempotent = true\ndone_codes = [\"200\"]\nrefused_codes = [\"404\"]\n"
                .to_owned(),
        ]
        .concat())
    }
}

/// The reference tables of the repository, with the demo's own bank in the place of the example's.
fn payments_toml() -> Result<String, Failure> {
    let example = include_str!("../../../config/payments.toml");
    let mut whole: toml::Table = example.parse().map_err(Failure::work)?;
    let bank = "[bank.demo]\nparticipant = \"bank\"\nprovider = \"provider\"\nbic = \"DEMOKZ2A\"\n\
         name = { kk = \"Көрсетілім банкі\", ru = \"Демонстрационный банк\", en = \"Demonstration bank\" }\n";
    whole.extend(bank.parse::<toml::Table>().map_err(Failure::work)?);
    Ok(whole.to_string())
}

fn participant(member: &Member) -> String {
    // The greedy one shows what a spent quota looks like; the others never meet theirs.
    let quota = if member.id == "greedy" {
        "{ per_second = 1, burst = 1, in_flight_max = 8 }"
    } else {
        "{ per_second = 2000, burst = 2000, in_flight_max = 512 }"
    };
    format!(
        "id = \"{id}\"\nsender_id = \"{sender}\"\nbin = \"{bin}\"\n\
         name = {{ kk = \"{id}\", ru = \"{id}\", en = \"{id}\" }}\n\
         password_file = \"../secrets/{id}.password\"\nservices = [\"*\"]\nquota = {quota}\n\n\
         [[certificate]]\nfile = {cert:?}\n{signing}",
        id = member.id,
        sender = member.sender_id,
        bin = member.bin,
        cert = member.pair.cert_pem,
        signing = match &member.signing {
            Some(pair) => format!("\n[[certificate]]\nfile = {:?}\n", pair.cert_pem),
            None => String::new(),
        },
    )
}
