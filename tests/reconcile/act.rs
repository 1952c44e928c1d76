//! The act of a run: both sides sign it in any order, strangers verify it, and whoever touches it is found out.

use crate::day::Day;
use crate::files::reconcile;
use qaqpa::command::demo::scratch::{Endpoints, Scratch};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const GATEWAY: &str = "990140000017";
const BANK: &str = "980140000018";
/// The moment at which certificates are judged.
const AT: &str = "2026-11-23T05:00:00Z";

/// A run's folder, and keys of three parties beside it.
struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Day::seeded(31, 60, 4).write(folder.path());
        assert_eq!(reconcile(folder.path(), &[]).code, 0);
        for (name, bin, algorithm) in [
            ("gateway", GATEWAY, &rcgen::PKCS_ECDSA_P256_SHA256),
            ("bank", BANK, &rcgen::PKCS_RSA_SHA256),
            ("stranger", "190540007715", &rcgen::PKCS_ECDSA_P384_SHA384),
        ] {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let mut params = rcgen::CertificateParams::default();
            let unit = rcgen::DnType::OrganizationalUnitName;
            params.distinguished_name.push(unit, format!("BIN{bin}"));
            params.not_before = rcgen::date_time_ymd(2026, 1, 1);
            params.not_after = rcgen::date_time_ymd(2027, 12, 31);
            let certificate = params.self_signed(&key).unwrap();
            let path = |ending: &str| folder.path().join(format!("{name}.{ending}"));
            std::fs::write(path("key"), key.serialize_pem()).unwrap();
            std::fs::write(path("pem"), certificate.pem()).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn made(&self) -> Vec<u8> {
        let parties = [format!("gateway={GATEWAY}=Қақпа & «Шлюз»"), format!("bank={BANK}")];
        let mut command = qaqpa(&["act", "make"]);
        command.arg(self.path("out"));
        for party in &parties {
            command.args(["--party", party]);
        }
        good(command.output().unwrap())
    }

    /// The act with a signature of this party more.
    fn signed(&self, act: &[u8], party: &str) -> Output {
        std::fs::write(self.path("act.xml"), act).unwrap();
        let mut command = qaqpa(&["sign", "--profile", "act", "--key"]);
        command.arg(self.path(&format!("{party}.key"))).arg("--cert");
        command.arg(self.path(&format!("{party}.pem"))).arg(self.path("act.xml"));
        command.output().unwrap()
    }

    /// Whether the command believes it, and what it says.
    fn verified(&self, act: &[u8], more: &[&str]) -> (bool, Value) {
        std::fs::write(self.path("act.xml"), act).unwrap();
        let mut command = qaqpa(&["verify", "--profile", "act", "--json", "--at", AT]);
        for party in ["gateway", "bank", "stranger"] {
            command.arg("--trust").arg(self.path(&format!("{party}.pem")));
        }
        let out = command.args(more).arg(self.path("act.xml")).output().unwrap();
        let said = serde_json::from_slice(&out.stdout).unwrap_or_default();
        (out.status.success(), said)
    }
}

fn qaqpa(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
    command.args(args);
    command
}

