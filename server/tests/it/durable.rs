//! Servers that die, zombies, and several of them on one database.

use crate::support::{Kind, Running, TestApp, on_both, on_postgres, on_sqlite, until};
use jiff::SignedDuration;
use orbit_core::testing::{Fault, FixedClock, Method};
use orbit_server::{auth::permission::Role, runner::Pace, serve::Made};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

on_both!(
    work_in_every_state_is_finished_by_the_next_server,
    several_servers_share_the_work_and_run_no_step_twice_at_once,
    a_zombie_cannot_write,
    a_server_that_goes_down_answers_those_who_wait_and_leaves_its_work,
    an_upgrade_in_which_a_workflow_has_two_shapes_loses_nothing,
);
on_postgres!(
    what_a_replica_leaves_another_takes_at_once,
    replicas_whose_clocks_are_a_minute_off_share_the_work_and_take_over_in_time,
);
on_sqlite!(
    more_work_than_slots_is_done_in_turn,
    more_work_of_one_cluster_than_its_share_waits_for_no_poll,
    a_server_takes_no_more_than_it_drives,
    a_step_that_hangs_is_cut_off_and_does_not_hold_up_a_shutdown,
);

/// A lease that is soon out: who dies is soon taken over.
fn short_leases(made: &mut Made) {
    let lease = Duration::from_secs(2);
    made.pace = Pace { lease, step: lease * 9 / 20, poll: Duration::from_millis(50), concurrency: 16 };
}

async fn held(orbit: &TestApp, count: usize) {
    until("the steps have begun", async || (orbit.main().waiting() >= count).then_some(())).await;
}

async fn work_in_every_state_is_finished_by_the_next_server(orbit: TestApp) {
    let mut orbit = orbit;
    orbit.replaced(&short_leases).await.stop().await;
    let (dev, root) = (orbit.dev().await, orbit.root());
    let (changed, deleted) = (dev.topic("changed").partitions(1), dev.topic("deleted"));
    changed.made().await;
    deleted.made().await;
    let kafka = orbit.main().kafka;
    let waits = dev.topic("waits").in_prod();
    let pending = waits.create().await;
    // Running: held before its first call. Failing: refused, about to be taken back. Waiting: the cluster is down.
    kafka.fault_once(Method::TopicsCreate, Fault::LoseReply);
    let lost = dev.topic("lost").create().await;
    until("the topic is made", async || kafka.topic("dev.payments.lost")).await;
    orbit.main().hold();
    dev.topic("new").create().await.accepted();
    changed.patch(json!({ "partitions": 5 })).await.accepted();
    deleted.delete().await.accepted();
    held(&orbit, 3).await;

    orbit.replaced(&short_leases).await.die();
    orbit.main().release();

    let (dev, root) = (dev.on(&orbit), root.on(&orbit));
    dev.topic("new").active().await;
    assert_eq!(dev.operation_end(&lost.operation_id()).await.text("/state"), "succeeded");
    assert_eq!(dev.topic("changed").settled("active").await.body["partitions"], 5);
    dev.topic("deleted").vanished().await;
    root.approve(&pending.request_id()).await.ok();
    dev.topic("waits").in_prod().active().await;
    let made = kafka.made_in_order().len();
    assert_eq!(made, 5, "each was made once: {:?}", kafka.made_in_order());
    assert_eq!(kafka.snapshot().len(), 4);
}

