//! What use cases leave in the audit trail: who did what, the object before and after. Never a secret: a picture shows what answers show.

use super::{App, AppResult, Call, Code, Refusal};
use orbit_core::{
    change::Change,
    id::{AuditEventId, RequestId, WorkspaceId},
    policy::Verdict,
};
use orbit_store::{
    AuditEvent, ClusterRow, EnvironmentRow, MappingRow, MembershipRow, PolicyRow, PrincipalRow, TokenRow, TopicRow, Tx,
    WorkspaceRow,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// An object that the trail shows before and after a deed.
pub(super) trait Pictured {
    /// What the trail shows of it.
    fn picture(&self) -> Picture;
}

/// An object as it was at one moment.
pub(super) struct Picture {
    /// Its kind.
    pub(super) noun: &'static str,
    /// Its id.
    pub(super) id: Uuid,
    /// Its natural key.
    pub(super) key: String,
    /// The workspace it belongs to.
    pub(super) workspace: Option<WorkspaceId>,
    /// What it is, without ids and times.
    pub(super) shows: Value,
}

/// What becomes of a request, for the trail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deed<'a> {
    /// Such as `request.filed`.
    pub action: &'a str,
    /// In whose words, if somebody said something.
    pub words: Option<&'a str>,
    /// What policy said of each change, where it was asked.
    pub verdicts: &'a [Verdict],
}

impl<'a> Deed<'a> {
    /// A deed in which policy was not asked.
    pub(super) fn new(action: &'a str, words: Option<&'a str>) -> Self {
        Self { action, words, verdicts: &[] }
    }
}

impl App {
    /// An event of `call`: who, with which token, from where.
    fn event_of(&self, call: &Call, action: &str, noun: &str, object: Uuid, key: &str) -> AuditEvent {
        let (who, id) = (&call.who, AuditEventId::from_uuid(self.ids.fresh()));
        AuditEvent {
            token: Some(who.token),
            source_address: who.address.clone(),
            ..AuditEvent::new(id, who.principal, &who.name, action, noun, Some(object), key)
        }
    }

    /// Notes what became of an object: `before` is absent where it is new, `after` where it is gone.
    pub(super) async fn audit_object<T: Pictured>(
        &self,
        tx: &mut Tx,
        call: &Call,
        deed: &str,
        before: Option<&T>,
        after: Option<&T>,
    ) -> AppResult<()> {
        let (before, after) = (before.map(T::picture), after.map(T::picture));
        let Some(it) = after.as_ref().or(before.as_ref()) else { return Ok(()) };
        let action = format!("{}.{deed}", it.noun);
        let event = AuditEvent { workspace: it.workspace, ..self.event_of(call, &action, it.noun, it.id, &it.key) };
        let event = AuditEvent { before: before.map(|it| it.shows), after: after.map(|it| it.shows), ..event };
        Ok(tx.audit(&event).await?)
    }

    /// Notes what became of a request: a line per object.
    pub(super) async fn audit_request(
        &self,
        tx: &mut Tx,
        call: &Call,
        request: RequestId,
        changes: &[Change],
        deed: Deed<'_>,
    ) -> AppResult<()> {
        for (n, change) in changes.iter().enumerate() {
            let detail = deed.words.map_or_else(|| change.action().to_string(), str::to_owned);
            let event = AuditEvent {
                request: Some(request),
                detail: Some(detail),
                verdict: deed.verdicts.get(n).cloned(),
                ..self.event_of_change(call, deed.action, change)
            };
            tx.audit(&event).await?;
        }
        Ok(())
    }

