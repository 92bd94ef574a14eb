//! Requests, as those see them who belong to their workspace or may decide them.

use super::{
    App, AppResult, RequestView,
    decide::{may_see, no_request},
};
use crate::auth::{Caller, Identity, permission::RequestRead};
use orbit_core::{approval::RequestState, id::RequestId};
use orbit_store::{PageOf, Read, RequestFilter};
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
        self.request_view(&mut db, row).await
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

    /// A page of requests that the caller may see, newest first.
    pub async fn request_list(
        &self,
        caller: &Caller<RequestRead>,
        workspace: Option<&str>,
        (state, run_id): (Option<RequestState>, Option<String>),
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<RequestView>> {
        let mut db = self.store.read().await?;
        let workspace = match workspace {
            Some(named) => Some(self.workspace_for(&mut db, caller, named).await?.id),
            None => None,
        };
        let filter = RequestFilter { visible_to: caller.who.sees(), workspace, state, run_id };
        let mut views = Vec::new();
        for row in db.request_list(&filter, page).await? {
            views.push(self.request_view(&mut db, row).await?);
        }
        Ok(views)
    }
}
