//! Where the provider listens: on a socket in a folder of its own, or, where that cannot be, on a port of this machine.

use super::socket::Socket;
use std::{io, net::Ipv4Addr, ops::RangeInclusive, path::Path};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener},
};

/// A connection both ways, of any kind.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Where we can be reached.
pub(super) struct Place {
    pub(super) listener: Listener,
    /// `unix` or `tcp`, in go-plugin's words.
    pub(super) network: &'static str,
    pub(super) address: String,
    /// Keep it for as long as anybody is to find the socket.
    pub(super) folder: Option<Socket>,
}

/// What listens there.
#[derive(Debug)]
pub(super) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Place {
    /// A socket that only we and our parent can reach.
    pub(super) fn private(base: Option<&Path>, group: Option<&str>) -> io::Result<Self> {
        let socket = Socket::bind(base, group)?;
        let address = socket.path().display().to_string();
        let listener = Listener::Unix(socket.listener()?);
        Ok(Self { listener, network: "unix", address, folder: Some(socket) })
    }

    /// A port of this machine. Everybody here can reach it, so only with a client that proves who it is.
    pub(super) async fn port(mut ports: RangeInclusive<u16>) -> io::Result<Self> {
        let taken = || io::Error::new(io::ErrorKind::AddrInUse, "every port that the host allows is taken");
        loop {
            let port = ports.next().ok_or_else(taken)?;
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Ok(listener) => {
                    let address = listener.local_addr()?.to_string();
                    return Ok(Self { listener: Listener::Tcp(listener), network: "tcp", address, folder: None });
                }
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => {}
                Err(e) => return Err(e),
            }
        }
    }
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Duplex>> {
        match self {
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
            Self::Tcp(listener) => Ok(Box::new(prompt(listener.accept().await?.0))),
        }
    }
}

/// Sends at once what is written: else every answer waits for an acknowledgement, and a plan of thousands takes several times as long.
fn prompt(stream: TcpStream) -> TcpStream {
    if let Err(e) = stream.set_nodelay(true) {
        tracing::debug!(error = %e, "the connection will be slow, or is gone");
    }
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_to_a_port_is_sent_at_once() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (there, here) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (_there, (here, _)) = (there.unwrap(), here.unwrap());
        assert!(!here.nodelay().unwrap(), "not by itself");
        assert!(prompt(here).nodelay().unwrap());
    }
}
