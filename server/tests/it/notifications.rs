//! Telling people: by signed webhooks and by mail, until it arrives or is given up.

use crate::support::{Hooks, Person, TestApp, on_both, on_sqlite, until};
use orbit_core::testing::{Fault, Method};
use orbit_server::{auth::permission::Role, notify::Mailer};
use serde_json::{Value, json};
use std::time::Duration;

on_both!(a_request_is_told_of_from_its_filing_to_its_decision, what_did_not_arrive_is_tried_again_given_up_and_resent);
on_sqlite!(
    who_decides_is_warned_before_a_request_expires,
    work_that_fails_is_told_of,
    channels_are_ruled_by_who_rules_their_workspace,
    slack_and_teams_get_what_they_take,
    addresses_that_clouds_keep_secrets_at_are_refused,
    wrong_channels_are_told,
    what_is_secret_of_a_channel_goes_in_only,
    mail_arrives,
    people_get_mail_of_what_they_decide_and_asked_for,
);

const CHANNELS: &str = "/v1/notification-channels";
const HOUR: Duration = Duration::from_hours(1);

async fn channel(who: &Person, name: &str, hooks: &Hooks, more: Value) -> String {
    let mut body = json!({ "name": name, "webhook": { "url": hooks.url } });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = who.post(CHANNELS, body).await;
    answer.created().text("/secret").to_owned()
}

/// A member of `payments` and a platform admin whose tokens outlive the story.
async fn people(orbit: &TestApp) -> (Person, Person) {
    let dev = orbit.somebody("dev", Some(Role::Member), Some("payments"), 1_000 * HOUR).await;
    (dev, orbit.somebody("boss", Some(Role::PlatformAdmin), None, 1_000 * HOUR).await)
}

