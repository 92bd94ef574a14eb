//! What lists can be asked for.

use super::call::Call;
use crate::{OperationState, RequestState, TopicStatus};

/// Which page of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageQuery {
    /// At most so many; the server has a default and a limit.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which topics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TopicQuery {
    /// Those of one workspace: slug or id.
    pub workspace: Option<String>,
    /// Those in one environment: slug or id.
    pub environment: Option<String>,
    /// Those of this logical name.
    pub name: Option<String>,
    /// Those of this name on their cluster.
    pub physical_name: Option<String>,
    /// Those that are so far on their way.
    pub status: Option<TopicStatus>,
    /// Look at the clusters now, with one batched call each, instead of at what was last seen there.
    pub fresh: bool,
    /// In which order: `created_at` (the default), `-created_at`, `name` or `-name`.
    pub sort: Option<String>,
    /// Which page of them.
    pub page: PageQuery,
}

/// Which requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestQuery {
    /// Those of one workspace: slug or id.
    pub workspace: Option<String>,
    /// Those that stand so.
    pub state: Option<RequestState>,
    /// Those with an object in one environment: slug or id.
    pub environment: Option<String>,
    /// Those that the principal of this name filed.
    pub requester: Option<String>,
    /// Those of one Terraform or CI run.
    pub run_id: Option<String>,
    /// In which order: `created_at` or `-created_at` (the default).
    pub sort: Option<String>,
    /// Which page of them.
    pub page: PageQuery,
}

/// Which operations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OperationQuery {
    /// Those of one workspace: slug or id.
    pub workspace: Option<String>,
    /// Those that stand so.
    pub state: Option<OperationState>,
    /// In which order: `created_at` or `-created_at` (the default).
    pub sort: Option<String>,
    /// Which page of them.
    pub page: PageQuery,
}

/// Which memberships.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MembershipQuery {
    /// Those in one workspace: slug or id.
    pub workspace: Option<String>,
    /// Which page of them.
    pub page: PageQuery,
}

impl From<PageQuery> for MembershipQuery {
    /// A page of all that the caller may see.
    fn from(page: PageQuery) -> Self {
        Self { page, ..Self::default() }
    }
}

/// How to look at a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicRead {
    /// Look at the cluster now, instead of at what was last seen there.
    pub fresh: bool,
    /// Take note that the caller knows the topic: from now on its creation is not taken up again by an equal one.
    pub acknowledge: bool,
}

impl Call<'_> {
    pub(super) fn page(self, page: &PageQuery) -> Self {
        self.query("limit", page.limit).query("cursor", page.cursor.as_deref())
    }

    pub(super) fn topics(self, query: &TopicQuery) -> Self {
        self.query("workspace", query.workspace.as_deref())
            .query("environment", query.environment.as_deref())
            .query("name", query.name.as_deref())
            .query("physical_name", query.physical_name.as_deref())
            .query("status", query.status)
            .query("observe", query.fresh.then_some("fresh"))
            .query("sort", query.sort.as_deref())
            .page(&query.page)
    }

    pub(super) fn requests(self, query: &RequestQuery) -> Self {
        self.query("workspace", query.workspace.as_deref())
            .query("state", query.state)
            .query("environment", query.environment.as_deref())
            .query("requester", query.requester.as_deref())
            .query("run_id", query.run_id.as_deref())
            .query("sort", query.sort.as_deref())
            .page(&query.page)
    }

    pub(super) fn operations(self, query: &OperationQuery) -> Self {
        self.query("workspace", query.workspace.as_deref())
            .query("state", query.state)
            .query("sort", query.sort.as_deref())
            .page(&query.page)
    }

    pub(super) fn memberships(self, query: &MembershipQuery) -> Self {
        self.query("workspace", query.workspace.as_deref()).page(&query.page)
    }

    pub(super) fn read_topic(self, read: TopicRead) -> Self {
        self.query("observe", read.fresh.then_some("fresh")).query("acknowledge", read.acknowledge.then_some(true))
    }
}
