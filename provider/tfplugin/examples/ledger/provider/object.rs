//! Resource `ledger_object`.

use super::store::{Answer, Spec, State, Store};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use tfplugin::{
    Applied, Attr, Change, Computed, Cx, Diagnostic, Diagnostics, Failure, Outcome, Resource, Schema, View, model,
};

model! {
    /// An object in the ledger. A change of its name replaces it.
    pub(crate) struct Object {
        /// Name, unique in the ledger.
        name: String,
        /// What it holds.
        content: String,
        /// How many copies are kept. Can grow, never shrink.
        copies: u32,
        /// Free labels.
        labels: Option<BTreeMap<String, String>>,
        /// What to do while a change waits for approval: `return`, `wait` or `fail`.
        on_pending: String,
        /// Id of the object.
        id: Computed<String>,
        /// `active`, `pending-approval` or `rejected`.
        status: Computed<String>,
    }
}

/// Kept in the private state: which request the object waits for.
#[derive(Serialize, Deserialize)]
struct Filed {
    request: u32,
}

const ACTIVE: &str = "active";
const PENDING: &str = "pending-approval";
const REJECTED: &str = "rejected";
const POLL: Duration = Duration::from_millis(20);

impl Resource for Object {
    type Client = Store;
    const NAME: &'static str = "ledger_object";

    fn schema() -> Schema<Self> {
        Schema::version(1)
            .attr(Self::name.required().replace().check(|name| match name.len() {
                1..=20 => Ok(()),
                n => Err(format!("a name has 1 to 20 characters, this one {n}")),
            }))
            .attr(Self::content.required())
            .attr(Self::copies.default(1_u32))
            .attr(Self::labels.optional())
            .attr(Self::on_pending.default("return"))
            .attr(Self::id.computed().keep())
            .attr(Self::status.computed())
    }

    fn validate(config: View<'_, Self>) -> Result<(), Diagnostics> {
        match config.get(Self::on_pending) {
            Attr::Known(mode) if !["return", "wait", "fail"].contains(&mode.as_str()) => {
                Err(Diagnostic::error("on_pending is return, wait or fail").at(Self::on_pending).into())
            }
            _ => Ok(()),
        }
    }

    async fn plan(cx: &Cx<Store>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        if let (Attr::Known(was), Attr::Known(want)) = (change.before(Self::copies), change.planned(Self::copies))
            && want < was
        {
            change.error(Self::copies, format!("copies cannot shrink from {was} to {want}"));
        }
        let Some(id) = change.before(Self::id).known() else {
            return Ok(());
        };
        // What is not active is resumed: an update, whatever became of the request since the last refresh.
        if change.before(Self::status).known().is_some_and(|status| status != ACTIVE) {
            change.set_unknown(Self::status);
        }
        let books = cx.client.look()?;
        let Some((number, request)) = books.current(&id) else {
            return Ok(());
        };
        if change.want().is_none_or(|want| request.wish != Some(want.spec())) {
            return Ok(());
        }
        match &request.state {
            State::Open => change.warn(waits(number)),
            State::Rejected { reviewer, reason } => change.warn(rejected(number, reviewer, reason)),
            State::Approved | State::Withdrawn => {}
        }
        Ok(())
    }

    async fn read(cx: &Cx<Store>, now: Self) -> Result<Option<Self>, Diagnostics> {
        let books = cx.client.look()?;
        let id = now.id.require()?;
        let Some(object) = books.objects.get(id) else {
            return Ok(None);
        };
        if let Some(Filed { request }) = cx.private()? {
            tracing::debug!(request, "the request of the last apply");
        }
        let status = match books.current(id).filter(|(_, request)| request.wish.is_some()) {
            Some((_, request)) if request.state == State::Open => PENDING,
            Some(_) if !object.live => REJECTED,
            _ => ACTIVE,
        };
        // The labels that the state has none of are not managed here.
        let labels = (now.labels.is_some() || !object.spec.labels.is_empty()).then(|| object.spec.labels.clone());
        Ok(Some(Self {
            name: object.spec.name.clone(),
            content: object.spec.content.clone(),
            copies: object.spec.copies,
            labels,
            status: status.to_owned().into(),
            ..now
        }))
    }

