//! Topic policies: the platform's, and a workspace's own.

use super::{
    App, AppError, AppResult, Call, Code, Refusal,
    backtest::{beyond, clusters, most_brokers},
    catalog::{is_repeated, stale, taken},
    topics::field,
    view::approvers_text,
};
use crate::auth::{
    Caller, Identity,
    permission::{PolicyRead, PolicyWrite, Role, TopicEvaluate},
};
use orbit_api::FieldProblem;
use orbit_core::{
    id::{PolicyId, WorkspaceId},
    model::settings::{self, SettingError},
    name::Slug,
    policy::{Approver, Effective, Pattern, Scope, TopicPolicy, TopicRules, none_fits},
};
use orbit_store::{NewPolicy, PageOf, PolicyRow, PolicyVersionRow, Read, Tx};
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// A policy to write.
#[derive(Debug, Clone)]
pub struct PolicyNew {
    /// Its name.
    pub name: Slug,
    /// Slug or id of the workspace that it binds; everybody where absent.
    pub workspace: Option<String>,
    /// What it says.
    pub rules: TopicRules,
}

/// Environments that the caller means to lock out.
#[derive(Debug, Clone, Default)]
pub struct Confirmed(pub BTreeSet<Slug>);

/// The merged rule book of a workspace in an environment.
#[derive(Debug, Clone)]
pub struct EffectiveView {
    /// Slug of the workspace.
    pub workspace: Slug,
    /// Slug of the environment.
    pub environment: Slug,
    /// What holds.
    pub book: Effective,
    /// Who gives each consent that is asked for, in words, in the order of the book's asks.
    pub approvers: Vec<String>,
    /// What no topic at all can keep.
    pub contradictions: Vec<String>,
}

impl App {
    /// The rule book that holds for a workspace in an environment. Who may ask what policy says may read it.
    pub async fn policy_effective(
        &self,
        caller: &Caller<TopicEvaluate>,
        workspace: &str,
        environment: &str,
    ) -> AppResult<EffectiveView> {
        let mut db = self.store.read().await?;
        let workspace = self.workspace_for(&mut db, caller, workspace).await?;
        let environment = self.environment_named(&mut db, environment).await?;
        let book = db.rulebook(workspace.id).await?.effective(&environment.slug, workspace.id);
        let brokers = most_brokers(&mut db, &environment).await?;
        drop(db);
        // Beside the threads that answer: whether names fit several patterns takes a while to tell.
        let told = spawn_blocking(move || {
            let mut contradictions = book.contradictions();
            contradictions.extend(beyond(&book, brokers));
            (book, contradictions)
        });
        let (book, contradictions) = told.await.map_err(|e| AppError::Internal(e.to_string()))?;
        let named = &environment.default_approvers;
        let approvers = book.asks.iter().map(|ask| approvers_text(&ask.need, workspace.slug.as_str(), named)).collect();
        Ok(EffectiveView { workspace: workspace.slug, environment: environment.slug, book, approvers, contradictions })
    }

    async fn policy_named(&self, db: &mut Read, who: &Identity, named: &str) -> AppResult<PolicyRow> {
        let row = match named.parse::<PolicyId>() {
            Ok(id) => db.policy(id).await?,
            Err(_) => db.policy_by_name(named).await?,
        };
        let absent = || Refusal::new(Code::PolicyNotFound, format!("there is no policy {named} that you can see"));
        let row = row.ok_or_else(absent)?;
        match row.workspace_id {
            Some(workspace) if !who.is_at_least(Role::Viewer, workspace) => Err(absent().into()),
            _ => Ok(row),
        }
    }

