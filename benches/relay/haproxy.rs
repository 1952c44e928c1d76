//! haproxy as a reverse proxy with mutual TLS, one thread.

use super::Fallible;
use super::process::{Certificates, Peer, free_address};
use qaqpa::command::demo::scratch::Scratch;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Starts it before `origin`; `make tools` unpacks it.
pub(crate) fn start(scratch: &Scratch, origin: SocketAddr) -> Fallible<Peer> {
    let folder = tempfile::tempdir()?;
    let address = free_address()?;
    let Certificates { certificate, key, trust } = Certificates::of(scratch);
    // It wants the certificate and its key in one file.
    let pair = folder.path().join("pair.pem");
    fs::write(&pair, [fs::read(certificate)?, fs::read(key)?].concat())?;
    let (pair, trust) = (pair.display(), trust.display());
    let configuration = format!(
        "global\n nbthread 1\n log 127.0.0.1:9 local0\n ssl-default-bind-options no-tls-tickets\n\
         defaults\n mode http\n log global\n option httplog\n timeout connect 5s\n \
         timeout client 60s\n timeout server 60s\n http-reuse always\n\
         frontend callers\n bind {address} ssl crt {pair} ca-file {trust} verify required \
         ssl-min-ver TLSv1.3\n http-request set-path %[path,regsub(^/office,/api)]\n \
         default_backend origin\n\
         backend origin\n server origin {origin}\n"
    );
    let path = folder.path().join("haproxy.cfg");
    fs::write(&path, configuration)?;
    Peer::start("haproxy", [PathBuf::from("-db"), "-f".into(), path], folder, address)
}
