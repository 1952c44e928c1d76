//! A listening socket, which a second process may share where it is allowed.

use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: u32 = 1024;

/// Listens; with `reuse_port` beside other processes that do the same.
pub(super) fn bound(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The connections of an earlier life must not hold the address.
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(reuse_port)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
