//! Action `orbit_wait_for_approval`.

use crate::{
    Orbit, catalog,
    orbit::{ask, nowhere},
    say,
};
use orbit_api::{
    Request, RequestItem, RequestState,
    client::{PageQuery, RequestQuery},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tfplugin::{Attr, Cx, Diagnostic, Diagnostics, GoDuration, Progress, ProviderAction, Schema, View, model};

model! {
    /// Waits until people have decided requests, and tells meanwhile who decides what, and where. Ends well once all are approved, and with an error as soon
    /// as one is rejected, withdrawn or expired, or another request took its place that is not waited for; also where that was so before.
    pub(crate) struct WaitForApproval {
        /// Ids of the requests, `req_…`; at most 100. Default: those that the run filed or attached to.
        requests: Option<BTreeSet<String>>,
        /// The run whose requests are waited for; not together with `requests`. Default: this run, as `run_id` of the provider or `ORBIT_RUN_ID` says, or the
        /// CI system.
        run_id: Option<String>,
        /// How long to wait, for example `2h`. Default: `30m`.
        timeout: Option<GoDuration>,
    }
}

/// How long to wait where the configuration does not say.
const PATIENCE: Duration = Duration::from_mins(30);
/// How often all requests are looked at while one is waited for.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
/// So many requests can be named: each is a call of its own at every look.
const MOST_NAMED: usize = 100;

impl ProviderAction for WaitForApproval {
    type Client = Orbit;
    const NAME: &'static str = "orbit_wait_for_approval";

    fn schema() -> Schema<Self> {
        let few = |ids: &BTreeSet<String>| match ids.len() {
            n if n > MOST_NAMED => {
                Err(format!("at most {MOST_NAMED} requests can be named, not {n}: wait for the run"))
            }
            _ => Ok(()),
        };
        Schema::new()
            .attr(Self::requests.optional().check(few))
            .attr(Self::run_id.optional())
            .attr(Self::timeout.optional())
    }

    fn validate(config: View<'_, Self>) -> Result<(), Diagnostics> {
        match (config.get(Self::requests), config.get(Self::run_id)) {
            (Attr::Known(_), Attr::Known(_)) => {
                Err(Diagnostic::error("Either requests or a run can be waited for").at(Self::run_id).into())
            }
            _ => Ok(()),
        }
    }

    async fn invoke(cx: &Cx<Orbit>, config: Self, progress: &Progress) -> Result<(), Diagnostics> {
        let patience = config.timeout.as_ref().map_or(PATIENCE, GoDuration::get);
        let mut open = BTreeMap::new();
        match tokio::time::timeout(patience, all_decided(cx, &config, progress, &mut open)).await {
            Ok(ended) => ended,
            Err(_) => Err(late(&open, patience).into()),
        }
    }
}

/// Waits for all requests, or for the first that is not approved. `open` are those that were pending at the last look, and where each is decided.
async fn all_decided(
    cx: &Cx<Orbit>,
    config: &WaitForApproval,
    progress: &Progress,
    open: &mut BTreeMap<String, String>,
) -> Result<(), Diagnostics> {
    let client = cx.client.client()?;
    let mut told = BTreeSet::new();
    loop {
        let requests = look(cx, config).await?;
        if requests.is_empty() {
            cx.warn(nothing_filed(config.run_id.as_deref().unwrap_or(cx.client.run_id())));
            return Ok(());
        }
        *open = requests.iter().filter(|r| r.state == RequestState::Pending).map(place).collect();
        let refused: Diagnostics = requests.iter().filter(|r| is_refused(r, &requests)).map(refused).collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        for request in requests.iter().filter(|request| told.insert((request.id.clone(), request.state.to_string()))) {
            match request.state {
                RequestState::Pending => progress.tell(waiting(request)),
                RequestState::Approved => progress.tell(format!("Request {} is approved{}.", request.id, by(request))),
                _ => {}
            }
        }
        let Some(next) = open.keys().next() else { return Ok(()) };
        // Its news come at once; those of the others with the next look.
        let enough = async {
            tokio::select! {
                () = cx.stopping() => {}
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            }
        };
        client.wait_request(next, enough).await.map_err(|e| say::failure(&format!("request {next}"), &e, &nowhere))?;
        if cx.is_stopping() {
            return Err(stopped(open).into());
        }
    }
}

/// How the requests stand: those that are named, or all of the run.
async fn look(cx: &Cx<Orbit>, config: &WaitForApproval) -> Result<Vec<Request>, Diagnostics> {
    let client = cx.client.client()?;
    let Some(ids) = &config.requests else {
        let run_id = match &config.run_id {
            Some(run_id) => run_id,
            None if cx.client.is_its_own_run() => return Err(nothing_to_wait_for().into()),
            None => cx.client.run_id(),
        };
        return catalog::all(cx, "requests of the run", |page: PageQuery| {
            let query = RequestQuery { run_id: Some(run_id.to_owned()), page, ..RequestQuery::default() };
            async move { client.request_list(&query).await }
        })
        .await;
    };
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let request = ask(cx, client.request_get(id, None)).await;
        found.push(request.map_err(|e| e.tell(&format!("request {id}"), &nowhere))?);
    }
    Ok(found)
}

