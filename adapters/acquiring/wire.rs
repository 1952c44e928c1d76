//! The messages of card acquiring: an invoice, its status, and the callback.

use qaqpa_kit::bank::{Said, TEXT_BYTES_MAX};
use qaqpa_kit::money::Amount;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_with::skip_serializing_none;

/// `resultCode` of an inquiry that found the invoice.
pub const FOUND: &str = "100";
/// `resultCode` of an inquiry that found none.
pub const NOT_FOUND: &str = "404";

/// What is asked of the bank: an invoice that the payer goes on to pay, or a refund of one.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invoice {
    #[serde(rename = "invoiceID")]
    pub invoice_id: String,
    /// Tenge with two decimals, as text.
    pub amount: String,
    pub currency: String,
    pub description: String,
    /// IIN or BIN of who pays.
    pub payer: String,
    /// BIN of who is paid.
    pub payee: String,
    pub kbk: String,
    pub knp: String,
    /// The invoice that this one gives back.
    #[serde(rename = "refundOf")]
    pub refund_of: Option<String>,
}

/// A transaction as the bank shows it, in an answer, an inquiry and a callback. Of a card it names
/// nothing that we read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// The bank's own id.
    pub id: Option<String>,
    #[serde(rename = "invoiceID")]
    pub invoice_id: String,
    /// A decimal as text, or a number that is read as the text that it is.
    pub amount: Option<Box<RawValue>>,
    pub currency: Option<String>,
    pub status_name: String,
    /// The network's number of the transaction (RRN).
    pub reference: Option<String>,
    /// By which the card's own bank agreed: six digits, which come again.
    pub approval_code: Option<String>,
    /// When it was charged, RFC 3339 or without a zone.
    pub date_time: Option<String>,
    #[serde(rename = "redirectURL")]
    pub redirect_url: Option<String>,
}

impl Transaction {
    /// The amount; `None` where there is none.
    ///
    /// # Errors
    /// A public reason: another currency, or what is no exact amount.
    pub fn amount(&self) -> Result<Option<Amount>, &'static str> {
        let Some(raw) = &self.amount else { return Ok(None) };
        if self.currency.as_deref() != Some("KZT") {
            return Err("currency_not_tenge");
        }
        let token = raw.get();
        let text = match token.strip_prefix('"') {
            Some(text) => text.strip_suffix('"').unwrap_or(text),
            None => token,
        };
        Amount::parse(text).map(Some).map_err(|error| error.reason())
    }

    /// For people: the status, and the code by which the card's own bank agreed.
    #[must_use]
    pub fn note(&self) -> String {
        let is_plain =
            |code: &&str| code.len() <= 12 && code.bytes().all(|b| b.is_ascii_alphanumeric());
        match self.approval_code.as_deref().filter(is_plain) {
            Some(code) => format!("{} {code}", self.status_name),
            None => self.status_name.clone(),
        }
    }

    /// What the status says; `None`: nothing that anybody may rely on. REFUND is told of the invoice that
    /// was paid, also where the refund is one of ours, which has an invoice of its own: the amount, what
    /// went back, is all that may tell.
    #[must_use]
    pub fn said(&self) -> Option<Said> {
        match self.status_name.as_str() {
            // The payer has not paid yet.
            "NEW" => Some(Said::Pending),
            // Held on the card, not charged.
            "AUTH" => Some(Said::Accepted),
            "CHARGE" => Some(Said::Posted),
            "REFUND" => Some(Said::Refunded),
            "CANCEL" | "FAILED" | "REJECT" => Some(Said::Rejected),
            _ => None,
        }
    }

    /// Where the payer goes on: HTTPS only, in plain characters.
    ///
    /// # Errors
    /// `redirect_not_https`.
    pub fn redirect(&self) -> Result<Option<String>, &'static str> {
        let Some(url) = &self.redirect_url else { return Ok(None) };
        let is_plain =
            url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'<');
        let is_fit = url.starts_with("https://") && is_plain && url.len() <= TEXT_BYTES_MAX;
        if is_fit { Ok(Some(url.clone())) } else { Err("redirect_not_https") }
    }
}

/// The word of a status, as the bank's stand-in writes it.
#[must_use]
pub const fn status_name(said: Said) -> &'static str {
    match said {
        Said::Pending | Said::NotFound => "NEW",
        Said::Accepted => "AUTH",
        Said::Posted | Said::Settled => "CHARGE",
        Said::Rejected => "FAILED",
        Said::Returned | Said::Credited | Said::Refunded => "REFUND",
    }
}

/// The answer to an inquiry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inquiry {
    pub result_code: String,
    pub transaction: Option<Transaction>,
}

/// Our answer to a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// `ok`, `again`, or `refused`.
    pub result: String,
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(amount: &str) -> Transaction {
        let json = format!(
            r#"{{"invoiceID":"1","amount":{amount},"currency":"KZT","statusName":"CHARGE","cardMask":"4***"}}"#
        );
        serde_json::from_str(&json).expect("a transaction")
    }

    #[test]
    fn an_amount_is_never_a_float_on_its_way() {
        for (written, tiyn) in [
            ("19875", Some(1_987_500)),
            ("19875.0", Some(1_987_500)),
            ("\"19875.00\"", Some(1_987_500)),
            ("0.07", Some(7)),
            ("90071992547409.93", Some(9_007_199_254_740_993)),
            ("19875.005", None),
            ("1.9875E4", None),
            ("1e2", None),
            ("-1", None),
            ("0", None),
            ("true", None),
            ("\"1\\u0030\"", None),
            ("{}", None),
        ] {
            let amount = transaction(written).amount().ok().flatten();
            assert_eq!(amount.map(Amount::tiyn), tiyn, "{written}");
        }
    }

    #[test]
    fn a_payer_is_sent_on_to_a_page_over_https_only() {
        for (url, is_fit) in [
            ("https://bank.example/pay/1?a=b", true),
            ("http://bank.example/pay", false),
            ("javascript:alert(1)", false),
            ("https://bank.example/\" onclick=\"x", false),
            ("https://bank.example/\n", false),
        ] {
            let found = Transaction { redirect_url: Some(url.to_owned()), ..transaction("1") };
            assert_eq!(found.redirect().is_ok(), is_fit, "{url}");
        }
    }
}
