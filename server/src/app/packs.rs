//! Policy packs: installed with one call, upgraded with the difference shown first.

use super::{
    App, AppResult, Call, Code, Confirmed, Refusal,
    policies::{check_named, meant},
    topics::field,
};
use crate::auth::{
    Caller,
    permission::{PolicyPackInstall, PolicyRead},
};
use orbit_core::{
    id::PolicyId,
    model::topic::Difference,
    name::Slug,
    policy::{Group, Groups, PACKS, Pack, PackPolicy, Scope, TopicPolicy, TopicRules},
};
use orbit_store::{NewPolicy, PolicyRow, Read, Tx};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A pack, and what is installed of it.
#[derive(Debug, Clone)]
pub struct PackView {
    /// The pack of this build.
    pub pack: &'static Pack,
    /// Its policies that are there.
    pub installed: Vec<PolicyRow>,
    /// Which environments are which, as installed.
    pub groups: Groups,
}

/// What an installation does to a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackDeed {
    /// It is new.
    Create,
    /// It changes.
    Update,
    /// It says the same already.
    Keep,
    /// The pack does not have it any more, or no environment needs it.
    Delete,
}

/// What an installation did, as it is kept for who repeats the call.
#[derive(Serialize, Deserialize)]
struct Did {
    before: Option<i64>,
    steps: Vec<PackStep>,
    locks_out: BTreeMap<Slug, Vec<String>>,
}

/// What an installation does to a policy, in full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PackStep {
    /// The policy.
    pub policy: String,
    /// What is done.
    pub deed: PackDeed,
    /// Whether somebody changed the policy since the pack wrote it.
    pub changed_by_hand: bool,
    /// What changes in it.
    pub differences: Vec<Difference>,
}

/// How to install a pack.
#[derive(Debug, Clone, Default)]
pub struct PackWish {
    /// Which environments are which; as installed before, where a group is not given.
    pub groups: Groups,
    /// Only tell what would be done.
    pub dry_run: bool,
    /// Also where a policy was changed by hand.
    pub overwrite: bool,
    /// Environments that may be locked out.
    pub confirmed: Confirmed,
}

/// What an installation did, or would do.
#[derive(Debug, Clone)]
pub struct PackInstalled {
    /// The pack.
    pub pack: &'static Pack,
    /// Which version was there.
    pub before: Option<i64>,
    /// Policy by policy.
    pub steps: Vec<PackStep>,
    /// Environments in which no topic could be created any more, and why.
    pub locks_out: BTreeMap<Slug, Vec<String>>,
}

fn pack_named(named: &str) -> AppResult<&'static Pack> {
    let absent = || {
        Refusal::new(Code::PolicyPackNotFound, format!("there is no policy pack {named}"))
            .remedy("GET /v1/policy-packs lists them")
    };
    Ok(Pack::named(named).ok_or_else(absent)?)
}

async fn view(db: &mut Read, pack: &'static Pack) -> AppResult<PackView> {
    let installed = db.policies_of_pack(pack.name).await?;
    // A group is what the policy of its name covers.
    let of = |group: Group| {
        let name = format!("{}-{}", pack.name, group.as_str());
        let covers = installed.iter().find(|row| row.name.as_str() == name)?;
        Some((group, covers.rules.environments.clone()))
    };
    Ok(PackView { pack, groups: Group::ALL.into_iter().filter_map(of).collect(), installed })
}

impl App {
    /// The packs of this build, and what is installed of them.
    pub async fn policy_packs(&self, _proof: &Caller<PolicyRead>) -> AppResult<Vec<PackView>> {
        let mut db = self.store.read().await?;
        let mut views = Vec::new();
        for pack in &PACKS {
            views.push(view(&mut db, pack).await?);
        }
        Ok(views)
    }

    /// A pack of this build.
    pub async fn policy_pack(&self, _proof: &Caller<PolicyRead>, named: &str) -> AppResult<PackView> {
        let pack = pack_named(named)?;
        view(&mut self.store.read().await?, pack).await
    }

