//! Connections to one endpoint of an agency: opened on demand, kept for reuse.
//!
//! A call takes the connection used last; what rested longer than [`IDLE_AGE_MAX`] is closed, because servers close idle connections
//! after 5 s and more, and a request written into a closing connection would be Unknown.

use super::link::Link;
use super::meter::{Meter, Metered};
use crate::proxy::tls::ClientTls;
use crate::proxy::tls::stream::Stream;
use hyper::Uri;
use hyper::header::HeaderValue;
use rustls::pki_types::ServerName;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Idle connections older than this are not used again.
pub(super) const IDLE_AGE_MAX: Duration = Duration::from_secs(4);

/// Where an agency listens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) host: String,
    pub(super) port: u16,
    /// What goes into `Host`.
    pub(super) authority: HeaderValue,
    /// Path of the endpoint, without a trailing slash.
    pub(super) path: String,
    pub(super) is_tls: bool,
}

impl Origin {
    /// Takes an endpoint apart; `None` where it is no http or https URL.
    pub(super) fn parse(endpoint: &str) -> Option<Self> {
        let uri: Uri = endpoint.parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Some(Self {
            host,
            port,
            authority: HeaderValue::from_str(authority.as_str()).ok()?,
            path: uri.path().trim_end_matches('/').to_owned(),
            is_tls,
        })
    }
}

/// The connections of one endpoint, shared by all threads.
pub(super) struct Pool {
    origin: Origin,
    tls: Option<(ClientTls, ServerName<'static>)>,
    /// Used last stands last.
    idle: Mutex<VecDeque<Box<Link>>>,
}

impl Pool {
    pub(super) fn new(origin: Origin, tls: Option<ClientTls>) -> Option<Self> {
        let tls = match tls {
            Some(tls) => Some((tls, ServerName::try_from(origin.host.clone()).ok()?)),
            None => None,
        };
        Some(Self { origin, tls, idle: Mutex::default() })
    }

    /// Whether both lead to the same place in the same way, so that one can serve for the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.origin == other.origin && self.tls == other.tls
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The idle connection used last that is young enough and that its peer has not closed.
    pub(super) async fn take(&self) -> Option<Box<Link>> {
        while let Some(mut link) = self.youngest(Instant::now()) {
            if link.is_quiet().await {
                return Some(link);
            }
        }
        None
    }

    fn youngest(&self, now: Instant) -> Option<Box<Link>> {
        let mut idle = self.idle();
        let link = idle.pop_back()?;
        if now.saturating_duration_since(link.idle_since) < IDLE_AGE_MAX {
            return Some(link);
        }
        idle.clear();
        None
    }

    /// Keeps a connection whose exchange ended cleanly.
    pub(super) fn keep(&self, mut link: Box<Link>, now: Instant) {
        link.rest(now);
        self.idle().push_back(link);
    }

    /// Closes what rested too long; called now and then, so that no dead socket stays open.
    pub(super) fn sweep(&self, now: Instant) {
        self.idle().retain(|link| now.saturating_duration_since(link.idle_since) < IDLE_AGE_MAX);
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Box<Link>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a new connection; nothing of a request has left when it fails.
    pub(super) async fn open(&self) -> Result<Box<Link>, Unopened> {
        let origin = &self.origin;
        let socket = TcpStream::connect((origin.host.as_str(), origin.port)).await?;
        socket.set_nodelay(true)?;
        let meter = Arc::new(Meter::new());
        let socket = Metered::new(socket, Arc::clone(&meter));
        let stream = match &self.tls {
            None => Stream::Plain(socket),
            Some((tls, name)) => {
                let connector = TlsConnector::from(tls.config());
                let stream =
                    connector.connect(name.clone(), socket).await.map_err(Unopened::Tls)?;
                Stream::Tls(Box::new(stream.into()))
            }
        };
        Ok(Link::new(stream, meter))
    }
}

/// Why no connection came about.
#[derive(Debug)]
pub(super) enum Unopened {
    Socket(io::Error),
    Tls(io::Error),
}

impl From<io::Error> for Unopened {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_endpoint_is_taken_apart() {
        let origin = Origin::parse("https://agency.example:8443/ws/sync/").expect("a URL");
        assert_eq!((origin.host.as_str(), origin.port), ("agency.example", 8443));
        assert_eq!((origin.path.as_str(), origin.is_tls), ("/ws/sync", true));
        assert_eq!(origin.authority, "agency.example:8443");
        let origin = Origin::parse("http://[::1]").expect("a URL");
        assert_eq!((origin.host.as_str(), origin.port, origin.path.as_str()), ("::1", 80, ""));
    }

    #[test]
    fn an_endpoint_that_hides_credentials_or_is_no_url_is_refused() {
        for wrong in ["agency", "ftp://agency", "http://user:word@agency", "http://agency/?a=b", ""]
        {
            assert!(Origin::parse(wrong).is_none(), "{wrong}");
        }
    }
}
