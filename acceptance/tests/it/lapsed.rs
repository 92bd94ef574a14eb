//! A request that nobody decides ends all the same: its time runs out, its requester withdraws it or asks for something else. Whatever was asked for
//! can then be asked for again, and the object stays what it is, under the id that it has.

use crate::world::{World, configuration, payments, with_payments};
use orbit_acceptance::{Database, Terraform, eventually};
use orbit_api::{Approve, RequestState, Role, TopicPatch, TopicStatus};
use serde_json::{Value, json};

const PAYMENTS: &str = "orbit_kafka_topic.payments";
const UPDATE: [&str; 1] = ["update orbit_kafka_topic.payments"];
const DELETE: [&str; 1] = ["delete orbit_kafka_topic.payments"];

/// How a request ends without a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Expired,
    Withdrawn,
}

impl End {
    const fn state(self) -> RequestState {
        match self {
            Self::Expired => RequestState::Expired,
            Self::Withdrawn => RequestState::Withdrawn,
        }
    }
}

/// A world in which time can be made to pass: on a PostgreSQL, which an operator reaches beside Orbit.
struct Lapses {
    world: World,
    database: Database,
}

impl Lapses {
    async fn new() -> Self {
        let database = Database::new().await;
        let world = World::on_with(&database, &[("ORBIT_RECONCILE__SWEEP_SECONDS", "1")]).await;
        Self { world, database }
    }

    /// Ends the open request, and answers its id.
    async fn end(&self, end: End) -> String {
        let id = self.world.open_request().await.id;
        match end {
            End::Withdrawn => drop(self.world.orbit.developer().request_withdraw(&id).await.unwrap()),
            End::Expired => {
                // 15 days in microseconds.
                let past = "UPDATE request SET created_at = created_at - 1296000000000, \
                            expires_at = expires_at - 1296000000000 WHERE state = 'pending'";
                self.database.run(past).await;
            }
        }
        eventually(&format!("{id} is {:?}", end.state()), || async {
            self.world.orbit.admin().request_get(&id, None).await.ok().filter(|request| request.state == end.state())
        })
        .await;
        id
    }
}

/// A person approves: the topic, the same as ever, has as many partitions on its cluster, and nothing is left to do.
async fn is_approved(world: &World, terraform: &Terraform, id: &Value, partitions: u32) {
    world.approve().await;
    terraform.plan().await.is_empty();
    assert_eq!(terraform.attribute(PAYMENTS, "id").await, *id);
    assert_eq!(world.on_cluster().await["prod/payments"].partitions, partitions);
}

async fn a_creation_ends(end: End) {
    let lapses = Lapses::new().await;
    let world = &lapses.world;
    let terraform = world.terraform(&payments("partitions = 2")).await;
    terraform.apply().await;
    let before = terraform.attribute(PAYMENTS, "id").await;
    let old = lapses.end(end).await;

    let plan = terraform.plan().await;
    plan.plans(&UPDATE).warns(&["will need approval by a platform admin"]);
    assert_eq!(plan.errors.len(), 0, "{}", plan.text);
    assert_eq!(world.states().await, [end.state()], "a plan files nothing");
    let apply = terraform.apply_plan().await;
    apply.succeeds();
    let new = world.open_request().await;
    assert_ne!(new.id, old);
    apply.warns_also(&["The creation of topic payments-team/prod/payments waits for approval", &new.id]);
    assert_eq!(world.states().await, [RequestState::Pending, end.state()]);

    is_approved(world, &terraform, &before, 2).await;
}

async fn a_change_ends(end: End) {
    let lapses = Lapses::new().await;
    let world = &lapses.world;
    let terraform = with_payments(world).await;
    let before = terraform.attribute(PAYMENTS, "id").await;
    terraform.write(&configuration(&payments("partitions = 4")));
    terraform.apply().await;
    let old = lapses.end(end).await;
    assert_eq!(world.topic("prod", "payments").await.status, TopicStatus::Active, "the topic stays what it was");

    terraform.plan().await.plans(&UPDATE).warns(&["The change of topic", "will need approval by a platform admin"]);
    assert_eq!(terraform.planned(PAYMENTS).await["partitions"], (json!(2), json!(4)));
    let apply = terraform.apply_plan().await;
    apply.succeeds();
    let new = world.open_request().await;
    assert_ne!(new.id, old);
    apply.warns_also(&["The change of topic payments-team/prod/payments waits for approval", &new.id]);
    assert_eq!(world.states().await, [RequestState::Pending, end.state(), RequestState::Approved]);

    is_approved(world, &terraform, &before, 4).await;
}

