//! A step of an operator with a break, between the two rows of its entry in the journal.

use super::entry::{About, Entry, Proof, now_us};
use super::{Desk, Failed};
use crate::payments::breaks::record::Break;
use crate::payments::breaks::{Command, Doing, Outcome, Stepping};
use crate::payments::command::{Command as Payment, Reply};
use qaqpa_kit::fault::Outcome as Ending;
use serde_json::{Value, json};

/// Who does what with which break, and why.
#[derive(Clone, Debug)]
pub struct Step {
    pub break_id: String,
    pub doing: Doing,
    /// Small letters, digits, dots, `@`, `_` and `-`.
    pub operator: String,
    pub note: String,
    /// `None`: the operator's name is believed.
    pub proof: Option<Proof>,
}

impl Step {
    /// What is done with which break, by nobody yet.
    #[must_use]
    pub const fn of(break_id: String, doing: Doing) -> Self {
        Self { break_id, doing, operator: String::new(), note: String::new(), proof: None }
    }

    /// What the journal's entry says, and what a proof signs.
    #[must_use]
    pub fn said(&self) -> Value {
        json!({
            "break": self.break_id, "doing": format!("{:?}", self.doing), "operator": self.operator,
            "note": self.note,
        })
    }
}

/// Does it. What is refused leaves its entry too.
///
/// # Errors
/// The rules refuse it, or a store is down.
pub async fn step(desk: &Desk, step: &Step) -> Result<Break, Failed> {
    let word = match &step.doing {
        Doing::Assign { .. } => "reconcile.assign",
        Doing::Explain => "reconcile.explain",
        Doing::Propose { .. } => "reconcile.propose",
        Doing::Approve => "reconcile.approve",
    };
    let about = About {
        service: word,
        sender: &step.operator,
        agency: "payments",
        subject: &step.break_id,
        said: &Proof::beside(step.proof.as_ref(), step.said()),
        certificate: Proof::certificate_of(step.proof.as_ref()),
    };
    let entry = Entry::open(&desk.journal, &about).await?;
    let stepping = Stepping {
        break_id: step.break_id.clone(),
        doing: step.doing.clone(),
        operator: step.operator.clone(),
        note: step.note.clone(),
        journal_entry: entry.id.to_string(),
        at_us: now_us(),
    };
    let replied = desk.payments.run(Payment::Reconcile(Command::Step(stepping))).await;
    let (ending, told) = match &replied {
        Ok(Reply::Reconciled(Outcome::Break(item))) => {
            (Ending::Done, json!({ "state": item.state.word(), "version": item.version }))
        }
        Ok(Reply::Refused(refusal)) => (Ending::Refused, json!({ "refused": refusal.reason() })),
        Ok(other) => (Ending::Unknown, json!({ "reply": format!("{other:?}") })),
        Err(down) => (Ending::Unknown, json!({ "down": down.to_string() })),
    };
    entry.close(ending, &told.to_string()).await?;
    match replied? {
        Reply::Reconciled(Outcome::Break(item)) => Ok(*item),
        Reply::Refused(refusal) => Err(Failed::Store(refusal)),
        other => Err(Failed::Bug(format!("a reply to a step: {other:?}"))),
    }
}
