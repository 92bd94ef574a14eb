//! Whatever befalls an apply of what people decide, it is asked for once: the next apply finds what the one before asked for.

use crate::world::{World, configuration, payments, with_payments};
use orbit_acceptance::{Proxy, Terraform, eventually};
use orbit_api::{RequestState, TopicStatus};
use serde_json::Value;
use std::fs;

const PAYMENTS: &str = "orbit_kafka_topic.payments";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Create,
    Change,
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mishap {
    /// Orbit's answer does not come.
    LostAnswer,
    /// Terraform is killed while it waits, and its plugin with it.
    Killed,
    /// The user does not want to wait.
    Stopped,
    /// And insists.
    StoppedTwice,
    /// Another pipeline does the same at the same time, over the same state.
    Twins,
}

impl Deed {
    fn resources(self, lines: &str) -> String {
        match self {
            Self::Create => payments(&format!("partitions = 2\n{lines}")),
            Self::Change => payments(&format!("partitions = 4\n{lines}")),
            Self::Delete => String::new(),
        }
    }

    fn call(self) -> &'static str {
        match self {
            Self::Create => "POST /v1/topics?wait",
            Self::Change => "PUT /v1/topics/",
            Self::Delete => "DELETE /v1/topics/",
        }
    }
}

/// What nobody has decided.
async fn open(world: &World) -> Vec<String> {
    let all = world.requests().await.into_iter();
    all.filter(|request| request.state == RequestState::Pending).map(|request| request.id).collect()
}

async fn befalls(world: &World, terraform: &mut Terraform, deed: Deed, mishap: Mishap) {
    // A deletion waits for nobody.
    let waits = deed.resources("on_pending = \"wait\"");
    let is_asked_for = || eventually("it is asked for", || async { (open(world).await.len() == 1).then_some(()) });
    match mishap {
        Mishap::LostAnswer => {
            let proxy = Proxy::loses_the_answer_to(deed.call(), world.orbit.port()).await;
            terraform.write(&configuration(&deed.resources("")));
            terraform.set("ORBIT_ENDPOINT", &proxy.endpoint());
            assert_eq!((terraform.apply().await.code, proxy.kept()), (1, 1));
            terraform.set("ORBIT_ENDPOINT", &world.orbit.endpoint());
        }
        Mishap::Killed | Mishap::Stopped | Mishap::StoppedTwice => {
            terraform.write(&configuration(&waits));
            let apply = terraform.begin_apply();
            is_asked_for().await;
            match mishap {
                Mishap::Killed => apply.kill().await,
                Mishap::Stopped => drop(apply.interrupt().await),
                _ => drop(apply.interrupt_twice().await),
            }
        }
        Mishap::Twins => {
            let twin = world.terraform(&deed.resources("")).await;
            let state = fs::read(terraform.path("terraform.tfstate"));
            if let Ok(state) = state {
                fs::write(twin.path("terraform.tfstate"), state).unwrap();
            }
            terraform.write(&configuration(&deed.resources("")));
            tokio::join!(twin.apply(), terraform.apply());
        }
    }
}

async fn is_asked_for_once(deed: Deed, mishap: Mishap) {
    let world = World::new().await;
    let mut terraform = if deed == Deed::Create { world.terraform("").await } else { with_payments(&world).await };
    let id = if deed == Deed::Create { Value::Null } else { terraform.attribute(PAYMENTS, "id").await };
    let before = world.requests().await.len();

    befalls(&world, &mut terraform, deed, mishap).await;

    let asked = open(&world).await;
    assert_eq!((asked.len(), world.requests().await.len()), (1, before + 1));
    // Nobody waits for people any more, and nothing is tainted: the plan is the change itself.
    terraform.write(&configuration(&deed.resources("")));
    for _ in 0..2 {
        let again = terraform.apply().await;
        assert_eq!(again.code, i32::from(deed == Deed::Delete), "{}", again.text);
        assert!(again.text.contains(&asked[0]), "{}", again.text);
    }
    assert_eq!((open(&world).await, world.requests().await.len()), (asked, before + 1));
    world.approve().await;
    if deed == Deed::Delete {
        terraform.apply().await.succeeds();
        assert!(terraform.state(PAYMENTS).await.is_none() && world.on_cluster().await.is_empty());
        return;
    }
    world.becomes("prod", "payments", TopicStatus::Active).await;
    terraform.plan().await.is_empty();
    let now = terraform.attribute(PAYMENTS, "id").await;
    assert!(id.is_null() || id == now, "{id} became {now}");
    assert_eq!(now, world.topic("prod", "payments").await.id);
}

#[tokio::test]
async fn checklist_29_a_creation_under_approval_is_filed_once_whatever_befalls() {
    for mishap in [Mishap::LostAnswer, Mishap::Killed, Mishap::Stopped, Mishap::StoppedTwice, Mishap::Twins] {
        is_asked_for_once(Deed::Create, mishap).await;
    }
}

#[tokio::test]
async fn checklist_29_a_change_under_approval_is_filed_once_whatever_befalls() {
    for mishap in [Mishap::LostAnswer, Mishap::Killed, Mishap::Stopped, Mishap::StoppedTwice, Mishap::Twins] {
        is_asked_for_once(Deed::Change, mishap).await;
    }
}

#[tokio::test]
async fn checklist_29_a_deletion_under_approval_is_filed_once_whatever_befalls() {
    for mishap in [Mishap::LostAnswer, Mishap::Twins] {
        is_asked_for_once(Deed::Delete, mishap).await;
    }
}
