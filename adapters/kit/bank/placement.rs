//! Where an ISO 20022 message carries what the country asks for and the standard has no field for.
//!
//! No public national guideline says where КНП, КБК and КБе stand, so it is data of the installation:
//! a bank's profile in `payments.toml`, given to its adapter with every message.

use serde::Deserialize;
use std::borrow::Cow;

/// A place in a credit transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// `Purp/Prtry`, 35 characters.
    Purpose,
    /// `PmtTpInf/CtgyPurp/Prtry`, 35 characters.
    CategoryPurpose,
    /// `RgltryRptg/Dtls/Cd`, 10 characters.
    RegulatoryReporting,
    /// `RmtInf/Strd/TaxRmt/Rcrd/Ctgy`, 35 characters.
    TaxCategory,
    /// `RmtInf/Strd/CdtrRefInf/Ref`, 35 characters.
    CreditorReference,
    /// `RmtInf/Ustrd` as `/KNP/911`, `/KBK/108125`, `/KBE/11`, `/CHARGE/…`, before the words.
    Remittance,
    /// Not carried.
    Absent,
}

impl Place {
    /// Whether a message has it once, so that no two values may share it.
    #[must_use]
    pub const fn is_single(self) -> bool {
        !matches!(self, Self::Remittance | Self::Absent)
    }
}

/// Whose accounts a bank's notices of bookings (camt.054) tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accounts {
    /// A payment is a debit, what goes back a credit.
    Payers,
    /// The other way round.
    Payees,
}

/// Where each value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Purpose of payment.
    pub knp: Place,
    /// Budget classification code.
    pub kbk: Place,
    /// Side of the payment.
    pub kbe: Place,
    /// The charge that a payment of a bank's own customer pays.
    pub charge: Place,
    /// The BIC of the bank that keeps the payee's account.
    pub payee_bic: Cow<'static, str>,
    /// Whose accounts a notice of bookings tells of.
    pub accounts: Accounts,
}

/// What an installation has that says nothing else; a choice of ours, no guideline.
static USUAL: Placement = Placement {
    knp: Place::Purpose,
    kbk: Place::TaxCategory,
    kbe: Place::Remittance,
    charge: Place::CreditorReference,
    payee_bic: Cow::Borrowed("KKMFKZ2A"),
    accounts: Accounts::Payers,
};

impl Placement {
    /// What an installation has that says nothing else.
    #[must_use]
    pub fn usual() -> &'static Self {
        &USUAL
    }

    /// Two values that one place cannot hold both of, by their keys.
    #[must_use]
    pub fn clash(&self) -> Option<(&'static str, &'static str)> {
        let places =
            [("knp", self.knp), ("kbk", self.kbk), ("kbe", self.kbe), ("charge", self.charge)];
        places.iter().enumerate().find_map(|(at, (key, place))| {
            let others = places.iter().skip(at + 1);
            let clash =
                others.into_iter().find(|(_, other)| place.is_single() && other == place)?;
            Some((*key, clash.0))
        })
    }
}

impl Default for Placement {
    fn default() -> Self {
        USUAL.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_of_text_can_hold_two_values() {
        assert_eq!(Placement::usual().clash(), None);
        let both = |kbk, kbe| Placement { kbk, kbe, ..Placement::default() }.clash();
        assert_eq!(both(Place::Purpose, Place::Absent), Some(("knp", "kbk")));
        assert_eq!(both(Place::CreditorReference, Place::Absent), Some(("kbk", "charge")));
        assert_eq!(both(Place::Remittance, Place::Remittance), None);
        assert_eq!(both(Place::Absent, Place::Absent), None);
    }
}
