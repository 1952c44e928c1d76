//! What the nodes of a cluster ask of a quota that they share; kept beside the journal, and no evidence.

use super::Journal;
use super::down::JournalDown;
use super::reader::Side;

/// What another node asks of one contract.
#[derive(Clone, Debug, PartialEq)]
pub struct Asking {
    /// Empty: nothing; the node lives.
    pub contract: String,
    pub node: String,
    /// Calls a second, those refused among them.
    pub per_second: f64,
}

impl Journal {
    /// Whether other nodes may write into the same store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.reader.side, Side::Postgres(_))
    }

    /// Tells the other nodes what this one asks for (calls a second, by contract), and what they ask
    /// for; nothing of a store that is one node's alone.
    ///
    /// # Errors
    /// When the store cannot be reached within a second: then every node keeps what it has.
    pub async fn lease(
        &self,
        node: &str,
        own: &[(String, f64)],
    ) -> Result<Vec<Asking>, JournalDown> {
        match &self.inner.reader.side {
            Side::Embedded(_) => Ok(Vec::new()),
            Side::Postgres(side) => side.lease(node, own).await,
        }
    }

    /// Drops what nodes said that are long gone.
    ///
    /// # Errors
    /// As [`Journal::lease`].
    pub async fn forget_leases(&self) -> Result<(), JournalDown> {
        match &self.inner.reader.side {
            Side::Embedded(_) => Ok(()),
            Side::Postgres(side) => side.forget_leases().await,
        }
    }
}
