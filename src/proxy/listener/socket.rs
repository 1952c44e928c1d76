//! A listening socket, which a second process may share where it is allowed.

use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: u32 = 1024;

/// Listens; with `reuse_port` beside other processes that do the same. Of an answer, each connection gives the
/// kernel no more than `unsent_bytes_max` before they may leave.
pub(super) fn bound(
    address: SocketAddr,
    reuse_port: bool,
    unsent_bytes_max: u32,
) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The connections of an earlier life must not hold the address.
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(reuse_port)?;
    // Connections inherit it (TCP_NOTSENT_LOWAT, tcp(7)); what is on its way to a caller who reads is not bounded.
    SockRef::from(&socket).set_tcp_notsent_lowat(unsent_bytes_max)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
