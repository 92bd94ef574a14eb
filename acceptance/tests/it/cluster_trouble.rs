//! The first day with a cluster: what goes wrong there, in the words that a user sees.

use crate::world::{World, address, configuration, key, topic};
use orbit_acceptance::{Terraform, eventually, fresh};
use orbit_api::{
    ClusterPatch, Credentials, EnvironmentMappingCreate, OperationState, Role, TopicStatus, ValidationStatus,
    client::{ClientError, PageQuery, TopicRead},
};

const ORDERS: &str = "orbit_kafka_topic.orders";
const CREATE: [&str; 1] = ["create orbit_kafka_topic.orders"];
const UPDATE: [&str; 1] = ["update orbit_kafka_topic.orders"];

fn orders(lines: &str) -> String {
    topic("dev", "orders", lines)
}

/// The only thing that a refusal says is wrong: where, and in which words.
#[track_caller]
fn wrong_part(error: &ClientError) -> (String, String) {
    assert_eq!(error.code(), Some("cluster.connection"), "{error}");
    let problem = error.problem().unwrap();
    let [field] = problem.errors.as_slice() else { panic!("{problem:#?}") };
    (field.pointer.clone(), field.detail.clone())
}

#[tokio::test]
async fn more_replicas_than_brokers_are_told_in_the_plan() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("replication_factor = 3")).await;
    terraform
        .plan()
        .await
        .fails(&["Denied: replication factor 3 needs 3 brokers, and cluster main has 1 broker", "ask for at most 1"])
        .points_at("replication_factor = 3");
}

#[tokio::test]
async fn unknown_settings_and_values_are_told_in_the_plan() {
    let world = World::new().await;
    let line = "config = { \"retention.sm\" = \"1\" }";
    let terraform = world.terraform(&orders(line)).await;
    terraform
        .plan()
        .await
        .fails(&["Denied: Kafka has no topic setting retention.sm", "did you mean retention.ms?"])
        .points_at(line);
    terraform.write(&configuration(&orders("config = { \"segment.ms\" = \"soon\" }")));
    terraform.plan().await.fails(&["Denied: segment.ms cannot be \"soon\": it takes a whole number of at least 1"]);
    terraform.write(&configuration(&orders("compression = \"zip\"")));
    terraform.plan().await.fails(&["`none`, `gzip`, `snappy`, `lz4` or `zstd` expected, got `zip`"]);
}

#[tokio::test]
async fn a_topic_that_orbit_does_not_manage_is_told_in_the_plan() {
    let world = World::new().await;
    world.kafka.create_topic(&world.physical("dev", "orders"), 1).await;
    let terraform = world.terraform(&orders("")).await;
    let plan = eventually("Orbit has seen the topic", || async {
        let plan = terraform.plan().await;
        (plan.code == 1).then_some(plan)
    })
    .await;
    plan.fails(&["is on cluster main already, and Orbit does not manage it"]).points_at("name = \"orders\"");
}

