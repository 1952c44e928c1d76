//! Cost of a signature: reading, canonicalizing and verifying a message, a hostile one too; and signing one.

#[path = "peers/axis.rs"]
mod axis;
#[path = "load/figures.rs"]
#[allow(dead_code, reason = "shared with the load")]
mod figures;
#[path = "steps/messages.rs"]
mod messages;
#[path = "steps/peer.rs"]
mod peer;
#[path = "steps/santuario.rs"]
mod santuario;
#[path = "steps/hostile.rs"]
mod signatures;

use criterion::{Criterion, Throughput};
use messages::{Fallible, SIZES, message, signers};
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::{Reason, Signer, Trust, wsse};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};
use std::hint::black_box;
use std::path::Path;

/// Scans and verifies, as the gateway does for a caller whose certificate it knows.
fn verify(message: &[u8], certificates: &CertificateCache) -> Fallible<()> {
    let document = Document::scan(message, &Limits::default()).map_err(|error| error.reason)?;
    let envelope = Envelope::read(&document).map_err(|error| error.reason)?;
    let signed = wsse::verify(&envelope, &[], certificates, 0);
    signed.map(drop).map_err(|refusal| refusal.reason.word().into())
}

/// The message with another date of birth: refused after its digest, before the key is used.
fn tampered(signed: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(signed).replacen("1985-03-12", "1985-03-13", 1).into_bytes()
}

fn pem(base64: &str) -> String {
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// What believing a signer costs: over a chain that is remembered, and over one that is found anew.
fn believe(
    criterion: &mut Criterion,
    folder: &Path,
    family: &str,
    signer: &Signer,
) -> Fallible<()> {
    let root = std::fs::read(folder.join("root.pem"))?;
    let trust = Trust::load([("root", &root)])?;
    let (certificate, now_unix_s) = (signer.certificate(), jiff::Timestamp::now().as_second());
    trust.judge(certificate, now_unix_s).map_err(Reason::word)?;
    let mut group = criterion.benchmark_group(format!("chain of {family}"));
    group.bench_function("remembered", |bencher| {
        bencher.iter(|| trust.judge(black_box(certificate), now_unix_s).is_ok());
    });
    group.bench_function("found", |bencher| {
        bencher.iter(|| {
            let fresh = Trust::load([("root", &root)]);
            fresh.is_ok_and(|fresh| fresh.judge(black_box(certificate), now_unix_s).is_ok())
        });
    });
    group.finish();
    Ok(())
}

fn main() -> Fallible<()> {
    signatures::compare()?;
    let folder = tempfile::tempdir()?;
    let certificates = CertificateCache::default();
    let mut criterion = Criterion::default().configure_from_args();
    let mut axes = Vec::new();
    for (family, signer) in signers(folder.path())? {
        certificates.keep(signer.certificate());
        believe(&mut criterion, folder.path(), family, &signer)?;
        for (size, bytes) in SIZES {
            let unsigned = message(bytes);
            let signed = wsse::sign(&unsigned, &signer)?;
            verify(&signed, &certificates)?;
            let mut group = criterion.benchmark_group(format!("{family} {size}"));
            group.throughput(Throughput::Bytes(signed.len() as u64));
            group.bench_function("verify", |bencher| {
                bencher.iter(|| verify(black_box(&signed), &certificates).is_ok());
            });
            let tampered = tampered(&signed);
            if verify(&tampered, &certificates).is_ok() {
                return Err("a message that was changed is not refused".into());
            }
            group.bench_function("refuse what was changed", |bencher| {
                bencher.iter(|| verify(black_box(&tampered), &certificates).is_ok());
            });
            group.bench_function("sign", |bencher| {
                bencher.iter(|| wsse::sign(black_box(&unsigned), &signer).is_ok());
            });
            group.finish();
            let certificate = folder.path().join("bench.cert.pem");
            std::fs::write(&certificate, pem(signer.certificate_base64()))?;
            let ours = || verify(black_box(&signed), &certificates);
            axes.extend(peer::compare(&format!("{family} {size}"), &signed, &certificate, ours)?);
        }
    }
    criterion.final_summary();
    axis::write("verify", &axes)
}
