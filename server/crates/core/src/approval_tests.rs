use super::*;
use proptest::prelude::*;
use uuid::Uuid;

/// What is done to a request that is pending.
const DEEDS: [Deed; 5] = [Deed::Approve, Deed::Reject, Deed::Withdraw, Deed::Supersede, Deed::Expire];

fn principal(n: u128) -> PrincipalId {
    PrincipalId::from_uuid(Uuid::from_u128(n))
}

fn nobody(n: u128) -> Actor {
    Actor {
        principal: principal(n),
        name: format!("person-{n}"),
        admin_of: BTreeSet::new(),
        requester: false,
        platform_admin: false,
        workspace_admin: false,
        environment_approver: false,
        system: false,
    }
}

const CAST: [&str; 9] = [
    "somebody",
    "requester",
    "platform admin",
    "environment approver",
    "workspace admin",
    "platform and workspace admin",
    "requester, platform admin",
    "requester, workspace admin",
    "orbit",
];

/// Everyone is what their name says.
fn cast() -> impl Iterator<Item = (&'static str, Actor)> {
    let actor = |(n, name): (u128, &'static str)| {
        let is = |what| name.contains(what);
        let actor = Actor {
            requester: is("requester"),
            platform_admin: is("platform"),
            workspace_admin: is("workspace"),
            environment_approver: is("approver"),
            system: is("orbit"),
            ..nobody(n)
        };
        (name, actor)
    };
    (1..).zip(CAST).map(actor)
}

fn needs(layers: &[(Layer, bool)]) -> BTreeSet<Needs> {
    let need = |&(layer, self_approval): &(Layer, bool)| Needs::of(layer, self_approval);
    layers.iter().map(need).collect()
}

fn told(result: &Result<Outcome, Refusal>) -> String {
    match result {
        Ok(Outcome::Now(state, consent)) => {
            let by = consent.map_or(String::new(), |c| format!(" ({})", c.layer.as_str()));
            format!("{}{by}", state.as_str())
        }
        Ok(Outcome::Consented(consent)) => format!("consent ({})", consent.layer.as_str()),
        Err(Refusal::Decided(_)) => "decided".to_owned(),
        Err(Refusal::OwnRequest) => "own".to_owned(),
        Err(Refusal::Twice) => "twice".to_owned(),
        Err(Refusal::NotYours(_) | Refusal::OnlyRequester(_)) => "-".to_owned(),
    }
}

fn table(state: RequestState, asked: &BTreeSet<Needs>, given: &[Given]) -> String {
    let mut table = String::new();
    for (name, actor) in cast() {
        let row = DEEDS.map(|deed| told(&decide(state, asked, given, deed, &actor)));
        let [approve, reject, withdraw, supersede, expire] = row;
        table += format!("{name:30}{approve:21}{reject:10}{withdraw:11}{supersede:12}{expire}").trim_end();
        table.push('\n');
    }
    table
}

/// The consent of one of the cast.
fn by(name: &str, layer: Layer) -> Given {
    let (_, giver) = cast().find(|(is, _)| *is == name).unwrap();
    Given { layer, giver }
}

/// `-`: not theirs; `own`: four eyes; `twice`: the same person again.
const TABLE: &str = "\
who                           approve              reject    withdraw   supersede   expire
--- the platform asks
somebody                      -                    -         -          -           -
requester                     -                    -         withdrawn  superseded  -
platform admin                approved (platform)  rejected  -          -           -
environment approver          approved (platform)  rejected  -          -           -
workspace admin               -                    -         withdrawn  superseded  -
platform and workspace admin  approved (platform)  rejected  withdrawn  superseded  -
requester, platform admin     own                  rejected  withdrawn  superseded  -
requester, workspace admin    -                    -         withdrawn  superseded  -
orbit                         -                    -         -          -           expired

--- the platform asks, and lets requesters consent
somebody                      -                    -         -          -           -
requester                     -                    -         withdrawn  superseded  -
platform admin                approved (platform)  rejected  -          -           -
environment approver          approved (platform)  rejected  -          -           -
workspace admin               -                    -         withdrawn  superseded  -
platform and workspace admin  approved (platform)  rejected  withdrawn  superseded  -
requester, platform admin     approved (platform)  rejected  withdrawn  superseded  -
requester, workspace admin    -                    -         withdrawn  superseded  -
orbit                         -                    -         -          -           expired

