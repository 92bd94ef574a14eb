//! The provider and its settings.

use crate::{
    Orbit,
    actions::wait_for_approval::WaitForApproval,
    data_sources::{
        TopicData, clusters::Clusters, environments::Environments, topic_evaluation::Evaluation, topics::FoundTopics,
    },
    functions::{physical_topic_name::PhysicalTopicName, subject_name::SubjectName},
    lists::topics::FindTopics,
    on_pending::OnPending,
    orbit::Run,
    resources::{
        cluster::ManagedCluster, environment::ManagedEnvironment, environment_mapping::ManagedMapping,
        membership::ManagedMembership, service_principal::ServicePrincipal, topic::ManagedTopic,
        topic_policy::ManagedPolicy, workspace::ManagedWorkspace,
    },
    slug,
};
use orbit_api::client::{BuildError, Client};
use std::{env, fs};
use tfplugin::{Attr, Diagnostic, Diagnostics, Host, Provider, Registry, Schema, View, model};
use uuid::Uuid;

model! {
    /// Self-service Kafka: topics within the guardrails of your platform team, with approvals where a policy asks for them.
    ///
    /// For Terraform 1.11 and newer, and OpenTofu 1.12. Terraform installs it from your own Orbit, whose host stands in `source`, or from a mirror. Tokens are
    /// minted by `POST /v1/tokens` of the API.
    pub struct Settings {
        /// Address of the Orbit server, for example `https://orbit.example.com`. Also `ORBIT_ENDPOINT`. It is called through the proxy that `HTTPS_PROXY`
        /// or `HTTP_PROXY` names, unless `NO_PROXY` has its host.
        endpoint: Option<String>,
        /// Token that says who you are. Better left to `ORBIT_TOKEN`.
        token: Option<String>,
        /// File that holds the token, for example one that a CI system writes for each job. Also `ORBIT_TOKEN_FILE`. It is read once per command.
        token_file: Option<String>,
        /// File with certificate authorities (PEM) to trust beside the system's.
        ca_file: Option<String>,
        /// Workspace of the resources that do not name one.
        workspace: Option<String>,
        /// Identifies this run: every request shows it to who decides. Also `ORBIT_RUN_ID`; else the id of the CI run (`GITHUB_RUN_ID`, `CI_PIPELINE_ID`,
        /// `BUILD_TAG`, `BUILD_ID`, `BUILD_BUILDID`, `BUILDKITE_BUILD_ID`, `CIRCLE_WORKFLOW_ID`, `TFC_RUN_ID`), else random. `ORBIT_RUN_URL`,
        /// else the address that the CI system gives, is shown to them as a link.
        run_id: Option<String>,
        /// What an apply does with a request that waits for a person: `return` ends with a warning and goes on another time, `wait` waits for the
        /// decision, `fail` ends with an error. Default: `return`. Also `ORBIT_ON_PENDING`.
        on_pending: Option<String>,
    }
}

/// Where CI systems tell the address of a run.
const CI_RUN_URLS: [&str; 5] =
    ["ORBIT_RUN_URL", "CI_PIPELINE_URL", "BUILD_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL"];
/// Where CI systems put the id of a run: GitHub Actions, GitLab, Jenkins (whose `BUILD_ID` is one of each job), others, Azure Pipelines, Buildkite,
/// `CircleCI`, HCP Terraform.
const CI_RUN_IDS: [&str; 8] = [
    "GITHUB_RUN_ID",
    "CI_PIPELINE_ID",
    "BUILD_TAG",
    "BUILD_ID",
    "BUILD_BUILDID",
    "BUILDKITE_BUILD_ID",
    "CIRCLE_WORKFLOW_ID",
    "TFC_RUN_ID",
];

/// The provider `orbit`.
#[derive(Debug)]
pub struct OrbitProvider;

impl Provider for OrbitProvider {
    type Config = Settings;
    type Client = Orbit;
    const NAME: &'static str = "orbit";
    const SOURCE: &'static str = "orbit.internal/orbit/orbit";

    fn schema() -> Schema<Settings> {
        Schema::new()
            .attr(Settings::endpoint.optional())
            .attr(Settings::token.optional().sensitive())
            .attr(Settings::token_file.optional())
            .attr(Settings::ca_file.optional())
            .attr(Settings::workspace.optional().check(|text| slug::check(text)))
            .attr(Settings::run_id.optional())
            .attr(Settings::on_pending.optional().check(|text| text.parse::<OnPending>().map(drop)))
    }

