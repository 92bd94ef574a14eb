//! Topics as Terraform's configuration: a resource block for each, and an import block that brings it under Terraform.

use super::{Failed, input::Query, parse::Wrongs, wire};
use crate::{
    app::App,
    auth::{Caller, permission::TopicRead},
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use hcl::{Attribute, Block, Body, Expression, Identifier, Traversal, expr::Variable};
use orbit_api as api;
use orbit_core::model::topic::TopicStatus;
use orbit_store::{PageOf, TopicFilter};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Topics in one answer. Where there are more, they are asked for environment by environment.
const MOST: usize = 10_000;
const PAGE: u32 = 500;
const RESOURCE: &str = "orbit_kafka_topic";

/// Which topics, and how they are written.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this workspace: slug or id.
    workspace: String,
    /// Of this environment: slug or id.
    environment: Option<String>,
    /// `hcl`, the default: Terraform's own language.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    #[expect(dead_code, reason = "there is one form so far: what is asked for is only checked")]
    format: Format,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    #[default]
    Hcl,
}

/// The active topics of a workspace as Terraform's configuration, with import blocks.
///
/// Written to a file beside a provider block, `terraform plan` shows only imports, and `terraform apply` changes nothing. At most 10,000 topics.
#[utoipa::path(get, path = "/v1/topics:export", operation_id = "topic_export", tag = "topics", params(Which),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_export(
    caller: Caller<TopicRead>,
    State(app): State<App>,
    Query(which): Query<Which>,
) -> Result<Response, Failed> {
    let filter = TopicFilter { status: Some(TopicStatus::Active), ..TopicFilter::default() };
    let mut topics = Vec::new();
    let mut page = PageOf { after: None, limit: PAGE };
    loop {
        let (workspace, environment) = (Some(which.workspace.as_str()), which.environment.as_deref());
        let views = app.topic_list(&caller, workspace, environment, filter.clone(), &page).await?;
        page.after = views.last().map(|view| view.row.id.uuid());
        let is_last = views.len() < PAGE as usize;
        topics.extend(views.iter().map(wire::topic));
        if topics.len() > MOST {
            let mut wrong = Wrongs::default();
            let detail = format!("has more than {MOST} topics to be exported at once");
            wrong.note("workspace", "count", detail, Some(MOST.to_string()), "ask for one environment at a time");
            wrong.done(|| Some(()))?;
        }
        if is_last {
            break;
        }
    }
    let text = configuration(&topics);
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"topics.tf\""),
    ];
    Ok((headers, text).into_response())
}

/// What a team would have written.
fn configuration(topics: &[api::Topic]) -> String {
    let mut taken = BTreeSet::new();
    let blocks = topics.iter().map(|topic| {
        let label = label(topic, &mut taken);
        let mut text = written(&Body::from(vec![import(topic, &label)]));
        text.push('\n');
        text.push_str(&written(&Body::from(vec![resource(topic, &label)])));
        text
    });
    let blocks: Vec<_> = blocks.collect();
    blocks.join("\n")
}

fn written(body: &Body) -> String {
    // Writing to memory, of what was built here, cannot fail.
    hcl::format::to_string(body).unwrap_or_default()
}

/// A label of its own, as like the topic's name as Terraform allows.
fn label(topic: &api::Topic, taken: &mut BTreeSet<String>) -> String {
    let mut name = topic.name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-', "_");
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    let with_place = format!("{name}_{}", topic.environment);
    let numbered = (2..).map(|n| format!("{with_place}_{n}"));
    let free = [name, with_place.clone()].into_iter().chain(numbered).find(|label| !taken.contains(label));
    let free = free.unwrap_or(with_place);
    taken.insert(free.clone());
    free
}

fn import(topic: &api::Topic, label: &str) -> Block {
    let to = Traversal::builder(Variable::unchecked(RESOURCE)).attr(Identifier::sanitized(label)).build();
    let id = format!("{}/{}/{}", topic.workspace, topic.environment, topic.name);
    Block::builder("import").add_attribute(("to", Expression::from(to))).add_attribute(("id", id)).build()
}

fn resource(topic: &api::Topic, label: &str) -> Block {
    let fixed = [("workspace", &topic.workspace), ("environment", &topic.environment), ("name", &topic.name)];
    let fixed = fixed.map(|(key, text)| Some(Attribute::new(key, text.clone())));
    let text = |key: &str, text: Option<String>| text.map(|text| Attribute::new(key, text));
    let texts = |key: &str, all: Vec<String>| (!all.is_empty()).then(|| Attribute::new(key, all));
    let config =
        topic.config.iter().flatten().map(|(key, value)| (hcl::ObjectKey::from(key.as_str()), value.as_str().into()));
    let config: hcl::expr::Object<_, Expression> = config.collect();
    let rest = [
        text("profile", topic.profile.clone()),
        topic.partitions.map(|n| Attribute::new("partitions", n)),
        topic.replication_factor.map(|n| Attribute::new("replication_factor", n)),
        topic.retention_ms.map(|n| Attribute::new("retention_ms", n)),
        text("cleanup_policy", topic.cleanup_policy.map(|policy| policy.to_string())),
        text("compression", topic.compression.map(|compression| compression.to_string())),
        (!config.is_empty()).then(|| Attribute::new("config", config)),
        text("description", topic.description.clone()),
        texts("tags", topic.tags.iter().flatten().cloned().collect()),
        text("owner_contact", topic.owner_contact.clone()),
        topic.deletion_protection.map(|on| Attribute::new("deletion_protection", on)),
    ];
    let attributes = fixed.into_iter().chain(rest).flatten();
    Block::builder("resource").add_labels([RESOURCE, label]).add_attributes(attributes).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn topic(name: &str, more: &serde_json::Value) -> api::Topic {
        let mut all = json!({
            "id": "top_1", "workspace": "payments", "environment": "prod", "name": name, "cluster": "main", "physical_name": name,
            "status": "active", "acknowledged": true, "approval_required": false, "drift": [], "conditions": [], "revision": 1,
            "created_by": "ci", "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_topic_is_an_import_block_and_what_a_team_would_have_written() {
        let orders = topic(
            "orders.v1",
            &json!({
                "partitions": 6, "retention_ms": -1, "cleanup_policy": "compact", "config": {"max.message.bytes": "1000"},
                "description": "costs \"${cash}\"\n%{ if }", "tags": ["pii"], "deletion_protection": true,
            }),
        );
        let expected = r#"import {
  to = orbit_kafka_topic.orders_v1
  id = "payments/prod/orders.v1"
}

resource "orbit_kafka_topic" "orders_v1" {
  workspace = "payments"
  environment = "prod"
  name = "orders.v1"
  partitions = 6
  retention_ms = -1
  cleanup_policy = "compact"
  config = {
    "max.message.bytes" = "1000"
  }
  description = "costs \"$${cash}\"\n%%{ if }"
  tags = [
    "pii"
  ]
  deletion_protection = true
}
"#;
        assert_eq!(configuration(&[orders]), expected);
    }

    #[test]
    fn labels_are_distinct_and_legal() {
        let mut taken = BTreeSet::new();
        let labels = ["orders", "a.b", "a_b", "a.b", "7up"].map(|name| label(&topic(name, &json!({})), &mut taken));
        assert_eq!(labels, ["orders", "a_b", "a_b_prod", "a_b_prod_2", "_7up"]);
    }
}