--- the workspace asks
somebody                      -                    -         -          -           -
requester                     -                    -         withdrawn  superseded  -
platform admin                -                    -         -          -           -
environment approver          -                    -         -          -           -
workspace admin               approved (workspace) rejected  withdrawn  superseded  -
platform and workspace admin  approved (workspace) rejected  withdrawn  superseded  -
requester, platform admin     -                    -         withdrawn  superseded  -
requester, workspace admin    own                  rejected  withdrawn  superseded  -
orbit                         -                    -         -          -           expired

--- both ask
somebody                      -                    -         -          -           -
requester                     -                    -         withdrawn  superseded  -
platform admin                consent (platform)   rejected  -          -           -
environment approver          consent (platform)   rejected  -          -           -
workspace admin               consent (workspace)  rejected  withdrawn  superseded  -
platform and workspace admin  consent (workspace)  rejected  withdrawn  superseded  -
requester, platform admin     own                  rejected  withdrawn  superseded  -
requester, workspace admin    own                  rejected  withdrawn  superseded  -
orbit                         -                    -         -          -           expired

--- both ask, and the admin of both consented for the platform
somebody                      -                    -         -          -           -
requester                     -                    -         withdrawn  superseded  -
platform admin                -                    rejected  -          -           -
environment approver          -                    rejected  -          -           -
workspace admin               approved (workspace) rejected  withdrawn  superseded  -
platform and workspace admin  twice                rejected  withdrawn  superseded  -
requester, platform admin     -                    rejected  withdrawn  superseded  -
requester, workspace admin    own                  rejected  withdrawn  superseded  -
orbit                         -                    -         -          -           expired

--- both ask, the workspace lets requesters consent, and an environment approver consented for the platform
somebody                      -                    -         -          -           -
requester                     -                    -         withdrawn  superseded  -
platform admin                -                    rejected  -          -           -
environment approver          twice                rejected  -          -           -
workspace admin               approved (workspace) rejected  withdrawn  superseded  -
platform and workspace admin  approved (workspace) rejected  withdrawn  superseded  -
requester, platform admin     -                    rejected  withdrawn  superseded  -
requester, workspace admin    approved (workspace) rejected  withdrawn  superseded  -
orbit                         -                    -         -          -           expired
";

#[test]
fn who_may_do_what_is_this_table() {
    use Layer::{Platform, Workspace};
    let pending = |asked: &[(Layer, bool)], given: &[Given]| table(RequestState::Pending, &needs(asked), given);
    let all = [
        "--- the platform asks".to_owned(),
        pending(&[(Platform, false)], &[]),
        "--- the platform asks, and lets requesters consent".to_owned(),
        pending(&[(Platform, true)], &[]),
        "--- the workspace asks".to_owned(),
        pending(&[(Workspace, false)], &[]),
        "--- both ask".to_owned(),
        pending(&[(Platform, false), (Workspace, false)], &[]),
        "--- both ask, and the admin of both consented for the platform".to_owned(),
        pending(&[(Platform, false), (Workspace, false)], &[by("platform and workspace admin", Platform)]),
        "--- both ask, the workspace lets requesters consent, and an environment approver consented for the platform"
            .to_owned(),
        pending(&[(Platform, false), (Workspace, true)], &[by("environment approver", Platform)]),
    ];
    let table = format!(
        "{:30}{:21}{:10}{:11}{:12}{}\n{}",
        "who",
        "approve",
        "reject",
        "withdraw",
        "supersede",
        "expire",
        all.join("\n")
    );
    assert_eq!(table, TABLE, "\n{table}");
}

#[test]
fn what_was_decided_stays_decided() {
    let asked = needs(&[(Layer::Platform, true), (Layer::Workspace, true)]);
    for state in RequestState::ALL {
        for (name, actor) in cast() {
            for deed in Deed::ALL {
                let result = decide(state, &asked, &[], deed, &actor);
                let decided = result == Err(Refusal::Decided(state));
                let due = if deed == Deed::Reopen { RequestState::Rejected } else { RequestState::Pending };
                assert_eq!(decided, state != due, "{name}: {deed:?} on {state:?}");
            }
        }
    }
    let late = decide(RequestState::Rejected, &asked, &[], Deed::Approve, &nobody(1));
    assert_eq!(late.unwrap_err().to_string(), "the request is rejected already");
}

