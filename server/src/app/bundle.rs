//! Asking for several changes as one request: one verdict, one decision, one operation.

use super::{
    App, AppError, AppResult, Call, Code, Filed, Filing, Outcome, Place, Refusal, RequestBrief, TopicIntent,
    decide::no_request,
    evaluate::Siblings,
    submit::{begins_together, told_of},
    topic_place::{Books, Room, Rooms},
    topic_wish::{Intended, Intent},
    topics::field,
    view::{approvers_text, in_all},
    way::{Standing, Ways},
};
use crate::auth::{
    Caller,
    permission::{Permission, TopicEvaluate, TopicWrite},
};
use orbit_core::{
    approval::RequestState,
    change::{Action, Change},
    documentation::Documentation,
    id::RequestId,
    model::topic::{TopicSpec, TopicStatus},
    policy::{Decision, Needs, Verdict},
};
use orbit_store::{Read, TopicRow, Tx};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A request to file.
#[derive(Debug, Clone)]
pub struct RequestNew {
    /// What it asks for.
    pub items: Vec<TopicIntent>,
    /// What it says for itself.
    pub documentation: Documentation,
}

/// What a call for a request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestReply {
    /// The request; none where everything is as asked for already.
    pub request: Option<RequestId>,
    /// How the call ended.
    pub outcome: Outcome,
}

/// What a request of several changes would be answered.
#[derive(Debug, Clone, Default)]
pub struct RequestEvaluated {
    /// The verdict on all of it; allowed where everything is as asked for already.
    pub verdict: Verdict,
    /// Who can give the consents that are due, in words.
    pub approvers: Vec<(Needs, String)>,
    /// The request that is open and asks for just this.
    pub request: Option<RequestBrief>,
    /// The open requests that it would take the place of.
    pub supersedes: Vec<RequestBrief>,
}

impl App {
    /// Files several changes as one request.
    pub async fn request_create(
        &self,
        caller: &Caller<TopicWrite>,
        call: &Call,
        new: RequestNew,
    ) -> AppResult<RequestReply> {
        let mut tx = self.store.begin().await?;
        if let Some(before) = self.answered_before::<RequestReply>(&mut tx, call).await? {
            return match before.request {
                Some(id) if !self.may_see_request(&mut tx, &call.who, id).await? => {
                    Err(no_request(&id.to_string()).into())
                }
                _ => Ok(before),
            };
        }
        let rooms = self.rooms(&mut tx, caller, &new.items).await?;
        one_workspace(&rooms)?;
        let rooms = self.rooms_lock(&mut tx, rooms).await?;
        let mut standing = Vec::with_capacity(rooms.len());
        for (room, item) in rooms.into_iter().zip(&new.items) {
            standing.push(self.standing(&mut tx, room, &item.topic.name).await?);
        }
        let filing = self.filing_of(&mut tx, call, standing, new).await?;
        if filing.changes.is_empty() {
            let reply = RequestReply { request: None, outcome: Outcome::There };
            self.remember(&mut tx, call, &reply).await?;
            tx.commit().await?;
            return Ok(reply);
        }
        self.bundle_submit(tx, call, filing).await
    }

    /// What filing several changes as one request would answer, without filing anything. Reads one snapshot and takes no lock: nobody who writes waits for it.
    pub async fn request_evaluate(
        &self,
        caller: &Caller<TopicEvaluate>,
        call: &Call,
        new: RequestNew,
    ) -> AppResult<RequestEvaluated> {
        let mut db = self.store.read().await?;
        let rooms = self.rooms(&mut db, caller, &new.items).await?;
        one_workspace(&rooms)?;
        let of = |room: &Room| (room.environment.id, room.environment.default_approvers.clone());
        let named: HashMap<_, _> = rooms.iter().map(of).collect();
        let workspace = rooms.first().map(|room| room.workspace.slug.to_string()).unwrap_or_default();
        let mut standing = Vec::with_capacity(rooms.len());
        for (room, item) in rooms.into_iter().zip(&new.items) {
            standing.push(self.seen(&mut db, room, &item.topic.name).await?);
        }
        let filing = self.filing_of(&mut db, call, standing, new).await?;
        let mut told = RequestEvaluated::default();
        if filing.changes.is_empty() {
            return Ok(told);
        }
        match self.ways(&mut db, call, &filing).await? {
            Ways::Equal(open) => {
                told.request = Some(self.request_brief(&mut db, &open).await?);
                // Of what is under way nothing more is asked of anybody.
                if open.state == RequestState::Pending {
                    let items = db.request_items(open.id).await?;
                    told.approvers = self.approvers(&mut db, &open, &items).await?;
                    told.verdict = open.verdict;
                }
                return Ok(told);
            }
            Ways::Over(those) => {
                for open in &those {
                    told.supersedes.push(self.request_brief(&mut db, open).await?);
                }
            }
        }
        let asked = call.who.asked(filing.documentation.clone());
        let (mut siblings, mut late) = (Siblings::reading(filing.books), Vec::new());
        for (change, place) in filing.changes.iter().zip(filing.places) {
            let Change::Topic(topic) = change;
            let (one, _) = self.judge_among(&mut db, &asked, topic, &mut siblings).await?;
            late.push((change, place, one.lead_hours));
            told.verdict = std::mem::take(&mut told.verdict).and(told_of(change, Some(place), one));
        }
        if told.verdict.decision() != Decision::Deny {
            begins_together(&late)?;
        }
        if filing.changes.len() > 1 {
            told.verdict.begins_with(told.verdict.lead_hours);
        }
        let approvers = in_all(filing.changes.iter().filter_map(|change| named.get(&change.environment())));
        let words = |need: &Needs| (need.clone(), approvers_text(need, &workspace, &approvers));
        told.approvers = told.verdict.needs.iter().map(words).collect();
        Ok(told)
    }

