//! The way of a bank's requests to the gateway's door: its certificate, its path, and its signature.

use super::{Failure, Pair};
use crate::channel::bank::{PREFIX, signature_kind};
use crate::command::client::{Client, Posted};
use crate::command::demo::installation::signer;
use crate::sign::{Signer, document};
use crate::simulate::bank::caller::{Carrying, Wire};
use qaqpa_kit::bank::{BankRequest, Covered};
use std::path::{Path, PathBuf};

/// Where a simulated bank asks, and as whom.
#[derive(clap::Args)]
pub struct Calling {
    /// The gateway's door for callers: the bank asks there too, for customers who pay at `POST /customers`,
    /// and of the orders that it was given. `POST /repeat` has it ask everything again.
    #[arg(long, value_name = "URL", requires_all = ["bank", "bank_id", "bank_cert", "bank_key", "gateway_trust"])]
    gateway: Option<String>,
    /// The bank's id at the gateway.
    #[arg(long, value_name = "ID", requires = "gateway")]
    bank_id: Option<String>,
    /// The certificate that the bank shows to the gateway.
    #[arg(long, value_name = "PEM", requires = "gateway")]
    bank_cert: Option<PathBuf>,
    /// Its key.
    #[arg(long, value_name = "PEM", requires = "gateway")]
    bank_key: Option<PathBuf>,
    /// Certification authorities that the gateway's certificate must chain to.
    #[arg(long, value_name = "PEM", requires = "gateway")]
    gateway_trust: Option<PathBuf>,
    /// The header in which the bank signs the bodies of its requests; without it, it signs nothing.
    #[arg(long, value_name = "NAME", requires = "gateway")]
    signature_header: Option<String>,
}

impl Calling {
    /// The way that these arguments name, if any.
    ///
    /// # Errors
    /// A file cannot be used.
    pub(super) fn wire(self) -> Result<Option<BankWire>, Failure> {
        let Some(url) = self.gateway else { return Ok(None) };
        let (Some(bank), Some(cert_pem), Some(key_pem), Some(trust)) =
            (self.bank_id, self.bank_cert, self.bank_key, self.gateway_trust)
        else {
            return Err(Failure::usage("name the bank's id, certificate, key and trust"));
        };
        let pair = Pair { key_pem, cert_pem };
        BankWire::new((&url, &trust), &bank, &pair, self.signature_header.as_deref()).map(Some)
    }
}

/// A bank's way to one gateway.
pub struct BankWire {
    client: Client,
    bank: String,
    signature: Option<(String, Signer)>,
}

impl BankWire {
    /// The way of this bank, which shows and signs with this pair.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn new(
        (url, trust): (&str, &Path),
        bank: &str,
        pair: &Pair,
        signature_header: Option<&str>,
    ) -> Result<Self, Failure> {
        let client = Client::new(url, trust, Some((&pair.cert_pem, &pair.key_pem)))?;
        let signature = match signature_header {
            Some(header) => Some((header.to_owned(), signer(pair)?)),
            None => None,
        };
        Ok(Self { client, bank: bank.to_owned(), signature })
    }

    /// Sends a request; its first line, and what came back.
    ///
    /// # Errors
    /// The key or the connection failed.
    pub async fn send(&self, request: BankRequest) -> Result<(String, Posted), Failure> {
        let path = format!("{PREFIX}{}/{}", self.bank, request.path);
        if request.method == "GET" {
            let target = format!("{path}?{}", request.query);
            return Ok((format!("GET {target}"), self.client.get(&target).await?));
        }
        let content_type = request.content_type.unwrap_or("application/octet-stream");
        let mut headers = vec![("content-type", content_type)];
        let detached = match &self.signature {
            Some((header, signer)) => Some((header, detached(&request.body, signer)?)),
            None => None,
        };
        headers.extend(detached.as_ref().map(|(header, text)| (header.as_str(), text.as_str())));
        let posted = self.client.post_to(&path, &headers, request.body).await?;
        Ok((format!("POST {path}"), posted))
    }
}

impl Wire for BankWire {
    fn carry(&self, request: BankRequest) -> Carrying<'_> {
        Box::pin(async move {
            let (_, posted) = self.send(request).await.ok()?;
            Some((posted.http_status, posted.body))
        })
    }
}

/// The signature of a body without the body (RFC 7515 Appendix F).
fn detached(body: &[u8], signer: &Signer) -> Result<String, Failure> {
    let kind = signature_kind(Covered::Body);
    let signed = document::sign(kind, body, signer).map_err(Failure::work)?;
    let parts = signed.split_once('.').and_then(|(head, rest)| Some((head, rest.split_once('.')?)));
    let (head, (_, signature)) = parts.ok_or_else(|| Failure::work("no signature"))?;
    Ok(format!("{head}..{signature}"))
}
