//! The examples of RFC 7091 §7, on curves that nobody uses: they prove the equations, whatever the field.

use super::curve::Curve;
use super::equation;
use super::field::Field;
use super::tables::{Base, Comb, multiply_once};
use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use crypto_bigint::{U256, U512, Uint, const_monty_params};
use std::sync::LazyLock;
use subtle::Choice;

/// A field of any prime.
#[derive(Clone, Copy)]
struct Plain<M: ConstMontyParams<L>, const L: usize>(ConstMontyForm<M, L>);

impl<M: ConstMontyParams<L>, const L: usize> Field<L> for Plain<M, L> {
    fn from_limbs(limbs: [u64; L]) -> Self {
        Self(ConstMontyForm::new(&Uint::from_words(limbs)))
    }

    fn limbs(self) -> [u64; L] {
        self.0.retrieve().to_words()
    }

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }

    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }

    fn square(self) -> Self {
        Self(self.0.square())
    }

    fn invert(self) -> Self {
        Self(Option::from(self.0.invert_vartime()).unwrap_or(ConstMontyForm::ZERO))
    }

    fn select(no: Self, yes: Self, choice: Choice) -> Self {
        if bool::from(choice) { yes } else { no }
    }
}

const_monty_params!(
    Prime1,
    U256,
    "8000000000000000000000000000000000000000000000000000000000000431"
);
const_monty_params!(
    Order1,
    U256,
    "8000000000000000000000000000000150fe8a1892976154c59cfc193accf5b3"
);
const_monty_params!(
    Prime2,
    U512,
    "4531acd1fe0023c7550d267b6b2fee80922b14b2ffb90f04d4eb7c09b5d2d15df1d852741af4704a0458047e80e4546d35b8336fac224dd81664bbf528be6373"
);
const_monty_params!(
    Order2,
    U512,
    "4531acd1fe0023c7550d267b6b2fee80922b14b2ffb90f04d4eb7c09b5d2d15da82f2d7ecb1dbac719905c5eecc423f1d86e25edbe23c595d644aaf187e6e6df"
);

#[derive(Clone, Copy)]
struct Example1;
#[derive(Clone, Copy)]
struct Example2;

const fn x256(hex: &str) -> [u64; 4] {
    U256::from_be_hex(hex).to_words()
}

const fn x512(hex: &str) -> [u64; 8] {
    U512::from_be_hex(hex).to_words()
}

super::curve::curve!(
    Example1,
    4,
    Plain<Prime1, 4>,
    Order1,
    1,
    false,
    x256("0000000000000000000000000000000000000000000000000000000000000007"),
    x256("5fbff498aa938ce739b8e022fbafef40563f6e6a3472fc2a514c0ce9dae23b7e"),
    (
        x256("0000000000000000000000000000000000000000000000000000000000000002"),
        x256("08e2a8a0e65147d4bd6316030e16d19c85c97f0a9ca267122b96abbcea7e8fc8")
    )
);
super::curve::curve!(
    Example2,
    8,
    Plain<Prime2, 8>,
    Order2,
    1,
    false,
    super::field::limbs_of(7),
    x512(
        "1cff0806a31116da29d8cfa54e57eb748bc5f377e49400fdd788b649eca1ac4361834013b2ad7322480a89ca58e0cf74bc9e540c2add6897fad0a3084f302adc"
    ),
    (
        x512(
            "24d19cc64572ee30f396bf6ebbfd7a6c5213b3b3d7057cc825f91093a68cd762fd60611262cd838dc6b60aa7eee804e28bc849977fac33b4b530f1b120248a9a"
        ),
        x512(
            "2bb312a43bd2ce6e0d020613c857acddcfbf061e91e5f2c3f32447c259f39b2c83ab156d77f1496bf7eb3351e1ee4e43dc1a18b91b24640b6dbb92cb1add371e"
        )
    )
);

/// Signs with the example's nonce, and verifies in both ways with the example's public key.
fn check<C: Curve<L>, const L: usize>(numbers: [[u64; L]; 7]) {
    let [d, e, k, r, s, x, y] = numbers;
    let secret = equation::scalar::<C, L>(d).unwrap();
    let signed = equation::sign::<C, L>(&secret, e, &equation::scalar::<C, L>(k).unwrap());
    assert_eq!(signed, Some((r, s)));
    let own = C::base().multiply(&d);
    assert_eq!((own.x.limbs(), own.y.limbs()), (x, y));
    let point = equation::point::<C, L>(x, y).unwrap();
    let comb = Comb::build(point).unwrap();
    let once = |key: &_, base: &_| multiply_once(point, key, base);
    assert!(equation::is_signed(e, (r, s), once));
    assert!(equation::is_signed::<C, L>(e, (r, s), |key, base| comb.multiply(key, base)));
    assert!(!equation::is_signed(e, (s, r), once));
}

#[test]
fn the_256_bit_example_of_the_standard_is_signed_and_verified() {
    check::<Example1, 4>([
        x256("7a929ade789bb9be10ed359dd39a72c11b60961f49397eee1d19ce9891ec3b28"),
        x256("2dfbc1b372d89a1188c09c52e0eec61fce52032ab1022e8e67ece6672b043ee5"),
        x256("77105c9b20bcd3122823c8cf6fcc7b956de33814e95b7fe64fed924594dceab3"),
        x256("41aa28d2f1ab148280cd9ed56feda41974053554a42767b83ad043fd39dc0493"),
        x256("01456c64ba4642a1653c235a98a60249bcd6d3f746b631df928014f6c5bf9c40"),
        x256("7f2b49e270db6d90d8595bec458b50c58585ba1d4e9b788f6689dbd8e56fd80b"),
        x256("26f1b489d6701dd185c8413a977b3cbbaf64d1c593d26627dffb101a87ff77da"),
    ]);
}

#[test]
fn the_512_bit_example_of_the_standard_is_signed_and_verified() {
    check::<Example2, 8>([
        x512(
            "0ba6048aadae241ba40936d47756d7c93091a0e8514669700ee7508e508b102072e8123b2200a0563322dad2827e2714a2636b7bfd18aadfc62967821fa18dd4",
        ),
        x512(
            "3754f3cfacc9e0615c4f4a7c4d8dab531b09b6f9c170c533a71d147035b0c5917184ee536593f4414339976c647c5d5a407adedb1d560c4fc6777d2972075b8c",
        ),
        x512(
            "0359e7f4b1410feacc570456c6801496946312120b39d019d455986e364f365886748ed7a44b3e794434006011842286212273a6d14cf70ea3af71bb1ae679f1",
        ),
        x512(
            "2f86fa60a081091a23dd795e1e3c689ee512a3c82ee0dcc2643c78eea8fcacd35492558486b20f1c9ec197c90699850260c93bcbcd9c5c3317e19344e173ae36",
        ),
        x512(
            "1081b394696ffe8e6585e7a9362d26b6325f56778aadbc081c0bfbe933d52ff5823ce288e8c4f362526080df7f70ce406a6eeb1f56919cb92a9853bde73e5b4a",
        ),
        x512(
            "115dc5bc96760c7b48598d8ab9e740d4c4a85a65be33c1815b5c320c854621dd5a515856d13314af69bc5b924c8b4ddff75c45415c1d9dd9dd33612cd530efe1",
        ),
        x512(
            "37c7c90cd40b0f5621dc3ac1b751cfa0e2634fa0503b3d52639f5d7fb72afd61ea199441d943ffe7f0c70a2759a3cdb84c114e1f9339fdf27f35eca93677beec",
        ),
    ]);
}
