//! Numbers modulo p = 2^(64·L) − C, the form of every prime that the country's curves use.
//!
//! A value is any representative below 2^(64·L): the few that lie above p are folded only where bytes
//! or equality are asked for. No branch and no address depends on a value.

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq as _};
use zeroize::DefaultIsZeroes;

/// Arithmetic that the curves need of their field.
pub(super) trait Field<const L: usize>: Copy + Send + Sync + 'static {
    /// The number of these limbs, least first; the caller has it below p.
    fn from_limbs(limbs: [u64; L]) -> Self;
    /// The one representative below p.
    fn limbs(self) -> [u64; L];
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn square(self) -> Self;
    /// 1/x, and 0 for 0.
    fn invert(self) -> Self;
    fn select(no: Self, yes: Self, choice: Choice) -> Self;

    fn double(self) -> Self {
        self.add(self)
    }

    fn is_zero(self) -> bool {
        self.limbs() == [0; L]
    }

    /// The number of these limbs, where it is below p.
    fn parse(limbs: [u64; L]) -> Option<Self> {
        let value = Self::from_limbs(limbs);
        (value.limbs() == limbs).then_some(value)
    }

    fn small(value: u64) -> Self {
        Self::from_limbs(limbs_of(value))
    }
}

/// A small number in limbs.
pub(super) const fn limbs_of<const L: usize>(value: u64) -> [u64; L] {
    let mut limbs = [0; L];
    if let Some(lowest) = limbs.first_mut() {
        *lowest = value;
    }
    limbs
}

/// See the file's head. C is below 1023, so that p − 2 begins with 64·L − 10 ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Special<const L: usize, const C: u64>([u64; L]);

impl<const L: usize, const C: u64> Default for Special<L, C> {
    fn default() -> Self {
        Self([0; L])
    }
}

impl<const L: usize, const C: u64> DefaultIsZeroes for Special<L, C> {}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn low(wide: u128) -> u64 {
    wide as u64
}

const fn high(wide: u128) -> u64 {
    low(wide >> 64)
}

/// Adds a small number to the limbs and returns what is carried out.
fn add_small<const L: usize>(limbs: &mut [u64; L], small: u64) -> u64 {
    let mut carry = small;
    for limb in limbs {
        let (sum, over) = limb.overflowing_add(carry);
        *limb = sum;
        carry = u64::from(over);
    }
    carry
}

impl<const L: usize, const C: u64> Special<L, C> {
    /// limbs + over·2^(64·L), for an `over` that leaves room: over·C < 2^64.
    #[inline(always)]
    fn fold(mut limbs: [u64; L], over: u64) -> Self {
        let carry = add_small(&mut limbs, over * C);
        // After a carry the rest is below over·C: the lowest limb takes C without another.
        if let Some(lowest) = limbs.first_mut() {
            *lowest = lowest.wrapping_add(carry * C);
        }
        Self(limbs)
    }

    /// low + high·2^(64·L).
    #[inline(always)]
    fn reduce(lower: &[u64], upper: &[u64]) -> Self {
        let mut limbs = [0; L];
        let mut carry = 0_u64;
        for ((out, &lower), &upper) in limbs.iter_mut().zip(lower).zip(upper) {
            let wide = u128::from(upper) * u128::from(C) + u128::from(lower) + u128::from(carry);
            *out = low(wide);
            carry = high(wide);
        }
        Self::fold(limbs, carry)
    }

    /// x^(2^n).
    fn squared(self, n: usize) -> Self {
        (0..n).fold(self, |x, _| x.square())
    }
}

/// The product in its lower and upper half: operand scanning, one row of `b` for each limb of `a`.
#[inline(always)]
fn product<const L: usize>(a: &[u64; L], b: &[u64; L]) -> ([u64; L], [u64; L]) {
    let mut lower = [0; L];
    let mut upper = [0; L];
    for (out, &a) in lower.iter_mut().zip(a) {
        let mut carry = 0_u64;
        // Each row moves what is above it down by a limb, the lowest out of it.
        let mut below = out;
        for (sum, &b) in upper.iter_mut().zip(b) {
            let wide = u128::from(a) * u128::from(b) + u128::from(*sum) + u128::from(carry);
            *below = low(wide);
            carry = high(wide);
            below = sum;
        }
        *below = carry;
    }
    (lower, upper)
}

/// The square, two limbs beside each other: what unlike limbs make is there twice and made once.
#[inline(always)]
fn square<const L: usize>(a: &[u64; L]) -> [[u64; 2]; L] {
    let mut pairs = [[0; 2]; L];
    // By places: iterators over parts of a row are not unrolled, and take half as long again.
    for (row, &one) in a.iter().enumerate() {
        let mut carry = 0_u64;
        let sums = pairs.as_flattened_mut();
        for column in row + 1..L {
            let (Some(&other), Some(sum)) = (a.get(column), sums.get_mut(row + column)) else {
                break;
            };
            let wide = u128::from(one) * u128::from(other) + u128::from(*sum) + u128::from(carry);
            *sum = low(wide);
            carry = high(wide);
        }
        if let Some(sum) = sums.get_mut(row + L) {
            *sum = carry;
        }
    }
    let (mut carry, mut top) = (0_u64, 0_u64);
    for ([even, odd], &a) in pairs.iter_mut().zip(a) {
        let own = u128::from(a) * u128::from(a);
        let twice = [*even << 1 | top, *odd << 1 | *even >> 63];
        top = *odd >> 63;
        let wide = u128::from(twice[0]) + u128::from(low(own)) + u128::from(carry);
        *even = low(wide);
        let wide = u128::from(twice[1]) + u128::from(high(own)) + u128::from(high(wide));
        *odd = low(wide);
        carry = high(wide);
    }
    pairs
}

