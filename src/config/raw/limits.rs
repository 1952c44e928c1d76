//! The hard caps of `gateway.toml` as written: bytes, counts and times, each with its default.

use serde::{Deserialize, Serialize};

/// Hard caps of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a request's or an answer's body that is received whole.
    pub body_bytes_max: usize,
    /// Bytes of a body that stay in memory while it arrives; a longer one waits in the spool.
    pub body_memory_bytes_max: usize,
    /// Bytes of a body that is passed on while it arrives.
    pub stream_bytes_max: usize,
    /// Bytes of the bodies of all callers that are in memory together, and as many of answers that their
    /// callers have not taken: with more, calls are refused.
    pub in_flight_bytes_max: usize,
    /// Bytes of all bodies in the spool.
    pub spool_bytes_max: u64,
    /// Bytes of the bodies of one participant in the spool; of one address, where nothing proves who calls.
    pub spool_bytes_per_participant_max: u64,
    /// Bytes of an HTTP head.
    pub head_bytes_max: usize,
    /// Headers of one request.
    pub headers_max: usize,
    /// Open connections of callers.
    pub connections_max: usize,
    /// Open connections from one IP address.
    pub connections_per_address_max: usize,
    /// New connections a second from one IP address; more wait within the handshake's deadline.
    pub connections_per_address_per_second: u32,
    /// New connections at once from one IP address that rested.
    pub connections_per_address_burst: u32,
    /// Requests a second from one IP address that are refused for the caller's fault; the answers to
    /// more are held back.
    pub refusals_per_address_per_second: u32,
    /// Such requests at once from one IP address that made none for a while.
    pub refusals_per_address_burst: u32,
    /// Look-ups of receipts that one address may make in a second, in the long run.
    pub look_ups_per_address_per_second: u32,
    /// Look-ups of receipts that one address may make at once.
    pub look_ups_per_address_burst: u32,
    /// New connections as which one counts that was cut because it only flooded.
    pub flood_price_connections: u32,
    /// Open connections of the participant whose certificate the handshake proved.
    pub connections_per_participant_max: usize,
    /// TLS handshakes under way; more wait within their deadline.
    pub handshakes_max: usize,
    /// Calls under way.
    pub in_flight_max: usize,
    /// Milliseconds that the node may be late with its work before it refuses more: batches at half of
    /// it, payments at five times as much.
    pub lag_ms_max: u64,
    /// Milliseconds for a TLS handshake.
    pub handshake_deadline_ms: u64,
    /// Milliseconds for an HTTP head to arrive.
    pub head_deadline_ms: u64,
    /// Milliseconds for a body that is received whole to arrive.
    pub body_deadline_ms: u64,
    /// Milliseconds for a body that is passed on while it arrives.
    pub stream_deadline_ms: u64,
    /// Milliseconds that any body is waited for, however little comes.
    pub body_grace_ms: u64,
    /// Bytes a second that must come after that grace.
    pub body_bytes_per_second_min: u32,
    /// Milliseconds within which a caller must take more of its answer.
    pub write_deadline_ms: u64,
    /// Bytes of an answer that wait in the kernel for one connection's caller to take what came before.
    pub unsent_bytes_max: u32,
    /// Milliseconds that a refused request may go on arriving, so that its answer is read.
    pub linger_deadline_ms: u64,
    /// Bytes of a refused request that are still read, and thrown away.
    pub linger_bytes_max: u64,
    /// Milliseconds an idle connection is kept.
    pub idle_deadline_ms: u64,
    /// Milliseconds for a whole call where neither its service nor its agency names a deadline.
    pub call_deadline_ms: u64,
    /// Milliseconds for which the node serves on after SIGTERM, while /ready says that it leaves.
    pub drain_notice_ms: u64,
    /// Milliseconds that SIGTERM waits for calls under way.
    pub drain_deadline_ms: u64,
    /// Folder of the spool, whose files have no name; empty: that of the system for such files.
    pub spool_folder: String,
    /// Caps of one HTTP/2 connection.
    pub http2: Http2,
    /// Caps of one XML document.
    pub xml: Xml,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 10_485_760,
            body_memory_bytes_max: 1_048_576,
            stream_bytes_max: 268_435_456,
            in_flight_bytes_max: 536_870_912,
            spool_bytes_max: 4_294_967_296,
            spool_bytes_per_participant_max: 1_073_741_824,
            head_bytes_max: 16_384,
            headers_max: 64,
            connections_max: 10_000,
            connections_per_address_max: 1_000,
            connections_per_address_per_second: 200,
            connections_per_address_burst: 1_000,
            refusals_per_address_per_second: 200,
            refusals_per_address_burst: 1_000,
            look_ups_per_address_per_second: 1,
            look_ups_per_address_burst: 30,
            flood_price_connections: 100,
            connections_per_participant_max: 1_000,
            handshakes_max: 2_500,
            in_flight_max: 512,
            lag_ms_max: 50,
            handshake_deadline_ms: 5_000,
            head_deadline_ms: 10_000,
            body_deadline_ms: 30_000,
            stream_deadline_ms: 600_000,
            body_grace_ms: 5_000,
            body_bytes_per_second_min: 1_024,
            write_deadline_ms: 30_000,
            unsent_bytes_max: 65_536,
            linger_deadline_ms: 2_000,
            linger_bytes_max: 1_048_576,
            idle_deadline_ms: 60_000,
            call_deadline_ms: 30_000,
            drain_notice_ms: 0,
            drain_deadline_ms: 30_000,
            spool_folder: String::new(),
            http2: Http2::default(),
            xml: Xml::default(),
        }
    }
}

