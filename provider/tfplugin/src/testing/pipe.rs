//! The provider behind a pipe instead of a socket: the same services, the same bytes.

use crate::{
    Provider,
    proto::tfplugin6::{provider_client::ProviderClient, provider_server::ProviderServer},
    rpc::{Server, Stop},
    serve::MAX_MESSAGE_BYTES,
};
use futures::stream::{self, StreamExt as _};
use hyper_util::rt::TokioIo;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tonic::transport::{Channel, Endpoint};

const PIPE_BYTES: usize = 1 << 16;

/// Must be called on a tokio runtime, where the provider then lives.
pub(super) fn connect<P: Provider>() -> ProviderClient<Channel> {
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let service = ProviderServer::new(Server::<P>::new(Arc::new(Stop::default())))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    // One connection, and no end of the stream: the server would take that as the end of its life.
    let incoming = stream::once(async move { Ok::<_, io::Error>(theirs) }).chain(stream::pending());
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));

    let ours = Arc::new(Mutex::new(Some(ours)));
    let connector = tower::service_fn(move |_| {
        let pipe = ours.lock().ok().and_then(|mut pipe| pipe.take());
        async move { pipe.map(TokioIo::new).ok_or_else(|| io::Error::other("the provider closed the pipe")) }
    });
    let channel = Endpoint::from_static("http://provider.invalid").connect_with_connector_lazy(connector);
    ProviderClient::new(channel)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}
