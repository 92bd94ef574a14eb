//! Requests, as those see them who belong to their workspace or may decide them.

use super::{
    App, AppResult, RequestView,
    decide::{actor_of, may_see, no_request},
};
use crate::auth::{Caller, Identity, permission::RequestRead};
use jiff::Timestamp;
use orbit_core::{
    approval::{self, Deed, Given, RequestState},
    change::NounKind,
    id::{PrincipalId, RequestId},
};
use orbit_store::{ApprovalRow, MembershipRow, PageOf, Read, RequestFilter, RequestItemRow, RequestRow};
use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};
use uuid::Uuid;

impl App {
    /// A request, for who belongs to its workspace or may decide it.
    pub async fn request_get(&self, caller: &Caller<RequestRead>, named: &str) -> AppResult<RequestView> {
        let id: RequestId = named.parse().map_err(|_| no_request(named))?;
        let mut db = self.store.read().await?;
        let row = db.request(id).await?.ok_or_else(|| no_request(named))?;
        let items = db.request_items(id).await?;
        let actor = self.actor(&mut db, &caller.who, &row, &items).await?;
        if !may_see(&caller.who, &row, &actor) {
            return Err(no_request(named).into());
        }
        let open = self.open_beside(&mut db, &caller.who, &row).await?;
        Ok(RequestView { requester_open: Some(open), ..self.request_view(&mut db, row).await? })
    }

    /// A request as the answer to a decision that was just taken.
    pub async fn request_after(&self, id: RequestId) -> AppResult<RequestView> {
        let mut db = self.store.read().await?;
        let row = db.request(id).await?.ok_or_else(|| no_request(&id.to_string()))?;
        self.request_view(&mut db, row).await
    }

    /// Whether somebody may see a request: what one may decide one may read, the objects and the work included.
    pub(super) async fn may_see_request(&self, db: &mut Read, who: &Identity, id: RequestId) -> AppResult<bool> {
        let Some(row) = db.request(id).await? else { return Ok(false) };
        let items = db.request_items(id).await?;
        let actor = self.actor(db, who, &row, &items).await?;
        Ok(may_see(who, &row, &actor))
    }

