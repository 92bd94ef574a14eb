//! The "server": a file with objects and requests, locked for each operation.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
};

/// Everything in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Books {
    /// Whether changes need approval.
    pub(crate) approval: bool,
    /// Objects by id.
    pub(crate) objects: BTreeMap<String, Stored>,
    /// Requests by number, oldest first.
    pub(crate) requests: BTreeMap<u32, Request>,
    /// Seals by room and number.
    #[serde(default)]
    pub(crate) seals: BTreeMap<String, SealRecord>,
    /// Tokens that were ever given out.
    #[serde(default)]
    pub(crate) tokens: BTreeMap<u32, TokenRecord>,
    /// How often somebody counted.
    #[serde(default)]
    pub(crate) audits: u32,
}

/// What is kept of a seal. Not its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealRecord {
    pub(crate) weight: Option<u32>,
    pub(crate) key_length: u64,
    /// What was agreed on it. The ledger writes it in its own way.
    #[serde(default)]
    pub(crate) terms: Option<serde_json::Value>,
}

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    pub(crate) holder: String,
    pub(crate) renewals: u32,
    pub(crate) closed: bool,
}

/// What a user can say of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) content: String,
    pub(crate) copies: u32,
    pub(crate) labels: BTreeMap<String, String>,
}

/// An object. One that is not `live` waits for its first approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) spec: Spec,
    pub(crate) live: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) object: String,
    /// Absent: the object shall go.
    pub(crate) wish: Option<Spec>,
    pub(crate) state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    Open,
    Approved,
    Rejected { reviewer: String, reason: String },
    Withdrawn,
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Done,
    Waits(u32),
    Rejected { number: u32, reviewer: String, reason: String },
}

/// The file.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub(crate) fn look(&self) -> Result<Books, String> {
        self.with(|books| books.clone())
    }

    /// Runs one operation while nobody else can.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Books) -> T) -> Result<T, String> {
        self.locked(work).map_err(|e| format!("the ledger {} cannot be used: {e}", self.path.display()))
    }

    /// Leaves a file behind that says that the process ended in order.
    pub(crate) fn tell_the_end(&self) {
        if let Err(e) = std::fs::write(self.path.with_extension("ended"), "in order") {
            tracing::warn!(error = %e, "the end could not be told");
        }
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Books) -> T) -> io::Result<T> {
        let mut file: File = OpenOptions::new().read(true).write(true).open(&self.path)?;
        file.lock()?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let before: Books = serde_json::from_str(&text)?;
        let mut books = before.clone();
        let result = work(&mut books);
        if books != before {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(serde_json::to_string_pretty(&books)?.as_bytes())?;
        }
        Ok(result)
    }
}

impl Books {
    /// Asks for an object to be created; finds the one of an earlier attempt again. Id and answer.
    pub(crate) fn create(&mut self, spec: &Spec) -> Result<(String, Answer), String> {
        let known = self.objects.iter().find(|(_, object)| object.spec.name == spec.name);
        let id = match known {
            Some((id, object)) if object.live => {
                return Err(format!("{} exists already: terraform import ledger_object.NAME {id}", spec.name));
            }
            Some((id, _)) => id.clone(),
            None => format!("obj-{}", self.objects.len() + self.requests.len() + 1),
        };
        let object = Stored { spec: spec.clone(), live: !self.approval };
        self.objects.entry(id.clone()).or_insert(object);
        let answer = if self.approval { self.file(&id, Some(spec.clone())) } else { Answer::Done };
        Ok((id, answer))
    }

    /// Asks for an object to be as it says.
    pub(crate) fn update(&mut self, id: &str, spec: &Spec) -> Result<Answer, String> {
        let object = self.objects.get_mut(id).ok_or_else(|| format!("there is no {id}"))?;
        if object.live && object.spec == *spec {
            self.withdraw(id);
            return Ok(Answer::Done);
        }
        if self.approval {
            return Ok(self.file(id, Some(spec.clone())));
        }
        object.spec = spec.clone();
        object.live = true;
        Ok(Answer::Done)
    }

    /// Asks for an object to go. One that never came to be just goes.
    pub(crate) fn delete(&mut self, id: &str) -> Answer {
        match self.objects.get(id) {
            None => return Answer::Done,
            Some(object) if object.live && self.approval => return self.file(id, None),
            Some(_) => {}
        }
        self.objects.remove(id);
        self.withdraw(id);
        Answer::Done
    }

    /// Nobody wants what is still open about an object.
    fn withdraw(&mut self, id: &str) {
        for request in self.requests.values_mut().filter(|r| r.object == id && r.state == State::Open) {
            request.state = State::Withdrawn;
        }
    }

    /// The newest request about an object that is not history.
    pub(crate) fn current(&self, id: &str) -> Option<(u32, &Request)> {
        let mut newest = self.requests.iter().rev().filter(|(_, request)| request.object == id);
        newest.next().map(|(n, r)| (*n, r)).filter(|(_, r)| !matches!(r.state, State::Approved | State::Withdrawn))
    }

    /// The same wish twice is one request; another wish takes the place of the open one.
    fn file(&mut self, id: &str, wish: Option<Spec>) -> Answer {
        if let Some((number, request)) = self.current(id)
            && request.wish == wish
        {
            return match &request.state {
                State::Rejected { reviewer, reason } => {
                    Answer::Rejected { number, reviewer: reviewer.clone(), reason: reason.clone() }
                }
                _ => Answer::Waits(number),
            };
        }
        self.withdraw(id);
        let number = self.requests.keys().next_back().map_or(1, |n| n + 1);
        let request = Request { object: id.to_owned(), wish, state: State::Open };
        self.requests.insert(number, request);
        Answer::Waits(number)
    }
}
