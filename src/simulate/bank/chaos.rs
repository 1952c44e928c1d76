//! What goes wrong at a bank, by a seed: the same seed gives the same fate to the same request.
//!
//! Pure. A fate is drawn from the seed, the payment's own id and how often it was asked before, so it
//! does not depend on what else is under way. The same faults befall what the bank itself asks of the
//! gateway: a request is lost, late or cut off there too.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How often each fault happens, in percent; what is left over is an honest answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chaos {
    pub seed: u64,
    percents: [u8; Fault::ALL.len()],
}

/// What a bank does to a request, or with one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is lost: it does nothing and says nothing. Its own never leaves.
    LoseRequest,
    /// It does what is asked, and its answer is lost. From its own it hangs up somewhere on the way.
    LoseAnswer,
    /// It says nothing, and does what is asked a while later. Its own is overtaken by others.
    Late,
    /// It does it, and takes its time to answer. Its own is overtaken by others.
    Delay,
    /// It does it, and answers what nobody can read. From its own it hangs up somewhere on the way.
    Break,
    /// It takes an order on, and books it a while later.
    Queue,
    /// It will not pay.
    Reject,
    /// It does it without an answer, and names another amount when it is asked, or speaks of it.
    Contradict,
    /// It does it and calls to say so; it answers when that call was answered.
    Early,
    /// It asks twice at once, and once more when it was answered.
    Repeat,
}

impl Fault {
    const ALL: [Self; 10] = [
        Self::LoseRequest,
        Self::LoseAnswer,
        Self::Late,
        Self::Delay,
        Self::Break,
        Self::Queue,
        Self::Reject,
        Self::Contradict,
        Self::Early,
        Self::Repeat,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::LoseRequest => "lose_request",
            Self::LoseAnswer => "lose_answer",
            Self::Late => "late",
            Self::Delay => "delay",
            Self::Break => "break",
            Self::Queue => "queue",
            Self::Reject => "reject",
            Self::Contradict => "contradict",
            Self::Early => "early",
            Self::Repeat => "repeat",
        }
    }
}

/// A request to a bank, or one of its own, as far as its fate goes.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    Order,
    Inquiry,
    /// What the bank asks of the gateway.
    Call,
}

impl Asked {
    const fn number(self) -> u64 {
        match self {
            Self::Order => 1,
            Self::Inquiry => 2,
            Self::Call => 4,
        }
    }

    /// Inquiries and calls are not orders: only what befalls a message befalls them.
    const fn meets(self, fault: Fault) -> bool {
        match fault {
            Fault::LoseRequest | Fault::LoseAnswer | Fault::Delay | Fault::Break => true,
            Fault::Late => !matches!(self, Self::Inquiry),
            Fault::Queue | Fault::Reject | Fault::Contradict | Fault::Early => {
                matches!(self, Self::Order)
            }
            Fault::Repeat => matches!(self, Self::Call),
        }
    }
}

impl Chaos {
    /// What happens to the request number `times` of its kind about a payment; `None`: an honest answer.
    #[must_use]
    pub fn fate(&self, asked: Asked, payment: &str, times: u64) -> Option<Fault> {
        let mut left = self.draw(payment, asked.number(), times) % 100;
        for (fault, percent) in Fault::ALL.into_iter().zip(self.percents) {
            if left < u64::from(percent) {
                return Some(fault).filter(|_| asked.meets(fault));
            }
            left -= u64::from(percent);
        }
        None
    }

    /// Whether the bank says nothing of this order of its own accord: of every second one, so that the
    /// gateway must find out by itself.
    #[must_use]
    pub fn is_silent(&self, payment: &str) -> bool {
        self.draw(payment, 5, 0).is_multiple_of(2)
    }

    /// A while, shorter than this.
    #[must_use]
    pub fn pause(&self, payment: &str, times: u64, max: Duration) -> Duration {
        let millis = u64::try_from(max.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(self.draw(payment, 3, times) % millis)
    }

    /// FNV-1a over the payment, then SplitMix64's mixing (Steele, Lea, Flood 2014).
    fn draw(&self, payment: &str, kind: u64, times: u64) -> u64 {
        let mut sum = 0xCBF2_9CE4_8422_2325_u64;
        for byte in payment.bytes() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        let mut mixed = sum ^ self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = mixed.wrapping_add(kind.wrapping_mul(0xD1B5_4A32_D192_ED03)).wrapping_add(times);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The same faults by another seed.
    #[must_use]
    pub const fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl FromStr for Chaos {
    type Err = String;

    /// `late=10,break=5`, or `rough`: some of everything but contradictions.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = match text {
            "rough" => {
                "lose_request=10,lose_answer=10,late=10,delay=10,break=10,queue=10,reject=10,\
                 early=10,repeat=10"
            }
            other => other,
        };
        let mut chaos = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (word, percent) = part.split_once('=').ok_or("write e.g. late=10,break=5")?;
            let place = Fault::ALL.iter().position(|fault| fault.word() == word);
            let slot = place.and_then(|place| chaos.percents.get_mut(place));
            let slot = slot.ok_or_else(|| {
                let words: Vec<&str> = Fault::ALL.iter().map(|fault| fault.word()).collect();
                format!("{word} is none of {}", words.join(", "))
            })?;
            *slot = percent.parse().map_err(|_| format!("{percent} is no percentage"))?;
        }
        let sum: u32 = chaos.percents.iter().map(|percent| u32::from(*percent)).sum();
        if sum > 100 { Err(format!("{sum} percent are more than all")) } else { Ok(chaos) }
    }
}

impl fmt::Display for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}", self.seed)?;
        let some = Fault::ALL.iter().zip(self.percents).filter(|(_, percent)| *percent > 0);
        some.into_iter().try_for_each(|(fault, percent)| write!(f, " {}={percent}", fault.word()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(chaos: &Chaos, asked: Asked) -> Vec<Option<Fault>> {
        (0..1_000).map(|number| chaos.fate(asked, &format!("GW{number}"), 0)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_fates_and_another_seed_others() {
        let chaos: Chaos = "rough".parse().expect("known");
        let (first, second) = (chaos.clone().seeded(7), chaos.seeded(8));
        assert_eq!(fates(&first, Asked::Order), fates(&first, Asked::Order));
        assert_ne!(fates(&first, Asked::Order), fates(&second, Asked::Order));
    }

    #[test]
    fn every_fault_comes_about_as_often_as_it_was_asked_for() {
        let chaos: Chaos = "rough".parse().expect("known");
        for asked in [Asked::Order, Asked::Inquiry, Asked::Call] {
            let fates = fates(&chaos, asked);
            for fault in Fault::ALL {
                let count = fates.iter().filter(|fate| **fate == Some(fault)).count();
                let is_met = asked.meets(fault) && fault != Fault::Contradict;
                let expected = if is_met { 60..150 } else { 0..1 };
                assert!(expected.contains(&count), "{asked:?}: {fault:?}: {count} of 1000");
            }
            assert_eq!(self::fates(&Chaos::default(), asked), vec![None; 1_000]);
        }
    }

    #[test]
    fn a_wrong_word_or_more_than_everything_is_refused() {
        assert!("late=10,brake=1".parse::<Chaos>().is_err_and(|told| told.contains("brake")));
        assert!("late=60,break=41".parse::<Chaos>().is_err());
        assert!("late".parse::<Chaos>().is_err());
        assert_eq!("late=10".parse::<Chaos>().expect("good").to_string(), "seed 0 late=10");
    }
}
