//! What answers are made from: rows, put together.

use super::{App, AppResult, decide::may_see};
use crate::auth::Identity;
use jiff::Timestamp;
use orbit_core::{
    approval::RequestState,
    change::{Action, Change, TopicChange},
    id::{EnvironmentId, RequestId},
    policy::{Approver, Layer, Needs},
};
use orbit_store::{ApprovalRow, AuditRow, OperationRow, Read, RequestItemRow, RequestRow, TopicRow};
use std::collections::{BTreeSet, HashMap, hash_map::Entry};
use uuid::Uuid;

/// A topic with what is under way on it.
#[derive(Debug, Clone)]
pub struct TopicView {
    /// The topic.
    pub row: TopicRow,
    /// Its newest request, where that is open or ended without an operation.
    pub request: Option<RequestBrief>,
    /// Its newest operation.
    pub operation: Option<OperationRow>,
}

/// A request in short, as other objects carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestBrief {
    /// Its id.
    pub id: RequestId,
    /// Where it stands.
    pub state: RequestState,
    /// What it asks for.
    pub action: Action,
    /// Where it can be seen and decided.
    pub url: String,
    /// Who filed it.
    pub requester: String,
    /// The Terraform or CI run that filed it.
    pub run_id: Option<String>,
    /// Who can decide it, in words.
    pub approvers: String,
    /// Why a person has to decide, in words.
    pub because: String,
    /// Who decided it.
    pub decided_by: Option<String>,
    /// What they said.
    pub reason: Option<String>,
    /// When it expires, if nobody decides.
    pub expires_at: Option<Timestamp>,
}

/// A request with all that a decision needs.
#[derive(Debug, Clone)]
pub struct RequestView {
    /// The request.
    pub row: RequestRow,
    /// Its objects.
    pub items: Vec<RequestItemRow>,
    /// Slugs of the clusters that the objects are on, in the order of `items`.
    pub clusters: Vec<String>,
    /// What happened to the objects before, in the order of `items`.
    pub history: Vec<Vec<AuditRow>>,
    /// The consents given.
    pub approvals: Vec<ApprovalRow>,
    /// Who can give the consents that are due, in words, in the order of the request's needs.
    pub approvers: Vec<(Needs, String)>,
    /// What else the requester has open in the workspace; not told in lists.
    pub requester_open: Option<Vec<OpenBrief>>,
}

/// A pending request, as little of it as a link needs.
#[derive(Debug, Clone)]
pub struct OpenBrief {
    /// Its id.
    pub id: RequestId,
    /// Where it can be seen.
    pub url: String,
    /// Keys of its objects.
    pub objects: Vec<String>,
}

/// The names that stand in every list.
pub(super) fn in_all<'a>(lists: impl IntoIterator<Item = &'a Vec<String>>) -> Vec<String> {
    let mut lists = lists.into_iter();
    let first = lists.next().cloned().unwrap_or_default();
    lists.fold(first, |names, these| names.into_iter().filter(|name| these.contains(name)).collect())
}

