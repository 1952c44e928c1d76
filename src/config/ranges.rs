//! The limits of every number that the configuration may hold.

/// Table and key with `*` for a name that the operator chose, smallest and largest value.
pub type Range = (&'static str, u64, u64);

const MINUTES_10_MS: u64 = 600_000;
const HOUR_MS: u64 = 3_600_000;
const BODY_BYTES: u64 = 268_435_456;
const TERABYTE: u64 = 1_099_511_627_776;
const YEAR_S: u64 = 31_622_400;

/// Numbers of `gateway.toml`.
pub const GATEWAY: &[Range] = &[
    ("reload.watch_ms", 0, HOUR_MS),
    ("limits.body_bytes_max", 1_024, BODY_BYTES),
    ("limits.body_memory_bytes_max", 65_536, BODY_BYTES),
    ("limits.stream_bytes_max", 1_024, TERABYTE),
    ("limits.in_flight_bytes_max", 1_048_576, TERABYTE),
    ("limits.spool_bytes_max", 0, TERABYTE),
    ("limits.spool_bytes_per_participant_max", 0, TERABYTE),
    ("limits.head_bytes_max", 1_024, 1_048_576),
    ("limits.headers_max", 8, 1_024),
    ("limits.connections_max", 1, 1_000_000),
    ("limits.connections_per_address_max", 1, 1_000_000),
    ("limits.connections_per_address_per_second", 1, 100_000),
    ("limits.connections_per_address_burst", 1, 100_000),
    ("limits.refusals_per_address_per_second", 1, 100_000),
    ("limits.refusals_per_address_burst", 1, 100_000),
    ("limits.look_ups_per_address_per_second", 1, 100_000),
    ("limits.look_ups_per_address_burst", 1, 100_000),
    ("limits.flood_price_connections", 0, 100_000),
    ("limits.connections_per_participant_max", 1, 1_000_000),
    ("limits.handshakes_max", 1, 1_000_000),
    ("limits.in_flight_max", 1, 100_000),
    ("limits.lag_ms_max", 10, 60_000),
    ("limits.handshake_deadline_ms", 100, MINUTES_10_MS),
    ("limits.head_deadline_ms", 100, MINUTES_10_MS),
    ("limits.body_deadline_ms", 100, MINUTES_10_MS),
    ("limits.stream_deadline_ms", 100, HOUR_MS),
    ("limits.body_grace_ms", 100, MINUTES_10_MS),
    ("limits.body_bytes_per_second_min", 1, 1_048_576),
    ("limits.write_deadline_ms", 100, MINUTES_10_MS),
    ("limits.unsent_bytes_max", 4_096, 16_777_216),
    ("limits.linger_deadline_ms", 0, 60_000),
    ("limits.linger_bytes_max", 0, BODY_BYTES),
    ("limits.idle_deadline_ms", 100, MINUTES_10_MS),
    ("limits.call_deadline_ms", 100, MINUTES_10_MS),
    ("limits.drain_notice_ms", 0, MINUTES_10_MS),
    ("limits.drain_deadline_ms", 0, MINUTES_10_MS),
    ("limits.http2.streams_max", 1, 10_000),
    ("limits.http2.header_list_bytes_max", 1_024, 1_048_576),
    ("limits.http2.frame_bytes_max", 16_384, 16_777_215),
    ("limits.http2.stream_window_bytes", 65_535, 16_777_216),
    ("limits.http2.connection_window_bytes", 65_535, 67_108_864),
    ("limits.http2.send_buffer_bytes_max", 16_384, 16_777_216),
    ("limits.http2.pending_resets_max", 1, 10_000),
    ("limits.http2.local_resets_max", 1, 10_000),
    ("limits.http2.spare_frames_max", 100, 1_000_000),
    ("limits.http2.ping_interval_ms", 1_000, MINUTES_10_MS),
    ("limits.http2.ping_deadline_ms", 100, MINUTES_10_MS),
    ("limits.xml.depth_max", 16, 1_024),
    ("limits.xml.attributes_max", 8, 1_024),
    ("limits.xml.namespaces_max", 8, 1_024),
    ("limits.xml.name_bytes_max", 64, 4_096),
    ("limits.xml.value_bytes_max", 1_024, 16_777_216),
    ("limits.xml.nodes_max", 1_000, 10_000_000),
    ("trust.crl_bytes_max", 1_024, BODY_BYTES),
    ("trust.crl_refresh_s", 1, 86_400),
    ("trust.ocsp_deadline_ms", 50, 10_000),
    ("trust.ocsp_refresh_s", 1, 86_400),
    ("trust.ocsp_age_s_max", 60, 604_800),
    ("trust.ocsp_in_flight_max", 1, 10_000),
    ("trust.statuses_max", 16, 1_000_000),
    ("journal.group_max", 1, 4_096),
    ("journal.reserve_bytes", 8_388_608, TERABYTE),
    ("journal.answers_bytes_max", 1_048_576, TERABYTE),
    ("journal.postgres.connections_max", 2, 256),
    ("payments.group_max", 1, 4_096),
    ("payments.inquiry_pause_ms_max", 1_000, HOUR_MS),
    ("payments.not_found_min", 1, 1_000),
    ("payments.quiet_s", 0, 86_400),
    ("payments.keys_kept_s", 86_400, 5 * YEAR_S),
    ("reconcile.register_bytes_max", 1_024, TERABYTE),
    ("reconcile.waiting_max", 1, 1_024),
    ("reconcile.look_pause_ms", 10, MINUTES_10_MS),
];

/// Numbers of a participant's file.
pub const PARTICIPANT: &[Range] = &[
    ("quota.per_second", 1, 1_000_000),
    ("quota.burst", 1, 1_000_000),
    ("quota.in_flight_max", 1, 100_000),
    ("service_quota.*.per_second", 1, 1_000_000),
    ("service_quota.*.burst", 1, 1_000_000),
    ("service_quota.*.in_flight_max", 1, 100_000),
];

/// Numbers of `services.toml`.
pub const SERVICES: &[Range] = &[
    ("agency.*.connections_max", 1, 10_000),
    ("agency.*.retry_percent", 0, 100),
    ("agency.*.connect_deadline_ms", 10, 60_000),
    ("agency.*.deadline_ms", 100, MINUTES_10_MS),
    ("agency.*.quota.per_second", 1, 1_000_000),
    ("agency.*.quota.burst", 1, 1_000_000),
    ("agency.*.quota.in_flight_max", 1, 100_000),
    ("agency.*.line.waiting_max", 0, 100_000),
    ("agency.*.line.wait_ms_max", 1, MINUTES_10_MS),
    ("agency.*.line.in_flight_min", 1, 100_000),
    ("agency.*.breaker.failures", 1, 1_000),
    ("agency.*.breaker.failure_percent", 1, 100),
    ("agency.*.breaker.sample_min", 2, 100_000),
    ("agency.*.breaker.window_ms", 100, HOUR_MS),
    ("agency.*.breaker.probes", 1, 100),
    ("agency.*.breaker.open_ms", 100, 3_600_000),
    ("agency.*.service.*.deadline_ms", 100, MINUTES_10_MS),
    ("agency.*.service.*.body_bytes_max", 1_024, TERABYTE),
    ("agency.*.service.*.window_s", 1, YEAR_S),
];

/// The smallest and largest value of the key at this path of tables (list indices left out).
#[must_use]
pub fn find(ranges: &[Range], path: &[&str]) -> Option<(u64, u64)> {
    let fits = |pattern: &str| {
        let mut keys = path.iter();
        pattern
            .split('.')
            .all(|wanted| keys.next().is_some_and(|key| wanted == "*" || wanted == *key))
            && keys.next().is_none()
    };
    ranges.iter().find(|(pattern, ..)| fits(pattern)).map(|(_, min, max)| (*min, *max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_operator_chose_fits_the_star() {
        let path = ["agency", "gbd.fl", "service", "A_1", "window_s"];
        assert_eq!(find(SERVICES, &path), Some((1, YEAR_S)));
        assert_eq!(find(SERVICES, &path[..4]), None);
        assert_eq!(find(GATEWAY, &["limits", "xml"]), None);
        assert_eq!(find(GATEWAY, &["limits", "xml", "depth_max", "more"]), None);
    }
}
