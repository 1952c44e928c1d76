//! `gateway.toml` checked: the node itself.

use super::credentials::{DATABASE_URL, MASTER_KEY};
use super::inspector::Inspector;
use super::limits;
use super::trust::trust;
use crate::config::document::Document;
use crate::config::finding::Place;
use crate::config::raw;
use crate::config::settings::{
    AnswerSignature, BodyPolicy, Journal, Limits, Listener, Node, Ops, Signing, SigningKey, Store,
    TlsMode, Trust,
};
use crate::sign::algorithm::Family;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use zeroize::Zeroizing;

/// Stands in where a mistake was noted; it never leaves `check`.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// AES-256.
const MASTER_KEY_BYTES: usize = 32;

/// The parts of `Settings` that `gateway.toml` holds.
pub(super) struct Gateway {
    pub(super) node: Node,
    pub(super) listeners: Vec<Listener>,
    pub(super) ops: Ops,
    pub(super) watch: Option<Duration>,
    pub(super) limits: Limits,
    pub(super) signing: Signing,
    pub(super) trust: Trust,
    pub(super) journal: Journal,
    /// Some listener asks callers for their certificates.
    pub(super) has_mutual: bool,
}

pub(super) fn check(inspector: &mut Inspector<'_>, document: &Document<raw::Gateway>) -> Gateway {
    let (raw, top) = (&document.raw, document.source.top());
    inspector.id(&top.key("node").key("id"), &raw.node.id);
    let listeners: Vec<Listener> = (raw.listener.iter().enumerate())
        .map(|(at, raw)| listener(inspector, &top.key("listener").item(at), raw))
        .collect();
    let ops = ops(inspector, &top.key("ops"), &raw.ops);
    distinct_addresses(inspector, &top, &listeners, ops.address);
    Gateway {
        node: Node { id: raw.node.id.clone(), language: raw.node.language },
        has_mutual: raw.listener.iter().any(|listener| listener.tls == raw::Tls::Mutual),
        watch: Some(Duration::from_millis(raw.reload.watch_ms)).filter(|span| !span.is_zero()),
        limits: limits(&top.key("limits"), &raw.limits),
        signing: signing(inspector, &top.key("signing"), &raw.signing),
        trust: trust(inspector, &top.key("trust"), &raw.trust),
        journal: journal(inspector, &top.key("journal"), &raw.journal),
        listeners,
        ops,
    }
}

fn listener(inspector: &mut Inspector<'_>, place: &Place<'_>, raw: &raw::Listener) -> Listener {
    let address = inspector.address(&place.key("address"), &raw.address).unwrap_or(NOWHERE);
    let is_tls = raw.tls != raw::Tls::Off;
    if is_tls {
        inspector.key_pair(
            (&place.key("certificate_file"), &raw.certificate_file),
            (&place.key("key_file"), &raw.key_file),
            &format!("listener {}", raw.address),
        );
    } else if address != NOWHERE && !address.ip().is_loopback() {
        let wrong = "passwords of callers pass here in clear text";
        inspector.warning(&place.key("tls"), wrong, "keep this port inside a VPN");
    }
    if !raw.public_url.is_empty()
        && let Some(url) = inspector.url(&place.key("public_url"), &raw.public_url)
        && url.path() != "/"
    {
        let wrong = format!("{:?} has a path", raw.public_url);
        inspector.error(&place.key("public_url"), wrong, "write scheme, host and port only");
    }
    Listener {
        address,
        tls: match raw.tls {
            raw::Tls::Mutual => TlsMode::Mutual,
            raw::Tls::Server => TlsMode::Server,
            raw::Tls::Off => TlsMode::Off,
        },
        certificate_file: is_tls.then(|| place.path(&raw.certificate_file)),
        key_file: is_tls.then(|| place.path(&raw.key_file)),
        http2: raw.http2,
        receipts: raw.receipts,
        reuse_port: raw.reuse_port,
        public_url: Some(raw.public_url.trim_end_matches('/').to_owned())
            .filter(|url| !url.is_empty()),
    }
}

fn ops(inspector: &mut Inspector<'_>, place: &Place<'_>, raw: &raw::Ops) -> Ops {
    let log_level = match raw.log_level {
        raw::LogLevel::Error => "error",
        raw::LogLevel::Warn => "warn",
        raw::LogLevel::Info => "info",
        raw::LogLevel::Debug => "debug",
    };
    Ops {
        address: inspector.address(&place.key("address"), &raw.address).unwrap_or(NOWHERE),
        log_level: log_level.to_owned(),
        log_json: raw.log_json,
    }
}

