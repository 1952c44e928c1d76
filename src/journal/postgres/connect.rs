//! The way to the PostgreSQL cluster: URL, TLS, session settings; every step has a limit.

use crate::journal::down::{JournalDown, JournalError, Why};
use deadpool_postgres::{ClientWrapper, Connect, Manager, ManagerConfig, Pool, RecyclingMethod};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The longest that one group, one read or one connect may take before the journal is down.
pub(crate) const ATTEMPT: Duration = Duration::from_millis(800);

/// What Debian and its relatives trust, where the URL names no `sslrootcert`.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A session that we left is not waited for longer than half a second and ends by itself, a dead
/// node's by keepalive. Every statement goes by its index: plans made while a table was young must
/// not scan it when it is old. What must be scanned after all looks so dear then that it would be
/// compiled first, for half a second: never. A statement is planned once a session: of few rows the
/// planner would think that planning it anew each time pays.
const SESSION: &str = "-c search_path=qaqpa -c statement_timeout=15000 -c lock_timeout=500 \
     -c idle_in_transaction_session_timeout=5000 -c tcp_keepalives_idle=5 \
     -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 \
     -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off \
     -c plan_cache_mode=force_generic_plan";

/// A cluster, from its URL.
#[derive(Clone)]
pub(crate) struct Target {
    /// The first server that the URL names, and the others.
    servers: (Config, Vec<Config>),
    /// Which of them is asked first: the one that answered last, or that comes after one that hung.
    first: Arc<AtomicUsize>,
    tls: Option<MakeRustlsConnect>,
    name: String,
}

impl fmt::Display for Target {
    /// The URL without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Target {
    /// Reads a `postgres://` URL. `sslmode=require` means TLS with the server's name and chain
    /// verified, by the roots in `sslrootcert` (a PEM file) or else the system's.
    pub(crate) fn parse(url: &str) -> Result<Self, JournalError> {
        let (url, roots) = cut_roots(url.trim());
        let failed = |cause: Error| JournalError::Url(told(&cause));
        let config: Config = url.parse().map_err(failed)?;
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(tls(roots.as_deref().unwrap_or(SYSTEM_ROOTS))?),
            _ => None,
        };
        let server = |url: &String| {
            let mut server: Config = url.parse()?;
            if tls.is_none() {
                server.ssl_mode(SslMode::Disable);
            }
            server
                .application_name("qaqpa")
                .connect_timeout(ATTEMPT)
                .target_session_attrs(TargetSessionAttrs::ReadWrite)
                .keepalives_idle(Duration::from_secs(5));
            Ok(server)
        };
        let (one, others) = of_each(&url);
        let others = others.iter().map(server).collect::<Result<_, _>>().map_err(failed)?;
        let servers = (server(&one).map_err(failed)?, others);
        Ok(Self { servers, first: Arc::default(), tls, name: name(&config) })
    }

    /// A connection of the gateway, with [`SESSION`]'s limits.
    pub(crate) async fn session(&self) -> Result<ClientWrapper, Error> {
        let (client, task) = self.reach(limited).await?;
        Ok(ClientWrapper::new(client, task))
    }

    /// A connection without limits, for the migrator; the task ends when the connection has.
    pub(super) async fn plain(&self) -> Result<(Client, JoinHandle<()>), Error> {
        self.reach(Config::clone).await
    }

    /// Connects to the first server that takes writes. Whoever gives up while one of them hangs
    /// begins with the next one when it comes again.
    async fn reach(&self, with: fn(&Config) -> Config) -> Result<(Client, JoinHandle<()>), Error> {
        let (one, others) = &self.servers;
        let (mut number, mut left) = (self.first.load(Ordering::Relaxed), others.len());
        loop {
            let next = (number + 1) % (others.len() + 1);
            self.first.store(next, Ordering::Relaxed);
            let server = number.checked_sub(1).and_then(|at| others.get(at)).unwrap_or(one);
            match self.open(&with(server)).await {
                Ok(connection) => {
                    self.first.store(number, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(error) if left == 0 => return Err(error),
                Err(_) => (number, left) = (next, left - 1),
            }
        }
    }

    async fn open(&self, config: &Config) -> Result<(Client, JoinHandle<()>), Error> {
        match &self.tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                Ok((client, tokio::spawn(async move { note_end(connection.await) })))
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                Ok((client, tokio::spawn(async move { note_end(connection.await) })))
            }
        }
    }

    /// A pool of sessions for reading.
    pub(super) fn pool(&self, size: usize) -> Result<Pool, JournalError> {
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        Pool::builder(Manager::from_connect(Config::new(), self.clone(), manager_config))
            .max_size(size)
            .wait_timeout(Some(ATTEMPT))
            .create_timeout(Some(ATTEMPT))
            .recycle_timeout(Some(ATTEMPT))
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|cause| JournalError::store(&self.name, cause))
    }
}

