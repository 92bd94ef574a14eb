//! A network whose connections can be cut: between Orbit and its cluster, or its database.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
};

/// Passes everything on, until it is told to cut: then every connection that there is ends, whatever was under way on it. New ones pass again.
#[derive(Debug)]
pub struct Cuts {
    port: u16,
    to: Arc<AtomicU16>,
    cut: Arc<Notify>,
    _runs: JoinSet<()>,
}

impl Cuts {
    /// Leads nowhere yet: who is to be behind it may have to know its port first.
    #[must_use]
    pub async fn new() -> Self {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listening.unwrap_or_else(|e| panic!("the network cannot listen: {e}"));
        let port = listener.local_addr().unwrap_or_else(|e| panic!("the network has no address: {e}")).port();
        let (to, cut, mut runs) = (Arc::new(AtomicU16::new(0)), Arc::new(Notify::new()), JoinSet::new());
        runs.spawn(serve(listener, to.clone(), cut.clone()));
        Self { port, to, cut, _runs: runs }
    }

    /// Leads to a port of this machine from now on.
    pub fn leads_to(&self, port: u16) {
        self.to.store(port, Ordering::SeqCst);
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.cut.notify_waiters();
    }
}

async fn serve(listener: TcpListener, to: Arc<AtomicU16>, cut: Arc<Notify>) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let (to, cut) = (to.load(Ordering::SeqCst), cut.clone());
        connections.spawn(async move {
            let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
            tokio::select! {
                // How it ended is seen by both ends.
                _ = copy_bidirectional(&mut near, &mut far) => {}
                () = cut.notified() => {}
            }
        });
    }
}
