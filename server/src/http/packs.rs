//! Policy packs.

use super::{
    Answer,
    input::{Asked, Query},
    parse::{Wrongs, slug},
    policies::{Confirm, locks_out},
    wire::difference,
};
use crate::{
    app::{App, PackDeed, PackInstalled, PackView, PackWish, changed_by_hand},
    auth::{
        Caller,
        permission::{PolicyPackInstall, PolicyRead},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use orbit_api as api;
use orbit_core::{
    name::Slug,
    policy::{Group, Groups},
};
use std::collections::BTreeSet;

fn slugs(at: &str, given: Option<Vec<String>>, wrong: &mut Wrongs) -> Option<BTreeSet<Slug>> {
    let each = given?.into_iter().enumerate();
    Some(each.filter_map(|(i, text)| slug(&format!("{at}/{i}"), &text, wrong)).collect())
}

fn groups(given: api::PackEnvironments, wrong: &mut Wrongs) -> Groups {
    let production = slugs("/environments/production", given.production, wrong);
    let development = slugs("/environments/development", given.development, wrong);
    let both = [(Group::Production, production), (Group::Development, development)];
    let groups: Groups = both.into_iter().filter_map(|(group, slugs)| Some((group, slugs?))).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = groups.values().flatten().find(|slug| !seen.insert(*slug)) {
        wrong.note("/environments", "format", format!("names {twice} twice"), None, "name each environment once");
    }
    groups
}

fn environments(groups: &Groups) -> api::PackEnvironments {
    let of = |group| groups.get(&group).map(|slugs| slugs.iter().map(Slug::to_string).collect());
    api::PackEnvironments { production: of(Group::Production), development: of(Group::Development) }
}

fn to_wire(view: &PackView) -> api::PolicyPack {
    let names = |changed: bool| {
        let rows = view.installed.iter().filter(|row| !changed || changed_by_hand(row));
        rows.map(|row| row.name.to_string()).collect()
    };
    let version = view.installed.iter().filter_map(|row| row.pack.as_ref()).map(|mark| mark.version).max();
    api::PolicyPack {
        name: view.pack.name.to_owned(),
        version: view.pack.version,
        title: view.pack.title.to_owned(),
        description: view.pack.description.to_owned(),
        installed: version.map(|version| api::PackInstallation {
            version,
            environments: environments(&view.groups),
            policies: names(false),
            changed_by_hand: names(true),
        }),
    }
}

fn installed(done: &PackInstalled, dry_run: bool) -> api::PackInstalled {
    let steps = done.steps.iter().map(|step| api::PackStep {
        policy: step.policy.clone(),
        action: match step.deed {
            PackDeed::Create => api::PackAction::Create,
            PackDeed::Update => api::PackAction::Update,
            PackDeed::Keep => api::PackAction::Keep,
            PackDeed::Delete => api::PackAction::Delete,
        },
        changed_by_hand: step.changed_by_hand,
        differences: step.differences.iter().map(difference).collect(),
    });
    api::PackInstalled {
        name: done.pack.name.to_owned(),
        version: done.pack.version,
        before: done.before,
        dry_run,
        policies: steps.collect(),
        locks_out: locks_out(&done.locks_out),
    }
}

/// The policy packs that come with Orbit, and what is installed of them.
#[utoipa::path(get, path = "/v1/policy-packs", operation_id = "policy_pack_list", tag = "topic-policies",
    responses((status = 200, body = api::Page<api::PolicyPack>), (status = "4XX", body = api::Problem)))]
pub(super) async fn policy_pack_list(
    caller: Caller<PolicyRead>,
    State(app): State<App>,
) -> Answer<api::Page<api::PolicyPack>> {
    let items = app.policy_packs(&caller).await?.iter().map(to_wire).collect();
    Ok((StatusCode::OK, Json(api::Page { items, next_cursor: None })))
}

/// A policy pack, and what is installed of it.
#[utoipa::path(get, path = "/v1/policy-packs/{pack}", operation_id = "policy_pack_get", tag = "topic-policies",
    params(("pack" = String, Path, description = "Its name")),
    responses((status = 200, body = api::PolicyPack), (status = "4XX", body = api::Problem)))]
pub(super) async fn policy_pack_get(
    caller: Caller<PolicyRead>,
    State(app): State<App>,
    Path(pack): Path<String>,
) -> Answer<api::PolicyPack> {
    let view = app.policy_pack(&caller, &pack).await?;
    Ok((StatusCode::OK, Json(to_wire(&view))))
}

/// Installs a policy pack, or its new version: all of its policies, or none. With `dry_run` it only tells what it would do.
#[utoipa::path(post, path = "/v1/policy-packs/{pack}/install", operation_id = "policy_pack_install", tag = "topic-policies",
    request_body = api::PackInstall,
    params(("pack" = String, Path, description = "Its name"), Confirm,
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 200, body = api::PackInstalled), (status = "4XX", body = api::Problem)))]
pub(super) async fn policy_pack_install(
    caller: Caller<PolicyPackInstall>,
    State(app): State<App>,
    Path(pack): Path<String>,
    Query(confirm): Query<Confirm>,
    asked: Asked<api::PackInstall>,
) -> Answer<api::PackInstalled> {
    let (call, body, mut wrong) = asked.by(caller.who.clone());
    let dry_run = body.dry_run.unwrap_or(false);
    let wish = PackWish {
        groups: groups(body.environments.unwrap_or_default(), &mut wrong),
        dry_run,
        overwrite: body.overwrite.unwrap_or(false),
        confirmed: confirm.parse(&mut wrong),
    };
    let wish = wrong.done(|| Some(wish))?;
    let done = app.policy_pack_install(&caller, &call, &pack, &wish).await?;
    Ok((StatusCode::OK, Json(installed(&done, dry_run))))
}