async fn a_deletion_ends(end: End) {
    let lapses = Lapses::new().await;
    let world = &lapses.world;
    let terraform = with_payments(world).await;
    let before = terraform.attribute(PAYMENTS, "id").await;
    assert_eq!(terraform.destroy().await.code, 1);
    let old = lapses.end(end).await;
    assert_eq!(world.topic("prod", "payments").await.status, TopicStatus::Active);
    // Who wants to keep it after all has nothing to do.
    terraform.plan().await.is_empty();

    let plan = terraform.plan_with(&["-destroy"]).await;
    plan.plans(&DELETE).warns(&["The deletion of topic payments-team/prod/payments will need approval"]);
    let destroy = terraform.destroy().await;
    let new = world.open_request().await;
    assert_ne!(new.id, old);
    destroy.fails(&["The deletion of topic payments-team/prod/payments waits for approval", &new.id]);
    assert_eq!(terraform.attribute(PAYMENTS, "id").await, before, "it stays in the state");
    assert_eq!(world.on_cluster().await.len(), 1);

    world.approve().await;
    let gone = terraform.destroy().await;
    gone.succeeds();
    assert_eq!(terraform.state(PAYMENTS).await, None);
    assert!(world.on_cluster().await.is_empty());
    assert_eq!(world.states().await, [RequestState::Approved, end.state(), RequestState::Approved]);
}

#[tokio::test]
async fn checklist_31_an_expired_creation_is_filed_anew_under_the_same_id() {
    a_creation_ends(End::Expired).await;
}

#[tokio::test]
async fn checklist_31_a_withdrawn_creation_is_filed_anew_under_the_same_id() {
    a_creation_ends(End::Withdrawn).await;
}

#[tokio::test]
async fn checklist_31_an_expired_change_is_filed_anew_and_the_topic_stays_meanwhile() {
    a_change_ends(End::Expired).await;
}

#[tokio::test]
async fn checklist_31_a_withdrawn_change_is_filed_anew_and_the_topic_stays_meanwhile() {
    a_change_ends(End::Withdrawn).await;
}

#[tokio::test]
async fn checklist_31_an_expired_deletion_is_filed_anew_and_forgets_nothing() {
    a_deletion_ends(End::Expired).await;
}

#[tokio::test]
async fn checklist_31_a_withdrawn_deletion_is_filed_anew_and_forgets_nothing() {
    a_deletion_ends(End::Withdrawn).await;
}

/// Asks for another number of partitions past Terraform, with the very same token: what was open gives way.
async fn supersede(world: &World, terraform: &Terraform, partitions: u32) {
    let id = terraform.attribute(PAYMENTS, "id").await;
    world.orbit.developer().topic_update(id.as_str().unwrap(), &self::partitions(partitions)).await.unwrap();
}

/// Another number of them, and nothing else.
fn partitions(count: u32) -> TopicPatch {
    TopicPatch { partitions: Some(Some(count)), ..TopicPatch::default() }
}

#[tokio::test]
async fn checklist_31_a_superseded_creation_is_asked_for_as_configured_by_the_next_apply() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2")).await;
    terraform.apply().await;
    let before = terraform.attribute(PAYMENTS, "id").await;
    supersede(&world, &terraform, 5).await;
    let theirs = world.open_request().await;

    let plan = terraform.plan().await;
    plan.plans(&UPDATE).warns_also(&[&theirs.id, "takes that request back"]);
    assert_eq!(terraform.planned(PAYMENTS).await["partitions"], (json!(5), json!(2)));
    let apply = terraform.apply_plan().await;
    apply.succeeds();
    assert_eq!(world.states().await, [RequestState::Pending, RequestState::Superseded, RequestState::Superseded]);

    is_approved(&world, &terraform, &before, 2).await;
}

#[tokio::test]
async fn checklist_31_a_superseded_change_is_asked_for_as_configured_by_the_next_apply() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    terraform.write(&configuration(&payments("partitions = 4")));
    terraform.apply().await;
    supersede(&world, &terraform, 5).await;
    let theirs = world.open_request().await;

    terraform.plan().await.plans(&UPDATE).warns_also(&[&theirs.id, "takes that request back"]);
    assert_eq!(terraform.planned(PAYMENTS).await["partitions"], (json!(2), json!(4)));
    let apply = terraform.apply_plan().await;
    apply.succeeds();
    let states: Vec<_> = world.requests().await.iter().map(|request| request.state).collect();
    let both = [RequestState::Superseded, RequestState::Superseded];
    assert_eq!(states, [&[RequestState::Pending], &both[..], &[RequestState::Approved]].concat());

    world.approve().await;
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await["prod/payments"].partitions, 4);
}

