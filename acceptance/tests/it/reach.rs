//! How the provider reaches Orbit, and as whom: each of its settings, on the real Terraform.

use crate::world::{World, address, payments, topic};
use orbit_acceptance::{Canned, ConnectProxy, Terraform, TlsFront};
use std::fs;

/// The provider block, with these lines.
fn with_settings(lines: &str, resources: &str) -> String {
    let head = Terraform::head("payments-team");
    let block = format!("provider \"orbit\" {{\n{lines}\n}}\n");
    let (before, after) = head.split_once("provider \"orbit\" {").unwrap();
    let rest = after.split_once("}\n").unwrap().1;
    format!("{before}{block}{rest}{resources}")
}

fn orders() -> String {
    topic("dev", "orders", "workspace = \"payments-team\"\npartitions = 2")
}

#[tokio::test]
async fn https_with_an_authority_of_ones_own_is_trusted_by_ca_file_alone() {
    let world = World::new().await;
    let front = TlsFront::before(world.orbit.port(), &["localhost"]).await;
    let mut terraform =
        Terraform::empty(&format!("https://localhost:{}", front.port()), &world.orbit.developer_token());
    terraform.set("NO_PROXY", "localhost");
    terraform.write(&with_settings("", &orders()));
    terraform.init().await;
    let refused = terraform.plan().await;
    assert_eq!(refused.code, 1, "{}", refused.text);
    assert!(refused.text.contains("ca_file"), "the remedy names the setting: {}", refused.text);

    let file = format!("ca_file = \"{}\"", front.ca_file().display());
    terraform.write(&with_settings(&file, &orders()));
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_taken_and_no_proxy_leaves_it_out() {
    let world = World::new().await;
    let front = TlsFront::before(world.orbit.port(), &["orbit.example.com"]).await;
    let proxy = ConnectProxy::leads("orbit.example.com", front.port()).await;
    // A name that only the proxy can lead to.
    let mut terraform = Terraform::empty("https://orbit.example.com", &world.orbit.developer_token());
    let file = format!("ca_file = \"{}\"", front.ca_file().display());
    terraform.write(&with_settings(&file, &orders()));
    terraform.set("HTTPS_PROXY", &proxy.address());
    terraform.set("NO_PROXY", "");
    terraform.init().await;
    terraform.apply().await.ok();
    assert!(proxy.asked() > 0);

    // A proxy that is not there, and a host that is not asked by it.
    terraform.set("HTTP_PROXY", "http://kim:hush-hush@127.0.0.1:1");
    terraform.set("NO_PROXY", "127.0.0.1");
    terraform.set("ORBIT_ENDPOINT", &world.orbit.endpoint());
    terraform.write(&with_settings("", &orders()));
    terraform.plan().await.is_empty();
    terraform.set("NO_PROXY", "");
    let refused = terraform.plan().await;
    refused.fails(&["Cannot reach Orbit at", "through the proxy http://127.0.0.1:1: ", "Connection refused"]);
    assert!(!refused.text.contains("hush"), "{}", refused.text);
}

#[tokio::test]
async fn address_and_token_may_stand_in_the_block_or_in_a_file() {
    let world = World::new().await;
    let mut terraform = Terraform::empty("http://127.0.0.1:1", "");
    let block = format!("endpoint = \"{}\"\ntoken = \"{}\"", world.orbit.endpoint(), world.orbit.developer_token());
    terraform.write(&with_settings(&block, &orders()));
    terraform.init().await;
    terraform.apply().await.ok();

    let file = terraform.path("token");
    fs::write(&file, format!("{}\n", world.orbit.developer_token())).unwrap();
    let block = format!("endpoint = \"{}\"\ntoken_file = \"{}\"", world.orbit.endpoint(), file.display());
    terraform.write(&with_settings(&block, &orders()));
    terraform.plan().await.is_empty();

    terraform.set("ORBIT_ENDPOINT", &world.orbit.endpoint());
    terraform.set("ORBIT_TOKEN_FILE", &file.display().to_string());
    terraform.write(&with_settings("", &orders()));
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn workspace_run_and_what_to_do_with_a_request_may_stand_in_the_block() {
    let world = World::new().await;
    let mut terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    terraform.set("ORBIT_RUN_URL", "https://ci.example.com/4711");
    let block = "workspace = \"payments-team\"\nrun_id = \"of-the-block\"\non_pending = \"fail\"";
    terraform.write(&with_settings(block, &payments("partitions = 2")));
    terraform.init().await;
    terraform.apply().await.fails(&["waits for approval", "of-the-block"]);
    let request = world.open_request().await;
    assert_eq!(request.run_id.as_deref(), Some("of-the-block"), "the block wins over the environment");
    assert_eq!(request.run_url.as_deref(), Some("https://ci.example.com/4711"));

    // What the resource says wins over the block.
    terraform.write(&with_settings(block, &payments("partitions = 2\non_pending = \"return\"")));
    assert_eq!(terraform.apply().await.code, 0);
    assert_eq!(terraform.attribute(&address("payments"), "workspace").await, "payments-team");
    assert_eq!(world.requests().await.len(), 1);
}

/// A server that is newer than the provider answers in words that it does not understand.
#[tokio::test]
async fn a_server_of_another_version_is_told_with_what_to_upgrade() {
    let server = Canned::answers("99.0.0", "{\"hello\": \"world\"}").await;
    let terraform = Terraform::empty(&server.endpoint(), "a-token");
    terraform.write(&with_settings("", &orders()));
    terraform.init().await;
    let run = terraform.plan().await;
    let told =
        "The server is Orbit 99.0.0, and this is terraform-provider-orbit 0.1.0: upgrade terraform-provider-orbit";
    assert!(run.code == 1 && run.text.contains(told), "{}", run.text);
}
