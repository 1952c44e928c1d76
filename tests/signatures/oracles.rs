//! Running the tools that are not ours; one that is missing fails the test and says what to do.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn output(command: &mut Command, input: &[u8]) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}; run `make tools`"));
    let mut stdin = child.stdin.take().expect("stdin");
    let input = input.to_vec();
    // A tool may write before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("output");
    drop(writer.join());
    output
}

/// Runs openssl and returns what it prints.
pub(crate) fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = output(Command::new("openssl").args(arguments), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Runs xmlsec1 on a file; its messages, and whether it was content.
pub(crate) fn xmlsec1(arguments: &[&str], file: &Path) -> (bool, String) {
    let output = output(Command::new("xmlsec1").args(arguments).arg(file), b"");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Runs one of our Python scripts with the foreign libraries and returns what it prints.
pub(crate) fn python(script: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target");
    let python = target.join("tools/venv/bin/python");
    assert!(python.exists(), "{} is missing; run `make tools`", python.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signatures").join(script);
    let output = output(Command::new(python).arg(script).args(arguments), input);
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(!messages.contains("ModuleNotFoundError"), "{messages}run `make tools`");
    assert!(output.status.success(), "{messages}");
    output.stdout
}

/// A folder for the files that the tools read, gone at the end.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::TempDir::with_prefix_in("signatures", env!("CARGO_TARGET_TMPDIR")).expect("folder")
}

pub(crate) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("file");
    path
}

/// Whether xmlsec1 verifies the signature of a document by that certificate.
pub(crate) fn xmlsec1_verifies(document: &[u8], certificate_pem: &str) -> (bool, String) {
    let folder = folder();
    let certificate = write(folder.path(), "cert.pem", certificate_pem);
    let file = write(folder.path(), "signed.xml", document);
    let certificate = certificate.display().to_string();
    let mut arguments = vec!["--verify", "--pubkey-cert-pem", &certificate];
    // Without this, KeyInfo's certificate would have to chain to a root that it knows.
    arguments.extend(["--enabled-key-data", "key-name"]);
    for id in ["--id-attr:Id", "--id-attr:ID", "--id-attr:id", "--id-attr:AssertionID"] {
        arguments.extend([id, "Body"]);
    }
    for element in ["Timestamp", "BinarySecurityToken"] {
        arguments.extend(["--id-attr:Id", element]);
    }
    let (is_content, text) = xmlsec1(&arguments, &file);
    (is_content && text.contains("OK"), text)
}