async fn a_request_is_told_of_from_its_filing_to_its_decision(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let (all, few) = (Hooks::listen().await, Hooks::listen().await);
    let secret = channel(&root, "all", &all, json!({})).await;
    channel(&root, "few", &few, json!({ "events": ["request.rejected"] })).await;

    let orders = dev.topic("orders").in_prod().because("the fair");
    let id = orders.create().await.request_id();
    let told = all.call(|call| call.json()["type"] == "request.pending").await;
    assert!(told.is_signed_with(&secret) && !told.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert!(told.header("webhook-id").starts_with("msg_"));
    let event = told.json();
    assert_eq!(event["title"], "dev asks to create topic payments/prod/orders");
    assert!(event["url"].as_str().unwrap().ends_with(&id), "{event}");
    assert_eq!(event["data"]["request"]["approvers"], "a platform admin");
    assert_eq!(event["data"]["objects"][0]["key"], "payments/prod/orders");
    assert_eq!(event["data"]["objects"][0]["id"], orders.get().await.body["id"]);
    assert_eq!(event["data"]["documentation"]["justification"], "the fair");

    root.reject(&id, "use the shared topic").await.ok();
    let rejected = few.call(|call| call.json()["type"] == "request.rejected").await;
    assert_eq!(rejected.json()["data"]["request"]["reason"], "use the shared topic");
    root.post(&format!("/v1/requests/{id}/reopen"), json!({})).await.ok();
    all.call(|call| call.json()["type"] == "request.reopened").await;
    root.approve(&id).await.ok();
    all.call(|call| call.json()["type"] == "request.approved").await;
    let withdrawn = dev.topic("other").in_prod().create().await.request_id();
    dev.withdraw(&withdrawn).await.ok();
    all.call(|call| call.json()["type"] == "request.withdrawn").await;
    dev.topic("third").in_prod().create().await.accepted();
    dev.topic("third").in_prod().partitions(2).create().await.accepted();
    all.call(|call| call.json()["type"] == "request.superseded").await;
    // What policy allows is told to nobody.
    dev.topic("free").made().await;
    until("nothing is on its way", async || {
        orbit.texts("SELECT kind FROM outbox WHERE ended_at IS NULL").await.is_empty().then_some(())
    })
    .await;
    let mut types = all.types();
    types.sort_unstable();
    assert_eq!(
        types,
        [
            "request.approved",
            "request.pending",
            "request.pending",
            "request.pending",
            "request.pending",
            "request.rejected",
            "request.reopened",
            "request.superseded",
            "request.withdrawn",
        ]
    );
    assert_eq!(few.types(), ["request.rejected"]);
}

async fn what_did_not_arrive_is_tried_again_given_up_and_resent(orbit: TestApp) {
    let root = orbit.root();
    let hooks = Hooks::listen().await;
    hooks.answer(503);
    channel(&root, "ops", &hooks, json!({})).await;
    let path = format!("{CHANNELS}/ops");
    let sent = root.post(&format!("{path}/test"), json!({})).await;
    let id = sent.accepted().id();
    let deliveries = async || root.get(&format!("{path}/deliveries")).await.ok().body["items"].clone();
    let failed = until("it was tried", async || {
        let one = deliveries().await[0].clone();
        (one["attempts"] == 1 && one["last_error"].is_string()).then_some(one)
    })
    .await;
    assert_eq!(failed["last_error"], "the other side answered 503 Service Unavailable", "not what it said");
    assert_eq!((&failed["state"], &failed["event"]), (&json!("pending"), &json!("channel.test")));
    assert!(failed["next_attempt_at"].is_string());
    root.post(&format!("{path}/deliveries/{id}/resend"), json!({})).await.problem(409, "delivery.pending");

    // After the last try it waits for a person.
    orbit.raw("UPDATE outbox SET attempts = 11, due_at = 0").await;
    until("it is given up", async || (deliveries().await[0]["state"] == "dead").then_some(())).await;
    assert_eq!(root.get(&format!("{path}/deliveries?state=dead")).await.count(), 1);
    assert!(root.get("/metrics").await.raw.contains("orbit_deliveries_dead 1\n"));
    assert_eq!(root.get(&format!("{path}/deliveries?state=delivered")).await.count(), 0);
    hooks.answer(200);
    root.post(&format!("{path}/deliveries/{id}/resend"), json!({})).await.accepted();
    until("it arrives", async || (deliveries().await[0]["state"] == "delivered").then_some(())).await;
    let ids: Vec<_> = hooks.calls().iter().map(|call| call.header("webhook-id").to_owned()).collect();
    assert!(ids.len() >= 3 && ids.iter().all(|one| *one == id), "the id is the same each time: {ids:?}");
    root.post(&format!("{path}/deliveries/msg_00000000000000000000000000000000/resend"), json!({}))
        .await
        .problem(404, "delivery.not-found");
}

async fn who_decides_is_warned_before_a_request_expires(orbit: TestApp) {
    let (dev, root) = people(&orbit).await;
    let hooks = Hooks::listen().await;
    channel(&root, "ops", &hooks, json!({ "events": ["request.expiring", "request.expired"] })).await;
    dev.topic("orders").in_prod().create().await.accepted();
    orbit.pass(12 * 24 * HOUR);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(hooks.types(), [""; 0], "two days are left");
    orbit.pass(25 * HOUR);
    let warned = hooks.call(|call| call.json()["type"] == "request.expiring").await;
    assert_eq!(warned.json()["title"], "Nobody has decided yet: create topic payments/prod/orders, for dev");
    orbit.pass(HOUR);
    orbit.pass(24 * HOUR);
    hooks.call(|call| call.json()["type"] == "request.expired").await;
    assert_eq!(hooks.types(), ["request.expiring", "request.expired"], "it is warned of once");
}

async fn work_that_fails_is_told_of(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let hooks = Hooks::listen().await;
    channel(&root, "ops", &hooks, json!({ "events": ["operation.failed", "operation.stuck"] })).await;
    orbit.main().refuse_next_create();
    dev.topic("orders").create().await.accepted();
    let failed = hooks.call(|call| call.json()["type"] == "operation.failed").await.json();
    assert_eq!(failed["title"], "Failed, and taken back: create topic payments/dev/orders");
    assert!(failed["data"]["error"].is_string(), "{failed}");

    let kafka = orbit.main().kafka;
    kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(orbit_core::ports::KafkaErrorKind::Invalid));
    kafka.fault_once(Method::TopicsDelete, Fault::FailBefore(orbit_core::ports::KafkaErrorKind::Forbidden));
    dev.topic("parcels").create().await.accepted();
    let stuck = hooks.call(|call| call.json()["type"] == "operation.stuck").await.json();
    assert_eq!(stuck["title"], "Stuck, a person has to look: create topic payments/dev/parcels");
}

