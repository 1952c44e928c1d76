//! A whole installation on loopback in one process: simulated agencies, configuration, gateway.

use super::scratch::{Endpoints, Scratch};
use crate::command::Failure;
use crate::command::client::Client;
use crate::command::reconcile::Intake;
use crate::command::simulate::{Stand, door};
use crate::config;
use crate::journal;
use crate::payments;
use crate::proxy::listener::Drained;
use crate::proxy::start::Running;
use crate::sign::Signer;
use crate::simulate::bank::SimulatedBank;
use crate::simulate::bank::chaos::Chaos;
use crate::simulate::bank::ledger::Ledger;
use crate::simulate::{Behaviour, Observer};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The adapters whose simulators the demo runs.
pub const AGENCIES: [&str; 3] = ["gbd_fl", "gbd_ul", "address_register"];

/// Partitions that a demo on PostgreSQL makes ahead.
const MIGRATED_DAYS: u32 = 2;

/// The simulated agencies of an installation, listening.
pub struct Agencies {
    pub endpoints: Endpoints,
    drain: watch::Sender<bool>,
    doors: Vec<JoinHandle<Drained>>,
}

/// How one agency shall be, other than honest and unobserved.
#[derive(Default)]
pub struct Conduct {
    pub behaviour: Behaviour,
    pub observer: Option<Observer>,
}

impl Agencies {
    /// Starts a stand-in for each agency on a free port of loopback, behind mutual TLS.
    ///
    /// # Errors
    /// A key, a certificate or a socket cannot be used.
    pub async fn start(
        scratch: &Scratch,
        mut conduct: impl FnMut(&str) -> Conduct,
    ) -> Result<Self, Failure> {
        let (drain, draining) = watch::channel(false);
        let (mut addresses, mut doors) = (Vec::new(), Vec::new());
        for id in AGENCIES {
            let (door, agency) = stand(scratch, id, conduct(id))?.open().await?;
            addresses.push(door.address());
            doors.push(tokio::spawn(door.serve(Arc::new(agency), draining.clone())));
        }
        let [persons, companies, addresses] = addresses[..] else {
            return Err(Failure::work("an agency did not start"));
        };
        Ok(Self { endpoints: Endpoints { persons, companies, addresses }, drain, doors })
    }

    /// Starts a bank that pays what it is ordered to, and answers inquiries alone.
    ///
    /// # Errors
    /// Its ledger or a socket cannot be used.
    async fn add_bank(&mut self, state: &Path) -> Result<SocketAddr, Failure> {
        let ledger = Ledger::open(&state.join("absent_bank.ledger")).map_err(Failure::work)?;
        let chaos = "late=100".parse::<Chaos>().map_err(Failure::work)?;
        let adapter = qaqpa_adapters::find("iso20022")
            .ok_or_else(|| Failure::work("no bank that takes orders"))?;
        let bank = SimulatedBank::new(adapter, chaos.seeded(1), ledger);
        let door = door(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), None).await?;
        let address = door.address();
        self.doors.push(tokio::spawn(door.serve(Arc::new(bank), self.drain.subscribe())));
        Ok(address)
    }

    /// Starts a bank of cards, behind mutual TLS like an agency: its payers go on to its own page.
    ///
    /// # Errors
    /// Its ledger, its certificate or a socket cannot be used.
    async fn add_card_bank(
        &mut self,
        scratch: &Scratch,
        state: &Path,
    ) -> Result<SocketAddr, Failure> {
        let ledger = Ledger::open(&state.join("cards_bank.ledger")).map_err(Failure::work)?;
        let adapter =
            qaqpa_adapters::find("acquiring").ok_or_else(|| Failure::work("no bank of cards"))?;
        let bank = SimulatedBank::new(adapter, Chaos::default(), ledger);
        let tls = Some((&scratch.member("bank")?.pair, scratch.trust_pem.as_path()));
        let door = door(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), tls).await?;
        let address = door.address();
        let bank = bank.with_page(&format!("https://{address}"));
        self.doors.push(tokio::spawn(door.serve(Arc::new(bank), self.drain.subscribe())));
        Ok(address)
    }

    /// Stops them.
    pub async fn stop(self) {
        self.drain.send_replace(true);
        for door in self.doors {
            drop(door.await);
        }
    }
}