async fn several_servers_share_the_work_and_run_no_step_twice_at_once(orbit: TestApp) {
    let mut orbit = orbit;
    let few = |made: &mut Made| {
        short_leases(made);
        made.pace.concurrency = 2;
    };
    orbit.replaced(&few).await.stop().await;
    let dev = orbit.dev().await;
    let others = [orbit.replica(&few).await, orbit.replica(&few).await];
    let kafka = orbit.main().kafka;
    // Some of the calls hang until their step is cut off, so that leases go from hand to hand.
    for n in [3, 9, 15] {
        kafka.fault_once(orbit_core::testing::At::Nth(Method::TopicsCreate, n), Fault::LoseReply);
    }
    let names: Vec<_> = (0..24).map(|i| format!("t{i}")).collect();
    for (i, name) in names.iter().enumerate() {
        let server: &Running = if i % 3 == 0 { &orbit } else { &others[i % 3 - 1] };
        dev.on(server).topic(name).create().await.accepted();
    }
    let [one, other] = others;
    one.die();

    for name in &names {
        dev.topic(name).active().await;
    }

    assert_eq!(orbit.main().most_at_once(), 1, "no two servers worked on one topic at the same time");
    assert!(names.iter().all(|name| kafka.made(&format!("dev.payments.{name}")) == 1));
    other.stop().await;
}

async fn an_upgrade_in_which_a_workflow_has_two_shapes_loses_nothing(orbit: TestApp) {
    let dev = orbit.dev().await;
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    dev.topic("old").retention_ms(1_000).made().await;
    orbit.main().go_down();
    let of_old = dev.topic("old").patch(json!({ "retention_ms": 2_000 })).await.accepted().operation_id();
    let of_new = dev.topic("new").create().await.accepted().operation_id();
    for operation in [&of_old, &of_new] {
        lead.post(&format!("/v1/operations/{operation}/pause"), json!({})).await.accepted();
        until("it rests", async || (dev.operation(operation).await.text("/state") == "paused").then_some(())).await;
    }

    // One was written by an older release, which did not know some of what this one keeps; the other by a newer one, in a shape that this one cannot read.
    let without = match orbit.kind {
        Kind::Sqlite => "json_remove(saga, '$.pieces[0].state.was')",
        Kind::Postgres => "saga #- '{pieces,0,state,was}'",
    };
    let as_older = format!(
        "UPDATE operation SET saga = {without} WHERE kind = 'TopicUpdate' AND finished_at IS NULL RETURNING kind"
    );
    let shaped = |shape: u8| {
        format!(
            "UPDATE operation SET shape = {shape} WHERE kind = 'TopicProvisioning' AND finished_at IS NULL RETURNING kind"
        )
    };
    for (statement, kind) in [(as_older, "TopicUpdate"), (shaped(2), "TopicProvisioning")] {
        assert_eq!(orbit.texts(&statement).await, [kind]);
    }
    orbit.main().heal();
    for operation in [&of_old, &of_new] {
        lead.post(&format!("/v1/operations/{operation}/resume"), json!({})).await.accepted();
    }

    assert_eq!(dev.operation_end(&of_old).await.text("/state"), "succeeded");
    assert_eq!(dev.topic("old").get().await.body["retention_ms"], 2_000);
    dev.topic("other").made().await;
    assert_eq!(dev.operation(&of_new).await.text("/state"), "paused", "it is left to who can read it");
    dev.topic("new").get().await.has_status("provisioning");

    // The newer replica comes, which here is this one, that can read it after all.
    orbit.texts(&shaped(1)).await;
    assert_eq!(dev.operation_end(&of_new).await.text("/state"), "succeeded");
    assert_eq!(orbit.main().kafka.made("dev.payments.new"), 1);
}

async fn a_zombie_cannot_write(orbit: TestApp) {
    let mut orbit = orbit;
    let dev = orbit.dev().await;
    orbit.main().hold();
    let created = dev.topic("orders").create().await;
    held(&orbit, 1).await;
    // The lease is gone, and another server takes the operation while the first one still waits in its step.
    orbit.raw("UPDATE operation SET lease_until = 0").await;
    let zombie = orbit.replaced(&|_| {}).await;
    held(&orbit, 2).await;
    let (before, version) =
        (orbit.audit_of("payments/dev/orders").await, "SELECT CAST(version AS TEXT) FROM operation");
    assert_eq!(before, ["request.filed"]);

    orbit.main().release();

    let ended = dev.on(&orbit).operation_end(&created.operation_id()).await;
    assert_eq!(ended.text("/state"), "succeeded");
    // One claim and two saves over the first version: none of the zombie's.
    assert_eq!(orbit.texts(version).await, ["4"]);
    assert_eq!(orbit.main().kafka.made("dev.payments.orders"), 1);
    assert_eq!(orbit.audit_of("payments/dev/orders").await, ["request.filed", "operation.succeeded"]);
    zombie.stop().await;
}