async fn channels_are_ruled_by_who_rules_their_workspace(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    root.post("/v1/workspaces", json!({ "slug": "shipping" })).await.created();
    let ship = orbit.person("ship", Role::Member, "shipping").await;
    let hooks = Hooks::listen().await;
    let webhook = json!({ "url": hooks.url });
    lead.post(CHANNELS, json!({ "name": "x", "webhook": webhook })).await.problem(403, "forbidden");
    dev.post(CHANNELS, json!({ "name": "x", "webhook": webhook, "workspace": "payments" }))
        .await
        .problem(403, "forbidden");
    channel(&lead, "team", &hooks, json!({ "workspace": "payments" })).await;
    channel(&root, "platform", &Hooks::listen().await, json!({})).await;
    dev.get(&format!("{CHANNELS}/team")).await.problem(404, "channel.not-found");
    lead.get(&format!("{CHANNELS}/platform")).await.problem(404, "channel.not-found");
    assert_eq!(lead.get(CHANNELS).await.count(), 1);
    assert_eq!((dev.get(CHANNELS).await.count(), root.get(CHANNELS).await.count()), (0, 2));

    ship.topic("theirs").of("shipping").in_prod().create().await.accepted();
    dev.topic("ours").in_prod().create().await.accepted();
    hooks.call(|call| call.json()["type"] == "request.pending").await;
    assert_eq!(hooks.types(), ["request.pending"], "only what happens in its workspace");
    lead.delete(&format!("{CHANNELS}/team")).await.gone();
    lead.get(&format!("{CHANNELS}/team")).await.problem(404, "channel.not-found");
    let trail = orbit.audit_of("team").await;
    assert_eq!(trail, ["notification-channel.created", "notification-channel.deleted"]);
}

async fn slack_and_teams_get_what_they_take(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let (slack, teams) = (Hooks::listen().await, Hooks::listen().await);
    for (name, hooks) in [("slack", &slack), ("teams", &teams)] {
        let webhook = json!({ "url": hooks.url, "template": name });
        root.post(CHANNELS, json!({ "name": name, "webhook": webhook })).await.created();
    }
    dev.topic("orders").in_prod().because("<the> fair").create().await.accepted();
    let text = slack.call(|_| true).await.json();
    assert_eq!(text["text"], "dev asks to create topic payments/prod/orders");
    assert!(text["blocks"][1]["text"]["text"].as_str().unwrap().contains("Justification: <the> fair"), "{text}");
    assert_eq!(text["blocks"][1]["text"]["type"], "plain_text", "what people write is no markup");
    let card = teams.call(|_| true).await.json();
    assert_eq!(card["attachments"][0]["content"]["type"], "AdaptiveCard");
}

async fn addresses_that_clouds_keep_secrets_at_are_refused(orbit: TestApp) {
    let root = orbit.root();
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "file:///etc/passwd",
        "nothing",
    ] {
        let refused = root.post(CHANNELS, json!({ "name": "bad", "webhook": { "url": url } })).await;
        refused.invalid().field("/webhook/url");
    }
    // Nor does a channel follow where it is led.
    let hooks = Hooks::listen().await;
    hooks.answer(302);
    channel(&root, "led", &hooks, json!({})).await;
    root.post(&format!("{CHANNELS}/led/test"), json!({})).await.accepted();
    let error = until("it was tried", async || {
        let one = root.get(&format!("{CHANNELS}/led/deliveries")).await.body["items"][0]["last_error"].clone();
        one.as_str().map(str::to_owned)
    })
    .await;
    assert!(error.starts_with("the other side answered 302"), "{error}");
}

