//! Takes turns with work that is dear: however many wait for it, others on the same core wait for few.

use std::future::poll_fn;
use std::pin::pin;
use std::task::ready;
use tokio::sync::Semaphore;

/// Runs a future, each poll of it in a turn of its own.
///
/// The runtime serves whoever is ready in the order of their waking: of a thousand handshakes at once,
/// half a millisecond each, a call would wait for all. So only those with a turn are ready; the others
/// wait in the order of the semaphore, and those whose peers are slow hold no turn.
pub(super) async fn in_turn<F: Future>(turns: &Semaphore, work: F) -> F::Output {
    let (mut work, mut turn) = (pin!(work), pin!(turns.acquire()));
    poll_fn(|cx| {
        // Closed it is never; and then nobody need wait.
        let _held = ready!(turn.as_mut().poll(cx));
        let worked = work.as_mut().poll(cx);
        turn.set(turns.acquire());
        worked
    })
    .await
}
