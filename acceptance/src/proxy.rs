//! A network between a client and Orbit that loses an answer, or holds it back.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    task::JoinSet,
};

/// Passes everything on, but the answer to one call. Once that has been lost, nobody listens any more; while it is held back, all else goes on.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    kept: Arc<AtomicUsize>,
    runs: JoinSet<()>,
}

/// What becomes of the answer.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Lost,
    HeldBack,
}

impl Proxy {
    /// Passes on to a port of this machine. The answer to the first call whose head begins with `call` (`POST /v1/topics?wait`) is lost.
    #[must_use]
    pub async fn loses_the_answer_to(call: &str, port: u16) -> Self {
        Self::keeps_the_answer_to(call, port, Fate::Lost).await
    }

    /// The same, but the answers to such calls are held back for ever, and their connections stay.
    #[must_use]
    pub async fn holds_back_the_answer_to(call: &str, port: u16) -> Self {
        Self::keeps_the_answer_to(call, port, Fate::HeldBack).await
    }

    async fn keeps_the_answer_to(call: &str, port: u16, fate: Fate) -> Self {
        let (listener, own) = listen().await;
        let (kept, mut runs) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
        let (call, count) = (call.to_owned(), kept.clone());
        runs.spawn(async move { serve(listener, (port, fate), &call, &count).await });
        Self { port: own, kept, runs }
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many answers it has lost, or holds back.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.runs.abort_all();
    }
}

/// Listens on a free port of this machine, which it answers too.
pub(crate) async fn listen() -> (TcpListener, u16) {
    let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listening.unwrap_or_else(|e| panic!("nothing can listen: {e}"));
    let port = listener.local_addr().unwrap_or_else(|e| panic!("a listener has no address: {e}")).port();
    (listener, port)
}

/// Serves until an answer is lost; then listener and connections go.
async fn serve(listener: TcpListener, (to, fate): (u16, Fate), call: &str, kept: &Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                let (call, kept) = (call.to_owned(), kept.clone());
                connections.spawn(async move {
                    let mut client = client;
                    let ended = pass(&mut client, to, &call).await;
                    if matches!((&ended, fate), (Ended::Answered, Fate::HeldBack)) {
                        kept.fetch_add(1, Ordering::SeqCst);
                        std::future::pending::<()>().await;
                    }
                    ended
                });
            }
            Some(ended) = connections.join_next() => {
                if matches!(ended, Ok(Ended::Answered)) {
                    kept.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
        }
    }
}

enum Ended {
    ByThemselves,
    /// The answer came, and was not passed on.
    Answered,
}

async fn pass(client: &mut TcpStream, to: u16, call: &str) -> Ended {
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return Ended::ByThemselves };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.split(), server.split());
    let (mut called, mut asked, mut answer) = (false, Vec::new(), vec![0; 1 << 16]);
    let mut buffer = vec![0; 1 << 16];
    loop {
        tokio::select! {
            read = read(&mut from_client, &mut buffer) => {
                let Some(bytes) = read else { return Ended::ByThemselves };
                // The head may come in pieces.
                asked.extend_from_slice(bytes);
                called |= find(&asked, call.as_bytes());
                if !write(&mut to_server, bytes).await { return Ended::ByThemselves }
            }
            read = read(&mut from_server, &mut answer) => {
                let Some(bytes) = read else { return Ended::ByThemselves };
                if called { return Ended::Answered }
                asked.clear();
                if !write(&mut to_client, bytes).await { return Ended::ByThemselves }
            }
        }
    }
}

async fn read<'b>(from: &mut ReadHalf<'_>, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    match from.read(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(count) => Some(&buffer[..count]),
    }
}

async fn write(to: &mut WriteHalf<'_>, bytes: &[u8]) -> bool {
    to.write_all(bytes).await.is_ok()
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
