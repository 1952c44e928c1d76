//! One task for each HTTP/2 request: its clock tells when its caller does not take the answer.

use super::clock::Clock;
use super::cut::Cut;
use super::session::Session;
use crate::config::settings::Limits;
use crate::ops::metrics::DoorFigures;
use hyper::rt::Executor;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::time::{Sleep, sleep_until};

tokio::task_local! {
    /// The clock of the request that this task answers.
    static CLOCK: Arc<Clock>;
}

/// Runs the requests of one connection for hyper.
#[derive(Clone)]
pub(super) struct Streams {
    pub(super) session: Arc<Session>,
    pub(super) limits: Arc<Limits>,
    pub(super) figures: Arc<DoorFigures>,
}

/// The clock of the request that runs; a new one outside of [`Streams`].
pub(super) fn clock() -> Arc<Clock> {
    CLOCK.try_with(Arc::clone).unwrap_or_else(|_outside| Arc::new(Clock::new()))
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, request: F) {
        let clock = Arc::new(Clock::new());
        let (place, session) = (self.session.enter(), Arc::clone(&self.session));
        let limits = Arc::clone(&self.limits);
        let figures = Arc::clone(&self.figures);
        let answered = {
            let clock = Arc::clone(&clock);
            async move {
                let _held = place;
                if !is_taken(request, &clock, &limits).await {
                    // hyper's part was dropped, and with it the stream was reset.
                    figures.cut(Cut::Write);
                } else {
                    // hyper is done with it, and nobody can reset it any more.
                    session.let_go(&clock, &limits).await;
                }
            }
        };
        tokio::spawn(CLOCK.scope(clock, answered));
    }
}

/// Runs a request until it is over; `false` where its caller let its deadline pass.
async fn is_taken(request: impl Future<Output = ()>, clock: &Clock, limits: &Limits) -> bool {
    let mut request = pin!(request);
    // Made when first needed: most answers are taken at once.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        if request.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        loop {
            let Some(due) = clock.due(limits) else { return Poll::Pending };
            if due <= Instant::now() {
                return Poll::Ready(false);
            }
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due.into())));
            if timer.deadline() != due.into() {
                timer.as_mut().reset(due.into());
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}