    /// Creates a policy.
    pub async fn policy_create(
        &self,
        caller: &Caller<PolicyWrite>,
        call: &Call,
        new: PolicyNew,
        confirmed: &Confirmed,
    ) -> AppResult<PolicyRow> {
        let mut tx = self.store.begin().await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            return self.policy_named(&mut tx, &call.who, &PolicyId::from_uuid(id).to_string()).await;
        }
        let workspace = match &new.workspace {
            Some(named) => Some(self.workspace_for(&mut tx, caller, named).await?.id),
            None => None,
        };
        may_write(&call.who, workspace)?;
        check_patterns(&new.rules).await?;
        check_named(&mut tx, &new.rules).await?;
        let id = PolicyId::from_uuid(self.ids.fresh());
        self.locks_out_nobody(&mut tx, (id, &new.name, workspace), &new.rules, confirmed).await?;
        let row = NewPolicy { id, name: new.name.clone(), workspace, rules: new.rules };
        if !tx.policy_insert(&row).await? {
            return Err(taken(Code::PolicyExists, "/name", format!("policy {} exists already", new.name)).into());
        }
        tx.policy_version_keep(id, &call.who.name).await?;
        self.remember(&mut tx, call, &id.uuid()).await?;
        let row = self.policy_named(&mut tx, &call.who, new.name.as_str()).await?;
        self.audit_object(&mut tx, call, "created", None, Some(&row)).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// A policy.
    pub async fn policy_get(&self, caller: &Caller<PolicyRead>, named: &str) -> AppResult<PolicyRow> {
        self.policy_named(&mut self.store.read().await?, &caller.who, named).await
    }

    /// A page of the policies that the caller sees: the platform's and those of its workspaces.
    pub async fn policy_list(&self, caller: &Caller<PolicyRead>, page: &PageOf<String>) -> AppResult<Vec<PolicyRow>> {
        Ok(self.store.read().await?.policy_list(caller.who.sees(), page).await?)
    }

