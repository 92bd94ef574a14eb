//! What every handler reaches Orbit through.

use crate::{judge::Judge, memory::Memory, on_pending::OnPending, refresh::Refresh, say, sheet::Sheets};
use orbit_api::client::{Client, ClientError};
use std::time::Duration;
use tfplugin::{Attr, Cx, Diagnostic, Diagnostics, Path};

/// How long a change that is in flight may take to be answered once the user wants to stop: long enough to learn what became of it, most times. Where
/// it is not, the next apply finds what Orbit received.
pub(crate) const GRACE: Duration = Duration::from_millis(400);

/// The provider's client, with the settings that resources share.
#[derive(Debug)]
pub struct Orbit {
    client: Option<Client>,
    workspace: Attr<String>,
    run: Run,
    on_pending: OnPending,
    memory: Memory,
    refresh: Refresh,
    sheets: Sheets,
    judge: Judge,
}

/// Where in a resource a JSON pointer leads.
pub(crate) type Place<'a> = &'a (dyn Fn(&str) -> Option<Path> + Sync);

/// Which run the process belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: String,
    /// Nobody said which: the process is one by itself.
    pub(crate) is_made_up: bool,
}

impl Orbit {
    /// Without a client while address or token come from something that is not there yet.
    pub(crate) fn new(client: Option<Client>, workspace: Attr<String>, run: Run, on_pending: OnPending) -> Self {
        Self {
            client,
            workspace,
            run,
            on_pending,
            memory: Memory::default(),
            refresh: Refresh::default(),
            sheets: Sheets::default(),
            judge: Judge::default(),
        }
    }

    /// Whether Orbit can be asked. At plan it may not be: its address can come from a resource that is still to be made.
    pub(crate) fn is_known(&self) -> bool {
        self.client.is_some()
    }

    pub(crate) fn client(&self) -> Result<&Client, Diagnostics> {
        self.client.as_ref().ok_or_else(|| {
            Diagnostic::error("Orbit's address and token are not known yet")
                .detail(
                    "They come from something that is still to be made. Make that first, with -target, or set ORBIT_ENDPOINT and ORBIT_TOKEN.",
                )
                .into()
        })
    }

    /// The workspace of resources that name none.
    pub(crate) fn workspace(&self) -> &Attr<String> {
        &self.workspace
    }

    /// The workspace that a data source names, or the provider's.
    pub(crate) fn workspace_or(&self, own: Option<&String>) -> Result<String, Diagnostic> {
        match (own, &self.workspace) {
            (Some(workspace), _) | (None, Attr::Known(workspace)) => Ok(workspace.clone()),
            _ => Err(Diagnostic::error("The workspace is not said")
                .detail("Set `workspace` here, or once for all in the provider block.")),
        }
    }

    pub(crate) fn run_id(&self) -> &str {
        &self.run.id
    }

    /// Whether this process is a run by itself, since nobody said which it belongs to.
    pub(crate) fn is_its_own_run(&self) -> bool {
        self.run.is_made_up
    }

    /// What resources that do not say so do with a request that a person has to decide.
    pub(crate) fn on_pending(&self) -> OnPending {
        self.on_pending
    }

    pub(crate) fn refresh(&self) -> &Refresh {
        &self.refresh
    }

    /// Lists of plain nouns, for who looks at many of them.
    pub(crate) fn sheets(&self) -> &Sheets {
        &self.sheets
    }

    pub(crate) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Does what is left to do before the process ends.
    pub(crate) async fn finish(&self) {
        if let Some(client) = &self.client {
            self.refresh.tell_seen(client).await;
        }
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }
}

/// Asks something. Ends at once when the user wants to stop.
pub(crate) async fn ask<T>(cx: &Cx<Orbit>, call: impl Future<Output = Result<T, ClientError>>) -> Result<T, NoAnswer> {
    tokio::select! {
        answer = call => answer.map_err(NoAnswer::Failed),
        () = cx.stopping() => Err(NoAnswer::Stopped { changes: false }),
    }
}

/// Changes something. When the user wants to stop, the answer still gets a moment to arrive: without it nobody would know what became of it.
pub(crate) async fn change<T>(
    cx: &Cx<Orbit>,
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, NoAnswer> {
    change_for(cx, GRACE, call).await
}

/// The same with so long a moment.
pub(crate) async fn change_for<T>(
    cx: &Cx<Orbit>,
    grace: Duration,
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, NoAnswer> {
    let too_late = async {
        cx.stopping().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        answer = call => answer.map_err(NoAnswer::Failed),
        () = too_late => Err(NoAnswer::Stopped { changes: true }),
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The call failed.
    Failed(ClientError),
    /// The user wanted to stop.
    Stopped {
        /// Whether the call may have had an effect.
        changes: bool,
    },
}

impl NoAnswer {
    /// The code of what Orbit said, if it said something.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Failed(e) => e.code(),
            Self::Stopped { .. } => None,
        }
    }

    /// The HTTP status of what Orbit said, if it said something.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Failed(e) => e.problem().map(|problem| problem.status),
            Self::Stopped { .. } => None,
        }
    }

    /// In words, at the attributes that it is about. `key` names the object.
    pub(crate) fn tell(&self, key: &str, place: Place<'_>) -> Diagnostics {
        match self {
            Self::Failed(e) => say::failure(key, e, place),
            Self::Stopped { changes: false } => Diagnostic::error(format!("Stopped before Orbit answered about {key}")).into(),
            Self::Stopped { changes: true } => Diagnostic::error(format!("Stopped before Orbit answered about {key}"))
                .detail("Whether Orbit received the change is not known. Apply again: it finds what it has received, and files nothing twice.")
                .into(),
        }
    }
}

/// No place: for what has no attributes.
pub(crate) fn nowhere(_: &str) -> Option<Path> {
    None
}
