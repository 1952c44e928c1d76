//! Whose turn it is: classes by urgency, none of them for ever; participants of a class one after the other.

use crate::config::settings::Class;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// So often a class is passed over by more urgent ones before it has a turn: payments never, citizens
/// and batches after so many.
const PASSED_OVER_MAX: [u32; 3] = [0, 8, 16];

/// What a waiting call is told.
#[derive(Debug)]
pub(super) enum Told<P> {
    Go(P),
    /// Somebody more urgent needed the room.
    PushedOut,
    /// It could not be answered in time any more.
    TooLate,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiter<P> {
    pub(super) grant: oneshot::Sender<Told<P>>,
    pub(super) class: Class,
    pub(super) since: Instant,
    /// The last moment at which a place is of use to it.
    pub(super) due: Instant,
}

/// All that wait for one agency.
#[derive(Debug)]
pub(super) struct Queue<P> {
    classes: [Group<P>; 3],
    passed_over: [u32; 3],
    next_id: u64,
    /// Since when somebody waits without a break.
    since: Option<Instant>,
}

/// Those of one class.
#[derive(Debug)]
struct Group<P> {
    of: HashMap<String, VecDeque<(u64, Waiter<P>)>>,
    /// Participants that wait, in the order of their turns.
    turns: VecDeque<String>,
    len: usize,
}

impl<P> Default for Group<P> {
    fn default() -> Self {
        Self { of: HashMap::new(), turns: VecDeque::new(), len: 0 }
    }
}

impl<P> Default for Queue<P> {
    fn default() -> Self {
        Self {
            classes: std::array::from_fn(|_| Group::default()),
            passed_over: [0; 3],
            next_id: 0,
            since: None,
        }
    }
}

impl<P> Queue<P> {
    pub(super) fn len(&self) -> usize {
        self.classes.iter().map(|group| group.len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For how long somebody has been waiting without a break.
    pub(super) fn stands(&self, now: Instant) -> Duration {
        let since = self.since.filter(|_| !self.is_empty());
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// How many of this class wait.
    pub(super) fn of(&self, class: Class) -> usize {
        self.classes.get(class as usize).map_or(0, |group| group.len)
    }

    /// How many go before one more of this class.
    pub(super) fn ahead_of(&self, class: Class) -> usize {
        self.classes.iter().take(class as usize + 1).map(|group| group.len).sum()
    }

    /// Adds a call at the end of its participant's; the name under which it can leave.
    pub(super) fn push(&mut self, who: &str, waiter: Waiter<P>) -> u64 {
        if self.is_empty() {
            self.since = Some(waiter.since);
        }
        self.next_id += 1;
        let id = self.next_id;
        if let Some(group) = self.classes.get_mut(waiter.class as usize) {
            group.push(who, (id, waiter));
        }
        id
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self) -> Option<Waiter<P>> {
        let is_waiting = |at: &usize| self.classes.get(*at).is_some_and(|group| group.len > 0);
        let urgent = (0..3).find(is_waiting)?;
        let is_due = |at: usize| {
            let limit = PASSED_OVER_MAX.get(at).copied().unwrap_or_default();
            self.passed_over.get(at).is_some_and(|passed| *passed >= limit)
        };
        // The least urgent that was passed over long enough, else the most urgent.
        let chosen =
            (urgent + 1..3).rev().find(|at| is_waiting(at) && is_due(*at)).unwrap_or(urgent);
        for (at, passed) in self.passed_over.iter_mut().enumerate() {
            let is_passed = self.classes.get(at).is_some_and(|group| group.len > 0);
            *passed = if at != chosen && is_passed { *passed + 1 } else { 0 };
        }
        self.classes.get_mut(chosen)?.next()
    }

    /// Takes one out to make room for one more of this class and participant: the newest of the least
    /// urgent class, of whoever has most waiting there; within the same class only of one who has at
    /// least two more than the newcomer.
    pub(super) fn push_out(&mut self, class: Class, who: &str) -> Option<Waiter<P>> {
        let own = class as usize;
        let least = (own..3).rev().find(|at| self.classes.get(*at).is_some_and(|g| g.len > 0))?;
        let group = self.classes.get_mut(least)?;
        let most = group.of.iter().max_by_key(|(_, waiting)| waiting.len())?;
        let (who_most, len) = (most.0.clone(), most.1.len());
        let has = group.of.get(who).map_or(0, VecDeque::len);
        (least > own || len >= has + 2).then(|| group.newest(&who_most)).flatten()
    }

    /// Takes a call out; false where it was out already.
    pub(super) fn leave(&mut self, class: Class, who: &str, id: u64) -> bool {
        self.classes.get_mut(class as usize).is_some_and(|group| group.leave(who, id))
    }
}

impl<P> Group<P> {
    fn push(&mut self, who: &str, waiter: (u64, Waiter<P>)) {
        self.len += 1;
        match self.of.get_mut(who) {
            Some(waiting) => waiting.push_back(waiter),
            None => {
                self.of.insert(who.to_owned(), VecDeque::from([waiter]));
                self.turns.push_back(who.to_owned());
            }
        }
    }

    fn next(&mut self) -> Option<Waiter<P>> {
        let who = self.turns.pop_front()?;
        let waiting = self.of.get_mut(&who)?;
        let (_, waiter) = waiting.pop_front()?;
        if waiting.is_empty() {
            self.of.remove(&who);
        } else {
            self.turns.push_back(who);
        }
        self.len -= 1;
        Some(waiter)
    }

    fn newest(&mut self, who: &str) -> Option<Waiter<P>> {
        let (_, waiter) = self.of.get_mut(who)?.pop_back()?;
        self.taken_out(who);
        Some(waiter)
    }

    fn leave(&mut self, who: &str, id: u64) -> bool {
        let Some(waiting) = self.of.get_mut(who) else { return false };
        let Some(at) = waiting.iter().position(|(known, _)| *known == id) else { return false };
        drop(waiting.remove(at));
        self.taken_out(who);
        true
    }

    fn taken_out(&mut self, who: &str) {
        self.len -= 1;
        if self.of.get(who).is_some_and(VecDeque::is_empty) {
            self.of.remove(who);
            self.turns.retain(|other| other != who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that waits, told apart by where its grant arrives.
    fn push(queue: &mut Queue<()>, class: Class, who: &str) -> oneshot::Receiver<Told<()>> {
        let (grant, granted) = oneshot::channel();
        let now = Instant::now();
        queue.push(who, Waiter { grant, class, since: now, due: now });
        granted
    }

    /// Who gets the next places, of those whose receivers are given.
    fn turns(queue: &mut Queue<()>, all: &mut [(&str, oneshot::Receiver<Told<()>>)]) -> String {
        let mut order = String::new();
        while let Some(waiter) = queue.next() {
            waiter.grant.send(Told::Go(())).expect("it waits");
            for (who, granted) in &mut *all {
                if granted.try_recv().is_ok() {
                    order.push_str(who);
                }
            }
        }
        order
    }

    #[test]
    fn participants_take_turns_however_much_one_of_them_asks() {
        let mut queue = Queue::default();
        let mut all: Vec<_> = ["a", "a", "a", "a", "b", "c", "c"]
            .map(|who| (who, push(&mut queue, Class::Citizen, who)))
            .into();
        assert_eq!(turns(&mut queue, &mut all), "abcacaa");
        assert!(queue.is_empty());
    }

    #[test]
    fn payments_go_first_and_nobody_waits_for_ever() {
        let mut queue = Queue::default();
        let mut all = vec![("b", push(&mut queue, Class::Batch, "x"))];
        all.extend((0..40).map(|_| ("p", push(&mut queue, Class::Payment, "x"))));
        all.push(("c", push(&mut queue, Class::Citizen, "x")));
        let order = turns(&mut queue, &mut all);
        let (citizen, batch) = (order.find('c').expect("c"), order.find('b').expect("b"));
        assert_eq!((citizen, batch), (8, 16), "{order}");
    }

    #[test]
    fn a_full_line_sends_away_the_least_urgent_and_of_them_who_has_most() {
        let mut queue = Queue::default();
        let mut told = |class, who| push(&mut queue, class, who);
        let mut batch = [told(Class::Batch, "a"), told(Class::Batch, "b"), told(Class::Batch, "b")];
        let mut payment = told(Class::Payment, "p");
        let mut out = |class, who: &str| match queue.push_out(class, who) {
            Some(waiter) => waiter.grant.send(Told::PushedOut).is_ok(),
            None => false,
        };
        assert!(out(Class::Payment, "q"));
        assert!(batch[2].try_recv().is_ok(), "the newest of whoever has most");
        assert!(!out(Class::Batch, "a"), "nobody has two more than this one");
        assert!(out(Class::Citizen, "c") && out(Class::Citizen, "c"));
        assert!(batch[0].try_recv().is_ok() && batch[1].try_recv().is_ok());
        assert!(!out(Class::Citizen, "c"), "a payment is never sent away for a citizen");
        assert!(payment.try_recv().is_err());
    }

    #[test]
    fn a_queue_stands_from_its_first_until_nobody_waits() {
        let (mut queue, now) = (Queue::<()>::default(), Instant::now());
        let push_at = |queue: &mut Queue<()>, ms| {
            let since = now + Duration::from_millis(ms);
            let grant = oneshot::channel().0;
            queue.push("a", Waiter { grant, class: Class::Citizen, since, due: since });
        };
        let stands = |queue: &Queue<()>| queue.stands(now + Duration::from_millis(50)).as_millis();
        assert_eq!(stands(&queue), 0);
        push_at(&mut queue, 0);
        push_at(&mut queue, 20);
        drop(queue.next());
        assert_eq!(stands(&queue), 50);
        drop(queue.next());
        assert_eq!(stands(&queue), 0);
        push_at(&mut queue, 30);
        assert_eq!(stands(&queue), 20);
    }

    #[test]
    fn who_leaves_is_out_once() {
        let mut queue = Queue::default();
        let granted = push(&mut queue, Class::Citizen, "a");
        assert!(queue.leave(Class::Citizen, "a", 1));
        assert!(!queue.leave(Class::Citizen, "a", 1));
        assert!(queue.is_empty() && queue.next().is_none());
        drop(granted);
    }
}
