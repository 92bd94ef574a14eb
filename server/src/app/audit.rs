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
    /// Its kind.
    const NOUN: &'static str;
    /// Its id.
    fn id(&self) -> Uuid;
    /// Its natural key.
    fn key(&self) -> String;
    /// The workspace it belongs to.
    fn workspace(&self) -> Option<WorkspaceId> {
        None
    }
    /// What it is, without ids and times.
    fn picture(&self) -> Value;
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
        let Some(it) = after.or(before) else { return Ok(()) };
        let action = format!("{}.{deed}", T::NOUN);
        let event = AuditEvent {
            workspace: it.workspace(),
            before: before.map(T::picture),
            after: after.map(T::picture),
            ..self.event_of(call, &action, T::NOUN, it.id(), &it.key())
        };
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
    const NOUN: &'static str = "workspace";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        self.slug.to_string()
    }
    fn workspace(&self) -> Option<WorkspaceId> {
        Some(self.id)
    }
    fn picture(&self) -> Value {
        json!({ "slug": self.slug, "display_name": self.display_name })
    }
}

impl Pictured for EnvironmentRow {
    const NOUN: &'static str = "environment";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        self.slug.to_string()
    }
    fn picture(&self) -> Value {
        json!({
            "slug": self.slug, "display_name": self.display_name,
            "naming_template": self.naming_template.to_string(), "default_approvers": self.default_approvers,
        })
    }
}

impl Pictured for MappingRow {
    const NOUN: &'static str = "environment-mapping";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        format!("{}/{}", self.environment, self.cluster)
    }
    fn picture(&self) -> Value {
        json!({
            "environment": self.environment, "cluster": self.cluster,
            "priority": self.priority, "is_default": self.is_default,
        })
    }
}

impl Pictured for ClusterRow {
    const NOUN: &'static str = "cluster";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        self.slug.to_string()
    }
    /// Of the secret half, only under which key it lies: that it was changed is worth knowing, what it is not.
    fn picture(&self) -> Value {
        json!({
            "slug": self.slug, "display_name": self.display_name, "provider": self.provider, "region": self.region,
            "residency": self.residency, "connection": self.connection, "has_credentials": self.credentials.is_some(),
        })
    }
}

impl Pictured for PolicyRow {
    const NOUN: &'static str = "topic-policy";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        self.name.to_string()
    }
    fn workspace(&self) -> Option<WorkspaceId> {
        self.workspace_id
    }
    fn picture(&self) -> Value {
        json!({ "name": self.name, "workspace": self.workspace, "version": self.version, "rules": self.rules })
    }
}

impl Pictured for PrincipalRow {
    const NOUN: &'static str = "principal";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        self.name.clone()
    }
    fn picture(&self) -> Value {
        json!({ "name": self.name, "kind": self.kind })
    }
}

impl Pictured for MembershipRow {
    const NOUN: &'static str = "membership";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        self.principal.clone()
    }
    fn workspace(&self) -> Option<WorkspaceId> {
        self.workspace_id
    }
    fn picture(&self) -> Value {
        json!({ "principal": self.principal, "workspace": self.workspace, "role": self.role })
    }
}

impl Pictured for TokenRow {
    const NOUN: &'static str = "token";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        self.principal.clone()
    }
    fn picture(&self) -> Value {
        let ends = |at: &Option<jiff::Timestamp>| at.map(|at| at.to_string());
        json!({
            "principal": self.principal, "name": self.name,
            "expires_at": ends(&self.expires_at), "revoked_at": ends(&self.revoked_at),
        })
    }
}

impl Pictured for TopicRow {
    const NOUN: &'static str = "topic";
    fn id(&self) -> Uuid {
        self.id.uuid()
    }
    fn key(&self) -> String {
        self.key()
    }
    fn workspace(&self) -> Option<WorkspaceId> {
        Some(self.workspace_id)
    }
    fn picture(&self) -> Value {
        json!({ "status": self.status, "cluster": self.cluster, "physical_name": self.physical_name, "spec": self.desired })
    }
}