    /// Installs a pack, or its new version: all of its policies, or none. With `dry_run` it only tells what it would do.
    pub async fn policy_pack_install(
        &self,
        _proof: &Caller<PolicyPackInstall>,
        call: &Call,
        named: &str,
        wish: &PackWish,
    ) -> AppResult<PackInstalled> {
        let pack = pack_named(named)?;
        let mut tx = self.store.begin().await?;
        if let Some(Did { before, steps, locks_out }) = self.answered_before(&mut tx, call).await? {
            return Ok(PackInstalled { pack, before, steps, locks_out });
        }
        let there = view(&mut tx, pack).await?;
        let before = there.installed.iter().filter_map(|row| row.pack.as_ref()).map(|mark| mark.version).max();
        let mut groups = there.groups.clone();
        groups.extend(wish.groups.clone());
        if groups.values().all(BTreeSet::is_empty) {
            let detail = "names no environment: the pack has to know which of them are which";
            let remedy = "give production, development or both";
            return Err(Refusal::fields(vec![field("/environments", "missing", detail, remedy)]).into());
        }
        let policies = pack.policies(&groups);
        let steps = self.pack_steps(&mut tx, &there, &policies).await?;
        let mut locks_out = BTreeMap::new();
        for policy in policies {
            self.pack_write(&mut tx, call, pack, policy, &mut locks_out).await?;
        }
        if wish.dry_run {
            // Nothing is committed.
            return Ok(PackInstalled { pack, before, steps, locks_out });
        }
        let by_hand: Vec<_> = steps.iter().filter(|s| s.changed_by_hand && s.deed != PackDeed::Keep).collect();
        if !wish.overwrite && !by_hand.is_empty() {
            let those: Vec<_> = by_hand.iter().map(|s| s.policy.as_str()).collect();
            let text = format!("changed since the pack wrote them: {}", those.join(", "));
            return Err(Refusal::new(Code::PolicyPackChanged, text)
                .remedy("look with \"dry_run\": true at what would be lost, then call again with \"overwrite\": true")
                .into());
        }
        meant(&locks_out, &wish.confirmed)?;
        for step in steps.iter().filter(|s| s.deed == PackDeed::Delete) {
            if let Some(row) = tx.policy_by_name(&step.policy).await? {
                tx.policy_delete(row.id, row.version).await?;
                self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
            }
        }
        let did = Did { before, steps, locks_out };
        self.remember(&mut tx, call, &did).await?;
        tx.commit().await?;
        let Did { before, steps, locks_out } = did;
        Ok(PackInstalled { pack, before, steps, locks_out })
    }

    /// What an installation does, policy by policy. A policy of the same name that is none of the pack's is in the way.
    async fn pack_steps(&self, db: &mut Read, there: &PackView, policies: &[PackPolicy]) -> AppResult<Vec<PackStep>> {
        let mut steps = Vec::new();
        for policy in policies {
            let row = db.policy_by_name(policy.name).await?;
            let ours = |row: &PolicyRow| row.pack.as_ref().is_some_and(|mark| mark.name == there.pack.name);
            if let Some(row) = row.as_ref().filter(|row| !ours(row)) {
                let text = format!("policy {} exists already, and is none of the pack's", row.name);
                return Err(Refusal::new(Code::PolicyExists, text)
                    .remedy("delete it, or give its rules to another name")
                    .into());
            }
            let nothing = TopicRules::default();
            let differences = row.as_ref().map_or(&nothing, |row| &row.rules).differences(&policy.rules);
            steps.push(PackStep {
                policy: policy.name.to_owned(),
                deed: match &row {
                    None => PackDeed::Create,
                    Some(_) if differences.is_empty() => PackDeed::Keep,
                    Some(_) => PackDeed::Update,
                },
                changed_by_hand: row.as_ref().is_some_and(changed_by_hand),
                differences,
            });
        }
        let has = |row: &&PolicyRow| !policies.iter().any(|p| p.name == row.name.as_str());
        steps.extend(there.installed.iter().filter(has).map(|row| PackStep {
            policy: row.name.to_string(),
            deed: PackDeed::Delete,
            changed_by_hand: changed_by_hand(row),
            differences: row.rules.differences(&TopicRules::default()),
        }));
        Ok(steps)
    }

    async fn pack_write(
        &self,
        tx: &mut Tx,
        call: &Call,
        pack: &Pack,
        policy: PackPolicy,
        locks_out: &mut BTreeMap<Slug, Vec<String>>,
    ) -> AppResult<()> {
        let PackPolicy { name, rules, .. } = policy;
        check_named(tx, &rules).await?;
        let row = tx.policy_by_name(name).await?;
        let id = row.as_ref().map_or_else(|| PolicyId::from_uuid(self.ids.fresh()), |row| row.id);
        let slug: Slug =
            name.parse().map_err(|_| super::AppError::Internal(format!("{name} is no name of a policy")))?;
        let then =
            TopicPolicy { id, name: slug.clone(), version: 0, scope: Scope::Platform, rules: rules.clone().into() };
        locks_out.extend(self.locked_out(tx, &then).await?);
        match row {
            Some(row) if row.rules == rules => {}
            Some(row) => drop(self.policy_rewrite(tx, call, &row, (&rules, "replaced"), None).await?),
            None => {
                let new = NewPolicy { id, name: slug, workspace: None, rules };
                if !tx.policy_insert(&new).await? {
                    return Err(Refusal::new(Code::PolicyExists, format!("policy {name} exists already")).into());
                }
                tx.policy_version_keep(id, &call.who.name).await?;
                let row = tx.policy(id).await?;
                self.audit_object(tx, call, "created", None, row.as_ref()).await?;
            }
        }
        Ok(tx.policy_of_pack(id, pack.name, pack.version).await?)
    }
}

/// Whether somebody changed a policy since its pack wrote it.
#[must_use]
pub fn changed_by_hand(row: &PolicyRow) -> bool {
    row.pack.as_ref().is_some_and(|mark| mark.wrote != row.version)
}
