//! Revocation against certomancer's responder and lists, well-behaved and not.
//!
//! No call waits beyond its deadline, and no verdict is guessed.

use crate::house;
use qaqpa::config::settings::{Revocation as Policy, Settings, Trust as Sources};
use qaqpa::ops::metrics::Metrics;
use qaqpa::proxy::revocation::Revocation;
use qaqpa::sign::trust::Judged;
use qaqpa::sign::trust::status::{Status, Why};
use qaqpa::sign::{Certificate, Reason, Signer, Trust, cms, pem};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn now_unix_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// certomancer, serving; it ends with its standard input.
struct Foreign {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _is_ended = self.child.wait();
    }
}

impl Foreign {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target");
        let python = target.join("tools/venv/bin/python");
        assert!(python.exists(), "{} is missing; run `make tools`", python.display());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trust/responder.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("a port; run `make tools`");
        Self { child, port, folder }
    }

    fn get(&self, path: &str) -> Vec<u8> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(socket, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        answer.split_off(head + 4)
    }

    /// What a timestamping authority of certomancer's answers to a query.
    fn stamp(&self, authority: &str, query: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            socket,
            "POST /pki/tsa/{authority} HTTP/1.0\r\ncontent-type: application/timestamp-query\r\n\
             content-length: {}\r\n\r\n",
            query.len()
        )
        .unwrap();
        socket.write_all(query).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        answer.split_off(head + 4)
    }

    fn mode(&self, word: &str) {
        assert_eq!(self.get(&format!("/mode/{word}")), b"ok");
    }

    fn questions(&self) -> usize {
        String::from_utf8(self.get("/count")).unwrap().parse().unwrap()
    }

    fn pem(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(format!("{name}.cert.pem"))).unwrap()
    }

    fn trust(&self) -> Arc<Trust> {
        Arc::new(Trust::load(["root", "interm"].map(|name| (name, self.pem(name)))).unwrap())
    }

    fn sources(&self) -> Sources {
        Sources {
            ocsp_url: Some(format!("http://127.0.0.1:{}/ocsp", self.port)),
            ocsp_deadline: Duration::from_millis(1500),
            ocsp_refresh: Duration::from_secs(60),
            ocsp_age_s_max: 86_400,
            ocsp_in_flight_max: 8,
            statuses_max: 64,
            crl_bytes_max: 1 << 20,
            ..Sources::default()
        }
    }

    /// A gateway's revocation that has asked nobody yet.
    fn asker(&self, trust: &Arc<Trust>, sources: Sources) -> Asker {
        let quota = house::quota(1, 1, 1);
        let settings =
            house::settings(house::agency("http://127.0.0.1:9/"), house::participant(quota));
        let settings = Settings { trust: sources, ..settings };
        let metrics = Arc::new(Metrics::new(&settings, &Reason::WORDS).unwrap());
        let revocation = Revocation::new(&settings, trust, &metrics, None).unwrap();
        Asker { revocation: Arc::new(revocation), trust: Arc::clone(trust), metrics }
    }

    fn judged(&self, trust: &Trust, name: &str) -> Judged {
        let blocks = pem::blocks(&self.pem(name)).unwrap();
        let certificate = Arc::new(Certificate::parse(&blocks[0].der).unwrap());
        trust.judge(&certificate, now_unix_s()).unwrap()
    }

    fn list(&self, of: &str) -> Vec<u8> {
        self.get(&format!("/pki/crls/{of}/latest.crl"))
    }
}

struct Asker {
    revocation: Arc<Revocation>,
    trust: Arc<Trust>,
    metrics: Arc<Metrics>,
}

impl Asker {
    async fn status(&self, judged: &Judged) -> Status {
        let ends = Instant::now() + Duration::from_secs(10);
        self.revocation.status(judged, now_unix_s(), ends).await.status
    }

