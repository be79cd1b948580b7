//! Listening on an address: finding it, opening it, and who may connect.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use model::Failure;
use rustix::io::Errno;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};

/// Connections that the kernel keeps while nobody accepts them.
const BACKLOG: u32 = 4096;
/// So many times a silent client is asked whether it is there, until it is taken to be gone.
const PROBES: u32 = 4;

/// Opens `listen`, an address and a port.
///
/// # Errors
/// When it cannot be, with its name; it may be free later.
pub(crate) async fn open(listen: &str) -> Result<TcpListener, Failure> {
    let address = resolve(listen).await?;
    bind(address).map_err(|error| Failure::Temporary(format!("cannot listen on {listen} ({error})")))
}

/// The address that a name stands for.
///
/// # Errors
/// When it stands for none.
pub(crate) async fn resolve(address: &str) -> Result<SocketAddr, Failure> {
    let found = lookup_host(address).await;
    let found = found.map_err(|error| Failure::Temporary(format!("cannot resolve {address:?} ({error})")))?;
    found.into_iter().next().ok_or_else(|| Failure::Temporary(format!("{address:?} has no address")))
}

/// Listens there.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // An address whose last owner has just gone can be taken again at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Whether an error of `accept` concerns one connection only.
pub(crate) fn passes(error: &io::Error) -> bool {
    let one = [Errno::CONNABORTED, Errno::CONNRESET, Errno::INTR, Errno::PROTO, Errno::PERM];
    Errno::from_io_error(error).is_some_and(|errno| one.contains(&errno))
}

/// Makes the kernel ask a client that is silent for so long whether it is still there, so that one that
/// is gone without a word is found out.
pub(crate) fn keep_alive(stream: &TcpStream, after: Duration) -> io::Result<()> {
    let pause = (after / PROBES).max(Duration::from_secs(1));
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, after.max(Duration::from_secs(1)))?;
    sockopt::set_tcp_keepintvl(stream, pause)?;
    sockopt::set_tcp_keepcnt(stream, PROBES)?;
    Ok(())
}

/// An address, or all of a network, as in `10.1.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("address is \"{text}\"; expected one as in 10.1.2.3, 10.1.0.0/16 or fd00::/8");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        if prefix > most {
            return Err(wrong());
        }
        Ok(Network { address, prefix })
    }
}

impl Network {
    /// Whether an address is in it. One of IPv4 that came by IPv6 is one of IPv4.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, true),
            IpAddr::V6(address) => (address.to_bits(), false),
        };
        let ((own, own_v4), (other, other_v4)) = (bits(self.address), bits(address));
        own_v4 == other_v4 && (own ^ other).checked_shr(128 - self.prefix).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_addresses() {
        for (network, address, expected) in [
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.1.0.0/16", "10.1.255.255", true),
            ("10.1.0.0/16", "10.2.0.0", false),
            ("10.1.0.0/16", "::ffff:10.1.0.9", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "fd00::1", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("::/0", "fe00::1", true),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.has(address.parse().unwrap()), expected, "{network:?} {address}");
        }
        for wrong in ["", "10.1", "10.1.0.0/33", "10.1.0.0/x", "host", "fd00::/129"] {
            assert!(wrong.parse::<Network>().unwrap_err().contains("expected one as in"), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_found_out_after_twice_the_time_of_its_silence() {
        let listener = open("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let after = Duration::from_secs(60);
        keep_alive(&stream, after).unwrap();
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        let (idle, pause) =
            (sockopt::tcp_keepidle(&stream).unwrap(), sockopt::tcp_keepintvl(&stream).unwrap());
        assert_eq!((idle, idle + pause * sockopt::tcp_keepcnt(&stream).unwrap()), (after, 2 * after));
    }

    #[test]
    fn an_error_of_one_connection_passes_and_one_of_the_machine_is_waited_for() {
        for (errno, expect) in [
            (Errno::CONNABORTED, true),
            (Errno::INTR, true),
            (Errno::MFILE, false),
            (Errno::NFILE, false),
            (Errno::NOBUFS, false),
        ] {
            assert_eq!(passes(&io::Error::from(errno)), expect, "{errno}");
        }
    }
}
