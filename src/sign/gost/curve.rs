//! The three curves of the country's keys: y² = x³ + ax + b over a prime of special form.

use super::field::{Field, Special, limbs_of};
use super::tables::Base;
use crypto_bigint::modular::ConstMontyParams;
use crypto_bigint::{U256, U512, const_monty_params};
use std::sync::LazyLock;

/// What the equations of ГОСТ Р 34.10 need to know of a curve. L is its length in 64-bit limbs.
pub(super) trait Curve<const L: usize>: Copy + Send + Sync + 'static {
    type Field: Field<L>;
    /// q, the order of the base point: a prime.
    type Order: ConstMontyParams<L>;
    /// Whether a = −3, which makes doubling cheaper.
    const A_IS_MINUS_3: bool;
    const A: [u64; L];
    const B: [u64; L];
    const G: ([u64; L], [u64; L]);
    /// Points of the curve over points of the base point's subgroup.
    const COFACTOR: u64;
    /// The multiples of the base point, made at the first use and kept.
    fn base() -> &'static Base<Self, L>;
}

/// Implements [`Curve`], with one static table of base points.
macro_rules! curve {
    ($name:ident, $limbs:literal, $field:ty, $order:ty, $cofactor:literal, $three:literal,
     $a:expr, $b:expr, $g:expr) => {
        impl Curve<$limbs> for $name {
            type Field = $field;
            type Order = $order;
            const A_IS_MINUS_3: bool = $three;
            const A: [u64; $limbs] = $a;
            const B: [u64; $limbs] = $b;
            const G: ([u64; $limbs], [u64; $limbs]) = $g;
            const COFACTOR: u64 = $cofactor;

            fn base() -> &'static Base<Self, $limbs> {
                static BASE: LazyLock<Base<$name, $limbs>> = LazyLock::new(Base::build);
                &BASE
            }
        }
    };
}
#[cfg(test)]
pub(super) use curve;

const_monty_params!(
    OrderTc26x512,
    U512,
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
     27e69532f48d89116ff22b8d4e0560609b4b38abfad2b85dcacdb1411f10b275"
);
const_monty_params!(
    OrderCryptoPro,
    U256,
    "ffffffffffffffffffffffffffffffff6c611070995ad10045841b09b761b893"
);
const_monty_params!(
    OrderTc26x256,
    U256,
    "400000000000000000000000000000000fd8cddfc87b6635c115af556c360c67"
);

/// id-tc26-gost-3410-12-512-paramSetA (RFC 7836 A.2): p = 2^512 − 569.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tc26x512;

/// id-GostR3410-2001-CryptoPro-A-ParamSet (RFC 4357 §11.4): p = 2^256 − 617.
#[derive(Clone, Copy, Debug)]
pub(super) struct CryptoPro;

/// id-tc26-gost-3410-2012-256-paramSetA (RFC 7836 A.2): p = 2^256 − 617, four times as many points as q.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tc26x256;

curve!(
    Tc26x512,
    8,
    Special<8, 569>,
    OrderTc26x512,
    1,
    true,
    [0xffff_ffff_ffff_fdc4, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff],
    [0x5031_9078_5a71_c760, 0x862e_f9d4_ebee_4761, 0x4cb4_5740_10da_90dd, 0xee3c_b090_f30d_2761, 0x79bd_081c_fd0b_6265, 0x34b8_2574_761c_b0e8, 0xc1bd_0b2b_6667_f1da, 0xe8c2_505d_edfc_86dd],
    (limbs_of(3), [0x89a5_89cb_5215_f2a4, 0x8028_fe5f_c235_f5b8, 0x3d75_e6a5_0e3a_41e9, 0xdf16_26be_4fd0_36e9, 0x7780_64fd_cbef_a921, 0xce5e_1c93_acf1_abc1, 0xa61b_8816_e254_50e6, 0x7503_cfe8_7a83_6ae3])
);
curve!(
    CryptoPro,
    4,
    Special<4, 617>,
    OrderCryptoPro,
    1,
    true,
    [0xffff_ffff_ffff_fd94, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff],
    limbs_of(0xa6),
    (limbs_of(1), [0x22ac_c99c_9e9f_1e14, 0x3529_4f2d_df23_e3b1, 0x27df_505a_453f_2b76, 0x8d91_e471_e098_9cda])
);
curve!(
    Tc26x256,
    4,
    Special<4, 617>,
    OrderTc26x256,
    4,
    false,
    [0xb22c_656f_277e_7335, 0xe25e_2013_bf95_aa33, 0xaf48_92c2_3035_a27c, 0xc217_3f15_1398_1673],
    [0xba93_37a6_f8ae_9513, 0x22fc_cd91_08e1_7bf7, 0xcc20_e7c3_59a9_d41a, 0x295f_9bae_7428_ed9c],
    ([0x8b25_82fe_742d_aa28, 0x658b_9196_932e_02c7, 0x8809_2342_5712_b2bb, 0x91e3_8443_a5e8_2c0d], [0xaf26_8adb_3232_2e5c, 0x5fde_0b53_4476_6740, 0x8957_86c4_bb46_e956, 0x3287_9423_ab1a_0375])
);