/// No two sockets may want the same port of the same or of every address.
fn distinct_addresses(
    inspector: &mut Inspector<'_>,
    top: &Place<'_>,
    listeners: &[Listener],
    ops: SocketAddr,
) {
    if listeners.is_empty() {
        let cure = "add a [[listener]] table";
        inspector.error(&top.key("listener"), "nobody could call: there is no listener", cure);
    }
    let place = |at| top.key("listener").item(at).key("address");
    let mut taken = vec![(ops, top.key("ops").key("address"))];
    for (at, listener) in listeners.iter().enumerate() {
        let address = listener.address;
        let clash = taken.iter().find(|(other, _)| {
            address.port() != 0
                && other.port() == address.port()
                && (other.ip() == address.ip()
                    || other.ip().is_unspecified()
                    || address.ip().is_unspecified())
        });
        if let Some((_, other)) = clash {
            let wrong = format!("{address} is taken already at {}", other.reference());
            inspector.error(&place(at), wrong, "write another port");
        }
        taken.push((address, place(at)));
    }
}

fn limits(place: &Place<'_>, raw: &raw::Limits) -> Limits {
    let spool_folder = Some(raw.spool_folder.as_str()).filter(|folder| !folder.is_empty());
    Limits {
        spool_folder: spool_folder.map(|folder| place.key("spool_folder").path(folder)),
        ..limits::checked(raw)
    }
}

fn signing(inspector: &mut Inspector<'_>, place: &Place<'_>, raw: &raw::Signing) -> Signing {
    if raw.key.is_empty() {
        let wrong = "the gateway has no key to sign with";
        inspector.error(&place.key("key"), wrong, "add a [[signing.key]] table");
    }
    // Each of them is looked at, also behind one that cannot be read.
    let families: Vec<Option<Family>> = (raw.key.iter().enumerate())
        .map(|(at, key)| inspector.signing_key(&place.key("key").item(at), key))
        .collect();
    let is_of_another = |family: Family| match raw.answer_signature {
        raw::AnswerSignature::AsCaller => false,
        raw::AnswerSignature::Rsa => family != Family::Rsa,
        raw::AnswerSignature::Ecdsa => family != Family::Ecdsa,
        raw::AnswerSignature::Gost => !family.is_gost(),
    };
    if !families.is_empty() && families.iter().all(|one| one.is_some_and(is_of_another)) {
        let wrong = "no signing key is of this family, so answers would be signed by another";
        let cure = "add a [[signing.key]] of it, or write \"as_caller\"";
        inspector.error(&place.key("answer_signature"), wrong, cure);
    }
    let named = |place: &Place<'_>, file: &str| (!file.is_empty()).then(|| place.path(file));
    Signing {
        answer_signature: match raw.answer_signature {
            raw::AnswerSignature::AsCaller => AnswerSignature::AsCaller,
            raw::AnswerSignature::Rsa => AnswerSignature::Rsa,
            raw::AnswerSignature::Ecdsa => AnswerSignature::Ecdsa,
            raw::AnswerSignature::Gost => AnswerSignature::Gost,
        },
        keys: (raw.key.iter())
            .map(|key| SigningKey {
                key: place.path(&key.key_file),
                certificate: named(place, &key.certificate_file),
                password: named(place, &key.password_file),
            })
            .collect(),
    }
}

fn journal(inspector: &mut Inspector<'_>, place: &Place<'_>, raw: &raw::Journal) -> Journal {
    let store = match raw.store {
        raw::Store::Embedded => {
            let path = place.key("embedded").key("path");
            inspector.demand(&path, &raw.embedded.path, "name the SQLite file");
            Store::Embedded { path: place.path(&raw.embedded.path) }
        }
        raw::Store::Postgres => Store::Postgres {
            url: database_url(inspector, &place.key("postgres").key("url_file"), raw),
            connections_max: raw.postgres.connections_max,
        },
    };
    let master_key = place.key("master_key_file");
    if !raw.master_key_file.is_empty() {
        let key = inspector.file(&master_key, &raw.master_key_file, MASTER_KEY);
        if key.is_some_and(|key| key.len() != MASTER_KEY_BYTES) {
            let wrong = format!("the master key file does not hold {MASTER_KEY_BYTES} bytes");
            inspector.error(&master_key, wrong, MASTER_KEY.cure);
        }
    } else if raw.store == raw::Store::Postgres {
        let wrong = "the nodes of a cluster must share the key that wraps the day keys";
        inspector.error(&master_key, wrong, "name its file, the same key on every node");
    }
    Journal {
        store,
        body_policy: match raw.body_policy {
            raw::BodyPolicy::Full => BodyPolicy::Full,
            raw::BodyPolicy::Digest => BodyPolicy::Digest,
        },
        master_key_file: Some(raw.master_key_file.as_str())
            .filter(|file| !file.is_empty())
            .map(|file| place.path(file)),
        group_max: raw.group_max,
        reserve_bytes: raw.reserve_bytes,
        answers_bytes_max: raw.answers_bytes_max,
        papers_watched: raw.papers_watched,
    }
}