async fn a_server_that_goes_down_answers_those_who_wait_and_leaves_its_work(orbit: TestApp) {
    let mut orbit = orbit;
    let dev = orbit.dev().await;
    let pending = dev.topic("waits").in_prod().create().await.request_id();
    orbit.main().go_down();
    let created = dev.topic("orders").create().await;
    let (asks, path) = (dev.clone(), format!("/v1/requests/{pending}?wait=25s"));
    let waits = tokio::spawn(async move { asks.get(&path).await });
    let (asks, path) = (dev.clone(), format!("/v1/operations/{}?wait=25s", created.operation_id()));
    let also = tokio::spawn(async move { asks.get(&path).await });
    dev.request(&pending).await.ok();
    let began = Instant::now();

    let old = orbit.replaced(&|_| {}).await;
    old.tell_to_stop();

    assert_eq!(waits.await.unwrap().ok().text("/state"), "pending");
    also.await.unwrap().ok();
    old.down().await;
    assert!(began.elapsed() < Duration::from_secs(15), "it did not wait for the end of their time");
    let leased = orbit.texts("SELECT state FROM operation WHERE holder IS NOT NULL").await;
    orbit.main().heal();
    dev.on(&orbit).topic("orders").active().await;
    assert!(leased.len() <= 1, "only the new server's: {leased:?}");
}

async fn more_work_than_slots_is_done_in_turn(orbit: TestApp) {
    let mut orbit = orbit;
    let one = |made: &mut Made| {
        short_leases(made);
        made.pace.concurrency = 1;
    };
    orbit.replaced(&one).await.stop().await;
    let dev = orbit.dev().await;
    orbit.main().go_down();
    for i in 0..8 {
        dev.topic(&format!("t{i}")).create().await.accepted();
    }
    orbit.main().heal();
    for i in 0..8 {
        dev.topic(&format!("t{i}")).active().await;
    }
    assert_eq!(orbit.main().most_at_once(), 1);
}

async fn more_work_of_one_cluster_than_its_share_waits_for_no_poll(orbit: TestApp) {
    let mut orbit = orbit;
    let seldom = |made: &mut Made| {
        made.pace.poll = Duration::from_hours(1);
        made.pace.concurrency = 4;
    };
    let dev = orbit.dev().await;
    orbit.main().hold();
    for i in 0..9 {
        dev.topic(&format!("t{i}")).create().await.accepted();
    }
    held(&orbit, 9).await;
    // One that goes down leaves all of it to one that looks once, when it starts.
    let first = orbit.replaced(&seldom).await;
    first.tell_to_stop();
    orbit.main().release();
    first.down().await;
    orbit.replaced(&seldom).await.stop().await;

    let dev = dev.on(&orbit);
    for i in 0..9 {
        dev.topic(&format!("t{i}")).active().await;
    }
}

async fn a_server_takes_no_more_than_it_drives(orbit: TestApp) {
    let mut orbit = orbit;
    orbit.replaced(&|made| made.pace.concurrency = 1).await.stop().await;
    let dev = orbit.dev().await;
    orbit.main().go_down();
    for i in 0..6 {
        dev.topic(&format!("t{i}")).create().await.accepted();
    }
    until("all wait", async || {
        let held = orbit.texts("SELECT state FROM operation WHERE holder IS NOT NULL").await;
        held.is_empty().then_some(())
    })
    .await;
    orbit.raw("UPDATE operation SET due_at = due_at + 3600000000").await;
    orbit.main().hold();
    orbit.main().heal();
    orbit.raw("UPDATE operation SET due_at = 0").await;
    held(&orbit, 1).await;

    let other = orbit.replica(&|_| {}).await;

    // Within the lease: what the first one cannot drive now, it left to the other.
    let began = Instant::now();
    held(&orbit, 6).await;
    assert!(began.elapsed() < Duration::from_secs(8));
    orbit.main().release();
    for i in 0..6 {
        dev.topic(&format!("t{i}")).active().await;
    }
    other.stop().await;
}

