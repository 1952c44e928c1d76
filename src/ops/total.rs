//! A metric that only grows, read at each scrape and never pushed.

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Metric, MetricFamily, MetricType};
use std::collections::HashMap;

/// One counter without labels.
pub(super) struct Total<F> {
    desc: Desc,
    name: &'static str,
    help: &'static str,
    read: F,
}

impl<F: Fn() -> u64> Total<F> {
    /// # Errors
    /// The name is no metric name.
    pub(super) fn new(
        name: &'static str,
        help: &'static str,
        read: F,
    ) -> Result<Self, prometheus::Error> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), Vec::new(), HashMap::new())?;
        Ok(Self { desc, name, help, read })
    }
}

impl<F: Fn() -> u64 + Send + Sync> Collector for Total<F> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut counter = Counter::default();
        #[expect(clippy::cast_precision_loss, reason = "counts of our age are exact in a double")]
        counter.set_value((self.read)() as f64);
        let mut metric = Metric::default();
        metric.set_counter(counter);
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(MetricType::COUNTER);
        family.set_metric(vec![metric]);
        vec![family]
    }
}