/// Everything running.
pub struct Installation {
    pub scratch: Scratch,
    pub running: Running,
    pub agencies: Agencies,
    intake: Intake,
}

impl Installation {
    /// Starts agencies and gateway with their state in `state`.
    ///
    /// # Errors
    /// What `check` would say of the configuration, or a store or socket that cannot be used.
    pub async fn start(state: &Path, store: Option<&str>) -> Result<Self, Failure> {
        let scratch = Scratch::prepare(state)?;
        let mut agencies = Agencies::start(&scratch, |_| Conduct::default()).await?;
        let absent = agencies.add_bank(state).await?;
        let cards = agencies.add_card_bank(&scratch, state).await?;
        scratch.write(&agencies.endpoints, store)?;
        scratch.add_banks(absent, cards)?;
        let settings = config::load(&scratch.config).map_err(Failure::configuration)?;
        if store.is_some() {
            journal::migrate(&settings.journal.store, MIGRATED_DAYS)
                .await
                .map_err(Failure::configuration)?;
            payments::migrate(&settings.payments.store).await.map_err(Failure::configuration)?;
        }
        let running = Running::start(settings).await?;
        Ok(Self::over(scratch, running, agencies))
    }

    /// What runs already, and what takes registers in beside it.
    #[must_use]
    pub fn over(scratch: Scratch, running: Running, agencies: Agencies) -> Self {
        let intake = Intake::start(&running.gate.settings, &running.gate);
        Self { scratch, running, agencies, intake }
    }

    /// Where callers are let in, without a path.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.running.callers.first().map_or("", String::as_str)
    }

    /// The address that SyncChannel callers use.
    #[must_use]
    pub fn soap_url(&self) -> String {
        format!("{}/bip-sync-wss-gost/", self.base_url())
    }

    /// A client with the certificate of one of the participants.
    ///
    /// # Errors
    /// There is no such participant.
    pub fn client(&self, member: &str) -> Result<Client, Failure> {
        let pair = &self.scratch.member(member)?.pair;
        Client::new(
            &self.soap_url(),
            &self.scratch.trust_pem,
            Some((&pair.cert_pem, &pair.key_pem)),
        )
    }

    /// Stops the gateway, then the agencies; returns how many calls were cut.
    pub async fn stop(self) -> usize {
        self.intake.stop().await;
        let cut = self.running.drain().await;
        self.agencies.stop().await;
        cut
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}

/// The signer of a pair of files.
///
/// # Errors
/// A file that cannot be read or is no key with its certificate.
pub fn signer(pair: &super::pki::Pair) -> Result<Signer, Failure> {
    let key = zeroize::Zeroizing::new(read(&pair.key_pem)?);
    Signer::from_pem(&key, &read(&pair.cert_pem)?).map_err(Failure::work)
}

/// The stand-in for an agency, on a free port behind mutual TLS that believes the demo's root.
///
/// # Errors
/// The demo has no participant `agency`.
pub fn stand<'a>(
    scratch: &'a Scratch,
    id: &'a str,
    conduct: Conduct,
) -> Result<Stand<'a>, Failure> {
    let pair = &scratch.member("agency")?.pair;
    Ok(Stand {
        agency: id,
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        tls: Some((pair, &scratch.trust_pem)),
        signing: pair,
        gateway: scratch.gateway.iter().map(|pair| pair.cert_pem.as_path()).collect(),
        behaviour: conduct.behaviour,
        observer: conduct.observer,
    })
}
