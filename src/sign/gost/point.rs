//! Points: in Jacobian form for verification, whose inputs are public; complete additions for signing.

use super::curve::Curve;
use super::field::Field;
use subtle::Choice;

/// A point that is not the point at infinity.
#[derive(Clone, Copy)]
pub(super) struct Affine<C: Curve<L>, const L: usize> {
    pub(super) x: C::Field,
    pub(super) y: C::Field,
}

impl<C: Curve<L>, const L: usize> Affine<C, L> {
    /// The base point.
    pub(super) fn base() -> Self {
        let (x, y) = C::G;
        Self { x: C::Field::from_limbs(x), y: C::Field::from_limbs(y) }
    }

    pub(super) fn negated(self) -> Self {
        Self { x: self.x, y: C::Field::small(0).sub(self.y) }
    }

    /// Whether y² = x³ + ax + b.
    pub(super) fn is_on_curve(self) -> bool {
        let (a, b) = (C::Field::from_limbs(C::A), C::Field::from_limbs(C::B));
        let right = self.x.square().add(a).mul(self.x).add(b);
        self.y.square().sub(right).is_zero()
    }
}

/// x = X/Z², y = Y/Z³; infinity has Z = 0. Every operation may take a time that tells its inputs.
#[derive(Clone, Copy)]
pub(super) struct Jacobian<C: Curve<L>, const L: usize> {
    pub(super) x: C::Field,
    pub(super) y: C::Field,
    pub(super) z: C::Field,
    /// Kept beside Z so that no comparison is needed to know it.
    pub(super) is_infinity: bool,
}

impl<C: Curve<L>, const L: usize> From<Affine<C, L>> for Jacobian<C, L> {
    fn from(point: Affine<C, L>) -> Self {
        Self { x: point.x, y: point.y, z: C::Field::small(1), is_infinity: false }
    }
}

impl<C: Curve<L>, const L: usize> Jacobian<C, L> {
    pub(super) fn infinity() -> Self {
        let (zero, one) = (C::Field::small(0), C::Field::small(1));
        Self { x: one, y: one, z: zero, is_infinity: true }
    }

    /// 2P. A point of order two becomes infinity by itself: its Y is zero, and so is then Z.
    pub(super) fn double(self) -> Self {
        if self.is_infinity {
            return self;
        }
        let yy = self.y.square();
        let zz = self.z.square();
        let s = self.x.mul(yy).double().double();
        let slope = if C::A_IS_MINUS_3 {
            let product = self.x.sub(zz).mul(self.x.add(zz));
            product.double().add(product)
        } else {
            let square = self.x.square();
            square.double().add(square).add(C::Field::from_limbs(C::A).mul(zz.square()))
        };
        let x = slope.square().sub(s.double());
        let yyyy = yy.square().double().double().double();
        let y = slope.mul(s.sub(x)).sub(yyyy);
        let z = self.y.add(self.z).square().sub(yy).sub(zz);
        Self { x, y, z, is_infinity: C::COFACTOR != 1 && z.is_zero() }
    }

    /// P + Q for a Q whose Z is 1.
    pub(super) fn add_affine(self, other: Affine<C, L>) -> Self {
        if self.is_infinity {
            return other.into();
        }
        let zz = self.z.square();
        let u = other.x.mul(zz);
        let s = other.y.mul(self.z).mul(zz);
        self.add_scaled((self.x, self.y), (u, s), self.z)
    }

    /// P + Q.
    pub(super) fn add(self, other: Self) -> Self {
        if self.is_infinity {
            return other;
        }
        if other.is_infinity {
            return self;
        }
        let (zz, other_zz) = (self.z.square(), other.z.square());
        let own = (self.x.mul(other_zz), self.y.mul(other.z).mul(other_zz));
        let others = (other.x.mul(zz), other.y.mul(self.z).mul(zz));
        self.add_scaled(own, others, self.z.mul(other.z))
    }

    /// The rest of an addition, once both points stand over the same Z.
    fn add_scaled(
        self,
        (u1, s1): (C::Field, C::Field),
        (u2, s2): (C::Field, C::Field),
        z: C::Field,
    ) -> Self {
        let h = u2.sub(u1);
        let r = s2.sub(s1);
        if h.is_zero() {
            return if r.is_zero() { self.double() } else { Self::infinity() };
        }
        let hh = h.square();
        let hhh = hh.mul(h);
        let v = u1.mul(hh);
        let x = r.square().sub(hhh).sub(v.double());
        let y = r.mul(v.sub(x)).sub(s1.mul(hhh));
        Self { x, y, z: z.mul(h), is_infinity: false }
    }