/// Whether it will not be carried out. Where another one took its place that is waited for too, that one counts; and where all of it was asked for anew, the
/// newer ones do: a job that is run again has the run's id of before.
fn is_refused(request: &Request, all: &[Request]) -> bool {
    match request.state {
        RequestState::Rejected | RequestState::Expired | RequestState::Withdrawn => !is_asked_anew(request, all),
        RequestState::Superseded => all.iter().all(|other| Some(&other.id) != request.superseded_by.as_ref()),
        RequestState::Pending | RequestState::Approved => false,
    }
}

/// Whether newer ones ask for something of each of its objects.
fn is_asked_anew(request: &Request, all: &[Request]) -> bool {
    let newer = || all.iter().filter(|other| other.created_at > request.created_at).flat_map(|other| &other.items);
    let is_of = |a: &RequestItem, b: &RequestItem| (&a.noun, &a.object_key) == (&b.noun, &b.object_key);
    !request.items.is_empty() && request.items.iter().all(|item| newer().any(|other| is_of(item, other)))
}

fn place(request: &Request) -> (String, String) {
    (request.id.clone(), request.url.clone())
}

fn waiting(request: &Request) -> String {
    let mut approvers: Vec<&str> = request.needs.iter().map(|need| need.approvers.as_str()).collect();
    approvers.dedup();
    let approvers = if approvers.is_empty() { "a person".to_owned() } else { approvers.join(" and ") };
    format!("Request {} waits for {approvers}: {}", request.id, request.url)
}

fn by(request: &Request) -> String {
    request.decided_by.as_ref().map(|who| format!(" by {who}")).unwrap_or_default()
}

fn refused(request: &Request) -> Diagnostic {
    let reason = request.reason.as_ref().map(|reason| format!("\n\nReason: {reason}"));
    let next = request.superseded_by.as_ref().map(|next| {
        format!("\n\nSomething else was asked for since, and request {next} took its place: what this one is about is not what anybody decides.")
    });
    Diagnostic::error(format!("Request {} is {}{}", request.id, request.state, by(request))).detail(format!(
        "See {}.{}",
        request.url,
        reason.or(next).unwrap_or_default()
    ))
}

/// A command that nobody told its run has filed nothing, and would wait for nothing.
fn nothing_to_wait_for() -> Diagnostic {
    Diagnostic::error("Which run to wait for is not said")
        .detail("This command is a run of its own. Set ORBIT_RUN_ID to what the apply had, or `run_id` or `requests` of the action.")
        .at(WaitForApproval::run_id)
}

/// Not an error: an apply that changes nothing files nothing.
fn nothing_filed(run_id: &str) -> Diagnostic {
    Diagnostic::warning(format!("Run {run_id} has filed no request, so none waits"))
        .detail("That is fine where its apply had nothing to change. Otherwise: is that the run's id?")
}

fn late(open: &BTreeMap<String, String>, patience: Duration) -> Diagnostic {
    let seconds = patience.as_secs();
    Diagnostic::error(format!("Not all requests are decided after {seconds} s"))
        .detail(format!("{}Run the action again to go on waiting, or set a longer `timeout`.", still(open)))
        .at(WaitForApproval::timeout)
}

fn stopped(open: &BTreeMap<String, String>) -> Diagnostic {
    Diagnostic::error("Stopped before all requests were decided").detail(still(open))
}

/// What waits, line by line.
fn still(open: &BTreeMap<String, String>) -> String {
    if open.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = open.values().map(|url| format!("  {url}\n")).collect();
    format!("Still open, and staying so:\n{}\n", lines.concat())
}
