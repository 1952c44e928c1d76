//! What stands in the middle of several figures: a single one may be off by twice.

/// The middle of these figures, or the mean of the two in the middle; no number where there are none.
pub(crate) fn middle(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(figures.len().saturating_sub(1) / 2), at(figures.len() / 2))
}