    /// What each topic lives in, or is to; what is wrong with any of them in one answer.
    async fn rooms<P: Permission>(
        &self,
        db: &mut Read,
        caller: &Caller<P>,
        items: &[TopicIntent],
    ) -> AppResult<Vec<Room>> {
        let (mut rooms, mut wrong, mut known) = (Vec::with_capacity(items.len()), Wrong::default(), Rooms::default());
        for (n, TopicIntent { topic, .. }) in items.iter().enumerate() {
            let room = self.room_of((db, &mut known), caller, topic).await;
            rooms.extend(wrong.unless(n, room)?);
        }
        wrong.none()?;
        Ok(rooms)
    }

    /// The same rooms, locked in the order in which every submit does: their workspace, then each environment.
    async fn rooms_lock(&self, tx: &mut Tx, rooms: Vec<Room>) -> AppResult<Vec<Room>> {
        let (mut wrong, mut locked) = (Wrong::default(), BTreeMap::new());
        let first = |id| rooms.iter().position(|room| room.environment.id == id);
        let environments: BTreeSet<_> = rooms.iter().map(|room| room.environment.id).collect();
        for (id, n) in environments.into_iter().filter_map(|id| Some((id, first(id)?))) {
            let room = self.room_lock(tx, rooms[n].clone()).await;
            locked.extend(wrong.unless(n, room)?.map(|room| (id, room)));
        }
        wrong.none()?;
        Ok(rooms.iter().filter_map(|room| locked.get(&room.environment.id).cloned()).collect())
    }

    /// What is to be judged and filed: what is there as asked needs nothing.
    async fn filing_of(
        &self,
        db: &mut Read,
        call: &Call,
        standing: Vec<(Place, Standing)>,
        RequestNew { items, documentation }: RequestNew,
    ) -> AppResult<Filing> {
        let books = Books::default();
        let mut filing = Filing { changes: vec![], standing: vec![], places: vec![], documentation, books };
        let mut wrong = Wrong::default();
        let mut seen = HashMap::new();
        for (n, ((place, standing), item)) in standing.into_iter().zip(items).enumerate() {
            if let Some(first) = seen.insert((place.room.environment.id, item.topic.name.clone()), n) {
                wrong.add(n, twice(first));
                continue;
            }
            if is_as_asked(&place, &item) {
                continue;
            }
            let intent = Intent { call, place: &place, is_open: standing.is_open() };
            let intended = self.intended((db, &mut filing.books), &intent, item).await;
            match wrong.unless(n, intended)? {
                Some(Intended::Change(change, _)) => {
                    filing.changes.push(Change::Topic(change));
                    filing.standing.push(standing);
                    filing.places.push(n);
                }
                Some(Intended::Drop(row)) => {
                    wrong.unless(n, self.no_part_of_a_request(db, call, &row, standing).await)?;
                }
                Some(Intended::There(_)) | None => {}
            }
        }
        wrong.none()?;
        Ok(filing)
    }

