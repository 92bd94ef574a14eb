//! A fake Orbit, and a Terraform with one topic.

use crate::fake::{Fake, Orbit};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};
use terraform_provider_orbit::OrbitProvider;
use tfplugin::testing::{Core, Plan, Report};
use wiremock::{Mock, MockServer, matchers::any};

/// The topic that the stories are about.
pub(crate) const TOPIC: &str = "orbit_kafka_topic.orders";

pub(crate) struct World {
    pub(crate) server: MockServer,
    pub(crate) terraform: Core<OrbitProvider>,
    orbit: Arc<Mutex<Orbit>>,
    settings: Value,
}

impl World {
    /// Nothing is there, and everything is allowed.
    pub(crate) async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// Everything waits for a person.
    pub(crate) async fn guarded() -> Self {
        let world = Self::new().await;
        world.orbit().guarded = true;
        world
    }

    /// With these settings of the provider too.
    pub(crate) async fn with(settings: Value) -> Self {
        let server = MockServer::start().await;
        let orbit = Arc::new(Mutex::new(Orbit::default()));
        Mock::given(any()).respond_with(Fake(Arc::clone(&orbit))).mount(&server).await;
        let settings = provider(&server.uri(), settings);
        let terraform = Core::start(settings.clone()).await;
        Self { server, terraform, orbit, settings }
    }

    /// Another run of Terraform, over the same state... of Orbit; its own is empty.
    pub(crate) async fn forgets(&mut self) {
        self.terraform = Core::start(self.settings.clone()).await;
    }

    /// The next command of Terraform's: another process of the provider, over the same state.
    pub(crate) async fn reconnects(&mut self) {
        let mut other = Core::start(self.settings.clone()).await;
        other.take_over(&mut self.terraform);
        self.terraform = other;
    }

    #[track_caller]
    pub(crate) fn orbit(&self) -> MutexGuard<'_, Orbit> {
        self.orbit.lock().unwrap()
    }

    /// As `terraform plan` does it, in a process of its own.
    pub(crate) async fn plan(&mut self, config: &Value) -> Plan {
        self.reconnects().await;
        self.terraform.plan(TOPIC, config).await
    }

    pub(crate) async fn apply(&mut self, config: &Value) -> Report {
        let plan = self.plan(config).await;
        self.terraform.apply(plan).await
    }

    pub(crate) async fn destroy(&mut self) -> Report {
        self.reconnects().await;
        let plan = self.terraform.plan_destroy(TOPIC).await;
        self.terraform.apply(plan).await
    }

    #[track_caller]
    pub(crate) fn state(&self, attribute: &str) -> Value {
        self.terraform.state(TOPIC).expect("the topic is in the state")[attribute].clone()
    }

    #[track_caller]
    pub(crate) fn is_gone(&self) {
        assert_eq!(self.terraform.state(TOPIC), None);
    }
}

fn provider(endpoint: &str, more: Value) -> Value {
    let mut settings = json!({"endpoint": endpoint, "token": "orbit_canary_token", "run_id": "run-7"});
    if let (Value::Object(settings), Value::Object(more)) = (&mut settings, more) {
        settings.extend(more);
    }
    settings
}

/// A topic with few attributes.
pub(crate) fn orders() -> Value {
    json!({"workspace": "payments-team", "environment": "prod", "name": "orders", "partitions": 6})
}

/// The same with others too.
pub(crate) fn orders_with(more: Value) -> Value {
    let mut all = orders();
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

/// Exactly one text, which says all of this.
#[track_caller]
pub(crate) fn says(told: &[String], parts: &[&str]) {
    assert_eq!(told.len(), 1, "{told:#?}");
    for part in parts {
        assert!(told[0].contains(part), "{part:?} is not in: {}", told[0]);
    }
}
