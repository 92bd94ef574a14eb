//! Two ways to test a provider: [`Core`] stands in for Terraform's core, in the test's own process and without `terraform`; [`Host`] drives a real
//! `terraform` or `tofu`, step by step.
//!
//! [`Core`] holds a state, calls the provider over a pipe in the order in which core does, and is as strict: a plan that
//! contradicts its configuration, an apply that contradicts its plan, or a second plan that contradicts the first is a
//! panic that names the attribute. What core tells the *user*, such as the provider's own diagnostics, is returned.
//!
//! ```no_run
//! # use tfplugin::{Action, Provider, testing::Core};
//! # use serde_json::json;
//! # async fn story<Ledger: Provider>() {
//! let mut core = Core::<Ledger>::start(json!({})).await;
//! let config = json!({"name": "a", "content": "hello"});
//!
//! let plan = core.plan("ledger_object.a", &config).await;
//! assert_eq!(plan.action, Action::Create);
//! core.apply(plan).await.ok();
//!
//! core.plan("ledger_object.a", &config).await.is_empty();
//! # }
//! ```

mod calls;
mod config;
mod core;
mod finding;
mod host;
mod pipe;
mod report;
mod run;
mod schemas;
mod stateless;
mod steps;

pub use self::{
    config::UNKNOWN,
    core::{Abilities, Core, Options},
    host::Host,
    report::{Plan, Report},
    run::Run,
    stateless::{Listed, Listing, Open, Ran},
    steps::Step,
};