/// The URL from its file; it holds a password, so no finding shows it.
fn database_url(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &raw::Journal,
) -> Zeroizing<String> {
    let url =
        inspector.secret_text(place, &raw.postgres.url_file, DATABASE_URL).unwrap_or_default();
    let rest = ["postgresql://", "postgres://"].iter().find_map(|head| url.strip_prefix(head));
    if !url.is_empty() && rest.is_none_or(str::is_empty) {
        let cure = "write postgresql://user:password@host/database into it";
        inspector.error(place, "the database URL file holds no PostgreSQL URL", cure);
    } else if let Some(rest) = rest {
        match rest.split(['?', '&']).find_map(|pair| pair.strip_prefix("sslmode=")) {
            Some("require") => {}
            None | Some("disable" | "prefer") if !is_near(rest) => {
                let wrong = "evidence and payments go to the database in clear text";
                let cure = "add ?sslmode=require to the URL, or keep the way inside a VPN";
                inspector.warning(place, wrong, cure);
            }
            None | Some("disable" | "prefer") => {}
            Some(_) => {
                let cure = "write sslmode=require: it verifies the server's name and chain";
                inspector.error(place, "this sslmode is not known here", cure);
            }
        }
    }
    url
}

/// Whether every server of a URL without its scheme is this machine, or a socket on it.
fn is_near(rest: &str) -> bool {
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let servers = authority.rsplit('@').next().unwrap_or_default();
    let given = rest.split(['?', '&']).find_map(|pair| pair.strip_prefix("host="));
    given.unwrap_or(servers).split(',').all(|server| {
        let host = match server.strip_prefix('[') {
            Some(ip) => ip.split(']').next(),
            None => server.split(':').next(),
        };
        let host = host.unwrap_or_default();
        let is_socket = host.is_empty() || host.starts_with('/') || host.starts_with("%2F");
        let is_loopback = || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        is_socket || host == "localhost" || is_loopback()
    })
}

#[cfg(test)]
mod tests {
    use super::is_near;
    use crate::config::check::tests::{PARTICIPANT, SERVICES, told};

    #[test]
    fn a_database_on_this_machine_is_told_from_one_far_away() {
        for near in [
            "qaqpa:secret@localhost/qaqpa",
            "qaqpa:p@ss@127.0.0.1:5433/qaqpa",
            "qaqpa@[::1]:5432/qaqpa",
            "qaqpa@%2Frun%2Fpostgresql/qaqpa",
            "/qaqpa?host=/run/postgresql",
        ] {
            assert!(is_near(near), "{near}");
        }
        for far in
            ["db/qaqpa", "a:b@10.0.0.7/q", "localhost,db:5432/q", "/q?host=db", "a@[fd00::1]/q"]
        {
            assert!(!is_near(far), "{far}");
        }
    }

    #[test]
    fn a_key_behind_one_that_is_broken_is_looked_at_too() {
        let key = "[[signing.key]]\nkey_file = \"other.key\"\ncertificate_file = \"a.pem\"\n";
        let told = told(&key.repeat(2), SERVICES, &[PARTICIPANT]);
        for at in ["signing.key[0]", "signing.key[1]"] {
            assert!(told.contains(at), "{told}\nlacks {at}");
        }
    }

    #[test]
    fn answers_are_not_promised_by_a_key_that_is_not_there() {
        let with = |policy: &str| {
            let gateway = format!("[signing]\nanswer_signature = \"{policy}\"\n");
            told(&gateway, SERVICES, &[PARTICIPANT])
        };
        for policy in ["rsa", "gost"] {
            let told = with(policy);
            assert!(
                told.contains("signing.answer_signature: no signing key is of this family"),
                "{told}"
            );
        }
        for policy in ["as_caller", "ecdsa"] {
            assert!(!with(policy).contains("of this family"), "{policy}");
        }
    }
}