    fn registry() -> Registry<Orbit> {
        Registry::new()
            .resource::<ManagedCluster>()
            .resource::<ManagedEnvironment>()
            .resource::<ManagedMapping>()
            .resource::<ManagedMembership>()
            .resource::<ManagedPolicy>()
            .resource::<ManagedTopic>()
            .resource::<ManagedWorkspace>()
            .resource::<ServicePrincipal>()
            .data_source::<Clusters>()
            .data_source::<Environments>()
            .data_source::<Evaluation>()
            .data_source::<TopicData>()
            .data_source::<FoundTopics>()
            .list::<FindTopics>()
            .action::<WaitForApproval>()
            .function::<PhysicalTopicName>()
            .function::<SubjectName>()
    }

    async fn configure(config: View<'_, Settings>, host: &Host) -> Result<Orbit, Diagnostics> {
        configure(config.into(), host, |name| env::var(name).ok())
    }

    async fn close(orbit: &Orbit) {
        orbit.finish().await;
    }
}

/// The `provider` block as the user wrote it.
struct Given {
    endpoint: Attr<String>,
    token: Attr<String>,
    token_file: Attr<String>,
    ca_file: Attr<String>,
    workspace: Attr<String>,
    run_id: Attr<String>,
    on_pending: Attr<String>,
}

impl From<View<'_, Settings>> for Given {
    fn from(config: View<'_, Settings>) -> Self {
        Self {
            endpoint: config.get(Settings::endpoint),
            token: config.get(Settings::token),
            token_file: config.get(Settings::token_file),
            ca_file: config.get(Settings::ca_file),
            workspace: config.get(Settings::workspace),
            run_id: config.get(Settings::run_id),
            on_pending: config.get(Settings::on_pending),
        }
    }
}

fn configure(given: Given, host: &Host, env: impl Fn(&str) -> Option<String>) -> Result<Orbit, Diagnostics> {
    let env = |name: &str| env(name).filter(|text| !text.trim().is_empty());
    let or_env = |value, name| match not_empty(value) {
        Attr::Null => env(name).map_or(Attr::Null, Attr::Known),
        value => value,
    };
    let endpoint = or_env(given.endpoint, "ORBIT_ENDPOINT");
    let token = token(not_empty(given.token), not_empty(given.token_file), &env)?;
    let ca_file = not_empty(given.ca_file);
    let workspace = not_empty(given.workspace);
    let on_pending = match or_env(given.on_pending, "ORBIT_ON_PENDING").known() {
        Some(text) => text.trim().parse().map_err(|e| {
            let words = format!("The provider cannot be configured: `on_pending` (or ORBIT_ON_PENDING): {e}");
            Diagnostic::error(words).at(Settings::on_pending)
        })?,
        None => OnPending::default(),
    };
    let run_id = or_env(given.run_id, "ORBIT_RUN_ID").known();
    let run_id = run_id.or_else(|| CI_RUN_IDS.iter().find_map(|name| env(name)));
    let is_made_up = run_id.is_none();
    let run = Run { id: run_id.unwrap_or_else(random_run_id), is_made_up };

    if endpoint.is_null() || token.is_null() {
        return Err(missing(endpoint.is_null(), token.is_null()).into());
    }
    let (Attr::Known(endpoint), Attr::Known(token), false) = (endpoint, token, ca_file.is_unknown()) else {
        tracing::debug!("address or token are not known yet");
        return Ok(Orbit::new(None, workspace, run, on_pending));
    };
    let product = concat!("terraform-provider-orbit/", env!("CARGO_PKG_VERSION"));
    let builder = Client::builder(endpoint)
        .token(token.trim())
        .run_id(&run.id)
        .user_agent(format!("{product} terraform/{}", host.version));
    let builder = match run_url(&env) {
        Some(url) => builder.run_url(url),
        None => builder,
    };
    let builder = match ca_file.known() {
        Some(file) => builder.ca_file(file),
        None => builder,
    };
    let client = builder.build().map_err(|e| unusable(&e))?;
    Ok(Orbit::new(Some(client), workspace, run, on_pending))
}

/// The token: of the block, or of a file that the block names; else of the environment, in the same order.
fn token(
    token: Attr<String>,
    file: Attr<String>,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<Attr<String>, Diagnostic> {
    if !token.is_null() && !file.is_null() {
        return Err(Diagnostic::error("The provider is given both a token and a file that holds one")
            .detail("Set `token_file`, or `token`.")
            .at(Settings::token_file));
    }
    if !token.is_null() {
        return Ok(token);
    }
    let file = match file {
        Attr::Null => match env("ORBIT_TOKEN") {
            Some(token) => return Ok(Attr::Known(token)),
            None => env("ORBIT_TOKEN_FILE").map_or(Attr::Null, Attr::Known),
        },
        file => file,
    };
    let Attr::Known(path) = file else { return Ok(file) };
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => {
            Err(Diagnostic::error(format!("The token file {path} is empty")).at(Settings::token_file))
        }
        Ok(text) => Ok(Attr::Known(text.trim().to_owned())),
        Err(e) => Err(Diagnostic::error(format!("The token file {path} cannot be read: {e}")).at(Settings::token_file)),
    }
}

