//! The caps of `gateway.toml` as the house uses them; their ranges were checked before.

use crate::config::raw;
use crate::config::settings::{Http2, Limits};
use std::time::Duration;

/// Every limit but the spool's folder, which is named relative to the file that names it.
pub(super) fn checked(raw: &raw::Limits) -> Limits {
    Limits {
        body_bytes_max: raw.body_bytes_max,
        body_memory_bytes_max: raw.body_memory_bytes_max,
        stream_bytes_max: raw.stream_bytes_max,
        in_flight_bytes_max: raw.in_flight_bytes_max,
        spool_bytes_max: raw.spool_bytes_max,
        spool_bytes_per_participant_max: raw.spool_bytes_per_participant_max,
        head_bytes_max: raw.head_bytes_max,
        headers_max: raw.headers_max,
        connections_max: raw.connections_max,
        connections_per_address_max: raw.connections_per_address_max,
        connections_per_address_per_second: raw.connections_per_address_per_second,
        connections_per_address_burst: raw.connections_per_address_burst,
        refusals_per_address_per_second: raw.refusals_per_address_per_second,
        refusals_per_address_burst: raw.refusals_per_address_burst,
        look_ups_per_address_per_second: raw.look_ups_per_address_per_second,
        look_ups_per_address_burst: raw.look_ups_per_address_burst,
        flood_price_connections: raw.flood_price_connections,
        connections_per_participant_max: raw.connections_per_participant_max,
        handshakes_max: raw.handshakes_max,
        in_flight_max: raw.in_flight_max,
        lag_max: Duration::from_millis(raw.lag_ms_max),
        handshake_deadline: Duration::from_millis(raw.handshake_deadline_ms),
        head_deadline: Duration::from_millis(raw.head_deadline_ms),
        body_deadline: Duration::from_millis(raw.body_deadline_ms),
        stream_deadline: Duration::from_millis(raw.stream_deadline_ms),
        body_grace: Duration::from_millis(raw.body_grace_ms),
        body_bytes_per_second_min: raw.body_bytes_per_second_min,
        write_deadline: Duration::from_millis(raw.write_deadline_ms),
        unsent_bytes_max: raw.unsent_bytes_max,
        linger_deadline: Duration::from_millis(raw.linger_deadline_ms),
        linger_bytes_max: raw.linger_bytes_max,
        idle_deadline: Duration::from_millis(raw.idle_deadline_ms),
        call_deadline: Duration::from_millis(raw.call_deadline_ms),
        drain_notice: Duration::from_millis(raw.drain_notice_ms),
        drain_deadline: Duration::from_millis(raw.drain_deadline_ms),
        spool_folder: None,
        http2: http2(&raw.http2),
        xml: qaqpa_kit::xml::Limits {
            depth_max: raw.xml.depth_max,
            attributes_max: raw.xml.attributes_max,
            namespaces_max: raw.xml.namespaces_max,
            name_bytes_max: raw.xml.name_bytes_max,
            value_bytes_max: raw.xml.value_bytes_max,
            nodes_max: raw.xml.nodes_max,
        },
    }
}

fn http2(raw: &raw::Http2) -> Http2 {
    Http2 {
        streams_max: raw.streams_max,
        header_list_bytes_max: raw.header_list_bytes_max,
        frame_bytes_max: raw.frame_bytes_max,
        stream_window_bytes: raw.stream_window_bytes,
        connection_window_bytes: raw.connection_window_bytes,
        send_buffer_bytes_max: raw.send_buffer_bytes_max,
        pending_resets_max: raw.pending_resets_max,
        local_resets_max: raw.local_resets_max,
        spare_frames_max: raw.spare_frames_max,
        ping_interval: Duration::from_millis(raw.ping_interval_ms),
        ping_deadline: Duration::from_millis(raw.ping_deadline_ms),
    }
}