async fn wrong_channels_are_told(orbit: TestApp) {
    let root = orbit.root();
    root.post(CHANNELS, json!({ "name": "x" })).await.invalid().field("/webhook");
    let webhook = json!({ "url": "https://hooks.example.com/x", "secret": "whsec_short" });
    root.post(CHANNELS, json!({ "name": "X", "webhook": webhook })).await.invalid().field("/webhook/secret");
    let both = json!({ "name": "x", "webhook": { "url": "https://hooks.example.com/x" }, "email": { "to": ["kim@example.com"] } });
    root.post(CHANNELS, both).await.invalid().field("/email");
    root.post(CHANNELS, json!({ "name": "x", "email": { "to": ["kim"] } })).await.invalid().field("/email/to/0");
    root.post(CHANNELS, json!({ "name": "x", "email": { "to": [] } })).await.invalid().field("/email/to");
    let no_server = root.post(CHANNELS, json!({ "name": "x", "email": { "to": ["kim@example.com"] } })).await;
    no_server.invalid().limits("/email", "not-available", None);
    let good = json!({ "name": "x", "webhook": { "url": "https://hooks.example.com/x" } });
    root.post(CHANNELS, good.clone()).await.created();
    root.post(CHANNELS, good).await.problem(409, "channel.exists");
    let stale =
        root.call(reqwest::Method::PATCH, &format!("{CHANNELS}/x")).if_match("\"7\"").json(&json!({})).send().await;
    stale.problem(412, "stale");
}

async fn what_is_secret_of_a_channel_goes_in_only(orbit: TestApp) {
    let root = orbit.root();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body =
        json!({ "name": "ops", "webhook": { "url": "https://hooks.example.com/canary-4711", "secret": secret } });
    let made = root.call(reqwest::Method::POST, CHANNELS).key("k").json(&body).send().await;
    assert_eq!(made.created().text("/secret"), secret);
    assert!(!made.raw.contains("canary-4711"));
    let again = root.call(reqwest::Method::POST, CHANNELS).key("k").json(&body).send().await;
    assert_eq!(again.created().text("/secret"), secret, "a lost reply is told again");
    let shown = root.get(&format!("{CHANNELS}/ops")).await;
    assert_eq!(shown.ok().text("/webhook/host"), "hooks.example.com");
    assert!(shown.lacks("/secret") && !shown.raw.contains("canary-4711"));
    let moved = root.patch(&format!("{CHANNELS}/ops"), json!({ "webhook": { "template": "teams" } })).await;
    assert_eq!((moved.ok().text("/webhook/host"), moved.text("/webhook/template")), ("hooks.example.com", "teams"));
    let url = json!({ "webhook": { "url": "https://chat.example.com/canary-4711" } });
    let moved = root.patch(&format!("{CHANNELS}/ops"), url).await;
    assert_eq!((moved.ok().text("/webhook/host"), moved.text("/webhook/template")), ("chat.example.com", "teams"));
    assert!(moved.lacks("/secret"), "it stays");
    let other = format!("whsec_{}", "B".repeat(32));
    let turned = root.patch(&format!("{CHANNELS}/ops"), json!({ "webhook": { "secret": other } })).await;
    assert_eq!(turned.ok().text("/secret"), other);
    for file in orbit.files() {
        let bytes = std::fs::read(&file).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds("canary-4711") && !holds(secret), "{}", file.display());
    }
}

/// The test's SMTP server, and the mail that it took.
struct Post {
    mailer: Mailer,
    mailbox: String,
}

impl Post {
    async fn of(orbit: &mut TestApp) -> Self {
        let url = std::env::var("ORBIT_TEST_SMTP_URL")
            .expect("ORBIT_TEST_SMTP_URL names an SMTP server: `make test` starts one");
        let mailbox = std::env::var("ORBIT_TEST_SMTP_MAILBOX").unwrap();
        let post = Self { mailer: Mailer::new(&url, "Orbit <orbit@example.com>").unwrap(), mailbox };
        orbit.replaced(&|made| made.mailer = Some(post.mailer.clone())).await.stop().await;
        post
    }
    /// The mails to an address, without soft line breaks.
    fn to(&self, address: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(format!("{}/new", self.mailbox)) else { return vec![] };
        let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
        let to = |text: &String| text.lines().any(|line| line.starts_with("X-RcptTo:") && line.contains(address));
        texts.filter(to).map(|text| text.replace("=\r\n", "").replace("=\n", "")).collect()
    }
    async fn arrives(&self, address: &str, subject: &str) -> String {
        let subject = format!("Subject: {subject}");
        until(&format!("mail to {address} with {subject}"), async || {
            self.to(address).into_iter().find(|mail| mail.contains(&subject))
        })
        .await
    }
}

