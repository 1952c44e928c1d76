//! Multiples of a point: combs for keys that come again, odd multiples for others, windows for signing.

use super::curve::Curve;
use super::field::Field;
use super::point::{Affine, Complete, Jacobian, normalized};
use std::sync::atomic::{AtomicUsize, Ordering};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

/// Combs of keys that may be in memory at once: 32 MiB of 512-bit keys. A key beyond them verifies
/// without, at a third of the speed.
pub const COMBS_MAX: usize = 512;

static COMB_COUNT: AtomicUsize = AtomicUsize::new(0);

/// Combs of keys in memory now.
pub(super) fn table_count() -> usize {
    COMB_COUNT.load(Ordering::Relaxed)
}

/// A place among the combs; given back when dropped.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let free = |count| (count < COMBS_MAX).then_some(count + 1);
        let taken = COMB_COUNT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free);
        taken.ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        COMB_COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Teeth of a comb: a table has 2^8 − 1 points.
const TEETH: usize = 8;
/// Tables of a comb: each halves the doublings.
const COMBS: usize = 2;
/// Width of a signing window in bits.
const WINDOW: usize = 5;
/// Points of a signing window: its digits have a sign, so half of the multiples do.
const WINDOW_POINTS: usize = 1 << (WINDOW - 1);
/// Width of the signed digits for the base point and for a key without a comb.
const BASE_WIDTH: u32 = 8;
const KEY_WIDTH: u32 = 5;

/// Bit `at` of a number in limbs.
fn bit<const L: usize>(limbs: &[u64; L], at: usize) -> usize {
    let limb = limbs.get(at / 64).copied().unwrap_or(0);
    usize::from(limb >> (at % 64) & 1 == 1)
}

/// Two tables of the sums of eight equally spaced doublings of one point (Lim and Lee 1994).
pub(super) struct Comb<C: Curve<L>, const L: usize> {
    tables: Vec<Vec<Affine<C, L>>>,
    _place: Option<Place>,
}

impl<C: Curve<L>, const L: usize> Comb<C, L> {
    /// Bits between two teeth.
    const SPACING: usize = 64 * L / TEETH;
    /// Bits that each table serves.
    const ROWS: usize = Self::SPACING / COMBS;

    /// Makes the tables for a point of prime order; about two verifications' worth of work.
    pub(super) fn build(point: Affine<C, L>) -> Option<Self> {
        let mut teeth = vec![Vec::new(); COMBS];
        let mut power = Jacobian::from(point);
        for at in 0..64 * L {
            if at % Self::ROWS == 0
                && let Some(teeth) = teeth.get_mut(at / Self::ROWS % COMBS)
            {
                teeth.push(power);
            }
            power = power.double();
        }
        let tables = teeth.into_iter().map(|teeth| {
            let teeth = normalized(&teeth)?;
            let mut sums: Vec<Jacobian<C, L>> = Vec::with_capacity(1 << TEETH);
            for tooth in teeth {
                let before = sums.len();
                sums.push(tooth.into());
                for index in 0..before {
                    sums.push(sums.get(index)?.add_affine(tooth));
                }
            }
            normalized(&sums)
        });
        Some(Self { tables: tables.collect::<Option<_>>()?, _place: None })
    }

    /// The same for a key, while there is a place left.
    pub(super) fn build_within_limit(point: Affine<C, L>) -> Option<Self> {
        let place = Place::take()?;
        Some(Self { _place: Some(place), ..Self::build(point)? })
    }

    /// Adds what the tables hold for one row of a scalar.
    fn add_row(&self, mut sum: Jacobian<C, L>, scalar: &[u64; L], row: usize) -> Jacobian<C, L> {
        for (comb, table) in self.tables.iter().enumerate() {
            let column = comb * Self::ROWS + row;
            let index = (0..TEETH)
                .map(|tooth| bit(scalar, tooth * Self::SPACING + column) << tooth)
                .sum::<usize>();
            if let Some(point) = index.checked_sub(1).and_then(|index| table.get(index)) {
                sum = sum.add_affine(*point);
            }
        }
        sum
    }

    /// g·G + k·Q for the comb of Q, doubling for both at once.
    pub(super) fn multiply(&self, key: &[u64; L], base: &[u64; L]) -> Jacobian<C, L> {
        let base_comb = &C::base().comb;
        (0..Self::ROWS).rev().fold(Jacobian::infinity(), |sum, row| {
            let sum = self.add_row(sum.double(), key, row);
            base_comb.add_row(sum, base, row)
        })
    }
}

/// Everything that is kept of a curve's base point.
pub(super) struct Base<C: Curve<L>, const L: usize> {
    comb: Comb<C, L>,
    /// G, 3G, 5G …
    odd: Vec<Affine<C, L>>,
    /// For each window of a scalar the multiples 1..=16 of G·2^(5·window).
    windows: Vec<Vec<Affine<C, L>>>,
}

