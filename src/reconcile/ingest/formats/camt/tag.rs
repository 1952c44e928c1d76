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
    /// By the local name.
    #[inline]
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"Stmt" | b"Rpt" | b"Ntfctn" => Self::Statement,
            b"StmtPgntn" | b"RptPgntn" | b"NtfctnPgntn" => Self::Pages,
            b"ElctrncSeqNb" => Self::Number,
            b"Acct" => Self::Account,
            b"IBAN" => Self::Iban,
            b"Othr" => Self::Other1,
            b"Id" => Self::Id,
            b"Bal" => Self::Balance,
            b"Tp" => Self::Type,
            b"CdOrPrtry" => Self::CodeOrOwn,
            b"Cd" => Self::Code,
            b"Prtry" => Self::Own,
            b"Amt" => Self::Amount,
            b"CdtDbtInd" => Self::Direction,
            b"TxsSummry" => Self::Summary,
            b"TtlNtries" => Self::All,
            b"TtlCdtNtries" => Self::Credits,
            b"TtlDbtNtries" => Self::Debits,
            b"NbOfNtries" => Self::Count,
            b"Sum" => Self::Sum,
            b"Ntry" => Self::Entry,
            b"RvslInd" => Self::Reversal,
            b"Sts" => Self::Status,
            b"BookgDt" => Self::Booked,
            b"ValDt" => Self::Value,
            b"Dt" => Self::Day,
            b"DtTm" => Self::Moment,
            b"AcctSvcrRef" => Self::Receipt,
            b"NtryDtls" => Self::Details,
            b"CreDtTm" => Self::Made,
            b"TxDtls" => Self::Payment,
            b"Refs" => Self::References,
            b"EndToEndId" => Self::EndToEnd,
            b"TxId" => Self::Transaction,
            b"InstrId" => Self::Instruction,
            b"AmtDtls" => Self::Amounts,
            b"TxAmt" => Self::Transacted,
            b"RltdPties" => Self::Parties,
            b"Dbtr" => Self::Payer,
            b"Cdtr" => Self::Payee,
            b"UltmtDbtr" => Self::RealPayer,
            b"Pty" => Self::Party,
            b"OrgId" => Self::Organisation,
            b"PrvtId" => Self::Person,
            b"Purp" => Self::Purpose,
            b"RmtInf" => Self::Remittance,
            b"Ustrd" => Self::Words,
            b"Strd" => Self::Structured,
            b"TaxRmt" => Self::Tax,
            b"Rcrd" => Self::Record,
            b"Ctgy" => Self::Category,
            b"RtrInf" => Self::Returned,
            b"Chrgs" | b"ChrgsInf" => Self::Charges,
            b"RgltryRptg" => Self::Reporting,
            b"Dtls" => Self::ReportingDetails,
            b"Btch" => Self::Batch,
            b"NbOfTxs" => Self::BatchCount,
            b"TtlAmt" => Self::BatchSum,
            b"TtlNetNtry" | b"TtlNetNtryAmt" => Self::Net,
            // The first versions have theirs at the end of the name.
            _ if MESSAGES.iter().any(|message| name.starts_with(message)) => Self::Message,
            _ => Self::Other,
        }
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