    /// Refuses to delete a topic of which only the record is left: that is dropped by itself, once what is open on it is taken back.
    async fn no_part_of_a_request(
        &self,
        db: &mut Read,
        call: &Call,
        row: &TopicRow,
        standing: Standing,
    ) -> AppResult<()> {
        let key = row.key();
        if let Standing::Open(open) = standing {
            self.not_under_way(db, &open, &key).await?;
            self.may_withdraw(db, &call.who, &open, row.id.uuid()).await?;
        }
        let status = row.status.as_str();
        Err(Refusal::new(
            Code::TopicDeleting,
            format!("topic {key} is {status}: only its record would go, which is no part of a request"),
        )
        .remedy(format!("leave it out, and drop it by itself: DELETE /v1/topics/{}", row.id))
        .into())
    }

    /// Submits, commits, and drives the work.
    async fn bundle_submit(&self, mut tx: Tx, call: &Call, filing: Filing) -> AppResult<RequestReply> {
        for lane in filing.changes.iter().map(Change::lane).collect::<BTreeSet<_>>() {
            self.lane_lock(&mut tx, lane).await?;
        }
        let (mut tx, filed) = self.submit_or_note(tx, call, filing).await?;
        let (request, outcome, work) = match filed {
            Filed::Attached(request) | Filed::Pending(request) => (request, Outcome::UnderWay, None),
            Filed::Accepted(request, Some(work)) => (request, Outcome::UnderWay, Some(work)),
            Filed::Accepted(request, None) => (request, Outcome::Done, None),
        };
        let reply = RequestReply { request: Some(request), outcome };
        self.remember(&mut tx, call, &reply).await?;
        self.commit_and_drive(tx, work.and_then(|w| w.held)).await?;
        Ok(reply)
    }
}

/// What is wrong with items of a body, all of it.
#[derive(Default)]
struct Wrong(Vec<Refusal>);

impl Wrong {
    fn add(&mut self, n: usize, refusal: Refusal) {
        self.0.push(refusal.within(&format!("/items/{n}/topic")));
    }
    /// What came of the `n`-th item, unless it was refused.
    fn unless<T>(&mut self, n: usize, came: AppResult<T>) -> AppResult<Option<T>> {
        match came {
            Ok(value) => Ok(Some(value)),
            Err(AppError::Refused(refusal)) => {
                self.add(n, *refusal);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
    /// The refusal of the body: as that of the only item that is wrong, or with the fields of all of them.
    fn none(self) -> AppResult<()> {
        let mut refusals = self.0;
        match refusals.pop() {
            None => Ok(()),
            Some(only) if refusals.is_empty() => Err(only.into()),
            Some(last) => {
                refusals.push(last);
                let code = refusals[0].code;
                let code = if refusals.iter().all(|r| r.code == code) { code } else { Code::Invalid };
                let fields = refusals.into_iter().flat_map(|r| r.fields).collect();
                Err(Refusal { code, ..Refusal::fields(fields) }.into())
            }
        }
    }
}

fn one_workspace(rooms: &[Room]) -> Result<(), Refusal> {
    let Some(first) = rooms.first() else { return Ok(()) };
    let another = |room: &&Room| room.workspace.id != first.workspace.id;
    match rooms.iter().position(|place| another(&place)) {
        None => Ok(()),
        Some(n) => {
            let detail = format!("is {}, and /items/0 is of {}", rooms[n].workspace.slug, first.workspace.slug);
            let remedy = "ask for the topics of each workspace in a request of its own: its admins decide";
            let pointer = format!("/items/{n}/topic/workspace");
            Err(Refusal::fields(vec![field(&pointer, "request.workspace", &detail, remedy)]))
        }
    }
}

fn twice(first: usize) -> Refusal {
    let detail = format!("is the topic of /items/{first} again");
    Refusal::fields(vec![field("/name", "request.duplicate", &detail, "ask for one change of each topic")])
}

/// Whether nothing is asked of a topic: it is to go and is not there, or it is to be made as it is.
fn is_as_asked(place: &Place, item: &TopicIntent) -> bool {
    match (item.action, &place.existing) {
        (Action::Delete, None) => true,
        (Action::Create, Some(row)) => {
            // What its profile gave stays with it.
            let profile = |spec: &TopicSpec| spec.profile.as_ref().filter(|p| !p.by_default).map(|p| p.name.clone());
            let (there, asked) = (&row.desired, &item.topic.spec);
            let asked = TopicSpec { profile: there.profile.clone(), ..asked.clone() };
            row.status == TopicStatus::Active
                && row.drift().is_none()
                && profile(there) == profile(&item.topic.spec)
                && there.differences(&asked).is_empty()
        }
        _ => false,
    }
}