fn good(out: Output) -> Vec<u8> {
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// Whether xmlsec1 verifies the signature with this number by this certificate.
fn xmlsec1(act: &Path, number: u32, certificate: &Path) -> bool {
    let mut command = Command::new("xmlsec1");
    command.args(["--verify", "--id-attr:Id", "urn:qaqpa:act:1:Act", "--pubkey-cert-pem"]);
    // Without this, KeyInfo's certificate would have to chain to a root that it knows.
    command.arg(certificate).args(["--enabled-key-data", "key-name", "--node-xpath"]);
    command.arg(format!("/*/*[local-name()='Signature'][{number}]")).arg(act);
    let out = command.output().expect("`make tools` installs it");
    let said = [out.stdout, out.stderr].concat();
    out.status.success() && String::from_utf8_lossy(&said).contains("OK")
}

#[test]
fn both_sides_sign_in_any_order_and_xmlsec1_agrees() {
    let house = House::new();
    let act = house.made();
    assert_eq!(act, house.made(), "the same facts are the same bytes");
    let folder = house.path("out");
    let folder = ["--folder", folder.to_str().unwrap()];
    let mut names = Vec::new();
    for order in [["gateway", "bank"], ["bank", "gateway"]] {
        let first = good(house.signed(&act, order[0]));
        let (is_valid, said) = house.verified(&first, &folder);
        assert_eq!((is_valid, &said["reason"]), (false, &"not_countersigned".into()), "{said}");
        let both = good(house.signed(&first, order[1]));
        let (is_valid, said) = house.verified(&both, &folder);
        assert!(is_valid, "{said}");
        let roles: Vec<_> =
            said["signers"].as_array().unwrap().iter().map(|s| &s["role"]).collect();
        assert_eq!(roles, [order[0], order[1]]);
        assert_eq!(said["act"]["subject"], "BANKKZ9A");
        names.push(said["act_sha256"].clone());
        for (number, party) in (1..).zip(order) {
            let (file, pem) = (house.path("act.xml"), |party| house.path(&format!("{party}.pem")));
            assert!(xmlsec1(&file, number, &pem(party)), "{number}");
            assert!(!xmlsec1(&file, number, &pem("stranger")), "{number}");
        }
    }
    assert_eq!(names[0], names[1], "an act has one name, whoever signed first");
}

#[test]
fn who_is_no_party_or_signs_twice_or_changes_a_byte_is_refused() {
    let house = House::new();
    let act = house.made();
    assert!(!house.signed(&act, "stranger").status.success());
    let first = good(house.signed(&act, "gateway"));
    assert!(!house.signed(&first, "gateway").status.success(), "twice");
    let both = String::from_utf8(good(house.signed(&first, "bank"))).unwrap();
    let matched = r#"<Total name="matched" rows=""#;
    for (from, to, reason) in [
        (matched, r#"<Total name="matched" rows="9"#, "digest_mismatch"),
        ("</SignedAct>", "<Act Id=\"act\"></Act></SignedAct>", "unexpected_object"),
        ("<Act Id=\"act\">", "<Act Id=\"act\" >", "act_malformed"),
        (GATEWAY, "190540007715", "digest_mismatch"),
    ] {
        let other = both.replacen(from, to, 1);
        assert_ne!(other, both);
        let (is_valid, said) = house.verified(other.as_bytes(), &[]);
        assert_eq!((is_valid, &said["reason"]), (false, &reason.into()), "{said}");
    }
    let (before, from_first) = both.split_once("<ds:Signature ").unwrap();
    let (_, last) = from_first.rsplit_once("<ds:Signature ").unwrap();
    let alone = [before, "<ds:Signature ", last].concat();
    assert_eq!(house.verified(alone.as_bytes(), &[]).1["reason"], "not_countersigned");
}

#[test]
fn a_folder_that_is_not_the_signed_one_is_noticed() {
    let house = House::new();
    let first = good(house.signed(&house.made(), "gateway"));
    let both = good(house.signed(&first, "bank"));
    let out = house.path("out");
    let folder = ["--folder", out.to_str().unwrap()];
    assert!(house.verified(&both, &folder).0);
    // The act itself may lie in the folder.
    std::fs::write(out.join("act.xml"), &both).unwrap();
    assert!(house.verified(&both, &folder).0);
    std::fs::write(out.join("breaks.csv"), "id\r\n").unwrap();
    let (is_valid, said) = house.verified(&both, &folder);
    assert_eq!((is_valid, &said["reason"]), (false, &"folder_differs".into()), "{said}");
    assert!(house.verified(&both, &[]).0, "the act alone is as good as before");
}

#[test]
fn a_signed_act_is_entered_once_and_the_journal_shows_it() {
    let house = House::new();
    std::fs::create_dir(house.path("gateway")).unwrap();
    let scratch = Scratch::prepare(&house.path("gateway")).unwrap();
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    let endpoints = Endpoints { persons: nobody, companies: nobody, addresses: nobody };
    scratch.write(&endpoints, None).unwrap();
    let first = good(house.signed(&house.made(), "gateway"));
    let both = good(house.signed(&first, "bank"));
    let enter = |act: &[u8]| {
        std::fs::write(house.path("act.xml"), act).unwrap();
        let mut command = qaqpa(&["act", "enter", "--json", "--by", "desk", "--journal-config"]);
        command.arg(&scratch.config);
        for party in ["gateway", "bank"] {
            command.arg("--trust").arg(house.path(&format!("{party}.pem")));
        }
        command.arg(house.path("act.xml")).output().unwrap()
    };
    assert!(!enter(&first).status.success(), "one side alone");
    let said: Value = serde_json::from_slice(&good(enter(&both))).unwrap();
    let again: Value = serde_json::from_slice(&good(enter(&both))).unwrap();
    assert_eq!(said["entry"], again["entry"], "the same act is no second entry");
    let mut command = qaqpa(&["evidence", "--json", "--config"]);
    command.arg(&scratch.config).arg(said["entry"].as_str().unwrap());
    let entry: Value = serde_json::from_slice(&good(command.output().unwrap())).unwrap();
    assert_eq!((&entry["service"], &entry["sender_id"]), (&"operator.act".into(), &"desk".into()));
    assert_eq!(entry["message_id"], said["act_sha256"]);
    assert_eq!(entry["closed"]["outcome"], "Done");
    // A month's counts of the same journal: nothing was given.
    let export = house.path("counts.csv");
    let mut command = qaqpa(&["reconcile", "counts", "--month", "2026-11", "--config"]);
    command.arg(&scratch.config).arg("--export").arg(&export);
    good(command.output().unwrap());
    let text = std::fs::read_to_string(export).unwrap();
    assert!(text.starts_with("#counts;v=1;party=gateway;month=2026-11;count=0;sum=0;"), "{text}");
}