#[tokio::test]
async fn a_topic_that_came_meanwhile_is_told_in_the_apply_and_left_alone() {
    // Orbit does not look at the cluster by itself, so the plan cannot know.
    let world = World::set_up(&[("ORBIT_RECONCILE__CLUSTER_HEALTH_SECONDS", "3600")]).await;
    let name = world.physical("dev", "orders");
    let terraform = world.terraform(&orders("partitions = 2")).await;
    terraform.plan().await.plans(&CREATE);
    world.kafka.create_topic(&name, 7).await;

    let apply = terraform.apply_plan().await;

    let words = format!("a topic named {name} is on the cluster already, and Orbit does not manage it");
    apply.fails(&[&words]);
    assert_eq!(terraform.state(ORDERS).await, None);
    assert_eq!(world.on_cluster().await["dev/orders"].partitions, 7, "somebody else's");

    world.kafka.delete_topic(&name).await;
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn checklist_10_a_topic_deleted_behind_orbits_back_is_made_again() {
    let world = World::new().await;
    let terraform = world.terraform(&orders("partitions = 2")).await;
    terraform.apply().await.ok();
    let first = terraform.attribute(ORDERS, "kafka_topic_id").await;
    world.kafka.delete_topic(&world.physical("dev", "orders")).await;

    let plan = terraform.plan().await;

    plan.plans(&UPDATE).warns(&["is not on its cluster any more", "its records are lost"]);
    let apply = terraform.apply().await;
    apply.succeeds();
    terraform.plan().await.is_empty();
    let there = world.on_cluster().await["dev/orders"].clone();
    assert_eq!(terraform.attribute(ORDERS, "kafka_topic_id").await, there.id);
    assert_ne!(first, there.id);
}

#[tokio::test]
async fn a_topic_recreated_behind_orbits_back_is_somebody_elses() {
    let world = World::new().await;
    let name = world.physical("dev", "orders");
    let terraform = world.terraform(&orders("partitions = 2")).await;
    terraform.apply().await.ok();
    world.kafka.delete_topic(&name).await;
    world.kafka.create_topic(&name, 2).await;

    terraform
        .plan()
        .await
        .plans(&UPDATE)
        .warns(&["is not on its cluster any more", "have it removed from the cluster"]);
    terraform
        .apply()
        .await
        .fails(&["is not the one that Orbit made", "have it removed from the cluster, then apply again"]);
    let theirs = world.on_cluster().await["dev/orders"].id.clone();

    // Whoever destroys it loses the record, and nobody loses records.
    terraform.destroy().await;
    assert_eq!(terraform.state(ORDERS).await, None);
    assert_eq!(world.on_cluster().await["dev/orders"].id, theirs);
}

#[tokio::test]
async fn a_wrong_password_is_named_when_the_cluster_is_registered() {
    let world = World::new().await;
    let admin = world.orbit.admin();
    let wrong = world.kafka.registration_as("second", "admin", "not-the-password");
    let refused = admin.cluster_create(&wrong).await.unwrap_err();
    let words = "The cluster refuses the user name or the password (SCRAM-SHA-512).";
    assert_eq!(wrong_part(&refused), ("/credentials/sasl_password".to_owned(), words.to_owned()));

    let mut nobody = world.kafka.registration("second");
    nobody.connection.bootstrap_servers = vec!["127.0.0.1:1".to_owned()];
    let (pointer, words) = wrong_part(&admin.cluster_create(&nobody).await.unwrap_err());
    assert_eq!(pointer, "/connection/bootstrap_servers");
    assert!(words.starts_with("127.0.0.1:1 refuses the connection"), "{words}");
}

/// A cluster `second` that Orbit connects to as a user of its own, with an environment `own` in it. The user, and its password.
async fn with_own_user(world: &World) -> (String, String) {
    let (user, password) = (fresh(), format!("first-{}", fresh()));
    world.kafka.user(&user, &password).await;
    let on_topics = ["Create", "Delete", "Alter", "AlterConfigs", "Describe", "DescribeConfigs"];
    world.kafka.rights("--add", &user, &on_topics, &["--topic", "*"]).await;
    world.kafka.rights("--add", &user, &["Describe", "DescribeConfigs"], &["--cluster"]).await;
    let registration = world.kafka.registration_as("second", &user, &password);
    eventually("the user's rights are known to the cluster", || async {
        world.orbit.admin().cluster_create(&registration).await.ok()
    })
    .await;
    world.environment("own", "second").await;
    (user, password)
}

#[tokio::test]
async fn a_password_that_is_changed_later_makes_work_wait_until_orbit_knows_it() {
    let world = World::new().await;
    let (user, _) = with_own_user(&world).await;
    let second = format!("second-{}", fresh());
    world.kafka.user(&user, &second).await;
    // Connections that are open stay; a restart makes new ones.
    world.orbit.kill();
    world.orbit.start_again().await;

    let accepted = world.ask_for("own", "orders", 1).await;

    let id = accepted.operation.unwrap().id;
    let admin = world.orbit.admin();
    let waits = eventually("the operation waits", || async {
        admin.operation_get(&id, None).await.ok().filter(|found| found.state == OperationState::Waiting)
    })
    .await;
    let words =
        "The Kafka cluster refuses Orbit's credentials: the platform team must mend the cluster's connection in Orbit.";
    assert_eq!(waits.error.unwrap().message, words);
    let cluster = eventually("the cluster shows it", || async {
        admin.cluster_get("second").await.ok().filter(|c| c.validation_status == ValidationStatus::Invalid)
    })
    .await;
    assert_eq!(cluster.last_error.as_deref(), Some(words));

    let credentials = Some(Credentials { sasl_password: Some(second), client_key_pem: None });
    admin.cluster_update("second", &ClusterPatch { credentials, ..ClusterPatch::default() }, None).await.unwrap();
    world.succeeds(&id).await;
    assert_eq!(world.topic("own", "orders").await.status, TopicStatus::Active);
}

#[tokio::test]
async fn a_missing_right_is_named_when_registering_and_when_it_is_taken_later() {
    let world = World::new().await;
    let powerless = fresh();
    world.kafka.user(&powerless, "a-password").await;
    let registration = world.kafka.registration_as("third", &powerless, "a-password");
    let (pointer, words) = wrong_part(&world.orbit.admin().cluster_create(&registration).await.unwrap_err());
    assert_eq!(pointer, "/connection/sasl_username");
    assert!(words.starts_with("Orbit's principal lacks ") && words.contains("Create"), "{words}");

    let (user, _) = with_own_user(&world).await;
    world.kafka.rights("--remove", &user, &["Create"], &["--topic", "*"]).await;
    let terraform = world.terraform(&topic("own", "orders", "")).await;
    let apply = terraform.apply().await;
    let name = world.physical("own", "orders");
    apply.fails(&[&format!("Orbit's principal lacks Create on topic {name:?} (or on the cluster): grant it")]);
    assert_eq!(world.topic("own", "orders").await.status, TopicStatus::Failed);

    world.kafka.rights("--add", &user, &["Create"], &["--topic", "*"]).await;
    let again = terraform.apply().await;
    again.succeeds();
    assert_eq!(world.requests().await.len(), 2, "the same topic, asked for once more");
}

#[tokio::test]
async fn checklist_09_a_cluster_that_is_down_is_not_a_topic_that_is_gone() {
    let world = World::with_own_kafka().await;
    let terraform = world.terraform(&orders("partitions = 2")).await;
    terraform.apply().await.ok();
    world.kafka.kill().await;

    // What was seen last still counts, and a change can be asked for.
    terraform.plan().await.is_empty();
    terraform.write(&configuration(&orders("partitions = 3")));
    terraform.plan_with(&["-refresh=false"]).await.plans(&UPDATE);
    let apply = terraform.begin_apply();
    waiting(&world).await;

    // The apply ends as the cluster is back.
    world.kafka.start_again().await;
    let apply = apply.end().await;
    apply.succeeds();
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await["dev/orders"].partitions, 3);
}