/// Where this run can be seen, as the CI says: approvers find a link to it.
fn run_url(env: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        let (server, repository, run) = (env("GITHUB_SERVER_URL")?, env("GITHUB_REPOSITORY")?, env("GITHUB_RUN_ID")?);
        Some(format!("{server}/{repository}/actions/runs/{run}"))
    };
    let named = CI_RUN_URLS.iter().find_map(|name| env(name));
    let fits = |url: &String| {
        let is_address = url.starts_with("https://") || url.starts_with("http://");
        is_address && url.len() <= 2_000 && url.bytes().all(|b| (0x21..0x7f).contains(&b))
    };
    named.or_else(github).filter(fits)
}

/// A variable with an empty default is as good as none, and so is one of blanks.
fn not_empty(value: Attr<String>) -> Attr<String> {
    match value {
        Attr::Known(text) if text.trim().is_empty() => Attr::Null,
        value => value,
    }
}

#[expect(clippy::disallowed_methods, reason = "the id of this very run, which nobody can tell beforehand")]
fn random_run_id() -> String {
    format!("run-{}", Uuid::now_v7())
}

fn missing(endpoint: bool, token: bool) -> Diagnostic {
    let (what, how) = match (endpoint, token) {
        (true, true) => {
            ("address and token are not set", "Set ORBIT_ENDPOINT and ORBIT_TOKEN, or `endpoint` and `token`")
        }
        (true, false) => ("address is not set", "Set ORBIT_ENDPOINT, or `endpoint`"),
        _ => ("token is not set", "Set ORBIT_TOKEN or ORBIT_TOKEN_FILE, or `token_file`"),
    };
    let diagnostic = Diagnostic::error(format!("Orbit's {what}")).detail(format!(
        "{how} in the provider block. The environment is the better place for a token: a configuration is read by many."
    ));
    match (endpoint, token) {
        (true, false) => diagnostic.at(Settings::endpoint),
        (false, true) => diagnostic.at(Settings::token),
        _ => diagnostic,
    }
}