#[test]
fn who_may_reject_may_reopen_what_was_rejected() {
    let asked = needs(&[(Layer::Platform, false)]);
    for (name, actor) in cast() {
        let rejects = decide(RequestState::Pending, &asked, &[], Deed::Reject, &actor).is_ok();
        let reopens = decide(RequestState::Rejected, &asked, &[], Deed::Reopen, &actor);
        assert_eq!(reopens == Ok(Outcome::Now(RequestState::Pending, None)), rejects, "{name}");
        assert!(decide(RequestState::Pending, &asked, &[], Deed::Reopen, &actor).is_err(), "{name}: it is pending");
    }
}

#[test]
fn what_is_asked_by_nobody_is_consented_by_nobody() {
    for (name, actor) in cast() {
        let result = decide(RequestState::Pending, &needs(&[]), &[], Deed::Approve, &actor);
        assert_eq!(result, Err(NOT_AN_APPROVER), "{name}");
    }
}

#[test]
fn the_layers_that_are_open_are_those_without_a_consent() {
    let asked = needs(&[(Layer::Platform, false), (Layer::Workspace, true)]);
    let layers = |given: &[Given]| open_needs(&asked, given).iter().map(|n| n.layer).collect::<Vec<_>>();
    let (platform, workspace) = (by("platform admin", Layer::Platform), by("workspace admin", Layer::Workspace));
    assert_eq!(layers(&[]), [Layer::Platform, Layer::Workspace]);
    assert_eq!(layers(std::slice::from_ref(&platform)), [Layer::Workspace]);
    assert_eq!(layers(&[platform.clone(), workspace.clone()]), []);
    let lost = Given { giver: nobody(3), ..platform };
    assert_eq!(layers(&[lost, workspace]), [Layer::Platform], "who has lost the right since does not count");
}

fn asks(approvers: &[Approver], quorum: u8) -> Needs {
    Needs { approvers: approvers.iter().cloned().collect(), quorum, ..Needs::of(Layer::Platform, false) }
}

#[test]
fn a_policy_can_name_who_consents() {
    let sre = Actor { admin_of: ["sre".parse().unwrap()].into(), ..nobody(11) };
    let kim = Actor { name: "kim".to_owned(), ..nobody(12) };
    let asked = |approver| BTreeSet::from([asks(&[approver], 1)]);
    let approves = |asked: &BTreeSet<Needs>, actor: &Actor| {
        decide(RequestState::Pending, asked, &[], Deed::Approve, actor).is_ok()
    };
    let admin = by("platform admin", Layer::Platform).giver;
    let lead = by("workspace admin", Layer::Platform).giver;
    for (approver, who) in [
        (Approver::PlatformAdmin, &admin),
        (Approver::WorkspaceAdmin, &lead),
        (Approver::AdminOf("sre".parse().unwrap()), &sre),
        (Approver::Principal("kim".to_owned()), &kim),
    ] {
        let asked = asked(approver);
        for actor in [&admin, &lead, &sre, &kim, &by("environment approver", Layer::Platform).giver] {
            assert_eq!(approves(&asked, actor), actor == who, "{asked:?}: {}", actor.name);
        }
    }
    let own = Actor { requester: true, ..kim };
    let refused = decide(RequestState::Pending, &asked(Approver::Principal("kim".into())), &[], Deed::Approve, &own);
    assert_eq!(refused, Err(Refusal::OwnRequest));
}

