//! The two equations of ГОСТ Р 34.10 (RFC 7091 §6), over any of the curves.

use super::curve::Curve;
use super::field::Field;
use super::point::{Affine, Jacobian};
use super::tables::multiply_once;
use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams as _};
use crypto_bigint::{CheckedAdd as _, Uint};
use zeroize::{Zeroize as _, Zeroizing};

/// A number modulo q in Montgomery's form.
type Scalar<C, const L: usize> = ConstMontyForm<<C as Curve<L>>::Order, L>;

fn order<C: Curve<L>, const L: usize>() -> Uint<L> {
    *C::Order::PARAMS.modulus().as_ref()
}

/// The number of these limbs, where it is neither 0 nor above q.
pub(super) fn scalar<C: Curve<L>, const L: usize>(limbs: [u64; L]) -> Option<Uint<L>> {
    let value = Uint::from_words(limbs);
    (!bool::from(value.is_zero()) && value < order::<C, L>()).then_some(value)
}

/// A digest as the standard takes it: modulo q, and 1 in place of 0.
fn digest<C: Curve<L>, const L: usize>(limbs: [u64; L]) -> Scalar<C, L> {
    let value = Scalar::<C, L>::new(&Uint::from_words(limbs));
    if bool::from(value.retrieve().is_zero()) { Scalar::<C, L>::ONE } else { value }
}

/// A public key's point: below p, on the curve, and of order q.
pub(super) fn point<C: Curve<L>, const L: usize>(x: [u64; L], y: [u64; L]) -> Option<Affine<C, L>> {
    let point = Affine { x: C::Field::parse(x)?, y: C::Field::parse(y)? };
    let is_of_order_q = || {
        let order = order::<C, L>().to_words();
        multiply_once::<C, L>(point, &order, &[0; L]).is_infinity
    };
    (point.is_on_curve() && (C::COFACTOR == 1 || is_of_order_q())).then_some(point)
}

/// Whether (r, s) signs the digest; `multiply` is k, g ↦ k·Q + g·G. Takes a time that tells its inputs.
pub(super) fn is_signed<C: Curve<L>, const L: usize>(
    digest_limbs: [u64; L],
    (r, s): ([u64; L], [u64; L]),
    multiply: impl FnOnce(&[u64; L], &[u64; L]) -> Jacobian<C, L>,
) -> bool {
    let (Some(r), Some(s)) = (scalar::<C, L>(r), scalar::<C, L>(s)) else { return false };
    let inverse = digest::<C, L>(digest_limbs).invert_vartime();
    let Some(inverse) = Option::<Scalar<C, L>>::from(inverse) else { return false };
    let base = (Scalar::<C, L>::new(&s) * inverse).retrieve().to_words();
    let key = (-(Scalar::<C, L>::new(&r) * inverse)).retrieve().to_words();
    let sum = multiply(&key, &base);
    // Every x below p that is r modulo q.
    let next = |last: &Uint<L>| Option::from(last.checked_add(&order::<C, L>()));
    let below = std::iter::successors(Some(r), next).map(|x| C::Field::parse(x.to_words()));
    sum.has_x(below.map_while(|x| x))
}

/// Signs a digest with the secret `d` and the nonce `k`, in a time that tells neither; `None` where r or s
/// comes out as zero, which another nonce mends.
pub(super) fn sign<C: Curve<L>, const L: usize>(
    d: &Uint<L>,
    digest_limbs: [u64; L],
    k: &Uint<L>,
) -> Option<([u64; L], [u64; L])> {
    let mut words = Zeroizing::new(k.to_words());
    let point = C::base().multiply(&words);
    words.zeroize();
    let r = Scalar::<C, L>::new(&Uint::from_words(point.x.limbs()));
    let mut secret = Scalar::<C, L>::new(d);
    let mut nonce = Scalar::<C, L>::new(k);
    let s = r * secret + nonce * digest::<C, L>(digest_limbs);
    secret.zeroize();
    nonce.zeroize();
    let (r, s) = (r.retrieve(), s.retrieve());
    let is_sound = !bool::from(r.is_zero()) && !bool::from(s.is_zero());
    is_sound.then(|| (r.to_words(), s.to_words()))
}

/// A nonce from bytes of twice its length: even to within 2^-256, in one time. Zero is as unlikely.
pub(super) fn nonce<C: Curve<L>, const L: usize>(low: [u64; L], high: [u64; L]) -> Uint<L> {
    let mut low = Scalar::<C, L>::new(&Uint::from_words(low));
    let mut high = Scalar::<C, L>::new(&Uint::from_words(high));
    // 2^(64·L) modulo q is (2^(64·L) − 1) + 1.
    let shift = Scalar::<C, L>::new(&Uint::MAX) + Scalar::<C, L>::ONE;
    let nonce = (low + high * shift).retrieve();
    low.zeroize();
    high.zeroize();
    nonce
}