    /// A page of requests that the caller may see.
    pub async fn request_list(
        &self,
        caller: &Caller<RequestRead>,
        (workspace, environment): (Option<&str>, Option<&str>),
        filter: RequestFilter,
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<RequestView>> {
        let mut db = self.store.read().await?;
        let workspace = match workspace {
            Some(named) => Some(self.workspace_for(&mut db, caller, named).await?.id),
            None => None,
        };
        let environment = match environment {
            Some(named) => Some(self.environment_named(&mut db, named).await?.id),
            None => None,
        };
        let filter = RequestFilter { visible_to: caller.who.sees(), workspace, environment, ..filter };
        let mut views = Vec::new();
        for row in db.request_list(&filter, page).await? {
            views.push(self.request_view(&mut db, row).await?);
        }
        Ok(views)
    }

    /// What waits for the caller: pending requests that an approval of theirs would bring on, by the rule that decides it.
    pub async fn request_inbox(
        &self,
        caller: &Caller<RequestRead>,
        which: &InboxFilter,
        limit: usize,
    ) -> AppResult<Inbox> {
        let mut db = self.store.read().await?;
        let workspace = match &which.workspace {
            Some(named) => Some(self.workspace_row(&mut db, named).await?.id),
            None => None,
        };
        let environment = match &which.environment {
            Some(named) => Some(self.environment_named(&mut db, named).await?.id),
            None => None,
        };
        let state = Some(RequestState::Pending);
        let filter = RequestFilter { visible_to: caller.who.sees(), workspace, state, ..RequestFilter::default() };
        let mut page = PageOf { after: None, limit: LOT };
        let (mut inbox, mut mine) = (Inbox::default(), Vec::new());
        let mut people = HashMap::new();
        for lot in 0.. {
            let rows = db.request_list(&filter, &page).await?;
            let full = rows.len() == LOT as usize;
            page.after = rows.last().map(|row| row.id.uuid());
            let lots = self.waiting_for(&mut db, &caller.who, &mut people, rows).await?;
            let fits = |items: &[RequestItemRow]| {
                items.iter().any(|i| environment.is_none_or(|e| i.change.environment() == e))
                    && items.iter().any(|i| which.noun.is_none_or(|noun| i.change.object().noun == noun))
            };
            for (row, items) in lots.into_iter().filter(|(_, items)| fits(items)) {
                inbox.count(&row, &items);
                mine.push(row);
            }
            if !full {
                break;
            }
            if lot + 1 == LOTS {
                inbox.complete = false;
                break;
            }
        }
        // Who waits longest comes first.
        for row in mine.into_iter().rev().take(limit) {
            inbox.items.push(self.request_view(&mut db, row).await?);
        }
        Ok(inbox)
    }

    /// Of these pending requests, those that wait for somebody.
    async fn waiting_for(
        &self,
        db: &mut Read,
        who: &Identity,
        people: &mut HashMap<PrincipalId, Vec<MembershipRow>>,
        rows: Vec<RequestRow>,
    ) -> AppResult<Vec<(RequestRow, Vec<RequestItemRow>)>> {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let (mut items, mut approvals) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for item in db.request_items_of(&ids).await? {
            items.entry(item.request_id).or_default().push(item);
        }
        for (id, approval) in db.approvals_of(&ids).await? {
            approvals.entry(id).or_default().push(approval);
        }
        let mut waiting = Vec::new();
        for row in rows {
            let items = items.remove(&row.id).unwrap_or_default();
            let named = self.environment_approvers(db, &items).await?;
            let mut given = Vec::new();
            for ApprovalRow { consent, name, .. } in approvals.remove(&row.id).unwrap_or_default() {
                let memberships = match people.entry(consent.principal) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(db.memberships_of(consent.principal).await?),
                };
                let by = actor_of((consent.principal, &name), memberships, &row, &named);
                given.push(Given { layer: consent.layer, giver: by });
            }
            let actor = actor_of((who.principal, &who.name), &who.memberships, &row, &named);
            if approval::decide(row.state, &row.needs, &given, Deed::Approve, &actor).is_ok() {
                waiting.push((row, items));
            }
        }
        Ok(waiting)
    }
}

/// How many requests are looked at: lots of so many.
const LOT: u32 = 500;
const LOTS: u32 = 20;

/// What of an inbox is wanted.
#[derive(Debug, Clone, Default)]
pub struct InboxFilter {
    /// Of this workspace: slug or id.
    pub workspace: Option<String>,
    /// With an object in this environment: slug or id.
    pub environment: Option<String>,
    /// About objects of this kind.
    pub noun: Option<NounKind>,
}

/// What waits for somebody.
#[derive(Debug, Clone)]
pub struct Inbox {
    /// How many.
    pub total: u64,
    /// Since when the oldest waits.
    pub oldest: Option<Timestamp>,
    /// How many by workspace.
    pub workspaces: BTreeMap<String, u64>,
    /// How many by environment.
    pub environments: BTreeMap<String, u64>,
    /// How many by kind of object.
    pub nouns: BTreeMap<String, u64>,
    /// The oldest of them.
    pub items: Vec<RequestView>,
    /// False where there are so many pending requests that not all were looked at.
    pub complete: bool,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            total: 0,
            oldest: None,
            workspaces: BTreeMap::new(),
            environments: BTreeMap::new(),
            nouns: BTreeMap::new(),
            items: vec![],
            complete: true,
        }
    }
}

impl Inbox {
    fn count(&mut self, row: &RequestRow, items: &[RequestItemRow]) {
        self.total += 1;
        self.oldest = Some(self.oldest.map_or(row.created_at, |oldest| oldest.min(row.created_at)));
        *self.workspaces.entry(row.workspace.clone()).or_default() += 1;
        let environments: BTreeSet<_> = items.iter().map(|i| i.change.environment_slug().to_string()).collect();
        let nouns: BTreeSet<_> = items.iter().map(|i| i.change.object().noun.as_str().to_owned()).collect();
        for environment in environments {
            *self.environments.entry(environment).or_default() += 1;
        }
        for noun in nouns {
            *self.nouns.entry(noun).or_default() += 1;
        }
    }
}
