//! The provider's process, called by a host of our own: what no Terraform can be brought to do.

use crate::{
    process::{Provider, start},
    terraform::{World, entries, wait_until},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use std::time::Duration;
use tfplugin::{
    Type, Value,
    value::{encode, from_json},
};
use tokio::net::UnixStream;
use tonic::{
    Code, Request, Status, Streaming,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

/// As much of the messages as is needed here, by the numbers of `proto/tfplugin6.proto`. What is left out is skipped, on both sides.
#[derive(Clone, PartialEq, prost::Message)]
struct Packed {
    #[prost(bytes = "vec", tag = "1")]
    msgpack: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Configure {
    #[prost(string, tag = "1")]
    terraform_version: String,
    #[prost(message, tag = "2")]
    config: Option<Packed>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Validate {
    #[prost(string, tag = "1")]
    type_name: String,
    #[prost(message, tag = "2")]
    config: Option<Packed>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Apply {
    #[prost(string, tag = "1")]
    type_name: String,
    #[prost(message, tag = "2")]
    prior: Option<Packed>,
    #[prost(message, tag = "3")]
    planned: Option<Packed>,
    #[prost(message, tag = "4")]
    config: Option<Packed>,
}

/// What `ConfigureProvider` and `ValidateResourceConfig` answer.
#[derive(Clone, PartialEq, prost::Message)]
struct Told {
    #[prost(message, repeated, tag = "1")]
    diagnostics: Vec<()>,
}

/// More than the largest message, so that it is the provider that refuses one.
const ANY_SIZE: usize = 300 << 20;

async fn connect(provider: &Provider) -> Grpc<Channel> {
    let socket = provider.socket();
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://provider.invalid").connect_with_connector(connector).await.unwrap();
    Grpc::new(channel).max_encoding_message_size(ANY_SIZE)
}

/// Calls `/package.Service/Method`.
async fn call<A: prost::Message + 'static, B: prost::Message + Default + 'static>(
    client: &Grpc<Channel>,
    method: &'static str,
    request: A,
) -> Result<B, Status> {
    let mut client = client.clone();
    client.ready().await.unwrap();
    let codec = ProstCodec::<A, B>::default();
    Ok(client.unary(Request::new(request), PathAndQuery::from_static(method), codec).await?.into_inner())
}

/// An object of strings and numbers.
fn packed(json: &Json) -> Packed {
    let ty = |value: &Json| if value.is_number() { Type::Number } else { Type::String };
    let each = json.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), ty(value)));
    let ty = Type::Object(each.collect());
    let value = if json.is_null() { Value::Null } else { from_json(&json.to_string(), &ty).unwrap() };
    Packed { msgpack: encode(&value, &ty).unwrap() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_ends_the_provider_though_calls_are_still_open() {
    let world = World::guarded();
    let mut provider = start(None);
    let mut client = connect(&provider).await;
    let settings = packed(&json!({"path": world.path("books.json")}));
    let configure = Configure { terraform_version: "1.15.9".to_owned(), config: Some(settings) };
    let told: Told = call(&client, "/tfplugin6.Provider/ConfigureProvider", configure).await.unwrap();
    assert_eq!(told.diagnostics, []);

    // A creation that waits for a person, and the two streams that every host opens and keeps.
    let config = packed(&json!({"name": "a", "content": "hello", "on_pending": "wait"}));
    let create = Apply {
        type_name: "ledger_object".to_owned(),
        prior: Some(packed(&Json::Null)),
        planned: Some(packed(&json!({"name": "a", "content": "hello", "on_pending": "wait", "copies": 1}))),
        config: Some(config),
    };
    let beside = client.clone();
    let creation =
        tokio::spawn(async move { call::<_, ()>(&beside, "/tfplugin6.Provider/ApplyResourceChange", create).await });
    wait_until("the creation waits", || world.requests() == 1);
    client.ready().await.unwrap();
    let stdio = PathAndQuery::from_static("/plugin.GRPCStdio/StreamStdio");
    let stdio = client.server_streaming(Request::new(()), stdio, ProstCodec::<(), ()>::default()).await;
    client.ready().await.unwrap();
    let broker = PathAndQuery::from_static("/plugin.GRPCBroker/StartStream");
    let broker = client.streaming(Request::new(tokio_stream::pending()), broker, ProstCodec::<(), ()>::default()).await;
    let mut streams: [Streaming<()>; 2] = [stdio.unwrap().into_inner(), broker.unwrap().into_inner()];
    for stream in &mut streams {
        tokio::time::timeout(Duration::from_millis(20), stream.message()).await.expect_err("it stays open");
    }

    let () = call(&client, "/plugin.GRPCController/Shutdown", ()).await.unwrap();
    assert!(provider.ends().success());
    creation.await.unwrap().expect_err("nobody answers it any more");
    for stream in &mut streams {
        assert!(!matches!(stream.message().await, Ok(Some(()))), "it is over");
    }
    assert_eq!(entries(provider.folder.path()), 0);
}

#[tokio::test]
async fn a_message_is_as_large_as_terraform_allows_and_no_larger() {
    const MOST: usize = 256 << 20;
    let provider = start(None);
    let client = connect(&provider).await;
    let validate = async |bytes: usize| -> Result<Told, Status> {
        // Nothing, and many bytes after it, which nobody reads: it is the size that matters.
        let config = Packed { msgpack: vec![0xc0; bytes] };
        let request = Validate { type_name: "ledger_object".to_owned(), config: Some(config) };
        call(&client, "/tfplugin6.Provider/ValidateResourceConfig", request).await
    };
    assert_eq!(validate(MOST - 1_000).await.unwrap().diagnostics, []);
    assert_eq!(validate(MOST).await.unwrap_err().code(), Code::OutOfRange);
}