    async fn check(&self, judged: &Judged, policy: Policy) -> Result<String, String> {
        let ends = Instant::now() + Duration::from_secs(10);
        let checked = self.revocation.check(judged, policy, now_unix_s(), ends).await;
        checked.map_err(|fault| fault.public_line())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_responder_is_believed_and_asked_once_for_all_who_wait() {
    let foreign = Foreign::start();
    let trust = foreign.trust();
    for mode in ["delegated", "direct", "no_nonce"] {
        foreign.mode(mode);
        let asker = foreign.asker(&trust, foreign.sources());
        for (name, word) in [("good", "good"), ("revoked", "revoked"), ("held", "revoked")] {
            let status = asker.status(&foreign.judged(&trust, name)).await;
            assert_eq!(status.word(), word, "{mode} {name}: {status:?}");
        }
    }
    let asker = foreign.asker(&trust, Sources { ocsp_by_sha1: true, ..foreign.sources() });
    let (good, before) = (foreign.judged(&trust, "good"), foreign.questions());
    let all = (0..32).map(|_| {
        let (revocation, good) = (Arc::clone(&asker.revocation), good.clone());
        let ends = Instant::now() + Duration::from_secs(10);
        tokio::spawn(async move { revocation.status(&good, now_unix_s(), ends).await.status })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), Status::Good);
    }
    assert_eq!(foreign.questions(), before + 1, "one question for 32 calls");
    let mark = asker.check(&good, Policy::FailClosed).await.expect("good");
    assert!(mark.starts_with("good ocsp MI") && mark.contains("; chain "), "{mark}");
    assert_eq!(foreign.questions(), before + 1, "remembered");
    let revoked = foreign.judged(&trust, "revoked");
    let refused = asker.check(&revoked, Policy::DegradeAndMark).await.unwrap_err();
    assert!(refused.starts_with("pki.revoked: cert_revoked"), "{refused}");
    assert!(asker.revocation.is_known_revoked(&revoked, now_unix_s()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_that_lies_is_late_or_plays_recordings_helps_nobody() {
    let foreign = Foreign::start();
    let trust = foreign.trust();
    let good = foreign.judged(&trust, "good");
    for (mode, why, code) in [
        ("undelegated", Why::OcspBadSignature, "pki.unknown_status"),
        ("forged", Why::OcspBadSignature, "pki.unknown_status"),
        ("another", Why::OcspWrongCertificate, "pki.unknown_status"),
        ("wrong_nonce", Why::OcspWrongNonce, "pki.unknown_status"),
        ("stale", Why::OcspStale, "pki.unknown_status"),
        ("future", Why::OcspStale, "pki.unknown_status"),
        ("garbage", Why::OcspMalformed, "pki.unknown_status"),
        ("error", Why::OcspMalformed, "pki.unknown_status"),
        ("try_later", Why::OcspRefused, "pki.unavailable"),
    ] {
        foreign.mode(mode);
        let asker = foreign.asker(&trust, foreign.sources());
        assert_eq!(asker.status(&good).await, Status::Unknown(why), "{mode}");
        let closed = asker.check(&good, Policy::FailClosed).await.unwrap_err();
        assert!(closed.starts_with(&format!("{code}: {}", why.word())), "{mode}: {closed}");
        let mark = asker.check(&good, Policy::DegradeAndMark).await.expect("it goes on");
        assert!(mark.starts_with(&format!("unknown {}", why.word())), "{mark}");
        assert_eq!(asker.metrics.revocation.degraded.get(), 1);
        assert_eq!(asker.check(&good, Policy::Off).await, Ok(String::new()));
    }
    // A recording that is current still, but older than what was heard since: with a clock that asks
    // at once, because nothing is remembered of a certificate whose answer has ended.
    foreign.mode("record");
    let asker = foreign.asker(&trust, foreign.sources());
    assert_eq!(asker.status(&good).await, Status::Good);
    foreign.mode("replay");
    let later = now_unix_s() + 900;
    let ends = Instant::now() + Duration::from_secs(10);
    let status = asker.revocation.status(&good, later, ends).await.status;
    assert_eq!(status, Status::Unknown(Why::OcspReplayed));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_responder_called_revoked_stays_so_until_a_newer_answer_lets_it_in() {
    let foreign = Foreign::start();
    let trust = foreign.trust();
    let (held, sources) = (foreign.judged(&trust, "held"), foreign.sources());
    // Beyond the end of every answer that is given now.
    let later = now_unix_s() + sources.ocsp_age_s_max + 600;
    let asker = foreign.asker(&trust, sources);
    let ends = Instant::now() + Duration::from_secs(10);
    let status_later = async || asker.revocation.status(&held, later, ends).await.status;
    let told = asker.status(&held).await;
    assert_eq!(told.word(), "revoked");
    foreign.mode("garbage");
    let before = foreign.questions();
    assert_eq!(status_later().await, told);
    assert_eq!(foreign.questions(), before + 1, "it was asked anew");
    assert!(asker.revocation.is_known_revoked(&held, later));
    let checked = asker.revocation.check(&held, Policy::DegradeAndMark, later, ends).await;
    assert!(checked.unwrap_err().public_line().starts_with("pki.revoked: cert_revoked"));
    // A moment after a failure nobody is asked; then its own word ends it.
    foreign.mode("lifted");
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    while status_later().await != Status::Good {
        assert!(Instant::now() < ends, "still revoked");
        looks.tick().await;
    }
    assert!(!asker.revocation.is_known_revoked(&held, later));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_responder_holds_no_call_beyond_its_deadline_and_a_dead_one_none_at_all() {
    let foreign = Foreign::start();
    let trust = foreign.trust();
    let good = foreign.judged(&trust, "good");
    let asker = foreign.asker(&trust, foreign.sources());
    foreign.mode("slow");
    let begun = Instant::now();
    let ends = begun + Duration::from_millis(200);
    let status = asker.revocation.status(&good, now_unix_s(), ends).await.status;
    assert_eq!(status, Status::Unknown(Why::OcspSlow));
    assert!(begun.elapsed() < Duration::from_millis(1000), "{:?}", begun.elapsed());
    let status = asker.status(&good).await;
    assert_eq!(status, Status::Unknown(Why::OcspSlow), "the responder's own deadline");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    foreign.mode("delegated");

    // Nobody listens there: a port that was ours a moment ago.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = Some(format!("http://{gone}/ocsp"));
    let asker = foreign.asker(&trust, Sources { ocsp_url: url, ..foreign.sources() });
    let begun = Instant::now();
    assert_eq!(asker.status(&good).await, Status::Unknown(Why::OcspDown));
    // While it is down, its lists decide; what they call revoked is revoked whatever else is known.
    for of in ["root", "interm"] {
        asker.trust.shelve(&foreign.list(of), now_unix_s()).expect("a list of certomancer's");
    }
    assert_eq!(asker.status(&good).await, Status::Good);
    let mark = asker.check(&good, Policy::FailClosed).await.expect("good by its list");
    assert!(mark.starts_with("good crl number"), "{mark}");
    for name in ["revoked", "held"] {
        let status = asker.status(&foreign.judged(&trust, name)).await;
        assert_eq!(status.word(), "revoked", "{name}");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_whom_the_operator_did_not_allow() {
    let foreign = Foreign::start();
    let trust = foreign.trust();
    let good = foreign.judged(&trust, "good");
    let before = foreign.questions();
    // The certificates name no responder, and none is configured.
    let asker = foreign.asker(&trust, Sources { ocsp_url: None, ..foreign.sources() });
    assert_eq!(asker.status(&good).await, Status::Unknown(Why::NoSource));
    assert_eq!(foreign.questions(), before);
    // A pin whose issuer is not known is the operator's own word.
    let pinned = Arc::new(Trust::load([("good", foreign.pem("good"))]).unwrap());
    let asker = foreign.asker(&pinned, foreign.sources());
    assert_eq!(asker.status(&foreign.judged(&pinned, "good")).await, Status::Good);
    assert_eq!(foreign.questions(), before);
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().expect("openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A token of an authority over these bytes.
fn token(foreign: &Foreign, authority: &str, over: &[u8]) -> Vec<u8> {
    let path = |name: &str| foreign.folder.path().join(name).display().to_string();
    std::fs::write(path("value"), over).unwrap();
    let query = openssl(&["ts", "-query", "-data", &path("value"), "-sha256", "-cert"]);
    std::fs::write(path("answer"), foreign.stamp(authority, &query)).unwrap();
    openssl(&["ts", "-reply", "-in", &path("answer"), "-token_out"])
}

#[test]
fn a_token_of_a_timestamping_authority_lets_a_signature_outlive_its_certificate() {
    let foreign = Foreign::start();
    let (key, certificate) = (foreign.folder.path().join("keys/good.pem"), foreign.pem("good"));
    let signer = Signer::from_pem(&std::fs::read(key).unwrap(), &certificate).unwrap();
    let now = now_unix_s();
    let der = cms::sign(b"content", true, &signer, now).unwrap();
    let value = cms::values(&der).unwrap().remove(0);
    let stamped = cms::with_stamp(&der, &token(&foreign, "tsa", &value)).unwrap();
    let other = cms::with_stamp(&der, &token(&foreign, "tsa", b"another value")).unwrap();
    let trust = foreign.trust();
    let verified = cms::verify(&stamped, None, &[], trust.certificates()).unwrap();
    let stamp = verified.signatures[0].stamp.as_ref().expect("a stamp");
    assert!((now - 60..=now + 60).contains(&stamp.at_unix_s), "{}", stamp.at_unix_s);
    assert_eq!(stamp.judge(&trust).map(drop), Ok(()));
    let refused = cms::verify(&other, None, &[], trust.certificates()).err();
    assert_eq!(refused, Some(Reason::TimestampInvalid));
    // By the command, when the signer's certificate has long run out.
    let file = |name: &str, content: &[u8]| {
        let path = foreign.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let roots = file("roots.pem", &[foreign.pem("root"), foreign.pem("interm")].concat());
    let later = jiff::Timestamp::from_second(now + 1000 * 86_400).unwrap().to_string();
    for (name, content, reason) in [("plain", &der, "cert_expired"), ("stamped", &stamped, "")] {
        let path = file(name, content);
        let output = Command::new(env!("CARGO_BIN_EXE_qaqpa"))
            .args(["verify", "--profile", "cms", "--at", &later, "--trust", &roots, &path])
            .output()
            .expect("qaqpa");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.success(), reason.is_empty(), "{said}");
        assert!(said.contains(reason), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_of_a_time_stamp_may_be_revoked_as_a_signer_may() {
    let foreign = Foreign::start();
    let trust = foreign.trust();
    let asker = foreign.asker(&trust, Sources { ocsp_url: None, ..foreign.sources() });
    let judged = ["tsa", "lost"].map(|authority| {
        let token = token(&foreign, authority, b"value");
        let stamp = cms::stamp::verify(&token, b"value", trust.certificates()).unwrap();
        stamp.judge(&trust).expect("believed, as far as its chain goes")
    });
    let [good, lost] = &judged;
    assert_eq!(asker.check(lost, Policy::Off).await, Ok(String::new()), "no list is at hand");
    trust.shelve(&foreign.list("root"), now_unix_s()).expect("a list of certomancer's");
    let mark = asker.check(good, Policy::FailClosed).await.expect("good by its list");
    assert!(mark.starts_with("good crl number"), "{mark}");
    for policy in [Policy::Off, Policy::FailClosed, Policy::DegradeAndMark] {
        let refused = asker.check(lost, policy).await.unwrap_err();
        assert!(refused.starts_with("pki.revoked: cert_revoked"), "{refused}");
    }
}

#[test]
fn a_key_for_time_stamps_is_believed_in_stamps_alone() {
    let foreign = Foreign::start();
    let trust = foreign.trust();
    let token = token(&foreign, "tsa", b"value");
    let stamp = cms::stamp::verify(&token, b"value", trust.certificates()).unwrap();
    for _ in 0..2 {
        assert_eq!(stamp.judge(&trust).map(drop), Ok(()));
        let in_messages = trust.judge(&stamp.certificate, now_unix_s());
        assert_eq!(in_messages.err(), Some(Reason::CertUsage));
    }
}
