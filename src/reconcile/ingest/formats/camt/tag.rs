//! Elements of camt messages that are read, by their local names.

/// An element; its name is that of the standard where it says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// Not read, whatever stands in it.
    Other,
    /// `BkToCstmrStmt`, `BkToCstmrAcctRpt` or `BkToCstmrDbtCdtNtfctn`.
    Message,
    /// `Stmt`, `Rpt` or `Ntfctn`.
    Statement,
    /// `StmtPgntn`, `RptPgntn` or `NtfctnPgntn`.
    Pages,
    Number,
    Account,
    Iban,
    Other1,
    Id,
    Balance,
    Type,
    CodeOrOwn,
    Code,
    Own,
    Amount,
    Direction,
    Summary,
    All,
    Credits,
    Debits,
    Count,
    Sum,
    Entry,
    Reversal,
    Status,
    Booked,
    Value,
    Day,
    Moment,
    Receipt,
    Details,
    /// `CreDtTm`.
    Made,
    Payment,
    References,
    EndToEnd,
    Transaction,
    Instruction,
    Amounts,
    Transacted,
    Parties,
    Payer,
    Payee,
    RealPayer,
    Party,
    Organisation,
    Person,
    Purpose,
    Remittance,
    Words,
    Structured,
    Tax,
    Record,
    Category,
    Returned,
    Charges,
    Reporting,
    ReportingDetails,
    Batch,
    BatchCount,
    BatchSum,
    Net,
}

const MESSAGES: [&[u8]; 3] = [b"BkToCstmrStmt", b"BkToCstmrAcctRpt", b"BkToCstmrDbtCdtNtfctn"];

impl Tag {
    /// By the local name. Its length comes first: names of one length are told apart by a number.
    #[inline]
    pub(super) fn of(name: &[u8]) -> Self {
        match name.len() {
            ..=4 => Self::short(name),
            5..=8 => Self::middle(name),
            _ => Self::long(name),
        }
    }

    #[inline]
    fn short(name: &[u8]) -> Self {
        match name.len() {
            2 => match name {
                b"Id" => Self::Id,
                b"Tp" => Self::Type,
                b"Cd" => Self::Code,
                b"Dt" => Self::Day,
                _ => Self::Other,
            },
            3 => match name {
                b"Rpt" => Self::Statement,
                b"Bal" => Self::Balance,
                b"Amt" => Self::Amount,
                b"Sum" => Self::Sum,
                b"Sts" => Self::Status,
                b"Pty" => Self::Party,
                _ => Self::Other,
            },
            4 => match name {
                b"Stmt" => Self::Statement,
                b"Acct" => Self::Account,
                b"IBAN" => Self::Iban,
                b"Othr" => Self::Other1,
                b"Ntry" => Self::Entry,
                b"DtTm" => Self::Moment,
                b"Refs" => Self::References,
                b"TxId" => Self::Transaction,
                b"Dbtr" => Self::Payer,
                b"Cdtr" => Self::Payee,
                b"Purp" => Self::Purpose,
                b"Strd" => Self::Structured,
                b"Rcrd" => Self::Record,
                b"Ctgy" => Self::Category,
                b"Dtls" => Self::ReportingDetails,
                b"Btch" => Self::Batch,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    #[inline]
    fn middle(name: &[u8]) -> Self {
        match name.len() {
            5 => match name {
                b"Prtry" => Self::Own,
                b"ValDt" => Self::Value,
                b"TxAmt" => Self::Transacted,
                b"OrgId" => Self::Organisation,
                b"Ustrd" => Self::Words,
                b"Chrgs" => Self::Charges,
                _ => Self::Other,
            },
            6 => match name {
                b"Ntfctn" => Self::Statement,
                b"TxDtls" => Self::Payment,
                b"PrvtId" => Self::Person,
                b"RmtInf" => Self::Remittance,
                b"TaxRmt" => Self::Tax,
                b"RtrInf" => Self::Returned,
                b"TtlAmt" => Self::BatchSum,
                _ => Self::Other,
            },
            7 => match name {
                b"RvslInd" => Self::Reversal,
                b"BookgDt" => Self::Booked,
                b"CreDtTm" => Self::Made,
                b"InstrId" => Self::Instruction,
                b"AmtDtls" => Self::Amounts,
                b"NbOfTxs" => Self::BatchCount,
                _ => Self::Other,
            },
            8 => match name {
                b"RptPgntn" => Self::Pages,
                b"NtryDtls" => Self::Details,
                b"ChrgsInf" => Self::Charges,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    fn long(name: &[u8]) -> Self {
        match name {
            b"StmtPgntn" | b"NtfctnPgntn" => Self::Pages,
            b"CdOrPrtry" => Self::CodeOrOwn,
            b"CdtDbtInd" => Self::Direction,
            b"TxsSummry" => Self::Summary,
            b"TtlNtries" => Self::All,
            b"RltdPties" => Self::Parties,
            b"UltmtDbtr" => Self::RealPayer,
            b"NbOfNtries" => Self::Count,
            b"EndToEndId" => Self::EndToEnd,
            b"RgltryRptg" => Self::Reporting,
            b"TtlNetNtry" | b"TtlNetNtryAmt" => Self::Net,
            b"AcctSvcrRef" => Self::Receipt,
            b"ElctrncSeqNb" => Self::Number,
            b"TtlCdtNtries" => Self::Credits,
            b"TtlDbtNtries" => Self::Debits,
            // The first versions have theirs at the end of the name.
            _ if MESSAGES.iter().any(|message| name.starts_with(message)) => Self::Message,
            _ => Self::Other,
        }
    }

    /// Whether it tells its currency.
    #[inline]
    pub(super) const fn has_currency(self) -> bool {
        matches!(self, Self::Amount | Self::BatchSum)
    }

    /// Whether it may hold a text alone, and its beginning and its end mean nothing by themselves.
    #[inline]
    pub(super) const fn is_value(self) -> bool {
        self.is_leaf() || matches!(self, Self::Other)
    }

    /// Whether its text may be read.
    #[inline]
    pub(super) const fn is_leaf(self) -> bool {
        matches!(
            self,
            Self::Number
                | Self::Iban
                | Self::Id
                | Self::Code
                | Self::Own
                | Self::Amount
                | Self::Direction
                | Self::Count
                | Self::Sum
                | Self::Reversal
                | Self::Status
                | Self::Day
                | Self::Moment
                | Self::Receipt
                | Self::Made
                | Self::EndToEnd
                | Self::Transaction
                | Self::Instruction
                | Self::Words
                | Self::Category
                | Self::BatchCount
                | Self::BatchSum
                | Self::Net
        )
    }
}
