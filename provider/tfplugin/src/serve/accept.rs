//! Connections: accepted, encrypted, counted.

use super::listen::{Duplex, Listener};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{mpsc, watch},
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// A peer that says nothing must not hold a task for ever.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait after a connection that could not be accepted.
const BREATH: Duration = Duration::from_millis(50);
/// How many connections may wait to be served.
const BACKLOG: usize = 16;

/// How many connections are open, and whether there ever was one.
#[derive(Clone, Debug)]
pub(super) struct Connections(watch::Sender<Count>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    open: usize,
    total: usize,
}

impl Default for Connections {
    fn default() -> Self {
        Self(watch::Sender::new(Count::default()))
    }
}

impl Connections {
    fn enter(&self) -> Presence {
        self.0.send_modify(|count| {
            count.open += 1;
            count.total += 1;
        });
        Presence(self.clone())
    }

    /// Completes when the last connection is closed: the host is gone, whether it said so or not.
    pub(super) async fn gone(&self) {
        let mut count = self.0.subscribe();
        let closed = count.wait_for(|count| count.total > 0 && count.open == 0).await;
        debug_assert!(closed.is_ok(), "we hold the sender");
    }
}

/// Counts one connection while it lives.
#[derive(Debug)]
struct Presence(Connections);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.open -= 1);
    }
}

/// A connection, with TLS or without.
pub(super) struct Connection {
    stream: Box<dyn Duplex>,
    _presence: Presence,
}

/// Accepts for ever. Each handshake runs in its own task, so that a bad peer neither blocks nor ends the loop.
pub(super) fn incoming(
    listener: Listener,
    acceptor: Option<TlsAcceptor>,
    connections: Connections,
) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(async move {
        loop {
            let stream = match listener.accept().await {
                Ok(stream) => stream,
                Err(e) => {
                    // A peer that went away, or no file handles left: neither is a reason to give up the others.
                    tracing::warn!(error = %e, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let (sender, acceptor, connections) = (sender.clone(), acceptor.clone(), connections.clone());
            tokio::spawn(async move {
                match tokio::time::timeout(HANDSHAKE, encrypt(stream, acceptor)).await {
                    Ok(Ok(stream)) => {
                        let connection = Connection { stream, _presence: connections.enter() };
                        // The receiver is gone only when the server is, and then nobody wants the connection.
                        let _ended = sender.send(Ok(connection)).await;
                    }
                    Ok(Err(e)) => tracing::warn!(error = %e, "connection refused"),
                    Err(_) => tracing::warn!("connection refused: the handshake took too long"),
                }
            });
        }
    });
    ReceiverStream::new(receiver)
}

async fn encrypt(stream: Box<dyn Duplex>, acceptor: Option<TlsAcceptor>) -> io::Result<Box<dyn Duplex>> {
    match acceptor {
        Some(acceptor) => Ok(Box::new(acceptor.accept(stream).await?)),
        None => Ok(stream),
    }
}

impl Connected for Connection {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