    async fn create(cx: &Cx<Store>, want: Self) -> Outcome<Self> {
        assert!(want.content != "panic", "asked to panic");
        if want.content == "contradict" {
            cx.client.with(|books| books.create(&want.spec()))??;
            let (id, status) = ("obj-0".to_owned().into(), ACTIVE.to_owned().into());
            return Ok(Applied::Done(Self { copies: 99, id, status, ..want }));
        }
        let (id, answer) = cx.client.with(|books| books.create(&want.spec()))??;
        settle(cx, Self { id: id.into(), ..want }, answer).await
    }

    async fn update(cx: &Cx<Store>, was: Self, want: Self) -> Outcome<Self> {
        let id = was.id.require()?;
        let answer = cx.client.with(|books| books.update(id, &want.spec()))??;
        settle(cx, want, answer).await
    }

    async fn delete(cx: &Cx<Store>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let id = was.id.require()?;
        match cx.client.with(|books| books.delete(id))? {
            Answer::Done => Ok(Applied::Done(())),
            Answer::Waits(number) => {
                Err(Diagnostic::error(format!("The deletion waits for approval of request {number}"))
                    .detail("The object stays in the state. Destroy again once the request is approved.")
                    .into())
            }
            Answer::Rejected { number, reviewer, reason } => Err(rejected(number, &reviewer, &reason).into()),
        }
    }

    async fn import(cx: &Cx<Store>, id: String) -> Result<Self, Diagnostics> {
        let books = cx.client.look()?;
        let object = books.objects.get(&id).ok_or_else(|| format!("there is no {id} in the ledger"))?;
        let Spec { name, content, copies, labels } = object.spec.clone();
        Ok(Self {
            name,
            content,
            copies,
            labels: Some(labels).filter(|labels| !labels.is_empty()),
            on_pending: "return".to_owned(),
            id: id.into(),
            status: Computed::absent(),
        })
    }

    fn upgrade(_from: u32, mut state: tfplugin::JsonObject) -> Result<tfplugin::JsonObject, Diagnostics> {
        // Version 0 called the content "text".
        if let Some(text) = state.remove("text") {
            state.insert("content".into(), text);
        }
        Ok(state)
    }
}

impl Object {
    fn spec(&self) -> Spec {
        Spec {
            name: self.name.clone(),
            content: self.content.clone(),
            copies: self.copies,
            labels: self.labels.clone().unwrap_or_default(),
        }
    }
}

/// From the ledger's answer to Terraform's, in the mode that the user chose.
async fn settle(cx: &Cx<Store>, want: Object, answer: Answer) -> Outcome<Object> {
    let mut answer = answer;
    while let (Answer::Waits(number), "wait") = (&answer, want.on_pending.as_str()) {
        let number = *number;
        tokio::select! {
            () = cx.stopping() => break,
            () = tokio::time::sleep(POLL) => answer = cx.client.with(|books| decided(books, number))?,
        }
    }
    let with = |status: &str| Object { status: status.to_owned().into(), ..want.clone() };
    match answer {
        Answer::Done => Ok(Applied::Done(with(ACTIVE))),
        Answer::Waits(number) if want.on_pending == "fail" => Err(waits(number).into()),
        Answer::Waits(number) => {
            cx.set_private(&Filed { request: number })?;
            Ok(Applied::Pending(with(PENDING), waits(number)))
        }
        Answer::Rejected { number, reviewer, reason } => Err(rejected(number, &reviewer, &reason).into()),
    }
}

fn decided(books: &super::store::Books, number: u32) -> Answer {
    match books.requests.get(&number).map(|request| &request.state) {
        Some(State::Open) => Answer::Waits(number),
        Some(State::Rejected { reviewer, reason }) => {
            Answer::Rejected { number, reviewer: reviewer.clone(), reason: reason.clone() }
        }
        Some(State::Approved | State::Withdrawn) | None => Answer::Done,
    }
}

fn waits(number: u32) -> Diagnostic {
    Diagnostic::error(format!("Request {number} waits for approval"))
        .detail(format!("Approve it at ledger://requests/{number}; the next plan or apply goes on from there."))
}

fn rejected(number: u32, reviewer: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(format!("Request {number} was rejected by {reviewer}"))
        .detail(format!("Reason: {reason}. Change the specification to ask anew."))
}
