//! Back-test: a draft of a policy over the topics that are there, before it binds anybody.

use super::{
    App, AppError, AppResult, PolicyNew, Refusal,
    policies::{check_patterns, may_write},
    topics::field,
};
use crate::auth::{Caller, permission::PolicyWrite};
use orbit_core::{
    change::{Requester, TopicAction, TopicChange},
    documentation::Documentation,
    id::{ClusterId, PolicyId, WorkspaceId},
    name::Slug,
    policy::{
        ClusterFacts, CurrentTopic, Decision, Draft, Effective, Rulebook, Scope, TopicFacts, TopicPolicy, Verdict,
    },
};
use orbit_store::{ClusterRow, EnvironmentRow, PageOf, Read, TopicFilter, TopicRow};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};
use tokio::task::{JoinHandle, spawn_blocking};

/// How many topics are judged at a time, and how many such lots at once.
const LOT: u32 = 1_000;
const AT_ONCE: usize = 2;

/// What topics would get, in one word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Go ahead.
    pub allow: u64,
    /// Wait for a person.
    pub needs_approval: u64,
    /// Do not go ahead.
    pub deny: u64,
}

impl Tally {
    fn count(&mut self, decision: Decision) {
        *match decision {
            Decision::Allow => &mut self.allow,
            Decision::NeedsApproval => &mut self.needs_approval,
            Decision::Deny => &mut self.deny,
        } += 1;
    }
    fn add(&mut self, other: Self) {
        self.allow += other.allow;
        self.needs_approval += other.needs_approval;
        self.deny += other.deny;
    }
}

/// A topic that would not simply go ahead, or that would fare otherwise than today.
#[derive(Debug, Clone)]
pub struct Fares {
    /// `workspace/environment/name`.
    pub topic: String,
    /// Today.
    pub today: Decision,
    /// With the draft, in full.
    pub then: Verdict,
}

/// What the draft would do.
#[derive(Debug, Clone, Default)]
pub struct BacktestView {
    /// How many topics were judged.
    pub topics: u64,
    /// What they would get, were they asked for today.
    pub today: Tally,
    /// What they would get with the draft.
    pub then: Tally,
    /// Those that fare otherwise than today: all of them.
    pub changed: u64,
    /// Those that fare otherwise, and after them those that would not simply go ahead: as many as were asked for.
    pub items: Vec<Fares>,
    /// Environments in which no topic at all could be created any more, and why.
    pub locks_out: BTreeMap<Slug, Vec<String>>,
}

/// What a lot of topics came to.
#[derive(Default)]
struct Lot {
    view: BacktestView,
    changed: Vec<Fares>,
    others: Vec<Fares>,
}

/// What topics are judged by.
struct Bench {
    /// By workspace.
    books: HashMap<WorkspaceId, Arc<Rulebook>>,
    today: Option<TopicPolicy>,
    then: TopicPolicy,
    clusters: HashMap<ClusterId, ClusterFacts>,
    limit: usize,
}

impl App {
    /// Judges every topic that is there as if it were asked for today, without the draft and with it. A draft with the name of a policy takes its place.
    pub async fn policy_backtest(
        &self,
        caller: &Caller<PolicyWrite>,
        draft: PolicyNew,
        limit: usize,
    ) -> AppResult<BacktestView> {
        let mut db = self.store.read().await?;
        let workspace = match &draft.workspace {
            Some(named) => Some(self.workspace_for(&mut db, caller, named).await?.id),
            None => None,
        };
        may_write(&caller.who, workspace)?;
        check_patterns(&draft.rules).await?;
        let existing = db.policy_by_name(draft.name.as_str()).await?;
        if existing.as_ref().is_some_and(|row| row.workspace_id != workspace) {
            let detail = format!("is {}, and that policy binds somebody else", draft.name);
            let remedy = "give the draft another name, or the scope and the workspace of that policy";
            return Err(Refusal::fields(vec![field("/draft/name", "policy.exists", &detail, remedy)]).into());
        }
        let scope = workspace.map_or(Scope::Platform, Scope::Workspace);
        let policy = |id, version, rules| TopicPolicy { id, name: draft.name.clone(), version, scope, rules };
        let today = existing.map(|row| policy(row.id, row.version, row.rules.into()));
        let id = today.as_ref().map_or_else(|| PolicyId::from_uuid(self.ids.fresh()), |p| p.id);
        let then = policy(id, today.as_ref().map_or(1, |p| p.version + 1), draft.rules.into());
        let locks_out = self.locked_out(&mut db, &then).await?;
        let bench = Bench { books: HashMap::new(), today, then, clusters: clusters(&mut db).await?, limit };
        let view = run(&mut db, bench, workspace).await?;
        Ok(BacktestView { locks_out, ..view })
    }

