//! Keys and signatures of our own making: what must verify, and all that must not.

use super::*;
use qaqpa_kit::hex;
use zeroize::Zeroizing;

const ALL: [SignatureAlgorithm; 3] = [
    SignatureAlgorithm::Gost2004,
    SignatureAlgorithm::Gost2015x256,
    SignatureAlgorithm::Gost2015x512,
];

fn key(algorithm: SignatureAlgorithm) -> SecretKey {
    SecretKey::generate(algorithm).unwrap()
}

#[test]
fn what_a_key_signs_its_public_key_verifies_with_and_without_tables() {
    for algorithm in ALL {
        for number in 0..8_u8 {
            let key = key(algorithm);
            let public = key.public().unwrap();
            let signature = key.sign(&[number; 100]).unwrap();
            assert!(!public.is_prepared());
            assert!(public.verify(&[number; 100], &signature), "{algorithm:?}");
            assert!(!public.verify(&[number; 101], &signature), "{algorithm:?}");
            assert!(public.prepare());
            assert!(public.verify(&[number; 100], &signature), "{algorithm:?} with tables");
            assert!(!public.verify(&[number; 101], &signature), "{algorithm:?} with tables");
        }
    }
}

#[test]
fn a_key_that_comes_again_gets_tables_and_gives_their_place_back() {
    let key = key(SignatureAlgorithm::Gost2004);
    let public = key.public().unwrap();
    let signature = key.sign(b"again").unwrap();
    for _ in 0..3 {
        assert!(!public.is_prepared());
        assert!(public.verify(b"again", &signature) || public.is_prepared());
        if public.is_prepared() {
            break;
        }
    }
    assert!(public.verify(b"again", &signature));
    assert!(public.is_prepared());
    assert!(combs() >= 1 && combs() <= COMBS_MAX);
}

#[test]
fn no_bit_of_a_signature_a_digest_or_a_key_can_change() {
    // One bit in seven of the longest here, and all of them in `make gost`.
    for (algorithm, step) in ALL.into_iter().zip([1, 3, 7]) {
        let key = key(algorithm);
        let octets = key.public_octets().unwrap();
        let public = key.public().unwrap();
        public.prepare();
        let digest = algorithm.digest().digest(b"every bit");
        let signature = key.sign(b"every bit").unwrap();
        assert!(public.verify_digest(digest.as_ref(), &signature));
        let flipped = |bytes: &[u8], bit: usize| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        for bit in (0..signature.len() * 8).step_by(step) {
            let changed = flipped(&signature, bit);
            assert!(!public.verify_digest(digest.as_ref(), &changed), "{algorithm:?} {bit}");
        }
        for bit in (0..digest.as_ref().len() * 8).step_by(step) {
            let changed = flipped(digest.as_ref(), bit);
            assert!(!public.verify_digest(&changed, &signature), "{algorithm:?} {bit}");
        }
        for bit in (0..octets.len() * 8).step_by(step) {
            // No neighbour of a point is on the curve, or hardly ever.
            let changed = PublicKey::parse(algorithm, &flipped(&octets, bit));
            let is_refused = changed.is_none_or(|key| !key.verify(b"every bit", &signature));
            assert!(is_refused, "{algorithm:?} {bit}");
        }
    }
}

#[test]
fn the_layouts_of_others_are_refused() {
    for algorithm in ALL {
        let key = key(algorithm);
        let public = key.public().unwrap();
        let signature = key.sign(b"layout").unwrap();
        let half = signature.len() / 2;
        let (r, s) = signature.split_at(half);
        let back = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<_>>();
        for wrong in [
            [s, r].concat(),
            [back(r), back(s)].concat(),
            [back(s), back(r)].concat(),
            signature[1..].to_vec(),
            [&signature[..], &[0]].concat(),
            Vec::new(),
            vec![0; signature.len()],
        ] {
            assert!(!public.verify(b"layout", &wrong), "{algorithm:?}");
        }
    }
}

#[test]
fn zero_and_oversize_numbers_sign_nothing_and_are_no_keys() {
    for algorithm in ALL {
        let length = layout::secret_length(algorithm);
        let order = order(algorithm);
        for bad in [vec![0; length], order.clone(), vec![0xff; length], vec![1; length - 1]] {
            assert!(SecretKey::new(algorithm, Zeroizing::new(bad)).is_none());
        }
        let key = key(algorithm);
        let public = key.public().unwrap();
        let signature = key.sign(b"range").unwrap();
        let (r, s) = signature.split_at(length);
        for bad in [vec![0; length], order, vec![0xff; length]] {
            assert!(!public.verify(b"range", &[&bad, s].concat()));
            assert!(!public.verify(b"range", &[r, &bad].concat()));
        }
    }
}

#[test]
fn what_is_no_point_of_the_group_is_no_key() {
    for algorithm in ALL {
        let octets = key(algorithm).public_octets().unwrap();
        let half = octets.len() / 2;
        let (x, y) = octets.split_at(half);
        for bad in [
            [y, x].concat(),
            vec![0; octets.len()],
            vec![0xff; octets.len()],
            octets[1..].to_vec(),
            [&octets[..], &[0]].concat(),
            octets.iter().rev().copied().collect(),
        ] {
            assert!(PublicKey::parse(algorithm, &bad).is_none(), "{algorithm:?}");
        }
    }
    // (x, 0) of order two lies on the curve with cofactor four: x is minus the sum of the other roots.
    assert!(two_torsion().is_none());
}

