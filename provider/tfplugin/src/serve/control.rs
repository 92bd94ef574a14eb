//! The services that go-plugin opens beside the provider's.

use crate::proto::plugin::{
    ConnInfo, Empty, StdioData, grpc_broker_server::GrpcBroker, grpc_controller_server::GrpcController,
    grpc_stdio_server::GrpcStdio,
};
use futures::{Stream, StreamExt as _, stream};
use std::pin::Pin;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

type Silence<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Ends the process when the host says so.
pub(super) struct Controller(CancellationToken);

impl Controller {
    pub(super) fn new(shutdown: CancellationToken) -> Self {
        Self(shutdown)
    }
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Streams that the host wants open, and on which a Terraform provider has nothing to say: it opens no connections of
/// its own, and its output goes to stderr as it is.
pub(super) struct Silent(CancellationToken);

impl Silent {
    pub(super) fn new(shutdown: CancellationToken) -> Self {
        Self(shutdown)
    }

    fn stream<T: Send + 'static>(&self) -> Silence<T> {
        stream::pending().take_until(self.0.clone().cancelled_owned()).boxed()
    }
}

#[tonic::async_trait]
impl GrpcBroker for Silent {
    type StartStreamStream = Silence<ConnInfo>;

    async fn start_stream(&self, _: Request<Streaming<ConnInfo>>) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(Response::new(self.stream()))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Silent {
    type StreamStdioStream = Silence<StdioData>;

    async fn stream_stdio(&self, _: Request<Empty>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(self.stream()))
    }
}