    /// The environments in which a policy of the platform's would leave no topic that could be created, and why: what contradicts itself with it, and did
    /// not without it. A workspace's own policy locks out nobody else.
    pub(super) async fn locked_out(&self, db: &mut Read, then: &TopicPolicy) -> AppResult<BTreeMap<Slug, Vec<String>>> {
        // No workspace has this id: what binds it is what binds everybody.
        const ANY: WorkspaceId = WorkspaceId::from_uuid(uuid::Uuid::nil());
        let mut locked = BTreeMap::new();
        if then.scope != Scope::Platform {
            return Ok(locked);
        }
        let mut before = db.rulebook(ANY).await?;
        let mut after = before.clone();
        after.topic_policies.retain(|p| p.id != then.id);
        after.topic_policies.push(then.clone());
        before.topic_policies.retain(|p| p.scope == Scope::Platform);
        let mut page = PageOf { after: None, limit: LOT };
        loop {
            let rows = db.environment_list(&page).await?;
            for row in &rows {
                let brokers = most_brokers(db, row).await?;
                let why = |rules: &Rulebook| {
                    let book = rules.effective(&row.slug, ANY);
                    let mut why = book.contradictions();
                    why.extend(beyond(&book, brokers));
                    why
                };
                let (was, is) = (why(&before), why(&after));
                if was.is_empty() && !is.is_empty() {
                    locked.insert(row.slug.clone(), is);
                }
            }
            match rows.last() {
                Some(last) if rows.len() == LOT as usize => page.after = Some(last.slug.to_string()),
                _ => return Ok(locked),
            }
        }
    }
}

/// How many brokers the largest cluster has that an environment leads to; `None` where that is not known of all of them.
pub(super) async fn most_brokers(db: &mut Read, environment: &EnvironmentRow) -> AppResult<Option<u32>> {
    let mut most = None;
    for mapping in db.mappings_of(environment.id).await? {
        let cluster = db.cluster(mapping.cluster_id).await?.and_then(|c| c.description);
        let Some(cluster) = cluster else { return Ok(None) };
        most = most.max(Some(cluster.brokers));
    }
    Ok(most)
}

pub(super) fn beyond(book: &Effective, brokers: Option<u32>) -> Option<String> {
    let (least, brokers) = (book.replication_factor.min.as_ref()?, brokers?);
    (least.value > i64::from(brokers)).then(|| {
        let policy = &least.source.policy;
        format!(
            "replicas: policy {policy} wants at least {}, and its clusters have at most {brokers} brokers",
            least.value
        )
    })
}

pub(super) async fn clusters(db: &mut Read) -> AppResult<HashMap<ClusterId, ClusterFacts>> {
    let mut all = HashMap::new();
    let mut page = PageOf { after: None, limit: LOT };
    loop {
        let rows = db.cluster_list(&page).await?;
        let full = rows.len() == LOT as usize;
        page.after = rows.last().map(|row| row.slug.to_string());
        let facts = |row: ClusterRow| ClusterFacts { slug: row.slug, trouble: None, description: row.description };
        all.extend(rows.into_iter().map(|row| (row.id, facts(row))));
        if !full {
            return Ok(all);
        }
    }
}