impl<const L: usize, const C: u64> Field<L> for Special<L, C> {
    fn from_limbs(limbs: [u64; L]) -> Self {
        Self(limbs)
    }

    fn limbs(self) -> [u64; L] {
        // x + C carries exactly when x ≥ p, and is then x − p.
        let mut folded = self.0;
        let over = add_small(&mut folded, C);
        let choice = over.ct_eq(&1);
        let mut out = self.0;
        for (out, folded) in out.iter_mut().zip(&folded) {
            out.conditional_assign(folded, choice);
        }
        out
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let mut limbs = self.0;
        let mut carry = false;
        for (limb, &other) in limbs.iter_mut().zip(&other.0) {
            let (sum, first) = limb.overflowing_add(other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = first | second;
        }
        Self::fold(limbs, u64::from(carry))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let mut limbs = self.0;
        let mut borrow = false;
        for (limb, &other) in limbs.iter_mut().zip(&other.0) {
            let (difference, first) = limb.overflowing_sub(other);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            *limb = difference;
            borrow = first | second;
        }
        // A borrow stands for 2^(64·L) ≡ C.
        let mut minus = u64::from(borrow) * C;
        for limb in &mut limbs {
            let (difference, under) = limb.overflowing_sub(minus);
            *limb = difference;
            minus = u64::from(under);
        }
        // After a second borrow the number lies just below 2^(64·L).
        if let Some(lowest) = limbs.first_mut() {
            *lowest = lowest.wrapping_sub(minus * C);
        }
        Self(limbs)
    }

    #[inline]
    fn mul(self, other: Self) -> Self {
        let (lower, upper) = product(&self.0, &other.0);
        Self::reduce(&lower, &upper)
    }

    #[inline]
    fn square(self) -> Self {
        let pairs = square(&self.0);
        let (lower, upper) = pairs.as_flattened().split_at(L);
        Self::reduce(lower, upper)
    }

    fn invert(self) -> Self {
        // p − 2 = (2^ones − 1)·2^10 + rest
        let ones = 64 * L - 10;
        let rest = 1024 - C - 2;
        let (mut power, mut length) = (self, 1_usize);
        for bit in (0..ones.ilog2()).rev() {
            power = power.squared(length).mul(power);
            length *= 2;
            if ones >> bit & 1 == 1 {
                power = power.square().mul(self);
                length += 1;
            }
        }
        for bit in (0..10).rev() {
            power = power.square();
            if rest >> bit & 1 == 1 {
                power = power.mul(self);
            }
        }
        power
    }

    fn select(no: Self, yes: Self, choice: Choice) -> Self {
        let mut limbs = no.0;
        for (limb, yes) in limbs.iter_mut().zip(&yes.0) {
            limb.conditional_assign(yes, choice);
        }
        Self(limbs)
    }
}

#[cfg(test)]
mod tests {
    use super::{Field as _, Special};
    use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
    use crypto_bigint::{U256, U512, Uint, const_monty_params};

    const_monty_params!(
        Prime256,
        U256,
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffd97"
    );
    const_monty_params!(
        Prime512,
        U512,
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffdc7"
    );

    /// Limbs that carry, and that do not, in every order that chance brings.
    fn numbers<const L: usize>() -> impl Iterator<Item = [u64; L]> {
        const EDGES: [u64; 8] =
            [0, 1, 616, 1 << 32, u64::MAX >> 1, 1 << 63, u64::MAX - 616, u64::MAX];
        let mut state = 7_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            EDGES.get((state >> 60) as usize).copied().unwrap_or(state)
        };
        std::iter::repeat_with(move || std::array::from_fn(|_| next())).take(4_000)
    }

    fn is_that_of_another_library<P: ConstMontyParams<L>, const L: usize, const C: u64>() {
        let theirs = |limbs: [u64; L]| ConstMontyForm::<P, L>::new(&Uint::from_words(limbs));
        for (a, b) in numbers::<L>().zip(numbers::<L>().skip(1)) {
            let (one, other) = (Special::<L, C>::from_limbs(a), Special::<L, C>::from_limbs(b));
            let pairs = [
                (one.add(other), theirs(a) + theirs(b)),
                (one.sub(other), theirs(a) - theirs(b)),
                (one.mul(other), theirs(a) * theirs(b)),
                (one.square(), theirs(a) * theirs(a)),
            ];
            for (place, (own, theirs)) in pairs.into_iter().enumerate() {
                assert_eq!(own.limbs(), theirs.retrieve().to_words(), "{place}: {a:x?} {b:x?}");
            }
        }
    }

    #[test]
    fn sums_products_and_squares_are_those_of_another_library() {
        is_that_of_another_library::<Prime256, 4, 617>();
        is_that_of_another_library::<Prime512, 8, 569>();
    }
}
