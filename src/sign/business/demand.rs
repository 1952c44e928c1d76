//! Whether the signatures found are the ones that a service demands: role, IIN, BIN, and how many.

use super::{Claim, Signed};
use crate::sign::Reason;
use crate::sign::certificate::Certificate;
use qaqpa_kit::manifest::{Role, SignatureDemand};
use qaqpa_kit::xml::Element;

/// What the signed fields that `demands` name say, below the element that is signed.
#[must_use]
pub fn claims(covered: Element<'_>, demands: &[&SignatureDemand]) -> Vec<Claim> {
    let text = |path: &str| {
        let field = field(covered, path)?;
        Some(field.plain_text().ok()?.trim().to_owned())
    };
    let claim = |demand: &&SignatureDemand| Claim {
        iin: text(&demand.iin_field),
        bin: text(&demand.bin_field),
    };
    demands.iter().map(claim).collect()
}

/// The element at a path of local names, each of them there exactly once.
#[must_use]
pub fn field<'d>(top: Element<'d>, path: &str) -> Option<Element<'d>> {
    if path.is_empty() {
        return None;
    }
    path.split('/').try_fold(top, |at, name| {
        let mut named = at.children().filter(|child| child.local() == name);
        let only = named.next()?;
        named.next().is_none().then_some(only)
    })
}

/// The role that a certificate states, the highest first; `None` where it states none that we know.
#[must_use]
pub fn role(certificate: &Certificate) -> Option<Role> {
    let has = |role: &Role| certificate.purposes().iter().any(|oid| oid == role.oid());
    const HIGHEST_FIRST: [Role; 7] = [
        Role::Head,
        Role::RightToSign,
        Role::Financial,
        Role::Personnel,
        Role::Employee,
        Role::InformationSystem,
        Role::Person,
    ];
    HIGHEST_FIRST.into_iter().find(has)
}

/// Whether every demand is met by a signature of its own.
///
/// # Errors
/// `signature_missing` where there are fewer signatures than demands; else the best reason of the first
/// demand that nobody meets: `signer_not_field`, `signer_field_missing`, `cert_role`, in this order.
pub fn check(demands: &[&SignatureDemand], signed: &[Signed]) -> Result<(), Reason> {
    if signed.len() < demands.len() {
        return Err(Reason::SignatureMissing);
    }
    let mut verdicts = Vec::with_capacity(demands.len());
    for (index, demand) in demands.iter().enumerate() {
        let of_each: Vec<_> = signed.iter().map(|one| meets(index, demand, one)).collect();
        let Some(best) = of_each.iter().max_by_key(|verdict| rank(verdict)) else { continue };
        (*best)?;
        verdicts.push(of_each);
    }
    let mut taken = vec![false; signed.len()];
    match assign(&verdicts, &mut taken) {
        true => Ok(()),
        // One signer cannot stand for two.
        false => Err(Reason::SignatureMissing),
    }
}

/// Gives each demand a signature of its own; both are few.
fn assign(verdicts: &[Vec<Result<(), Reason>>], taken: &mut [bool]) -> bool {
    let Some((first, rest)) = verdicts.split_first() else { return true };
    for (index, verdict) in first.iter().enumerate() {
        if verdict.is_err() || taken.get(index).is_none_or(|taken| *taken) {
            continue;
        }
        taken.iter_mut().skip(index).take(1).for_each(|taken| *taken = true);
        if assign(rest, taken) {
            return true;
        }
        taken.iter_mut().skip(index).take(1).for_each(|taken| *taken = false);
    }
    false
}

/// How near a signature came to a demand.
const fn rank(verdict: &Result<(), Reason>) -> u8 {
    match verdict {
        Ok(()) => 4,
        Err(Reason::SignerNotField) => 3,
        Err(Reason::SignerFieldMissing) => 2,
        Err(Reason::CertRole) => 1,
        Err(_) => 0,
    }
}

fn meets(index: usize, demand: &SignatureDemand, signed: &Signed) -> Result<(), Reason> {
    let is_elsewhere = signed.fields.as_ref().is_some_and(|(place, content)| {
        (place, content) != (&demand.signature_field, &demand.content_field)
    });
    if !demand.form.contains(&signed.form) || is_elsewhere {
        return Err(Reason::SignatureMissing);
    }
    let certificate = &signed.certificate;
    let has = |role: &Role| certificate.purposes().iter().any(|oid| oid == role.oid());
    if !demand.role.is_empty() && !demand.role.iter().any(has) {
        return Err(Reason::CertRole);
    }
    let claim = signed.claims.get(index).cloned().unwrap_or_default();
    for (path, claimed, own) in [
        (&demand.iin_field, claim.iin, certificate.iin()),
        (&demand.bin_field, claim.bin, certificate.bin()),
    ] {
        if path.is_empty() {
            continue;
        }
        let claimed = claimed.ok_or(Reason::SignerFieldMissing)?;
        if own != Some(&claimed) {
            return Err(Reason::SignerNotField);
        }
    }
    Ok(())
}
