//! How much each address and each participant holds, so that nobody takes the place of all.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections, or bytes of the spool, by who holds them.
#[derive(Debug)]
pub(super) struct Crowd<K>(Mutex<HashMap<K, usize>>);

impl<K> Default for Crowd<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A place in the crowd, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat<K: Eq + Hash> {
    crowd: Arc<Crowd<K>>,
    key: K,
    count: usize,
}

impl<K: Eq + Hash> Seat<K> {
    /// Whose it is.
    pub(super) fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash + Clone> Crowd<K> {
    /// A place for one more of `key`; `None` where it holds `count_max` already.
    pub(super) fn enter(self: &Arc<Self>, key: K, count_max: usize) -> Option<Seat<K>> {
        self.enter_many(key, 1, count_max)
    }

    /// Places for `count` more of `key`; `None` where it would then hold more than `count_max`.
    pub(super) fn enter_many(
        self: &Arc<Self>,
        key: K,
        count: usize,
        count_max: usize,
    ) -> Option<Seat<K>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.get(&key).copied().unwrap_or_default();
        let next = held.checked_add(count).filter(|next| *next <= count_max)?;
        all.insert(key.clone(), next);
        Some(Seat { crowd: Arc::clone(self), key, count })
    }
}

impl<K: Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut all = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.key) {
            *count -= self.count;
            if *count == 0 {
                all.remove(&self.key);
            }
        }
    }
}

/// Whom an address belongs to: of IPv6 the network of 64 bits, which one household or host is given.
pub(super) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = v6.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_places_than_allowed_and_those_given_back_count_no_more() {
        let crowd = Arc::new(Crowd::default());
        let first = crowd.enter("a", 2);
        let second = crowd.enter("a", 2);
        assert!(first.is_some() && second.is_some() && crowd.enter("a", 2).is_none());
        assert!(crowd.enter("b", 2).is_some(), "somebody else");
        drop(first);
        assert!(crowd.enter("a", 2).is_some());
        drop(second);
        assert!(crowd.0.lock().expect("unpoisoned").is_empty(), "who left is forgotten");
    }

    #[test]
    fn addresses_of_one_network_are_one_neighbour() {
        let of = |text: &str| neighbourhood(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
