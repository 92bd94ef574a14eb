//! Topics: finding one, looking at it, listing them.

use super::{App, AppResult, TopicView, topics::no_topic};
use crate::auth::{
    Caller, Identity,
    permission::{Permission, TopicRead},
};
use orbit_core::{id::TopicId, model::topic::TopicStatus};
use orbit_store::{PageOf, Read, TopicFilter, TopicRow};
use uuid::Uuid;

impl App {
    /// A topic by id or by `workspace/environment/name`. What the caller may not see is not there.
    pub(super) async fn topic_named<P: Permission>(
        &self,
        db: &mut Read,
        caller: &Caller<P>,
        named: &str,
    ) -> AppResult<TopicRow> {
        let row = self.topic_row(db, named).await?;
        caller.in_workspace(row.workspace_id, || no_topic(named))?;
        Ok(row)
    }

    async fn topic_row(&self, db: &mut Read, named: &str) -> AppResult<TopicRow> {
        let row = match named.parse::<TopicId>() {
            Ok(id) => db.topic(id).await?,
            Err(_) => self.topic_by_key(db, named).await?,
        };
        row.ok_or_else(|| no_topic(named).into())
    }

    async fn topic_by_key(&self, db: &mut Read, key: &str) -> AppResult<Option<TopicRow>> {
        let parts: Vec<&str> = key.splitn(3, '/').collect();
        let [workspace, environment, name] = parts.as_slice() else { return Ok(None) };
        let (Some(workspace), Some(environment), Ok(name)) =
            (db.workspace_by_slug(workspace).await?, db.environment_by_slug(environment).await?, name.parse())
        else {
            return Ok(None);
        };
        Ok(db.topic_by_key(workspace.id, environment.id, &name).await?)
    }

    /// A topic for its readers: those of its workspace, and who may decide the request that is open on it.
    async fn topic_readable(&self, db: &mut Read, caller: &Caller<TopicRead>, named: &str) -> AppResult<TopicRow> {
        let row = self.topic_row(db, named).await?;
        let Err(refusal) = caller.in_workspace(row.workspace_id, || no_topic(named)) else { return Ok(row) };
        match db.request_open(row.id.uuid()).await? {
            Some(open) if self.may_see_request(db, &caller.who, open.id).await? => Ok(row),
            _ => Err(refusal),
        }
    }

    /// Which topic is meant, for who wants to look at it afresh first.
    pub async fn topic_find(&self, caller: &Caller<TopicRead>, named: &str) -> AppResult<TopicRow> {
        self.topic_readable(&mut self.store.read().await?, caller, named).await
    }

    /// A topic. With `acknowledge`, its creator is noted to have seen it; anybody else's look does not count.
    pub async fn topic_get(&self, caller: &Caller<TopicRead>, named: &str, acknowledge: bool) -> AppResult<TopicView> {
        let mut db = self.store.read().await?;
        let row = self.topic_readable(&mut db, caller, named).await?;
        let id = row.id;
        let unseen = row.acknowledged_at.is_none()
            && row.status == TopicStatus::Active
            && row.created_by == caller.who.principal;
        let view = self.topic_view(&mut db, row).await?;
        drop(db);
        if acknowledge && unseen {
            let mut tx = self.store.begin().await?;
            tx.topic_acknowledge(id).await?;
            tx.commit().await?;
        }
        Ok(view)
    }

    /// Notes that the caller has seen those of these topics that they asked for.
    pub async fn topics_acknowledge(&self, who: &Identity, ids: &[TopicId]) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        tx.topics_acknowledge(who.principal, ids).await?;
        Ok(tx.commit().await?)
    }

    /// A topic as the answer to a call that was just carried out.
    pub async fn topic_after(&self, id: TopicId) -> AppResult<Option<TopicView>> {
        let mut db = self.store.read().await?;
        match db.topic(id).await? {
            Some(row) => Ok(Some(self.topic_view(&mut db, row).await?)),
            None => Ok(None),
        }
    }

    /// A page of topics that the caller sees. A list of a workspace that they do not see is 404.
    pub async fn topic_list(
        &self,
        caller: &Caller<TopicRead>,
        workspace: Option<&str>,
        environment: Option<&str>,
        mut filter: TopicFilter,
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<TopicView>> {
        let mut db = self.store.read().await?;
        filter.visible_to = caller.who.sees();
        if let Some(named) = workspace {
            filter.workspace = Some(self.workspace_for(&mut db, caller, named).await?.id);
        }
        if let Some(named) = environment {
            filter.environment = Some(self.environment_named(&mut db, named).await?.id);
        }
        let rows = db.topic_list(&filter, page).await?;
        self.topic_views(&mut db, rows).await
    }
}