#[tokio::test]
async fn a_token_revoked_in_the_midst_of_an_apply_stops_terraform_and_not_the_work() {
    let world = World::with_own_kafka().await;
    let terraform = world.terraform(&orders("partitions = 2")).await;
    world.kafka.kill().await;
    let apply = terraform.begin_apply();
    let operation = waiting(&world).await;

    let token = revoke_developers_token(&world).await;

    apply.end().await.warns(&["could not be asked what became of it", &operation, "the token was revoked"]);
    goes_on_with(&world, terraform, &token, &operation).await;
}

#[tokio::test]
async fn a_token_that_expires_in_the_midst_of_an_apply_stops_terraform_and_not_the_work() {
    let world = World::with_own_kafka().await;
    let mut terraform = world.terraform(&orders("partitions = 2")).await;
    world.kafka.kill().await;
    // Long enough to plan and to ask, and much shorter than the wait.
    terraform.set("ORBIT_TOKEN", &world.token_of("developer", Some(15)).await.0);
    let apply = terraform.begin_apply();
    let operation = waiting(&world).await;

    apply.end().await.warns(&["could not be asked what became of it", &operation, "the token has expired"]);
    goes_on_with(&world, terraform, &world.orbit.developer_token(), &operation).await;
}

/// The cluster comes back, the work ends, and who has another token finds the topic in its state: made once.
async fn goes_on_with(world: &World, mut terraform: Terraform, token: &str, operation: &str) {
    let id = world.orbit.admin().topic_get(&key("dev", "orders"), TopicRead::default()).await.unwrap().id;
    assert_eq!(terraform.attribute(ORDERS, "id").await, id, "what Orbit accepted stays in sight");
    world.kafka.start_again().await;
    world.succeeds(operation).await;
    terraform.set("ORBIT_TOKEN", token);
    let again = terraform.apply().await;
    again.succeeds();
    terraform.plan().await.is_empty();
    assert_eq!((world.on_cluster().await.len(), world.requests().await.len()), (1, 1), "nothing was done twice");
}

/// Waits until the work on the topic waits for its cluster.
async fn waiting(world: &World) -> String {
    let admin = world.orbit.admin();
    eventually("the work waits for its cluster", || async {
        let topic = admin.topic_get(&key("dev", "orders"), TopicRead::default()).await.ok()?;
        topic.operation.filter(|operation| operation.state == OperationState::Waiting).map(|operation| operation.id)
    })
    .await
}

/// Revokes the token that the developer's terraform uses; answers another one.
async fn revoke_developers_token(world: &World) -> String {
    let all = world.orbit.developer().token_list(&PageQuery::default()).await.unwrap().items;
    let (fresh, id) = world.token_of("developer", None).await;
    for token in all.into_iter().filter(|token| token.id != id && token.principal == "developer") {
        world.orbit.admin().token_revoke(&token.id).await.unwrap();
    }
    fresh
}

#[tokio::test]
async fn an_environment_that_leads_nowhere_is_a_warning_of_the_plan_and_an_error_of_the_apply() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("staging", "orders", "")).await;
    terraform.plan().await.plans(&CREATE).warns(&["cannot be judged yet", "environment"]);
    terraform.apply().await.fails(&["staging"]);
    world.environment("staging", "main").await;
    terraform.apply().await.ok();
    assert_eq!(terraform.attribute(&address("orders"), "cluster").await, "main");
    // A mapping that goes leaves the topics where they are.
    let mapping = EnvironmentMappingCreate {
        environment: "staging".to_owned(),
        cluster: "main".to_owned(),
        priority: None,
        is_default: None,
    };
    assert_eq!(world.orbit.admin().mapping_create(&mapping).await.unwrap_err().code(), Some("mapping.exists"));
    let viewer = world.person("vera", Role::Viewer).await;
    let theirs = Terraform::new(&world.orbit, &viewer, &configuration(&topic("staging", "other", ""))).await;
    theirs.plan().await.plans(&["create orbit_kafka_topic.other"]);
    theirs.apply().await.fails(&["takes the role member"]);
}
