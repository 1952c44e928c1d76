//! An agency that follows a script byte by byte, and remembers who asked what on which connection.

use crate::wire::Wire;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};

/// What one request was: the number of its connection, and its head.
pub type Seen = (usize, String);

pub struct Office {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// One connection to the agency.
pub struct Visitor {
    pub wire: Wire<TcpStream>,
    /// Counted from 1.
    pub number: usize,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Office {
    /// `script` plays each connection.
    pub async fn open<F, W>(script: F) -> Self
    where
        F: Fn(Visitor) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            for number in 1.. {
                let Ok((stream, _)) = socket.accept().await else { return };
                let seen = Arc::clone(&shared);
                tokio::spawn(script(Visitor { wire: Wire::new(stream), number, seen }));
            }
        });
        Self { address, seen }
    }

    /// Answers every request with 200.
    pub async fn serving() -> Self {
        Self::open(|mut visitor| async move { visitor.serve().await }).await
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The heads seen, in their order.
    pub fn heads(&self) -> Vec<String> {
        self.seen().into_iter().map(|(_, head)| head).collect()
    }

    /// `services.toml` that puts it behind the service `files`, with what `more` says of that service.
    pub fn services(&self, more: &str) -> String {
        services(self.address, more)
    }
}

/// As [`Office::services`], for an address where perhaps nobody is.
pub fn services(address: SocketAddr, more: &str) -> String {
    let name = "name = { kk = \"t\", ru = \"t\", en = \"t\" }\n";
    let operations: String = [("read", "GET"), ("look", "HEAD"), ("write", "POST"), ("put", "PUT")]
        .map(|(id, method)| {
            format!(
                "[[agency.office.service.files.operation]]\nid = {id:?}\nmethod = {method:?}\n\
                 path = \"/files/{{name}}\"\n"
            )
        })
        .concat();
    format!(
        "[agency.office]\nadapter = \"passthrough\"\nwire = \"rest\"\n{name}\
         endpoint = \"http://{address}/api\"\nbreaker = {{ failures = 1000, open_ms = 1000 }}\n\
         quota = {{ per_second = 5000, burst = 5000, in_flight_max = 512 }}\nconnections_max = 256\n\
         [agency.office.service.files]\n{name}refused_codes = [\"404\", \"413\"]\n{more}{operations}"
    )
}

impl Visitor {
    /// The next head; `None` where the gateway closed.
    pub async fn head(&mut self) -> Option<String> {
        let head = self.wire.head().await?;
        self.seen.lock().unwrap().push((self.number, head.clone()));
        Some(head)
    }

    /// A whole 200.
    pub async fn answer(&mut self, body: &str) -> bool {
        let length = body.len();
        self.wire.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")).await
    }

    /// Reads whole requests and answers each, until the gateway closes.
    pub async fn serve(&mut self) {
        while let Some(head) = self.head().await {
            if !self.wire.body(&head, false).await.is_whole || !self.answer_to(&head).await {
                return;
            }
        }
    }

    async fn answer_to(&mut self, head: &str) -> bool {
        if head.starts_with("HEAD") {
            return self.wire.say("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n").await;
        }
        self.answer("\"served\"").await
    }
}