    /// Replaces what a policy says.
    pub async fn policy_replace(
        &self,
        call: &Call,
        named: &str,
        (rules, confirmed): (TopicRules, &Confirmed),
        expected: Option<i64>,
    ) -> AppResult<PolicyRow> {
        let mut tx = self.store.begin().await?;
        let row = self.policy_named(&mut tx, &call.who, named).await?;
        may_write(&call.who, row.workspace_id)?;
        if is_repeated(expected, row.version, rules == row.rules) {
            return Ok(row);
        }
        check_patterns(&rules).await?;
        check_named(&mut tx, &rules).await?;
        self.locks_out_nobody(&mut tx, (row.id, &row.name, row.workspace_id), &rules, confirmed).await?;
        let after = self.policy_rewrite(&mut tx, call, &row, (&rules, "replaced"), expected).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// A page of a policy's versions, newest first.
    pub async fn policy_versions(
        &self,
        caller: &Caller<PolicyRead>,
        named: &str,
        page: &PageOf<i64>,
    ) -> AppResult<Vec<PolicyVersionRow>> {
        let mut db = self.store.read().await?;
        let row = self.policy_named(&mut db, &caller.who, named).await?;
        Ok(db.policy_versions(row.id, page).await?)
    }

    /// Makes a policy say again what it said in a version. What that names has to be there still.
    pub async fn policy_restore(
        &self,
        call: &Call,
        named: &str,
        (version, confirmed): (i64, &Confirmed),
        expected: Option<i64>,
    ) -> AppResult<PolicyRow> {
        let mut tx = self.store.begin().await?;
        let row = self.policy_named(&mut tx, &call.who, named).await?;
        may_write(&call.who, row.workspace_id)?;
        if self.answered_before::<Uuid>(&mut tx, call).await?.is_some() {
            return Ok(row);
        }
        let Some(then) = tx.policy_version(row.id, version).await? else {
            let detail = format!("is {version}, and policy {} has no such version", row.name);
            let remedy = "choose one of those that GET …/versions lists";
            return Err(Refusal::fields(vec![field("/version", "policy.not-found", &detail, remedy)]).into());
        };
        let rules = then.policy.rules;
        check_named(&mut tx, &rules).await?;
        self.locks_out_nobody(&mut tx, (row.id, &row.name, row.workspace_id), &rules, confirmed).await?;
        let after = self.policy_rewrite(&mut tx, call, &row, (&rules, "restored"), expected).await?;
        self.remember(&mut tx, call, &row.id.uuid()).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Refuses what would leave no topic that could be created in an environment, unless the caller names that.
    pub(super) async fn locks_out_nobody(
        &self,
        db: &mut Read,
        (id, name, workspace): (PolicyId, &Slug, Option<WorkspaceId>),
        rules: &TopicRules,
        confirmed: &Confirmed,
    ) -> AppResult<()> {
        let scope = workspace.map_or(Scope::Platform, Scope::Workspace);
        let then = TopicPolicy { id, name: name.clone(), version: 0, scope, rules: rules.clone().into() };
        Ok(meant(&self.locked_out(db, &then).await?, confirmed)?)
    }

    pub(super) async fn policy_rewrite(
        &self,
        tx: &mut Tx,
        call: &Call,
        row: &PolicyRow,
        (rules, deed): (&TopicRules, &str),
        expected: Option<i64>,
    ) -> AppResult<PolicyRow> {
        if !tx.policy_replace(row.id, rules, expected.unwrap_or(row.version)).await? {
            return Err(stale(&format!("policy {}", row.name)).into());
        }
        tx.policy_version_keep(row.id, &call.who.name).await?;
        let after = self.policy_named(tx, &call.who, row.name.as_str()).await?;
        self.audit_object(tx, call, deed, Some(row), Some(&after)).await?;
        Ok(after)
    }

    /// Deletes a policy.
    pub async fn policy_delete(&self, call: &Call, named: &str, expected: Option<i64>) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let row = self.policy_named(&mut tx, &call.who, named).await?;
        may_write(&call.who, row.workspace_id)?;
        if !tx.policy_delete(row.id, expected.unwrap_or(row.version)).await? {
            return Err(stale(&format!("policy {}", row.name)).into());
        }
        self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
        Ok(tx.commit().await?)
    }
}

/// Refuses what locks out an environment that the caller has not confirmed.
pub(super) fn meant(locked: &BTreeMap<Slug, Vec<String>>, confirmed: &Confirmed) -> Result<(), Refusal> {
    let unmeant = |(slug, why): (&Slug, &Vec<String>)| {
        (!confirmed.0.contains(slug)).then(|| format!("{slug} ({})", why.join("; ")))
    };
    let each: Vec<_> = locked.iter().filter_map(unmeant).collect();
    if each.is_empty() {
        return Ok(());
    }
    // All of them: who follows this has to follow it once.
    let slugs: Vec<_> = locked.keys().map(Slug::as_str).collect();
    Err(Refusal::new(Code::PolicyLocksOut, format!("no topic could be created any more in {}", each.join(", ")))
        .remedy(format!("mend the policy; or, if that is meant, call again with ?confirm={}", slugs.join(","))))
}

/// The platform's policies are written by platform admins, a workspace's own by its admins.
pub(super) fn may_write(who: &Identity, workspace: Option<WorkspaceId>) -> AppResult<()> {
    let may = match workspace {
        None => who.platform_admin,
        Some(workspace) => who.is_at_least(Role::Admin, workspace),
    };
    if may {
        return Ok(());
    }
    let whose = if workspace.is_some() {
        "a workspace's policy takes its role admin"
    } else {
        "a policy of the platform takes platform-admin"
    };
    Err(Refusal::new(Code::Forbidden, whose).remedy("ask somebody who has the role").into())
}

/// Patterns that no legal topic name fits are slips of the pen. Asked of who may write the policy, and beside the threads that answer: it takes a while.
pub(super) async fn check_patterns(rules: &TopicRules) -> AppResult<()> {
    let approved = (0..).zip(&rules.auto_approve_patterns);
    let mut all: Vec<(String, Pattern)> =
        approved.map(|(i, pattern): (u32, _)| (format!("/auto_approve_patterns/{i}"), pattern.clone())).collect();
    all.extend(rules.naming_pattern.clone().map(|pattern| ("/naming_pattern".to_owned(), pattern)));
    let found =
        spawn_blocking(move || all.into_iter().filter(|(_, pattern)| none_fits(&[pattern])).collect::<Vec<_>>());
    let found = found.await.map_err(|e| AppError::Internal(e.to_string()))?;
    let told = |(pointer, pattern): &(String, Pattern)| {
        let detail = format!("is {pattern}, which no legal topic name fits");
        field(pointer, "format", &detail, "mend it: names have 1 to 249 letters, digits, '.', '_' and '-'")
    };
    if found.is_empty() { Ok(()) } else { Err(Refusal::fields(found.iter().map(told).collect()).into()) }
}

/// What a policy names must be there, or a slip of the pen would leave an environment uncovered, or a request without anybody to decide it.
pub(super) async fn check_named(db: &mut Read, rules: &TopicRules) -> AppResult<()> {
    let of_approvers: BTreeSet<Slug> = rules.approvers.keys().cloned().collect();
    let named: [(&str, &BTreeSet<Slug>); 4] = [
        ("/approvers", &of_approvers),
        ("/environments", &rules.environments),
        ("/require_approval_for", &rules.require_approval_for),
        ("/require_deletion_approval_for", &rules.require_deletion_approval_for),
    ];
    let mut wrong = Vec::new();
    for (pointer, slugs) in named {
        for slug in slugs {
            if db.environment_by_slug(slug.as_str()).await?.is_none() {
                let detail = format!("names the environment {slug}, which there is not");
                wrong.push(field(
                    pointer,
                    "environment.not-found",
                    &detail,
                    "create the environment first, or mend the name",
                ));
            }
        }
    }
    for (environment, approvers) in &rules.approvers {
        for (i, approver) in approvers.iter().enumerate() {
            let (code, whom) = match approver {
                Approver::AdminOf(slug) if db.workspace_by_slug(slug.as_str()).await?.is_none() => {
                    ("workspace.not-found", format!("workspace {slug}"))
                }
                Approver::Principal(name) if db.principal_by_name(name).await?.is_none() => {
                    ("principal.not-found", format!("principal {name}"))
                }
                _ => continue,
            };
            let (pointer, detail) =
                (format!("/approvers/{environment}/{i}"), format!("names the {whom}, which there is not"));
            wrong.push(field(&pointer, code, &detail, "create it first, or mend the name"));
        }
    }
    wrong.extend(unknown_settings(db, rules).await?);
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::fields(wrong).into()) }
}