async fn a_step_that_hangs_is_cut_off_and_does_not_hold_up_a_shutdown(orbit: TestApp) {
    let mut orbit = orbit;
    let impatient = |made: &mut Made| {
        short_leases(made);
        made.patience = Duration::from_secs(5);
    };
    orbit.replaced(&impatient).await.stop().await;
    let dev = orbit.dev().await;
    orbit.main().kafka.fault_always(Method::TopicsCreate, Fault::Hang);
    let created = dev.topic("orders").create().await;
    until("a step was cut off", async || {
        let seen = dev.operation(&created.operation_id()).await;
        let attempts = seen.body.pointer("/steps/1/attempts").and_then(serde_json::Value::as_u64);
        (attempts >= Some(1)).then_some(())
    })
    .await;
    let old = orbit.replaced(&short_leases).await;
    old.stop().await;
    orbit.main().heal();
    dev.on(&orbit).topic("orders").active().await;
    assert_eq!(orbit.main().kafka.made("dev.payments.orders"), 1);
}

async fn what_a_replica_leaves_another_takes_at_once(orbit: TestApp) {
    /// So seldom do they look by themselves that only news can wake them.
    fn seldom(made: &mut Made) {
        made.pace.poll = Duration::from_hours(1);
    }
    let mut orbit = orbit;
    orbit.replaced(&seldom).await.stop().await;
    let dev = orbit.dev().await;
    orbit.main().hold();
    let created = dev.topic("orders").create().await;
    held(&orbit, 1).await;

    let first = orbit.replaced(&seldom).await;
    first.tell_to_stop();
    orbit.main().release();
    first.down().await;

    let ended = dev.on(&orbit).operation_end(&created.operation_id()).await;
    assert_eq!(ended.text("/state"), "succeeded");
    assert_eq!(orbit.main().kafka.made("dev.payments.orders"), 1);
}

async fn replicas_whose_clocks_are_a_minute_off_share_the_work_and_take_over_in_time(orbit: TestApp) {
    let mut orbit = orbit;
    orbit.replaced(&short_leases).await.stop().await;
    let off = |minutes: i64| {
        move |made: &mut Made| {
            short_leases(made);
            made.clock = Arc::new(FixedClock::at(made.clock.now() + SignedDuration::from_mins(minutes)));
        }
    };
    let (ahead, behind) = (orbit.replica(&off(1)).await, orbit.replica(&off(-1)).await);
    let dev = orbit.dev().await;
    let kafka = orbit.main().kafka;
    let (on_ahead, on_behind) = (dev.on(&ahead), dev.on(&behind));
    let everywhere = [&dev, &on_ahead, &on_behind];
    for n in 0..12 {
        everywhere[n % 3].topic(&format!("t{n}")).create().await.accepted();
    }
    for n in 0..12 {
        dev.topic(&format!("t{n}")).active().await;
        assert_eq!(kafka.made(&format!("dev.payments.t{n}")), 1);
    }
    assert_eq!(orbit.main().most_at_once(), 1);

    // Whoever dies is taken over: not before its lease is out by the database's clock, and within two of them.
    for (name, doomed) in [("ahead", ahead), ("behind", behind)] {
        orbit.main().hold();
        let created = dev.on(&doomed).topic(name).create().await;
        held(&orbit, 1).await;
        doomed.die();
        let died = Instant::now();
        orbit.main().release();
        assert_eq!(dev.operation_end(&created.operation_id()).await.text("/state"), "succeeded");
        assert!(
            died.elapsed() < Duration::from_secs(2 * 2 + 2),
            "two leases, and the work itself: {:?}",
            died.elapsed()
        );
        assert_eq!(kafka.made(&format!("dev.payments.{name}")), 1);
    }
    assert_eq!(orbit.main().most_at_once(), 1);
}