/// A moment, as people read it.
#[must_use]
pub fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl App {
    /// Topics with what is under way on them: a handful of queries more, however many topics.
    pub async fn topic_views(&self, db: &mut Read, rows: Vec<TopicRow>) -> AppResult<Vec<TopicView>> {
        let ids: Vec<Uuid> = rows.iter().map(|t| t.id.uuid()).collect();
        let mut operations: HashMap<Uuid, OperationRow> = db.operations_newest(&ids).await?.into_iter().collect();
        let mut requests: HashMap<Uuid, RequestRow> = db.requests_newest(&ids).await?.into_iter().collect();
        requests.retain(|_, request| request.state != RequestState::Approved);
        let told: BTreeSet<RequestId> = requests.values().map(|request| request.id).collect();
        let mut items = HashMap::<RequestId, Vec<RequestItemRow>>::new();
        for item in db.request_items_of(&told.into_iter().collect::<Vec<_>>()).await? {
            items.entry(item.request_id).or_default().push(item);
        }
        let mut named = HashMap::new();
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id.uuid();
            let request = match requests.get(&id) {
                Some(request) => {
                    let items = items.get(&request.id).map_or(&[][..], Vec::as_slice);
                    let approvers = self.approvers_among(db, &mut named, request, items).await?;
                    Some(self.brief(request, items, &approvers, Some(id)))
                }
                None => None,
            };
            views.push(TopicView { request, operation: operations.remove(&id), row });
        }
        Ok(views)
    }

    /// One topic with what is under way on it.
    pub async fn topic_view(&self, db: &mut Read, row: TopicRow) -> AppResult<TopicView> {
        let mut views = self.topic_views(db, vec![row]).await?;
        views.pop().ok_or_else(|| super::AppError::Internal("one topic gave no view".to_owned()))
    }

    /// A request in short.
    pub async fn request_brief(&self, db: &mut Read, row: &RequestRow) -> AppResult<RequestBrief> {
        let items = db.request_items(row.id).await?;
        let approvers = self.approvers(db, row, &items).await?;
        Ok(self.brief(row, &items, &approvers, None))
    }

    /// The same of what was read already, as one of its objects shows it.
    fn brief(
        &self,
        row: &RequestRow,
        items: &[RequestItemRow],
        approvers: &[(Needs, String)],
        object: Option<Uuid>,
    ) -> RequestBrief {
        let of_object = items.iter().find(|item| Some(item.object_id) == object).or(items.first());
        RequestBrief {
            id: row.id,
            state: row.state,
            action: of_object.map_or(Action::Create, |item| item.change.action()),
            url: self.request_url(row),
            requester: row.requester.clone(),
            run_id: row.run_id.clone(),
            approvers: approvers.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", and "),
            because: row.verdict.reasons.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join("; "),
            decided_by: row.decided_by.clone(),
            reason: row.reason.clone(),
            expires_at: (row.state == RequestState::Pending).then_some(row.expires_at),
        }
    }

    /// Where a request can be seen and decided.
    #[must_use]
    pub fn request_url(&self, row: &RequestRow) -> String {
        format!("{}/v1/requests/{}", self.public_url, row.id)
    }

    /// Who can give each consent that a request needs, in words.
    pub(super) async fn approvers(
        &self,
        db: &mut Read,
        row: &RequestRow,
        items: &[RequestItemRow],
    ) -> AppResult<Vec<(Needs, String)>> {
        self.approvers_among(db, &mut HashMap::new(), row, items).await
    }

    async fn approvers_among(
        &self,
        db: &mut Read,
        known: &mut HashMap<EnvironmentId, Vec<String>>,
        row: &RequestRow,
        items: &[RequestItemRow],
    ) -> AppResult<Vec<(Needs, String)>> {
        let named = self.named_by_all(db, known, items).await?;
        let of = |need: &Needs| (need.clone(), approvers_text(need, &row.workspace, &named));
        Ok(row.needs.iter().map(of).collect())
    }

    /// Principals that every environment of the request names as approvers.
    pub(super) async fn environment_approvers(
        &self,
        db: &mut Read,
        items: &[RequestItemRow],
    ) -> AppResult<Vec<String>> {
        self.named_by_all(db, &mut HashMap::new(), items).await
    }

    /// The same; each environment is read once.
    async fn named_by_all(
        &self,
        db: &mut Read,
        known: &mut HashMap<EnvironmentId, Vec<String>>,
        items: &[RequestItemRow],
    ) -> AppResult<Vec<String>> {
        for id in items.iter().map(|item| item.change.environment()) {
            if let Entry::Vacant(new) = known.entry(id) {
                let row = db.environment(id).await?;
                new.insert(row.map(|e| e.default_approvers).unwrap_or_default());
            }
        }
        Ok(in_all(items.iter().filter_map(|item| known.get(&item.change.environment()))))
    }

    /// What else somebody has open beside a request of theirs, as far as the reader may see it.
    pub(super) async fn open_beside(
        &self,
        db: &mut Read,
        who: &Identity,
        row: &RequestRow,
    ) -> AppResult<Vec<OpenBrief>> {
        const MOST: u32 = 20;
        let mut open = Vec::new();
        for other in db.requests_open_of(row.requester_id, row.workspace_id, row.id, MOST).await? {
            let items = db.request_items(other.id).await?;
            if !may_see(who, &other, &self.actor(db, who, &other, &items).await?) {
                continue;
            }
            let objects = items.iter().map(|item| item.change.object().key).collect();
            open.push(OpenBrief { id: other.id, url: self.request_url(&other), objects });
        }
        Ok(open)
    }

    /// A request with all that a decision needs.
    pub async fn request_view(&self, db: &mut Read, row: RequestRow) -> AppResult<RequestView> {
        const HISTORY: u32 = 20;
        let items = db.request_items(row.id).await?;
        let approvers = self.approvers(db, &row, &items).await?;
        let approvals = db.approvals(row.id).await?;
        let (mut clusters, mut history) = (Vec::new(), Vec::new());
        for item in &items {
            let cluster = db.cluster(item.change.lane()).await?;
            clusters.push(cluster.map_or_else(|| item.change.lane().to_string(), |c| c.slug.to_string()));
            history.push(db.audit_of(item.object_id, HISTORY).await?);
        }
        Ok(RequestView { row, items, clusters, history, approvals, approvers, requester_open: None })
    }
}

impl RequestView {
    /// The change of a topic that an item holds.
    #[must_use]
    pub fn topic_change(item: &RequestItemRow) -> &TopicChange {
        let Change::Topic(change) = &item.change;
        change
    }
}

/// Who can give a consent, in words. `named` are those whom the environment names beside platform admins.
pub(super) fn approvers_text(need: &Needs, workspace: &str, named: &[String]) -> String {
    let own = format!("an admin of workspace {workspace}");
    let one = |approver: &Approver| match approver {
        Approver::PlatformAdmin => "a platform admin".to_owned(),
        Approver::WorkspaceAdmin => own.clone(),
        Approver::AdminOf(other) => format!("an admin of workspace {other}"),
        Approver::Principal(name) => name.clone(),
    };
    let any = match (need.approvers.is_empty(), need.layer) {
        (false, _) => need.approvers.iter().map(one).collect::<Vec<_>>().join(" or "),
        (true, Layer::Workspace) => own,
        (true, Layer::Platform | Layer::System) if named.is_empty() => "a platform admin".to_owned(),
        (true, Layer::Platform | Layer::System) => format!("a platform admin or {}", named.join(" or ")),
    };
    if need.quorum > 1 { format!("{} of: {any}", need.quorum) } else { any }
}