async fn mail_arrives(orbit: TestApp) {
    let mut orbit = orbit;
    let post = Post::of(&mut orbit).await;
    let (dev, root) = (orbit.dev().await, orbit.root());
    let to = format!("{}@example.com", orbit.unique());
    root.post(CHANNELS, json!({ "name": "mail", "email": { "to": [to, "list@example.com"] } })).await.created();
    let id = dev.topic("orders").in_prod().because("the <fair>").create().await.request_id();
    let mail = post.arrives(&to, "dev asks to create topic payments/prod/orders").await;
    assert!(mail.contains("orbit@example.com") && mail.contains("list@example.com"), "{mail}");
    assert!(mail.contains(&id) && mail.contains("Waits for: a platform admin"), "{mail}");
    assert!(mail.contains("the &lt;fair&gt;"), "{mail}");
}

async fn people_get_mail_of_what_they_decide_and_asked_for(orbit: TestApp) {
    let mut orbit = orbit;
    let post = Post::of(&mut orbit).await;
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let kim = orbit.stranger("kim").await;
    let at = |name: &str| format!("{name}-{}@example.com", orbit.unique());
    for (who, name) in [(&dev, "dev"), (&root, "root"), (&lead, "lead"), (&kim, "kim")] {
        let told = who.patch(&format!("/v1/principals/{name}"), json!({ "email": at(name) })).await;
        assert_eq!(told.ok().text("/email"), at(name));
    }
    dev.get("/v1/principals/root").await.problem(404, "principal.not-found");
    assert_eq!(dev.get("/v1/principals/dev").await.ok().text("/email"), at("dev"));
    dev.patch("/v1/principals/root", json!({ "email": "x@example.com" })).await.problem(404, "principal.not-found");
    dev.patch("/v1/principals/dev", json!({ "email": "none" })).await.invalid().field("/email");
    root.put("/v1/topic-policies/platform", json!({
        "require_approval_for": ["prod"], "approvers": { "prod": [{ "role": "platform-admin" }, { "principal": "kim" }] },
    }))
    .await
    .ok();

    let id = dev.topic("orders").in_prod().create().await.request_id();
    let subject = "dev asks to create topic payments/prod/orders";
    post.arrives(&at("root"), subject).await;
    post.arrives(&at("kim"), subject).await;
    kim.reject(&id, "not now").await.ok();
    let mail = post.arrives(&at("dev"), "kim rejected: create topic payments/prod/orders").await;
    assert!(mail.contains("Reason: not now"), "{mail}");
    assert_eq!(post.to(&at("lead")), [""; 0], "it is none of theirs");
    assert_eq!(post.to(&at("dev")).len(), 1, "one's own request is told to others");
    dev.topic("third").in_prod().create().await.accepted();
    dev.topic("third").in_prod().partitions(2).create().await.accepted();
    let instead = "dev asked for something else instead";
    post.arrives(&at("root"), instead).await;
    post.arrives(&at("kim"), instead).await;
    // What was sent can be seen, and sent again, by whom it went to and by who runs the platform.
    let mails = kim.get("/v1/principals/kim/deliveries?state=delivered").await;
    let path = format!("/v1/principals/kim/deliveries/{}/resend", mails.ok().text("/items/0/id"));
    dev.get("/v1/principals/kim/deliveries").await.problem(404, "principal.not-found");
    dev.post(&path, json!({})).await.problem(404, "principal.not-found");
    dev.post(&path.replace("kim", "dev"), json!({})).await.problem(404, "delivery.not-found");
    let before = post.to(&at("kim")).len();
    root.post(&path, json!({})).await.accepted();
    until("it arrives again", async || (post.to(&at("kim")).len() == before + 1).then_some(())).await;
    // Who did it themselves knows; and who wants none gets none.
    root.patch("/v1/principals/kim", json!({ "email": null })).await.ok();
    let other = dev.topic("other").in_prod().create().await.request_id();
    post.arrives(&at("root"), "dev asks to create topic payments/prod/other").await;
    dev.withdraw(&other).await.ok();
    until("nothing is on its way", async || {
        orbit.texts("SELECT kind FROM outbox WHERE ended_at IS NULL").await.is_empty().then_some(())
    })
    .await;
    assert_eq!(post.to(&at("dev")).len(), 1);
    assert!(post.to(&at("kim")).iter().all(|mail| !mail.contains("payments/prod/other")));
}