    /// A denial files no request and writes one audit event, in a transaction of its own: the one that was denied is gone.
    pub(super) async fn audit_denial(&self, call: &Call, changes: &[Change], refusal: &Refusal) -> AppResult<()> {
        if refusal.code != Code::PolicyDenied {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        for change in changes {
            let event = AuditEvent {
                detail: Some(refusal.detail.clone()),
                verdict: refusal.verdict.as_deref().cloned(),
                ..self.event_of_change(call, "request.denied", change)
            };
            tx.audit(&event).await?;
        }
        Ok(tx.commit().await?)
    }

    fn event_of_change(&self, call: &Call, action: &str, change: &Change) -> AuditEvent {
        let object = change.object();
        AuditEvent {
            workspace: Some(change.workspace()),
            after: serde_json::to_value(change).ok(),
            ..self.event_of(call, action, object.noun.as_str(), object.id, &object.key)
        }
    }
}

impl Pictured for WorkspaceRow {
    fn picture(&self) -> Picture {
        let shows = json!({ "slug": self.slug, "display_name": self.display_name });
        Picture { noun: "workspace", id: self.id.uuid(), key: self.slug.to_string(), workspace: Some(self.id), shows }
    }
}

impl Pictured for EnvironmentRow {
    fn picture(&self) -> Picture {
        let shows = json!({
            "slug": self.slug, "display_name": self.display_name,
            "naming_template": self.naming_template.to_string(), "default_approvers": self.default_approvers,
        });
        Picture { noun: "environment", id: self.id.uuid(), key: self.slug.to_string(), workspace: None, shows }
    }
}

impl Pictured for MappingRow {
    fn picture(&self) -> Picture {
        let shows = json!({
            "environment": self.environment, "cluster": self.cluster,
            "priority": self.priority, "is_default": self.is_default,
        });
        Picture {
            noun: "environment-mapping",
            id: self.id.uuid(),
            key: format!("{}/{}", self.environment, self.cluster),
            workspace: None,
            shows,
        }
    }
}

impl Pictured for ClusterRow {
    /// Of the secret half, only that there is one.
    fn picture(&self) -> Picture {
        let shows = json!({
            "slug": self.slug, "display_name": self.display_name, "provider": self.provider, "region": self.region,
            "residency": self.residency, "connection": self.connection, "has_credentials": self.credentials.is_some(),
        });
        Picture { noun: "cluster", id: self.id.uuid(), key: self.slug.to_string(), workspace: None, shows }
    }
}

impl Pictured for PolicyRow {
    fn picture(&self) -> Picture {
        let shows =
            json!({ "name": self.name, "workspace": self.workspace, "version": self.version, "rules": self.rules });
        Picture {
            noun: "topic-policy",
            id: self.id.uuid(),
            key: self.name.to_string(),
            workspace: self.workspace_id,
            shows,
        }
    }
}

impl Pictured for PrincipalRow {
    fn picture(&self) -> Picture {
        let shows = json!({ "name": self.name, "kind": self.kind, "email": self.email });
        Picture { noun: "principal", id: self.id.uuid(), key: self.name.clone(), workspace: None, shows }
    }
}

impl Pictured for MembershipRow {
    fn picture(&self) -> Picture {
        let shows = json!({ "principal": self.principal, "workspace": self.workspace, "role": self.role });
        Picture {
            noun: "membership",
            id: self.id.uuid(),
            key: self.principal.clone(),
            workspace: self.workspace_id,
            shows,
        }
    }
}

impl Pictured for TokenRow {
    fn picture(&self) -> Picture {
        let ends = |at: &Option<jiff::Timestamp>| at.map(|at| at.to_string());
        let shows = json!({
            "principal": self.principal, "name": self.name,
            "expires_at": ends(&self.expires_at), "revoked_at": ends(&self.revoked_at),
        });
        Picture { noun: "token", id: self.id.uuid(), key: self.principal.clone(), workspace: None, shows }
    }
}

impl Pictured for TopicRow {
    fn picture(&self) -> Picture {
        let shows = json!({ "status": self.status, "cluster": self.cluster, "physical_name": self.physical_name, "spec": self.desired });
        Picture { noun: "topic", id: self.id.uuid(), key: self.key(), workspace: Some(self.workspace_id), shows }
    }
}
