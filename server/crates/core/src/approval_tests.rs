use super::*;
use proptest::prelude::*;
use uuid::Uuid;

const DEEDS: [Deed; 5] = [Deed::Approve, Deed::Reject, Deed::Withdraw, Deed::Supersede, Deed::Expire];

fn principal(n: u128) -> PrincipalId {
    PrincipalId::from_uuid(Uuid::from_u128(n))
}

fn nobody(n: u128) -> Actor {
    Actor {
        principal: principal(n),
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
    let need = |&(layer, self_approval): &(Layer, bool)| Needs { layer, self_approval };
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
        Err(Refusal::NotYours(_)) => "-".to_owned(),
    }
}

fn table(state: RequestState, asked: &BTreeSet<Needs>, given: &[Consent]) -> String {
    let mut table = String::new();
    for (name, actor) in cast() {
        let row = DEEDS.map(|deed| told(&decide(state, asked, given, deed, &actor)));
        let [approve, reject, withdraw, supersede, expire] = row;
        table += format!("{name:30}{approve:21}{reject:10}{withdraw:11}{supersede:12}{expire}").trim_end();
        table.push('\n');
    }
    table
}

fn consent(n: u128, layer: Layer) -> Consent {
    let principal = principal(n);
    Consent { principal, layer }
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
    let pending = |asked: &[(Layer, bool)], given: &[Consent]| table(RequestState::Pending, &needs(asked), given);
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
        pending(&[(Platform, false), (Workspace, false)], &[consent(6, Platform)]),
        "--- both ask, the workspace lets requesters consent, and an environment approver consented for the platform"
            .to_owned(),
        pending(&[(Platform, false), (Workspace, true)], &[consent(4, Platform)]),
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
            for deed in DEEDS {
                let result = decide(state, &asked, &[], deed, &actor);
                let decided = result == Err(Refusal::Decided(state));
                assert_eq!(decided, state != RequestState::Pending, "{name}: {deed:?} on {state:?}");
            }
        }
    }
    let late = decide(RequestState::Rejected, &asked, &[], Deed::Approve, &nobody(1));
    assert_eq!(late.unwrap_err().to_string(), "the request is rejected already");
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
    let layers = |given: &[Consent]| open_layers(&asked, given).iter().map(|n| n.layer).collect::<Vec<_>>();
    assert_eq!(layers(&[]), [Layer::Platform, Layer::Workspace]);
    assert_eq!(layers(&[consent(1, Layer::Platform)]), [Layer::Workspace]);
    assert_eq!(layers(&[consent(1, Layer::Platform), consent(2, Layer::Workspace)]), []);
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
    let layer = || prop::option::of(any::<bool>());
    (layer(), layer()).prop_map(|(platform, workspace)| {
        let platform = platform.map(|own| (Layer::Platform, own));
        let workspace = workspace.map(|own| (Layer::Workspace, own));
        needs(&platform.into_iter().chain(workspace).collect::<Vec<_>>())
    })
}

proptest! {
    #[test]
    fn nothing_is_approved_without_everyone_who_is_asked(
        people in people(),
        asked in asked(),
        deeds in prop::collection::vec((0..5_usize, prop::sample::select(DEEDS.to_vec())), 1..12),
    ) {
        let (mut state, mut given) = (RequestState::Pending, Vec::<Consent>::new());
        for (who, deed) in deeds {
            let actor = people[who % people.len()];
            let before = state;
            match decide(state, &asked, &given, deed, &actor) {
                Ok(Outcome::Consented(consent)) => given.push(consent),
                Ok(Outcome::Now(now, consent)) => {
                    state = now;
                    given.extend(consent);
                }
                Err(_) => {}
            }
            prop_assert!(before == RequestState::Pending || state == before, "moved after it was decided");
        }
        for consent in &given {
            let actor = people.iter().find(|a| a.principal == consent.principal).unwrap();
            prop_assert!(may_consent(actor, consent.layer));
            let need = asked.iter().find(|n| n.layer == consent.layer);
            prop_assert!(need.is_some_and(|n| !actor.requester || n.self_approval), "own request");
        }
        let principals: BTreeSet<_> = given.iter().map(|c| c.principal).collect();
        prop_assert_eq!(principals.len(), given.len(), "one person, one consent");
        if state == RequestState::Approved {
            prop_assert!(!asked.is_empty());
            prop_assert!(open_layers(&asked, &given).is_empty());
            prop_assert_eq!(given.len(), asked.len());
        }
    }
}
