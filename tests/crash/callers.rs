//! The load: callers that sign and post, and remember all they asked and were told.

use crate::chance::Chance;
use crate::house::{Gate, House, PAYMENT, READ};
use qaqpa::command::client::{Client, Posted};
use qaqpa::command::demo::installation::signer;
use qaqpa::command::now_unix_us;
use qaqpa::proxy::trace::Trace;
use qaqpa::sign::{Signer, wsse};
use qaqpa_kit::envelope::write::{RequestHead, request};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub const CALLERS: usize = 8;
/// No call takes longer than its deadline, 30 seconds; none here comes near it.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Persons of the simulator: found, not found, status SCSE001, and a fault that nobody can interpret.
pub const FOUND: &str = "850312300121";
const NOT_FOUND: &str = "990101500046";
const REFUSED: &str = "990101500016";
pub const UNCLEAR: &str = "990101500036";

/// One call as its caller remembers it.
pub struct Asked {
    pub message_id: String,
    pub service: &'static str,
    /// The signed bytes, to be posted again.
    pub request: Vec<u8>,
    /// The answer and when it came; `None`: the connection broke first.
    pub answered: Option<(Posted, Instant)>,
}

impl Asked {
    /// Told that the journal is down, before it was let in.
    pub fn is_refused(&self) -> bool {
        let posted = self.answered.as_ref().map(|(posted, _)| posted);
        posted.is_some_and(|posted| {
            posted.fault.as_deref() == Some("gateway.journal_down")
                && posted.retry_after_s.is_some()
        })
    }
}

/// Signs and posts; cheap to clone.
#[derive(Clone)]
pub struct Caller {
    client: Arc<Client>,
    signer: Arc<Signer>,
    sender_id: &'static str,
    password: &'static str,
}

impl Caller {
    pub fn new(house: &House, gate: &Gate) -> Self {
        Self::of(house, gate, "bank")
    }

    /// A member of the installation that calls.
    pub fn of(house: &House, gate: &Gate, member: &str) -> Self {
        let member = house.scratch.member(member).unwrap();
        Self {
            client: Arc::new(house.client(gate, member.id)),
            signer: Arc::new(signer(&member.pair).unwrap()),
            sender_id: member.sender_id,
            password: member.password,
        }
    }

    /// A signed call about one person.
    pub fn sign(&self, service: &'static str, iin: &str) -> Asked {
        self.sign_at(service, iin, now_unix_us())
    }

    /// The same with a date of its own, in Unix microseconds.
    pub fn sign_at(&self, service: &'static str, iin: &str, now_us: i64) -> Asked {
        let message_id = uuid::Uuid::new_v4().to_string();
        let date = Trace::date(now_us);
        let head = RequestHead {
            message_id: &message_id,
            correlation_id: "",
            service_id: service,
            message_date: &date,
            route_id: "",
            sender_id: self.sender_id,
            password: self.password,
            session_id: "",
        };
        let data = format!(
            "<messageId>{message_id}</messageId><messageDate>{date}</messageDate>\
             <senderCode>CRASH</senderCode><iin>{iin}</iin>"
        );
        let request = wsse::sign(request(&head, &data).as_bytes(), &self.signer).unwrap();
        Asked { message_id, service, request, answered: None }
    }

    /// Posts a call, again or for the first time; `None` when the connection broke.
    pub async fn post(&self, asked: &Asked) -> Option<Posted> {
        let posted = timeout(ANSWER_MAX, self.client.post(asked.request.clone())).await;
        posted.expect("an answer or an end of the connection").ok()
    }

    /// Signs and posts a call that is found.
    pub async fn ask(&self, service: &'static str) -> Asked {
        let mut asked = self.sign(service, FOUND);
        asked.answered = self.post(&asked).await.map(|posted| (posted, Instant::now()));
        asked
    }

    /// Asks without pause until a connection breaks, or until nobody wants to know; tells every step.
    async fn ask_on_and_on(self, mut chance: Chance, steps: UnboundedSender<Step>) -> Vec<Asked> {
        let mut all: Vec<Asked> = Vec::new();
        while all.last().is_none_or(|last| last.answered.is_some()) {
            let service = chance.one_of(&[READ, PAYMENT]);
            let iin = chance.one_of(&[FOUND, FOUND, FOUND, NOT_FOUND, REFUSED, UNCLEAR]);
            let mut asked = self.sign(service, iin);
            let _unwanted = steps.send(Step::Asking);
            asked.answered = self.post(&asked).await.map(|posted| (posted, Instant::now()));
            let step = if service == PAYMENT { Step::PaymentAnswered } else { Step::ReadAnswered };
            all.push(asked);
            if steps.send(step).is_err() {
                break;
            }
        }
        all
    }

    /// Posts every call again, several at a time; the answers in the same order.
    pub async fn repeat(&self, all: &Arc<Vec<Asked>>) -> Vec<Option<Posted>> {
        let mut repeaters = JoinSet::new();
        for first in 0..CALLERS {
            let (caller, all) = (self.clone(), Arc::clone(all));
            repeaters.spawn(async move {
                let mut answers = Vec::new();
                for place in (first..all.len()).step_by(CALLERS) {
                    answers.push((place, caller.post(&all[place]).await));
                }
                answers
            });
        }
        let mut answers: Vec<_> = repeaters.join_all().await.into_iter().flatten().collect();
        answers.sort_by_key(|(place, _)| *place);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }
}

/// What a caller has just come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Asking,
    ReadAnswered,
    PaymentAnswered,
}

/// Callers that ask on and on.
pub struct Load {
    steps: UnboundedReceiver<Step>,
    callers: JoinSet<Vec<Asked>>,
}

impl Load {
    pub fn start(caller: &Caller, chance: &mut Chance) -> Self {
        let (told, steps) = unbounded_channel();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(caller.clone().ask_on_and_on(chance.split(), told.clone()));
        }
        Self { steps, callers }
    }

    /// Waits for so many steps, and then for a moment inside a call, or for that in which a caller
    /// has just been told of its payment.
    pub async fn run(&mut self, steps: u64, chance: &mut Chance) {
        for _ in 0..steps {
            self.next_step().await;
        }
        if chance.below(2) == 0 {
            while self.next_step().await != Step::PaymentAnswered {}
            return;
        }
        let (further, begun) = (Duration::from_micros(chance.below(20_000)), Instant::now());
        while begun.elapsed() < further {
            std::hint::spin_loop();
        }
    }

    /// The newest step, all older ones left out.
    async fn next_step(&mut self) -> Step {
        let mut step = self.steps.recv().await.expect("callers that ask");
        while let Ok(newer) = self.steps.try_recv() {
            step = newer;
        }
        step
    }

    /// Lets the callers ask for so long.
    pub async fn run_for(&mut self, time: Duration) {
        let _elapsed = timeout(time, async { while self.steps.recv().await.is_some() {} }).await;
    }

    /// Lets every caller end the call it is in; all that was asked.
    pub async fn end(self) -> Vec<Asked> {
        drop(self.steps);
        self.callers.join_all().await.into_iter().flatten().collect()
    }
}