    /// Whether x mod q = r, without a division: X = r·Z², or X = (r + q)·Z² where that is still below p.
    pub(super) fn has_x(self, candidates: impl IntoIterator<Item = C::Field>) -> bool {
        let zz = self.z.square();
        let is_x = |candidate: C::Field| candidate.mul(zz).sub(self.x).is_zero();
        !self.is_infinity && candidates.into_iter().any(is_x)
    }
}

/// All points over Z = 1, with one division for all of them; `None` if one is infinity.
pub(super) fn normalized<C: Curve<L>, const L: usize>(
    points: &[Jacobian<C, L>],
) -> Option<Vec<Affine<C, L>>> {
    if points.iter().any(|point| point.is_infinity) {
        return None;
    }
    let mut product = C::Field::small(1);
    let mut before = Vec::with_capacity(points.len());
    for point in points {
        before.push(product);
        product = product.mul(point.z);
    }
    let mut inverse = product.invert();
    let mut out = Vec::with_capacity(points.len());
    for (point, before) in points.iter().zip(before).rev() {
        let z = inverse.mul(before);
        inverse = inverse.mul(point.z);
        let zz = z.square();
        out.push(Affine { x: point.x.mul(zz), y: point.y.mul(zz).mul(z) });
    }
    out.reverse();
    Some(out)
}

/// A point in homogeneous form, x = X/Z, for additions that know no exception and take one time.
#[derive(Clone, Copy)]
pub(super) struct Complete<C: Curve<L>, const L: usize> {
    pub(super) x: C::Field,
    pub(super) y: C::Field,
    pub(super) z: C::Field,
}

impl<C: Curve<L>, const L: usize> Complete<C, L> {
    pub(super) fn infinity() -> Self {
        let (zero, one) = (C::Field::small(0), C::Field::small(1));
        Self { x: zero, y: one, z: zero }
    }

    /// P + Q (Renes, Costello, Batina 2015, algorithm 2): complete for points of odd order, as all
    /// multiples of the base points are.
    pub(super) fn add_affine(self, other: Affine<C, L>) -> Self {
        let b3 = {
            let b = C::Field::from_limbs(C::B);
            b.double().add(b)
        };
        let t0 = self.x.mul(other.x);
        let t1 = self.y.mul(other.y);
        let t3 = other.x.add(other.y).mul(self.x.add(self.y)).sub(t0.add(t1));
        let t4 = other.x.mul(self.z).add(self.x);
        let t5 = other.y.mul(self.z).add(self.y);
        let z3 = times_a::<C, L>(t4).add(b3.mul(self.z));
        let x3 = t1.sub(z3);
        let z3 = t1.add(z3);
        let y3 = x3.mul(z3);
        let az = times_a::<C, L>(self.z);
        let t1 = t0.double().add(t0).add(az);
        let t4 = b3.mul(t4).add(times_a::<C, L>(t0.sub(az)));
        Self { x: t3.mul(x3).sub(t5.mul(t4)), y: y3.add(t1.mul(t4)), z: t5.mul(z3).add(t3.mul(t1)) }
    }

    pub(super) fn select(no: Self, yes: Self, choice: Choice) -> Self {
        Self {
            x: C::Field::select(no.x, yes.x, choice),
            y: C::Field::select(no.y, yes.y, choice),
            z: C::Field::select(no.z, yes.z, choice),
        }
    }

    /// Over Z = 1; infinity becomes (0, 0), which is on none of the curves.
    pub(super) fn to_affine(self) -> Affine<C, L> {
        let inverse = self.z.invert();
        Affine { x: self.x.mul(inverse), y: self.y.mul(inverse) }
    }
}

fn times_a<C: Curve<L>, const L: usize>(value: C::Field) -> C::Field {
    if C::A_IS_MINUS_3 {
        C::Field::small(0).sub(value.double().add(value))
    } else {
        C::Field::from_limbs(C::A).mul(value)
    }
}