/// Caps of one HTTP/2 connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http2 {
    /// Requests of one connection at once.
    pub streams_max: u32,
    /// Bytes of the headers of one request, names and values and 32 for each (RFC 9113 §6.5.2).
    pub header_list_bytes_max: u32,
    /// Bytes of one frame.
    pub frame_bytes_max: u32,
    /// Bytes of one body that may be under way unread.
    pub stream_window_bytes: u32,
    /// Bytes of all bodies of one connection that may be under way unread.
    pub connection_window_bytes: u32,
    /// Bytes of one answer that wait for its caller to take them.
    pub send_buffer_bytes_max: usize,
    /// Requests that a caller may take back before they were looked at.
    pub pending_resets_max: usize,
    /// Streams that we may have to reset by the caller's mistakes.
    pub local_resets_max: usize,
    /// Frames that carry no request and no body, beyond those that answers earn.
    pub spare_frames_max: u32,
    /// Milliseconds after which a silent peer is asked whether it lives.
    pub ping_interval_ms: u64,
    /// Milliseconds for it to say so.
    pub ping_deadline_ms: u64,
}

impl Default for Http2 {
    fn default() -> Self {
        Self {
            streams_max: 100,
            header_list_bytes_max: 16_384,
            frame_bytes_max: 16_384,
            stream_window_bytes: 65_536,
            connection_window_bytes: 262_144,
            send_buffer_bytes_max: 65_536,
            pending_resets_max: 20,
            local_resets_max: 100,
            spare_frames_max: 1_000,
            ping_interval_ms: 20_000,
            ping_deadline_ms: 20_000,
        }
    }
}

/// Caps of one XML document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Xml {
    /// Open elements at once.
    pub depth_max: usize,
    /// Attributes of one element, namespace declarations not counted.
    pub attributes_max: usize,
    /// Namespace bindings in scope at one element.
    pub namespaces_max: usize,
    /// Bytes of one qualified name.
    pub name_bytes_max: usize,
    /// Bytes of one attribute value as written.
    pub value_bytes_max: usize,
    /// Nodes of one document.
    pub nodes_max: usize,
}

impl Default for Xml {
    fn default() -> Self {
        let kit = qaqpa_kit::xml::Limits::default();
        Self {
            depth_max: kit.depth_max,
            attributes_max: kit.attributes_max,
            namespaces_max: kit.namespaces_max,
            name_bytes_max: kit.name_bytes_max,
            value_bytes_max: kit.value_bytes_max,
            nodes_max: kit.nodes_max,
        }
    }
}
