//! A planted password and a planted key: nowhere in what a living gateway says, and no password in what it remembers.

use crate::caller::{Caller, PERSON, PERSONS, get, text};
use crate::served::Served;
use crate::standin::{PAY, StandIn};
use crate::support::{Ground, PATIENCE, Plan, lay_over};
use qaqpa::command::demo::pki;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PASSWORD: &str = "canary-91c4-of-the-key-file";
const WRONG: &str = "canary-2f07-of-nothing-at-all";

/// The gateway's RSA pair as PKCS#12 under the planted password; returns lines of its key in base64.
fn plant(ground: &Ground) -> Vec<String> {
    let secrets = ground.scratch.config.join("secrets");
    let pair = &ground.scratch.gateway[1];
    pki::write(&secrets.join("canary.password"), PASSWORD).unwrap();
    let output = Command::new("openssl")
        .args(["pkcs12", "-export", "-passout"])
        .arg(format!("pass:{PASSWORD}"))
        .arg("-inkey")
        .arg(&pair.key_pem)
        .arg("-in")
        .arg(&pair.cert_pem)
        .output()
        .expect("openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    pki::write(&secrets.join("canary.p12"), &output.stdout).unwrap();
    let signing = "[signing]\n[[signing.key]]\nkey_file = \"secrets/canary.p12\"\n\
                   certificate_file = \"\"\npassword_file = \"secrets/canary.password\"\n";
    lay_over(&ground.scratch.config.join("gateway.toml"), signing);
    let key = std::fs::read_to_string(&pair.key_pem).unwrap();
    let lines = key.lines().filter(|line| line.len() == 64);
    // The first lines name the algorithm, which is no secret.
    lines.skip(2).map(str::to_owned).collect()
}

/// How often these bytes stand in memory that the process can write; `None` where nobody may look.
fn in_memory(process: u32, wanted: &[Vec<u8>]) -> Option<usize> {
    let folder = Path::new("/proc").join(process.to_string());
    let memory = match std::fs::File::open(folder.join("mem")) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return None,
        opened => opened.unwrap(),
    };
    let maps = std::fs::read_to_string(folder.join("maps")).unwrap();
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [mut at, end] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        let mut page = vec![0_u8; 1 << 20];
        while at < end {
            let length = page.len().min(usize::try_from(end - at).unwrap());
            // Pages may go while we look.
            let read = memory.read_at(&mut page[..length], at).unwrap_or(0);
            for bytes in wanted {
                found += memchr::memmem::find_iter(&page[..read], bytes).count();
            }
            at += length as u64;
        }
    }
    Some(found)
}

/// A password as it is written, and as PKCS#12 takes it (RFC 7292 B.1).
fn spellings(password: &str) -> Vec<Vec<u8>> {
    let wide = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    vec![password.as_bytes().to_vec(), wide]
}

async fn until_refused(served: &Served) {
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let waited = tokio::time::timeout(PATIENCE, async {
        while !get(&served.ops, "/metrics").await.contains("\nqaqpa_reload_refused 1\n") {
            looks.tick().await;
        }
    });
    waited.await.expect("the wrong password was never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_password_and_key_are_in_no_log_metric_answer_memory_or_core_file() {
    let agency = StandIn::start().await;
    let gateway = "[ops]\nlog_level = \"debug\"\n[reload]\nwatch_ms = 0\n".to_owned();
    let services = agency.services(20_000);
    let ground = Ground::lay(&Plan { services, gateway, ..Plan::default() }).await;
    let key = plant(&ground);
    let served = Served::start(&ground).await;
    let portal = Caller::new(&ground.scratch, &served.callers[0], "portal", Some("portal"));
    let mut said = String::new();
    let good = portal.ask(PERSONS, PERSON).await;
    assert!(good.fault.is_none(), "{}", text(&good));
    said.push_str(&text(&good));
    said.push_str(&text(&portal.post(b"<broken".to_vec()).await));
    said.push_str(&text(&portal.post(portal.message(PERSONS, PERSON).into_bytes()).await));
    said.push_str(&text(&portal.ask(PAY, PERSON).await));
    // A change that is refused for its password is told at length.
    let file = ground.scratch.config.join("secrets/canary.password");
    pki::write(&file, WRONG).unwrap();
    served.signal("HUP");
    until_refused(&served).await;
    said.push_str(&get(&served.ops, "/metrics").await);
    for page in ["/health", "/ready", "/"] {
        said.push_str(&get(&served.ops, page).await);
    }
    let wanted = [PASSWORD, WRONG].map(spellings).concat();
    // Root alone may look; for everybody else the process is not dumpable. Who looks finds what is there.
    let of_settings = in_memory(served.child.id(), &[PERSONS.as_bytes().to_vec()]);
    assert!(of_settings.is_none_or(|found| found > 0), "memory was not read");
    assert!(matches!(in_memory(served.child.id(), &wanted), None | Some(0)), "still remembered");
    served.signal("ABRT");
    let ended = served.ended().await;
    assert_eq!(ended.status.signal(), Some(6));
    assert!(!ended.status.core_dumped());
    assert!(ended.output.contains("password"), "the refusal is told: {}", ended.output);
    said.push_str(&ended.output);
    for canary in key.iter().map(String::as_str).chain([PASSWORD, WRONG]) {
        assert!(!said.contains(canary), "{canary} is told");
    }
    ground.agencies.stop().await;
}