#[tokio::test]
async fn checklist_31_a_superseded_deletion_deletes_nothing_and_is_asked_for_again_by_the_next_destroy() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    assert_eq!(terraform.destroy().await.code, 1);
    let deletion = world.open_request().await;
    supersede(&world, &terraform, 5).await;

    let too_late = world.orbit.admin().request_approve(&deletion.id, &Approve::default()).await.unwrap_err();
    assert_eq!(too_late.code(), Some("request.decided"), "{too_late}");
    assert_eq!(world.on_cluster().await.len(), 1);

    let destroy = terraform.destroy().await;
    let again = world.open_request().await;
    destroy.fails(&["The deletion of topic payments-team/prod/payments waits for approval", &again.id]);
    assert!(terraform.state(PAYMENTS).await.is_some());
    world.approve().await;
    let gone = terraform.destroy().await;
    gone.succeeds();
    assert!(world.on_cluster().await.is_empty());
}

/// An apply that waits for the decision, while the request ends in another way.
async fn while_an_apply_waits(end: End) {
    let lapses = Lapses::new().await;
    let world = &lapses.world;
    let terraform = world.terraform(&payments("partitions = 2\non_pending = \"wait\"")).await;
    let apply = terraform.begin_apply();
    eventually("it is asked for", || async { world.requests().await.pop() }).await;
    let id = lapses.end(end).await;

    let ended = apply.end().await;

    let state = serde_json::to_value(end.state()).unwrap();
    ended.fails(&["was not approved", &id, state.as_str().unwrap(), "Apply again to ask anew"]);
    assert_eq!(terraform.state(PAYMENTS).await, None, "an error keeps nothing that could be tainted");
    // It is taken up by name.
    let apply = terraform.begin_apply();
    eventually("it is asked for anew", || async { (world.requests().await.len() == 2).then_some(()) }).await;
    world.approve().await;
    assert_eq!(apply.end().await.code, 0);
    assert_eq!(terraform.attribute(PAYMENTS, "status").await, "active");
    terraform.plan().await.is_empty();
    assert_eq!(world.requests().await.len(), 2);
}

#[tokio::test]
async fn an_apply_that_waits_ends_with_an_error_once_its_request_expires() {
    while_an_apply_waits(End::Expired).await;
}

#[tokio::test]
async fn an_apply_that_waits_ends_with_an_error_once_its_request_is_withdrawn() {
    while_an_apply_waits(End::Withdrawn).await;
}

#[tokio::test]
async fn an_apply_that_waits_ends_with_an_error_once_another_request_takes_the_place_of_its_own() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2\non_pending = \"wait\"")).await;
    let apply = terraform.begin_apply();
    let own = eventually("it is asked for", || async { world.requests().await.pop() }).await;
    let topic = world.topic("prod", "payments").await;
    world.orbit.developer().topic_update(&topic.id, &partitions(5)).await.unwrap();

    let ended = apply.end().await;

    ended.fails(&["was not approved", &own.id, "superseded", "Apply again to ask anew"]);
    assert_eq!(world.states().await, [RequestState::Pending, RequestState::Superseded]);
}

#[tokio::test]
async fn checklist_31_what_an_admin_of_the_workspace_asked_for_instead_stands_until_they_take_it_back() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2")).await;
    terraform.apply().await;
    let id = terraform.attribute(PAYMENTS, "id").await;
    let lead = world.orbit.client(&world.person("lead", Role::Admin).await);
    lead.topic_update(id.as_str().unwrap(), &partitions(5)).await.unwrap();
    let theirs = world.open_request().await;
    assert_eq!(theirs.requester, "lead");

    let plan = terraform.plan().await;
    assert_eq!((plan.code, plan.errors.len()), (2, 0), "{}", plan.text);
    let refused = terraform.apply().await;
    refused.fails(&["lead has a different request open", "partitions"]);
    assert_eq!(terraform.attribute(PAYMENTS, "id").await, id, "nothing is forgotten, nothing tainted");
    assert_eq!(world.states().await, [RequestState::Pending, RequestState::Superseded]);

    lead.request_withdraw(&theirs.id).await.unwrap();
    assert_eq!(terraform.apply().await.code, 0);
    is_approved(&world, &terraform, &id, 2).await;
}
