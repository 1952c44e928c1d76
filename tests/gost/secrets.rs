//! Nothing of a key or a password is left behind: in what is printed, and in a core file.

use crate::gost::pki::{ALL, authority, leaf, pem};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const QAQPA: &str = env!("CARGO_BIN_EXE_qaqpa");
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_process_that_is_killed_leaves_no_core_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = format!("ulimit -c unlimited; exec {QAQPA} verify --signature-only -");
    let mut child = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a shell");
    // The shell, which may begin with none, becomes the process that waits for a document; by then its
    // limit is none.
    let [program, limits] = ["exe", "limits"].map(|file| format!("/proc/{}/{file}", child.id()));
    let ours = std::fs::canonicalize(QAQPA).expect("the program");
    let start = Instant::now();
    let is_hidden = || {
        if std::fs::read_link(&program).is_ok_and(|program| program != ours) {
            return false;
        }
        let limits = std::fs::read_to_string(&limits).unwrap_or_default();
        let core = limits.lines().find(|line| line.starts_with("Max core file size"));
        core.is_some_and(|line| line.split_whitespace().nth(4) == Some("0"))
    };
    while !is_hidden() {
        assert!(start.elapsed() < PATIENCE, "core files are not forbidden");
        std::thread::yield_now();
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::ABORT).expect("a signal");
    let status = child.wait().expect("an end");
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn neither_password_nor_key_is_printed_whatever_goes_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let by = leaf("CN=Signer,C=KZ", ALL[2], &authority("CN=Root,C=KZ", ALL[2], None));
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    };
    let (password, envelope) = (file("password", b"canary-7f3a"), file("in.xml", b"<a>canary</b>"));
    let der = by.key.to_pkcs8();
    let certificate = file("cert.pem", by.pem().as_bytes());
    let canaries = ["canary-7f3a".to_owned(), base64_of(&der[der.len() - 40..])];
    for key in [
        file("key.der", &der),
        file("key.pem", pem("PRIVATE KEY", &der).as_bytes()),
        file("cut.der", &der[..der.len() - 3]),
        file("broken.pem", pem("ENCRYPTED PRIVATE KEY", &der).as_bytes()),
        file("wrong.p12", &[0x30, 0x80, 0x02, 0x01, 0x03, 0x30, 0x80]),
    ] {
        let told = Command::new(QAQPA)
            .args(["sign", "--key"])
            .arg(&key)
            .arg("--cert")
            .arg(&certificate)
            .arg("--key-password-file")
            .arg(&password)
            .arg(&envelope)
            .env("RUST_BACKTRACE", "full")
            .output()
            .expect("a command");
        assert!(!told.status.success());
        let text = [told.stdout, told.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(canaries.iter().all(|canary| !text.contains(canary)), "{text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

fn base64_of(bytes: &[u8]) -> String {
    pem("X", bytes).lines().filter(|line| !line.contains("---")).collect()
}