impl<C: Curve<L>, const L: usize> Base<C, L> {
    /// Makes all tables: some milliseconds, once.
    pub(super) fn build() -> Self {
        let base = Affine::<C, L>::base();
        let comb = Comb::build(base).unwrap_or(Comb { tables: Vec::new(), _place: None });
        let odd = normalized(&odd_multiples(base, 1 << (BASE_WIDTH - 2))).unwrap_or_default();
        let mut multiples = Vec::new();
        let mut first = Jacobian::from(base);
        // One bit more than a scalar has: the highest digit must not be negative.
        for _ in 0..(64 * L + 1).div_ceil(WINDOW) {
            let mut multiple = first;
            for _ in 1..WINDOW_POINTS {
                multiples.push(multiple);
                multiple = multiple.add(first);
            }
            multiples.push(multiple);
            first = multiple.double();
        }
        let multiples = normalized(&multiples).unwrap_or_default();
        let windows = multiples.chunks(WINDOW_POINTS).map(<[_]>::to_vec).collect();
        Self { comb, odd, windows }
    }

    /// k·G in a time, and by addresses, that tell nothing of k.
    pub(super) fn multiply(&self, scalar: &[u64; L]) -> Affine<C, L> {
        let zero = C::Field::small(0);
        let mut sum = Complete::infinity();
        for (number, window) in self.windows.iter().enumerate() {
            let (size, is_negative) = digit(scalar, number);
            let mut point = Affine { x: zero, y: zero };
            for (multiple, candidate) in (1_u64..).zip(window) {
                let choice = size.ct_eq(&multiple);
                point.x = C::Field::select(point.x, candidate.x, choice);
                point.y = C::Field::select(point.y, candidate.y, choice);
            }
            point.y = C::Field::select(point.y, zero.sub(point.y), is_negative);
            let is_zero: Choice = size.ct_eq(&0);
            sum = Complete::select(sum.add_affine(point), sum, is_zero);
        }
        sum.to_affine()
    }
}

/// Size and sign of a window's digit, −16 … 16, in one time (Booth 1951): its five bits and the one below
/// them. The digits times the powers of their windows are the scalar.
pub(super) fn digit<const L: usize>(scalar: &[u64; L], window: usize) -> (Zeroizing<u64>, Choice) {
    let limb = |at: usize| scalar.get(at).copied().unwrap_or(0);
    // Where a window lies is no secret.
    let bits = Zeroizing::new(match (window * WINDOW).checked_sub(1) {
        None => limb(0) << 1,
        Some(low) => limb(low / 64) >> (low % 64) | limb(low / 64 + 1) << 1 << (63 - low % 64),
    });
    let bits = Zeroizing::new(*bits & ((2 << WINDOW) - 1));
    let is_negative = (*bits >> WINDOW).ct_eq(&1);
    // The highest bit counts −16 and no 16: what is missing to 32 is the size.
    let size = Zeroizing::new((*bits >> 1) + (*bits & 1));
    let missing = Zeroizing::new((1 << WINDOW) - *size);
    (Zeroizing::new(u64::conditional_select(&size, &missing, is_negative)), is_negative)
}

/// P, 3P, 5P …
fn odd_multiples<C: Curve<L>, const L: usize>(
    point: Affine<C, L>,
    count: usize,
) -> Vec<Jacobian<C, L>> {
    let twice = Jacobian::from(point).double();
    let first = Jacobian::from(point);
    std::iter::successors(Some(first), |last| Some(last.add(twice))).take(count).collect()
}

/// Digits, least first, each zero or odd and below 2^(width−1) in size: few of them are not zero.
fn signed_digits<const L: usize>(scalar: &[u64; L], width: u32) -> Vec<i16> {
    let mut digits = vec![0_i16; 64 * L + 1];
    let (mut at, mut carry) = (0, 0_usize);
    while at < digits.len() {
        if bit(scalar, at) + carry != 1 {
            // 0 without a carry stays 0; 1 with one passes it on.
            at += 1;
            continue;
        }
        let window = (0..width as usize).map(|i| bit(scalar, at + i) << i).sum::<usize>() + carry;
        carry = window >> (width - 1);
        let value = i16::try_from(window).unwrap_or(0) - (i16::from(carry == 1) << width);
        if let Some(digit) = digits.get_mut(at) {
            *digit = value;
        }
        at += width as usize;
    }
    digits
}

/// The place of an odd digit's size among the odd multiples, and whether it is negative.
fn place(digit: i16) -> Option<(usize, bool)> {
    (digit != 0).then(|| (usize::from(digit.unsigned_abs()) / 2, digit < 0))
}

/// g·G + k·Q for a key that has no comb (Straus, with signed digits).
pub(super) fn multiply_once<C: Curve<L>, const L: usize>(
    point: Affine<C, L>,
    key: &[u64; L],
    base: &[u64; L],
) -> Jacobian<C, L> {
    let odd = odd_multiples(point, 1 << (KEY_WIDTH - 2));
    let base_odd = &C::base().odd;
    let digits = signed_digits(key, KEY_WIDTH).into_iter().zip(signed_digits(base, BASE_WIDTH));
    let mut sum = Jacobian::infinity();
    for (digit, base_digit) in digits.collect::<Vec<_>>().into_iter().rev() {
        sum = sum.double();
        if let Some((index, is_negative)) = place(digit)
            && let Some(multiple) = odd.get(index)
        {
            let negated = Jacobian { y: C::Field::small(0).sub(multiple.y), ..*multiple };
            sum = sum.add(if is_negative { negated } else { *multiple });
        }
        if let Some((index, is_negative)) = place(base_digit)
            && let Some(multiple) = base_odd.get(index)
        {
            sum = sum.add_affine(if is_negative { multiple.negated() } else { *multiple });
        }
    }
    sum
}