fn unusable(e: &BuildError) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("The provider cannot be configured: {e}"));
    match e {
        BuildError::Endpoint { .. } => diagnostic.at(Settings::endpoint),
        BuildError::Token => diagnostic.at(Settings::token),
        BuildError::RunId(_) => diagnostic.at(Settings::run_id),
        BuildError::Ca { .. } => diagnostic.at(Settings::ca_file),
        _ => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Given {
        Given {
            endpoint: Attr::Null,
            token: Attr::Null,
            token_file: Attr::Null,
            ca_file: Attr::Null,
            workspace: Attr::Null,
            run_id: Attr::Null,
            on_pending: Attr::Null,
        }
    }

    fn known(text: &str) -> Attr<String> {
        Attr::Known(text.to_owned())
    }

    fn with(given: Given, env: &[(&str, &str)]) -> Result<Orbit, Diagnostics> {
        let host = Host::new("1.11.4");
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        configure(given, &host, env)
    }

    const SET: [(&str, &str); 2] = [("ORBIT_ENDPOINT", "http://localhost:1"), ("ORBIT_TOKEN", "secret")];

    #[track_caller]
    fn error(result: Result<Orbit, Diagnostics>) -> String {
        let told: Vec<String> = result.unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "one clear error: {told:?}");
        told[0].clone()
    }

    #[test]
    fn the_environment_is_enough() {
        let orbit = with(nothing(), &SET).unwrap();
        assert_eq!(orbit.client().unwrap().endpoint(), "http://localhost:1");
        assert!(!format!("{orbit:?}").contains("secret"));
    }

    #[test]
    fn the_block_wins_over_the_environment() {
        let given = Given { endpoint: known("http://localhost:2"), token: known(""), ..nothing() };
        let orbit = with(given, &SET).unwrap();
        assert_eq!(orbit.client().unwrap().endpoint(), "http://localhost:2");
    }

    #[test]
    fn missing_credentials_are_one_clear_error() {
        assert!(
            error(with(nothing(), &[]))
                .starts_with("Orbit's address and token are not set\nSet ORBIT_ENDPOINT and ORBIT_TOKEN")
        );
        assert!(error(with(nothing(), &SET[..1])).starts_with("token: Orbit's token is not set"));
        assert!(error(with(nothing(), &SET[1..])).starts_with("endpoint: Orbit's address is not set"));
        let empty = [("ORBIT_ENDPOINT", ""), ("ORBIT_TOKEN", " \n")];
        assert!(error(with(nothing(), &empty)).starts_with("Orbit's address and token are not set"));
        let blanks = Given { token: known("  "), ..nothing() };
        assert!(error(with(blanks, &SET[..1])).starts_with("token: Orbit's token is not set"));
    }

    #[test]
    fn a_token_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "orbit_of_the_file\n").unwrap();
        let path = file.to_str().unwrap();
        let by_block = Given { token_file: known(path), ..nothing() };
        assert!(with(by_block, &SET[..1]).unwrap().is_known());
        assert!(with(nothing(), &[SET[0], ("ORBIT_TOKEN_FILE", path)]).unwrap().is_known());

        let both = Given { token_file: known(path), token: known("x"), ..nothing() };
        assert!(error(with(both, &SET)).starts_with("token_file: The provider is given both"));
        fs::write(&file, " \n").unwrap();
        assert!(error(with(nothing(), &[SET[0], ("ORBIT_TOKEN_FILE", path)])).contains("is empty"));
        let nowhere = Given { token_file: known("/no/such/token"), ..nothing() };
        assert!(error(with(nowhere, &SET)).starts_with("token_file: The token file /no/such/token cannot be read"));
        let later = Given { token_file: Attr::Unknown, ..nothing() };
        assert!(!with(later, &SET).unwrap().is_known());
    }

    #[test]
    fn what_is_not_known_yet_is_no_error_until_it_is_needed() {
        for given in [
            Given { endpoint: Attr::Unknown, ..nothing() },
            Given { token: Attr::Unknown, ..nothing() },
            Given { ca_file: Attr::Unknown, ..nothing() },
        ] {
            let orbit = with(given, &SET).unwrap();
            assert!(!orbit.is_known());
            assert!(orbit.client().unwrap_err().has_error());
        }
    }

    #[test]
    fn what_is_wrong_is_told_at_its_setting() {
        let endpoint = Given { endpoint: known("orbit.example.com"), ..nothing() };
        assert!(error(with(endpoint, &SET)).starts_with("endpoint: The provider cannot be configured"));
        let ca_file = Given { ca_file: known("no/such.pem"), ..nothing() };
        assert!(error(with(ca_file, &SET)).starts_with("ca_file: "));
        let token = Given { token: known("sec\nret"), ..nothing() };
        let told = error(with(token, &SET));
        assert!(told.starts_with("token: ") && !told.contains("ret"), "{told}");
        let run_id = Given { run_id: known("\u{1}"), ..nothing() };
        assert!(error(with(run_id, &SET)).starts_with("run_id: "));
    }

    #[test]
    fn what_becomes_of_what_waits_is_said_in_the_block_or_in_the_environment() {
        let mode = |given, env: &[_]| with(given, &[&SET, env].concat()).unwrap().on_pending();
        let in_env = [("ORBIT_ON_PENDING", "fail")];
        assert_eq!(mode(nothing(), &[]), OnPending::Return);
        assert_eq!(mode(nothing(), &in_env), OnPending::Fail);
        assert_eq!(mode(Given { on_pending: known("wait"), ..nothing() }, &in_env), OnPending::Wait);
        let told = error(with(nothing(), &[SET[0], SET[1], ("ORBIT_ON_PENDING", "hope")]));
        assert!(
            told.starts_with("on_pending: ") && told.contains("`return`, `wait` or `fail` expected, got `hope`"),
            "{told}"
        );
    }

    #[test]
    fn the_run_is_what_was_given_or_the_cis_or_random() {
        let run = |given, env: &[_]| with(given, &[&SET, env].concat()).unwrap().run_id().to_owned();
        let ci = [("GITHUB_RUN_ID", "17"), ("ORBIT_RUN_ID", "mine")];
        assert_eq!(run(Given { run_id: known("given"), ..nothing() }, &ci), "given");
        assert_eq!(run(nothing(), &ci), "mine");
        assert_eq!(run(nothing(), &ci[..1]), "17");
        assert_eq!(run(nothing(), &[("CI_PIPELINE_ID", "18")]), "18");
        assert!(run(nothing(), &[]).starts_with("run-"));
        assert_ne!(run(nothing(), &[]), run(nothing(), &[]));
    }

    #[test]
    fn the_address_of_the_run_is_the_cis() {
        let url = |set: &[(&str, &str)]| {
            run_url(&|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        let github =
            [("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_REPOSITORY", "acme/kafka"), ("GITHUB_RUN_ID", "17")];
        assert_eq!(url(&github).as_deref(), Some("https://github.com/acme/kafka/actions/runs/17"));
        assert_eq!(url(&github[1..]), None);
        let mine = [github.as_slice(), &[("ORBIT_RUN_URL", "https://ci.test/7")]].concat();
        assert_eq!(url(&mine).as_deref(), Some("https://ci.test/7"));
        assert_eq!(url(&[("CI_PIPELINE_URL", "http://gitlab.test/8")]).as_deref(), Some("http://gitlab.test/8"));
        for none in ["", "ftp://x", "https://a b"] {
            assert_eq!(url(&[("BUILD_URL", none)]), None, "{none}");
        }
    }
}