/// The same with [`SESSION`]'s limits.
fn limited(config: &Config) -> Config {
    let mut config = config.clone();
    let options = match config.get_options() {
        Some(options) => format!("{SESSION} {options}"),
        None => SESSION.to_owned(),
    };
    config.options(options);
    config
}

type Connecting<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Target {
    /// The pool has no settings of its own: sessions are made as all others are.
    fn connect(&self, _of_the_pool: &Config) -> Connecting<'_> {
        Box::pin(self.reach(limited))
    }
}

fn note_end(end: Result<(), Error>) {
    if let Err(error) = end {
        tracing::debug!(error = told(&error), "a PostgreSQL connection ended");
    }
}

/// Cuts `sslrootcert` out of the URL's query; the driver does not know it.
fn cut_roots(url: &str) -> (String, Option<String>) {
    let Some((head, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut roots = None;
    let rest: Vec<_> = query
        .split('&')
        .filter(|pair| match pair.strip_prefix("sslrootcert=") {
            Some(file) => {
                roots = Some(file.replace("%2F", "/"));
                false
            }
            None => true,
        })
        .collect();
    (format!("{head}?{}", rest.join("&")), roots)
}

/// The URL once for each server that stands between its credentials and its path, separated by commas:
/// for the first, and for the others.
fn of_each(url: &str) -> (String, Vec<String>) {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let begin = url.get(begin..).and_then(|rest| rest.find('@')).map_or(begin, |at| begin + at + 1);
    let (head, rest) = url.split_at_checked(begin).unwrap_or((url, ""));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (servers, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let mut each = servers.split(',').map(|server| format!("{head}{server}{tail}"));
    (each.next().unwrap_or_default(), each.collect())
}

fn tls(roots_file: &str) -> Result<MakeRustlsConnect, JournalError> {
    let failed = |cause: String| JournalError::file(roots_file, cause);
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(Path::new(roots_file))
        .map_err(|cause| failed(cause.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|cause| failed(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| failed(cause.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| failed(cause.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn name(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user().unwrap_or_default();
    format!("postgres://{user}@{host}:{port}/{}", config.get_dbname().unwrap_or(user))
}

/// The server's own words, without the rows that its details may quote.
pub(crate) fn told(error: &Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// What an error of PostgreSQL means for the callers.
pub(crate) fn down(target: &Target, error: &Error) -> JournalDown {
    let why = match error.code() {
        Some(code) if *code == SqlState::DISK_FULL => Why::Full,
        Some(code) if *code == SqlState::QUERY_CANCELED => Why::Slow,
        Some(code)
            if [
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::LOCK_NOT_AVAILABLE,
            ]
            .contains(code) =>
        {
            Why::Busy
        }
        _ => Why::Broken,
    };
    JournalDown::new(why, format!("{target}: {}", told(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_without_its_password() {
        let target = Target::parse("postgres://app:secret@db.example:6432/gate?sslmode=prefer");
        assert_eq!(target.unwrap().to_string(), "postgres://app@db.example:6432/gate");
    }

    #[test]
    fn a_url_of_two_servers_is_two_urls() {
        let url = "postgres://app:a%2Cb@one:5432,[::1]:5433/gate?target_session_attrs=read-write";
        let of =
            |server| format!("postgres://app:a%2Cb@{server}/gate?target_session_attrs=read-write");
        assert_eq!(of_each(url), (of("one:5432"), vec![of("[::1]:5433")]));
        assert_eq!(of_each("postgres://db"), ("postgres://db".to_owned(), Vec::new()));
        assert_eq!(Target::parse(url).unwrap().servers.1.len(), 1);
    }

    #[test]
    fn a_wrong_url_is_refused_without_being_quoted() {
        let error = Target::parse("postgres://app:secret@db/gate?ssl=maybe").err().unwrap();
        assert!(matches!(error, JournalError::Url(_)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn the_file_of_roots_is_cut_out_and_must_be_readable() {
        let url = "postgres://db/gate?sslmode=require&sslrootcert=%2Fnowhere/roots.pem&port=1";
        let (rest, roots) = cut_roots(url);
        assert_eq!(rest, "postgres://db/gate?sslmode=require&port=1");
        assert_eq!(roots.as_deref(), Some("/nowhere/roots.pem"));
        let error = Target::parse(url).err().unwrap().to_string();
        assert!(error.contains("/nowhere/roots.pem"), "{error}");
    }
}