/// A policy that names an environment, or a workspace whose admins give consent: without it, it would bind nobody, or leave requests that nobody can decide.
pub(super) async fn policy_that_names(db: &mut Read, names: impl Fn(&TopicRules) -> bool) -> AppResult<Option<Slug>> {
    const LOT: u32 = 500;
    let mut page = PageOf { after: None, limit: LOT };
    loop {
        let rows = db.policy_list(None, &page).await?;
        let full = rows.len() == LOT as usize;
        page.after = rows.last().map(|row| row.name.to_string());
        let found = rows.into_iter().find(|row| names(&row.rules)).map(|row| row.name);
        if found.is_some() || !full {
            return Ok(found);
        }
    }
}

/// Whether rules name an environment.
pub(super) fn names_environment(rules: &TopicRules, slug: &Slug) -> bool {
    let lists = [&rules.environments, &rules.require_approval_for, &rules.require_deletion_approval_for];
    lists.iter().any(|list| list.contains(slug)) || rules.approvers.contains_key(slug)
}

/// Whether rules have the admins of a workspace consent.
pub(super) fn names_admins_of(rules: &TopicRules, workspace: &Slug) -> bool {
    rules.approvers.values().flatten().any(|who| matches!(who, Approver::AdminOf(slug) if slug == workspace))
}

/// Slips of the pen in the names of settings: a rule about one binds nobody, or, where it asks for it, everybody. What is near to none that is known may be a
/// setting of a vendor's, which a cluster tells of only once it has topics.
async fn unknown_settings(db: &mut Read, rules: &TopicRules) -> AppResult<Vec<FieldProblem>> {
    let of_rules = rules.config_rules.keys().map(|key| ("/config_rules".to_owned(), key));
    let of_allowed = rules.allowed_configs.iter().flatten().map(|key| ("/allowed_configs".to_owned(), key));
    let of_profiles = rules
        .profiles
        .iter()
        .flat_map(|(name, preset)| preset.config.keys().map(move |key| (format!("/profiles/{name}/config"), key)));
    let named: Vec<_> = of_rules.chain(of_allowed).chain(of_profiles).collect();
    if named.is_empty() {
        return Ok(vec![]);
    }
    let clusters = clusters(db).await?;
    let told = || clusters.values().filter_map(|c| c.description.as_ref()).flat_map(|d| d.topic_defaults.keys());
    let problem = |(pointer, key): (String, &String)| {
        let known = settings::known(key, told().map(String::as_str));
        let Err(SettingError::Unknown { nearest: Some(nearest) }) = known else { return None };
        let detail = format!("names {key}, and Kafka has no such topic setting");
        Some(field(&pointer, "topic.config.unknown", &detail, &format!("did you mean {nearest}?")))
    };
    Ok(named.into_iter().filter_map(problem).collect())
}