/// A point of order four on the 256-bit curve of 2015, from its Edwards form's (1, 0): u = 1, v = ±…
fn two_torsion() -> Option<PublicKey> {
    use super::field::Field as _;
    type Element = <Tc26x256 as Curve<4>>::Field;
    // The order of the curve is 4q: q times a point that is outside of the subgroup has order 2 or 4.
    let (a, b) = (Element::from_limbs(Tc26x256::A), Element::from_limbs(Tc26x256::B));
    let on_curve = (1..).find_map(|x| {
        let x = Element::small(x);
        let right = x.square().add(a).mul(x).add(b);
        let y = root(right)?;
        let outside = Affine::<Tc26x256, 4> { x, y };
        let order = order(SignatureAlgorithm::Gost2015x256);
        let multiple = multiply_once(outside, &limbs(&order)?, &[0; 4]);
        point::normalized(&[multiple])?.pop()
    });
    let point = on_curve?;
    assert!(point.is_on_curve());
    PublicKey::parse(
        SignatureAlgorithm::Gost2015x256,
        &layout::octets(&point.x.limbs(), &point.y.limbs()),
    )
}

/// A square root modulo 2^256 − 617, which is 7 modulo 8: x^((p+1)/4).
fn root(square: <Tc26x256 as Curve<4>>::Field) -> Option<<Tc26x256 as Curve<4>>::Field> {
    use super::field::{Field as _, Special};
    let mut power = Special::<4, 617>::small(1);
    // (p + 1) / 4 = 2^254 − 154
    let exponent = [u64::MAX - 153, u64::MAX, u64::MAX, u64::MAX >> 2];
    for limb in exponent.iter().rev() {
        for bit in (0..64).rev() {
            power = power.square();
            if limb >> bit & 1 == 1 {
                power = power.mul(square);
            }
        }
    }
    power.square().sub(square).is_zero().then_some(power)
}

fn order(algorithm: SignatureAlgorithm) -> Vec<u8> {
    let digits = match algorithm {
        SignatureAlgorithm::Gost2004 => {
            "ffffffffffffffffffffffffffffffff6c611070995ad10045841b09b761b893"
        }
        SignatureAlgorithm::Gost2015x256 => {
            "400000000000000000000000000000000fd8cddfc87b6635c115af556c360c67"
        }
        _ => concat!(
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "27e69532f48d89116ff22b8d4e0560609b4b38abfad2b85dcacdb1411f10b275"
        ),
    };
    let mut bytes = hex::bytes(digits).unwrap();
    bytes.reverse();
    bytes
}

#[test]
fn a_secret_key_comes_back_from_its_pkcs8_in_every_spelling() {
    for algorithm in ALL {
        let key = key(algorithm);
        let der = key.to_pkcs8();
        let again = SecretKey::from_pkcs8(&der).unwrap();
        assert_eq!(again.public_octets(), key.public_octets());
        assert_eq!(format!("{again:?}"), format!("SecretKey {{ algorithm: {algorithm:?}, .. }}"));
        for end in 0..der.len() {
            assert!(SecretKey::from_pkcs8(&der[..end]).is_none());
        }
    }
}

#[test]
fn two_signatures_of_one_message_share_nothing() {
    let key = key(SignatureAlgorithm::Gost2015x512);
    let (one, two) = (key.sign(b"twice").unwrap(), key.sign(b"twice").unwrap());
    assert_ne!(one[..64], two[..64]);
    assert_ne!(one[64..], two[64..]);
}

/// The scalars that a recoding could get wrong, and some that it could not.
fn scalars<const L: usize>() -> Vec<[u64; L]> {
    let small = |value: u64| field::limbs_of::<L>(value);
    let mut all: Vec<[u64; L]> = [1, 2, 15, 16, 17, 31, 32, 33, 1023, 1024].map(small).to_vec();
    all.extend([
        [u64::MAX; L],
        [1 << 63; L],
        [0x8421_0842_1084_2108; L],
        [0x7bde_f7bd_ef7b_def7; L],
    ]);
    all.extend((0..64 * L).step_by(7).map(|at| {
        let mut one = [0; L];
        one[at / 64] = 1 << (at % 64);
        one
    }));
    all
}

fn multiplies_as_without_windows<C: Curve<L>, const L: usize>() {
    for scalar in scalars::<L>() {
        let by_windows = C::base().multiply(&scalar);
        let sum = multiply_once::<C, L>(Affine::base(), &[0; L], &scalar);
        let expected = point::normalized(&[sum]).unwrap()[0];
        let limbs = |point: Affine<C, L>| {
            use field::Field as _;
            (point.x.limbs(), point.y.limbs())
        };
        assert_eq!(limbs(by_windows), limbs(expected), "{scalar:x?}");
    }
}

#[test]
fn the_base_point_is_multiplied_in_one_time_as_it_is_in_any() {
    multiplies_as_without_windows::<CryptoPro, 4>();
    multiplies_as_without_windows::<Tc26x256, 4>();
    multiplies_as_without_windows::<Tc26x512, 8>();
}

#[test]
fn the_digits_of_a_scalar_are_the_scalar() {
    for scalar in scalars::<4>() {
        // Horner from the highest window down, in numbers of one limb more.
        let mut sum = [0_u64; 5];
        for window in (0..52).rev() {
            let (size, is_negative) = tables::digit(&scalar, window);
            assert!(*size <= 16);
            let mut carry = 0_i128;
            let digit =
                if bool::from(is_negative) { -i128::from(*size) } else { i128::from(*size) };
            for (at, limb) in sum.iter_mut().enumerate() {
                let wide = i128::from(*limb) * 32 + carry + if at == 0 { digit } else { 0 };
                *limb = u64::try_from(wide & i128::from(u64::MAX)).unwrap();
                carry = wide >> 64;
            }
        }
        assert_eq!((&sum[..4], sum[4]), (&scalar[..], 0), "{scalar:x?}");
    }
}
