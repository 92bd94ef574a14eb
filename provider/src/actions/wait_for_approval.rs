//! Action `orbit_wait_for_approval`.

use crate::{
    Orbit, catalog,
    orbit::{ask, nowhere},
};
use orbit_api::{
    Request, RequestState,
    client::{Client, ClientError, PageQuery, RequestQuery, Waited},
};
use std::{collections::BTreeSet, time::Duration};
use tfplugin::{Attr, Cx, Diagnostic, Diagnostics, GoDuration, Progress, ProviderAction, Schema, View, model};
use tokio::task::JoinSet;

model! {
    /// Waits until people have decided requests, and tells meanwhile who decides what, and where. Ends well once all are approved, and with an error as soon
    /// as one is not.
    pub(crate) struct WaitForApproval {
        /// Ids of the requests, `req_…`. Default: those of the run.
        requests: Option<BTreeSet<String>>,
        /// The run whose requests are waited for. Default: this run, as `run_id` of the provider says.
        run_id: Option<String>,
        /// How long to wait, for example `2h`. Default: `30m`.
        timeout: Option<GoDuration>,
    }
}

/// How long to wait where the configuration does not say.
const PATIENCE: Duration = Duration::from_mins(30);

impl ProviderAction for WaitForApproval {
    type Client = Orbit;
    const NAME: &'static str = "orbit_wait_for_approval";

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::requests.optional()).attr(Self::run_id.optional()).attr(Self::timeout.optional())
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
        let client = cx.client.client()?;
        let ids: Vec<String> = match &config.requests {
            Some(ids) => ids.iter().cloned().collect(),
            None => of_run(cx, config.run_id.as_deref().unwrap_or(cx.client.run_id())).await?,
        };
        if ids.is_empty() {
            progress.tell("No request waits for anybody.");
            return Ok(());
        }
        let patience = config.timeout.as_ref().map_or(PATIENCE, GoDuration::get);
        let (stop, is_late) = (cx.stop_token(), tokio::time::sleep(patience));
        let mut waits = JoinSet::new();
        for id in ids {
            let request =
                ask(cx, client.request_get(&id, None)).await.map_err(|e| e.tell(&format!("request {id}"), &nowhere))?;
            if request.state == RequestState::Pending {
                progress.tell(waiting(&request));
            }
            let (client, stop) = (client.clone(), stop.clone());
            waits.spawn(async move { end_of(&client, request, stop.cancelled_owned()).await });
        }
        tokio::pin!(is_late);
        let mut left = waits.len();
        while left > 0 {
            let ended = tokio::select! {
                ended = waits.join_next() => ended,
                () = &mut is_late => return Err(late(left, patience).into()),
                () = cx.stopping() => return Err(stopped(left).into()),
            };
            let Some(Ok(ended)) = ended else { break };
            let Some(request) = ended.map_err(|e| Diagnostic::error(format!("Orbit could not be asked: {e}")))? else {
                return Err(stopped(left).into());
            };
            left -= 1;
            if request.state != RequestState::Approved {
                return Err(refused(&request).into());
            }
            progress.tell(format!("Request {} is approved{}.", request.id, by(&request)));
        }
        Ok(())
    }
}

/// The requests of a run that wait.
async fn of_run(cx: &Cx<Orbit>, run_id: &str) -> Result<Vec<String>, Diagnostics> {
    let client = cx.client.client()?;
    let all = catalog::all(cx, "the requests of the run", |page: PageQuery| {
        let query = RequestQuery { run_id: Some(run_id.to_owned()), page, ..RequestQuery::default() };
        async move { client.request_list(&query).await }
    });
    let waiting = all.await?.into_iter().filter(|request| request.state == RequestState::Pending);
    Ok(waiting.map(|request| request.id).collect())
}

/// The request once it is decided; none if the user wants to stop.
async fn end_of(
    client: &Client,
    request: Request,
    stop: impl Future<Output = ()>,
) -> Result<Option<Request>, ClientError> {
    if request.state != RequestState::Pending {
        return Ok(Some(request));
    }
    match client.wait_request(&request.id, stop).await? {
        Waited::Done(request) => Ok(Some(request)),
        Waited::Stopped(_) => Ok(None),
    }
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
    let why = request.reason.as_ref().map(|reason| format!("\n\nReason: {reason}")).unwrap_or_default();
    Diagnostic::error(format!("Request {} is {}{}", request.id, request.state, by(request)))
        .detail(format!("See {}.{why}", request.url))
}

fn late(left: usize, patience: Duration) -> Diagnostic {
    Diagnostic::error(format!("{left} requests still wait after {} s", patience.as_secs()))
        .detail("They stay open: run the action again to go on waiting, or set a longer `timeout`.")
        .at(WaitForApproval::timeout)
}

fn stopped(left: usize) -> Diagnostic {
    Diagnostic::error(format!("Stopped while {left} requests wait")).detail("They stay open.")
}