#[test]
fn a_quorum_takes_as_many_people() {
    let asked = BTreeSet::from([asks(&[Approver::PlatformAdmin, Approver::Principal("kim".into())], 2)]);
    let kim = Actor { name: "kim".to_owned(), ..nobody(12) };
    let admin = by("platform admin", Layer::Platform);
    let first = decide(RequestState::Pending, &asked, &[], Deed::Approve, &kim);
    assert!(matches!(first, Ok(Outcome::Consented(_))), "{first:?}");
    let again = decide(
        RequestState::Pending,
        &asked,
        &[Given { layer: Layer::Platform, giver: kim.clone() }],
        Deed::Approve,
        &kim,
    );
    assert_eq!(again, Err(Refusal::Twice));
    let lost = Given { layer: Layer::Workspace, giver: kim.clone() };
    let anew = decide(RequestState::Pending, &asked, &[lost], Deed::Approve, &kim);
    assert!(matches!(anew, Ok(Outcome::Consented(_))), "what does not count is no consent: {anew:?}");
    let second = decide(RequestState::Pending, &asked, &[admin], Deed::Approve, &kim);
    assert!(matches!(second, Ok(Outcome::Now(RequestState::Approved, Some(_)))), "{second:?}");
}

#[test]
fn needs_of_the_same_people_are_one_and_the_stricter_holds() {
    let mut needs = BTreeSet::new();
    Needs { quorum: 2, ..Needs::of(Layer::Platform, true) }.add_to(&mut needs);
    Needs::of(Layer::Platform, false).add_to(&mut needs);
    asks(&[Approver::Principal("kim".into())], 1).add_to(&mut needs);
    Needs::of(Layer::Workspace, true).add_to(&mut needs);
    let told: Vec<_> = needs.iter().map(|n| (n.layer, n.approvers.len(), n.quorum, n.self_approval)).collect();
    let (platform, workspace) = (Layer::Platform, Layer::Workspace);
    assert_eq!(told, [(platform, 0, 2, false), (platform, 1, 1, false), (workspace, 0, 1, true)]);
}

/// A few people: who files is one of them.
fn people() -> impl Strategy<Value = Vec<Actor>> {
    let person = (any::<bool>(), any::<bool>(), any::<bool>());
    prop::collection::vec(person, 2..5).prop_map(|people| {
        let actor = |(n, (platform_admin, workspace_admin, environment_approver)): (u128, _)| Actor {
            requester: n == 0,
            platform_admin,
            workspace_admin,
            environment_approver,
            ..nobody(n)
        };
        (0..).zip(people).map(actor).collect()
    })
}

fn asked() -> impl Strategy<Value = BTreeSet<Needs>> {
    let layer = || prop::option::of((any::<bool>(), 1..3_u8));
    (layer(), layer()).prop_map(|(platform, workspace)| {
        let need = |layer, (own, quorum)| Needs { quorum, ..Needs::of(layer, own) };
        let platform = platform.map(|asked| need(Layer::Platform, asked));
        let workspace = workspace.map(|asked| need(Layer::Workspace, asked));
        platform.into_iter().chain(workspace).collect()
    })
}

proptest! {
    #[test]
    fn nothing_is_approved_without_everyone_who_is_asked(
        people in people(),
        asked in asked(),
        deeds in prop::collection::vec((0..5_usize, prop::sample::select(DEEDS.to_vec())), 1..12),
    ) {
        let (mut state, mut given) = (RequestState::Pending, Vec::<Given>::new());
        for (who, deed) in deeds {
            let actor = &people[who % people.len()];
            let of = |consent: Consent| Given { layer: consent.layer, giver: actor.clone() };
            let before = state;
            match decide(state, &asked, &given, deed, actor) {
                Ok(Outcome::Consented(consent)) => given.push(of(consent)),
                Ok(Outcome::Now(now, consent)) => {
                    state = now;
                    given.extend(consent.map(of));
                }
                Err(_) => {}
            }
            prop_assert!(before == RequestState::Pending || state == before, "moved after it was decided");
        }
        for given in &given {
            let need = asked.iter().find(|n| n.layer == given.layer);
            prop_assert!(need.is_some_and(|n| may_consent(&given.giver, n)));
            prop_assert!(need.is_some_and(|n| !given.giver.requester || n.self_approval), "own request");
        }
        let principals: BTreeSet<_> = given.iter().map(|g| g.giver.principal).collect();
        prop_assert_eq!(principals.len(), given.len(), "one person, one consent");
        if state == RequestState::Approved {
            prop_assert!(!asked.is_empty());
            prop_assert!(open_needs(&asked, &given).is_empty());
            prop_assert_eq!(given.len(), asked.iter().map(|n| usize::from(n.quorum)).sum::<usize>());
        }
    }
}