/// Judges topic after topic, a lot at a time, while the next lot is read.
async fn run(db: &mut Read, mut bench: Bench, workspace: Option<WorkspaceId>) -> AppResult<BacktestView> {
    let filter = TopicFilter { workspace, ..TopicFilter::default() };
    let mut page = PageOf { after: None, limit: LOT };
    let (mut sum, mut under_way) = (Lot::default(), VecDeque::<JoinHandle<Lot>>::new());
    loop {
        let rows = db.topic_list(&filter, &page).await?;
        let full = rows.len() == LOT as usize;
        page.after = rows.last().map(|row| row.id.uuid());
        for row in &rows {
            if !bench.books.contains_key(&row.workspace_id) {
                let mut book = db.rulebook(row.workspace_id).await?;
                book.topic_policies.retain(|p| p.id != bench.then.id);
                bench.books.insert(row.workspace_id, book.into());
            }
        }
        let lot = bench.lot(rows);
        under_way.push_back(spawn_blocking(move || lot.judge()));
        while under_way.len() > if full { AT_ONCE } else { 0 } {
            let Some(done) = under_way.pop_front() else { break };
            sum.add(done.await.map_err(|e| AppError::Internal(e.to_string()))?, bench.limit);
        }
        if !full {
            break;
        }
    }
    let mut items = sum.changed;
    items.extend(sum.others);
    items.truncate(bench.limit);
    Ok(BacktestView { items, ..sum.view })
}

/// Topics, and what they are judged by.
struct Work {
    rows: Vec<TopicRow>,
    books: HashMap<WorkspaceId, Arc<Rulebook>>,
    today: Option<TopicPolicy>,
    then: TopicPolicy,
    clusters: HashMap<ClusterId, ClusterFacts>,
    limit: usize,
}

impl Bench {
    fn lot(&self, rows: Vec<TopicRow>) -> Work {
        let rows: Vec<_> = rows.into_iter().filter(|t| !t.status.can_be_taken_up()).collect();
        let of = |row: &TopicRow| Some((row.workspace_id, self.books.get(&row.workspace_id)?.clone()));
        Work {
            books: rows.iter().filter_map(of).collect(),
            rows,
            today: self.today.clone(),
            then: self.then.clone(),
            clusters: self.clusters.clone(),
            limit: self.limit,
        }
    }
}

impl Work {
    fn judge(self) -> Lot {
        let mut lot = Lot::default();
        for row in &self.rows {
            let Some(others) = self.books.get(&row.workspace_id) else { continue };
            let draft = Draft { others, today: self.today.as_ref(), then: Some(&self.then) };
            let (today, then) = draft.judge(&as_asked_for(row), &row.desired, &self.facts(row));
            lot.note(row, today.decision(), then, self.limit);
        }
        lot
    }

    /// A member asks, and says all that a policy may want to know: what is there was asked for before.
    fn facts(&self, row: &TopicRow) -> TopicFacts {
        let seen = row.observed.as_ref().and_then(|o| o.topic.as_ref());
        let unknown = || ClusterFacts { slug: row.cluster.clone(), trouble: None, description: None };
        TopicFacts {
            requester: Requester { platform_admin: false },
            documentation: Documentation::complete(),
            cluster: self.clusters.get(&row.cluster_id).cloned().unwrap_or_else(unknown),
            current: Some(CurrentTopic {
                spec: row.desired.clone(),
                observed_partitions: seen.map(|s| s.partitions),
                observed_replication_factor: seen.map(|s| s.replication_factor),
            }),
            collides_with: None,
            unmanaged: false,
            quotas: vec![],
        }
    }
}

fn as_asked_for(row: &TopicRow) -> TopicChange {
    // The specification is judged beside it: what is asked for here is of no matter.
    super::topic_wish::change_of(row, TopicAction::Delete)
}

impl Lot {
    fn note(&mut self, row: &TopicRow, today: Decision, then: Verdict, limit: usize) {
        let decision = then.decision();
        self.view.topics += 1;
        self.view.today.count(today);
        self.view.then.count(decision);
        let list = if today != decision {
            self.view.changed += 1;
            &mut self.changed
        } else if decision != Decision::Allow {
            &mut self.others
        } else {
            return;
        };
        if list.len() < limit {
            list.push(Fares { topic: row.key(), today, then });
        }
    }

    fn add(&mut self, other: Self, limit: usize) {
        self.view.topics += other.view.topics;
        self.view.today.add(other.view.today);
        self.view.then.add(other.view.then);
        self.view.changed += other.view.changed;
        self.changed.extend(other.changed);
        self.others.extend(other.others);
        self.changed.truncate(limit);
        self.others.truncate(limit);
    }
}
