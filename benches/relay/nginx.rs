//! nginx as a reverse proxy, with mutual TLS or plain.

use super::Fallible;
use super::process::{Certificates, Peer, free_address};
use qaqpa::command::demo::scratch::Scratch;
use std::fs;
use std::net::SocketAddr;

/// Starts it before `origin`; `make tools` unpacks it.
pub(crate) fn start(scratch: &Scratch, origin: SocketAddr, is_tls: bool) -> Fallible<Peer> {
    let folder = tempfile::tempdir()?;
    let address = free_address()?;
    let Certificates { certificate, key, trust } = Certificates::of(scratch);
    let tls = format!(
        "ssl_certificate {certificate:?};\nssl_certificate_key {key:?};\n\
         ssl_client_certificate {trust:?};\nssl_verify_client on;\nssl_protocols TLSv1.3;\n\
         ssl_session_tickets off;\n"
    );
    let (mode, tls) = if is_tls { ("ssl", tls.as_str()) } else { ("", "") };
    let configuration = format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid nginx.pid;\n\
         error_log error.log;\nevents {{ worker_connections 1024; }}\nhttp {{\n\
         access_log access.log;\nclient_body_temp_path body;\nproxy_temp_path proxy;\n\
         fastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n\
         keepalive_requests 1000000;\n\
         upstream origin {{ server {origin}; keepalive 64; keepalive_requests 1000000; }}\n\
         server {{\nlisten {address} {mode};\n{tls}location /office/ {{\n\
         proxy_pass http://origin/api/;\nproxy_http_version 1.1;\n\
         proxy_set_header Connection \"\";\n}}\n}}\n}}\n"
    );
    let path = folder.path().join("nginx.conf");
    fs::write(&path, configuration)?;
    let arguments = ["-p".into(), folder.path().into(), "-c".into(), path];
    Peer::start("nginx", arguments, folder, address)
}
