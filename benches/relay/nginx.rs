//! nginx as a reverse proxy with mutual TLS, one process on the core of the gateway.

use super::Fallible;
use crate::installation::GATEWAY_CORE;
use qaqpa::command::demo::scratch::Scratch;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Nginx {
    process: Child,
    pub(super) address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Starts it before `origin`; `make tools` unpacks it.
    pub(super) fn start(scratch: &Scratch, origin: SocketAddr, is_tls: bool) -> Fallible<Self> {
        let folder = tempfile::tempdir()?;
        // Free a moment ago; a bench may fail when somebody is faster.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let [pair, _] = &scratch.gateway;
        let tls = format!(
            "ssl_certificate {:?};\nssl_certificate_key {:?};\nssl_client_certificate {:?};\n\
             ssl_verify_client on;\nssl_protocols TLSv1.3;\n",
            pair.cert_pem, pair.key_pem, scratch.trust_pem
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
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/nginx");
        let program = if tools.is_file() { tools } else { "nginx".into() };
        let process = Command::new("taskset")
            .args(["-c", GATEWAY_CORE])
            .arg(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&path)
            .spawn()?;
        let mut nginx = Self { process, address, _folder: folder };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(ended) = nginx.process.try_wait()? {
                return Err(format!("nginx did not start: {ended}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err("nginx does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(nginx)
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
