//! One connection type over two databases. The only file that names either driver.

use crate::{
    error::{Result, StoreError},
    rules::Compiled,
    saves::Saves,
};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use orbit_core::ports::Clock;
use sqlx::{
    Arguments, ColumnIndex, Decode, Encode, PgConnection, Pool, Postgres, Row as _, Sqlite, SqliteConnection,
    Transaction, Type,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
    types::Json,
};
use std::{collections::BTreeSet, str::FromStr, sync::Arc, time::Instant};
use uuid::Uuid;

/// The databases behind a store.
#[derive(Clone)]
pub(crate) enum Pools {
    /// PostgreSQL.
    Postgres(Pool<Postgres>),
    /// SQLite: one writer, several readers.
    Sqlite { write: Pool<Sqlite>, read: Pool<Sqlite> },
}

/// Orbit's database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) pools: Pools,
    /// Time on SQLite, which has one process; on PostgreSQL the database's own clock is the time of all replicas.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rules: Compiled,
    pub(crate) saves: Saves,
}

enum Conn {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// A snapshot for reading. Never takes SQLite's write lock.
pub struct Read {
    conn: Conn,
    clock: Arc<dyn Clock>,
    /// What PostgreSQL's clock showed when this transaction first asked, in microseconds, and when that was told.
    seen: Option<(i64, Instant)>,
    pub(crate) rules: Compiled,
}

/// A transaction that writes: consumed by [`Tx::commit`], rolled back when dropped. Every query is a method of [`Read`], to which it derefs.
pub struct Tx {
    read: Read,
    /// The rows that it holds against others who write: see [`Tx::workspace_lock`].
    pub(crate) holds: BTreeSet<Uuid>,
}

impl std::ops::Deref for Tx {
    type Target = Read;
    fn deref(&self) -> &Read {
        &self.read
    }
}
impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Read {
        &mut self.read
    }
}

impl Store {
    /// Begins a snapshot for reading.
    pub async fn read(&self) -> Result<Read> {
        let conn = match &self.pools {
            Pools::Postgres(pool) => {
                Conn::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
            Pools::Sqlite { read, .. } => Conn::Sqlite(read.begin().await?),
        };
        Ok(self.on(conn))
    }

    /// Begins a transaction that writes.
    pub async fn begin(&self) -> Result<Tx> {
        let conn = match &self.pools {
            Pools::Postgres(pool) => Conn::Postgres(pool.begin().await?),
            Pools::Sqlite { write, .. } => Conn::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
        };
        Ok(Tx { read: self.on(conn), holds: BTreeSet::new() })
    }

    fn on(&self, conn: Conn) -> Read {
        Read { conn, clock: self.clock.clone(), seen: None, rules: self.rules.clone() }
    }
}

impl Store {
    /// Ends every connection once what runs on it has ended; SQLite moves its write-ahead log into the file. The store is of no use after it.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Postgres(pool) => pool.close().await,
            Pools::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

impl Tx {
    /// Whether nobody else can have written since this transaction began: SQLite has one writer. What was read in it need not be read again.
    #[must_use]
    pub fn writes_alone(&self) -> bool {
        matches!(self.read.conn, Conn::Sqlite(_))
    }
    /// Makes everything that was written last.
    pub async fn commit(self) -> Result<()> {
        match self.read.conn {
            Conn::Postgres(t) => t.commit().await?,
            Conn::Sqlite(t) => t.commit().await?,
        }
        Ok(())
    }
}

impl Read {
    /// The time that leases, due times and expiry go by: the database's on PostgreSQL, the injected clock's on SQLite. A transaction asks once, and adds
    /// what has passed since: whatever this process takes for the time of day, it can tell how long something takes. Never ahead of the database's, so that
    /// no lease is taken for over that is not. In whole microseconds, as it is kept.
    pub async fn now(&mut self) -> Result<Timestamp> {
        if matches!(self.conn, Conn::Sqlite(_)) {
            return from_micros("now", self.clock.now().as_microsecond());
        }
        let (micros, at) = if let Some(seen) = self.seen {
            seen
        } else {
            let micros: Option<i64> =
                self.sql("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)").scalar().await?;
            *self.seen.insert((micros.unwrap_or_default(), Instant::now()))
        };
        let passed = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
        from_micros("now", micros.saturating_add(passed))
    }

    /// Has [`Self::now`] ask anew.
    pub(crate) fn look_at_the_clock_again(&mut self) {
        self.seen = None;
    }

    pub(crate) fn sql(&mut self, sql: impl Into<Sql>) -> Query<'_> {
        let sql = sql.into();
        let (text, to) = match &mut self.conn {
            Conn::Postgres(t) => (sql.pg, Bound::Postgres(t, PgArguments::default())),
            Conn::Sqlite(t) => (sql.lite, Bound::Sqlite(t, SqliteArguments::default())),
        };
        Query { to, text, binds: 0, bad: None }
    }
}

/// What can be bound: a type that both drivers encode.
pub(crate) trait Bind<'q>: Encode<'q, Postgres> + Type<Postgres> + Encode<'q, Sqlite> + Type<Sqlite> {}
impl<'q, T> Bind<'q> for T where T: Encode<'q, Postgres> + Type<Postgres> + Encode<'q, Sqlite> + Type<Sqlite> {}

/// What can be read from a column of either.
pub(crate) trait Column:
    for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite>
{
}
impl<T> Column for T where T: for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite> {}

pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

impl Row {
    pub(crate) fn get<T: Column>(&self, name: &'static str) -> Result<T> {
        Ok(match self {
            Self::Postgres(r) => r.try_get(name)?,
            Self::Sqlite(r) => r.try_get(name)?,
        })
    }
    fn at<T: Column>(&self, i: usize) -> Result<T>
    where
        usize: ColumnIndex<PgRow>,
    {
        Ok(match self {
            Self::Postgres(r) => r.try_get(i)?,
            Self::Sqlite(r) => r.try_get(i)?,
        })
    }
    /// An id of the noun that `wrap` makes.
    pub(crate) fn id<T>(&self, name: &'static str, wrap: impl Fn(Uuid) -> T) -> Result<T> {
        self.get(name).map(wrap)
    }
    /// An id that may be absent.
    pub(crate) fn maybe_id<T>(&self, name: &'static str, wrap: impl Fn(Uuid) -> T) -> Result<Option<T>> {
        Ok(self.get::<Option<Uuid>>(name)?.map(wrap))
    }
    /// A text that was parsed before it was written.
    pub(crate) fn text<T: FromStr>(&self, name: &'static str) -> Result<T>
    where
        T::Err: std::fmt::Display,
    {
        let text: String = self.get(name)?;
        text.parse().map_err(|e: T::Err| StoreError::Column { column: name, why: e.to_string() })
    }
    /// A word of a kebab-case enum.
    pub(crate) fn word<T: serde::de::DeserializeOwned>(&self, name: &'static str) -> Result<T> {
        let word: String = self.get(name)?;
        serde_json::from_value(word.into()).map_err(|e| StoreError::Column { column: name, why: e.to_string() })
    }
    pub(crate) fn json<T: serde::de::DeserializeOwned + Send + Unpin>(&self, name: &'static str) -> Result<T>
    where
        Json<T>: Column,
    {
        Ok(self.get::<Json<T>>(name)?.0)
    }
    pub(crate) fn maybe_json<T: serde::de::DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>>
    where
        Option<Json<T>>: Column,
    {
        Ok(self.get::<Option<Json<T>>>(name)?.map(|j| j.0))
    }
    pub(crate) fn time(&self, name: &'static str) -> Result<Timestamp> {
        from_micros(name, self.get(name)?)
    }
    pub(crate) fn maybe_time(&self, name: &'static str) -> Result<Option<Timestamp>> {
        self.get::<Option<i64>>(name)?.map(|micros| from_micros(name, micros)).transpose()
    }
}

fn from_micros(column: &'static str, micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|e| StoreError::Column { column, why: e.to_string() })
}

/// A row that can be read.
pub(crate) trait Load: Sized + Send {
    fn load(row: &Row) -> Result<Self>;
}

/// The text of a statement: one, or two where the dialects differ.
#[derive(Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) pg: &'static str,
    pub(crate) lite: &'static str,
}
impl From<&'static str> for Sql {
    fn from(s: &'static str) -> Self {
        Self { pg: s, lite: s }
    }
}

/// A statement in both dialects, side by side.
macro_rules! sql {
    (pg: $pg:expr, lite: $lite:expr $(,)?) => {
        $crate::conn::Sql { pg: $pg, lite: $lite }
    };
}
pub(crate) use sql;

enum Bound<'t> {
    Postgres(&'t mut PgConnection, PgArguments),
    Sqlite(&'t mut SqliteConnection, SqliteArguments),
}

/// A statement on its way.
pub(crate) struct Query<'t> {
    to: Bound<'t>,
    text: &'static str,
    binds: usize,
    bad: Option<sqlx::Error>,
}

impl<'t> Query<'t> {
    pub(crate) fn bind<'q, T: Bind<'q>>(mut self, value: T) -> Self {
        let added = match &mut self.to {
            Bound::Postgres(_, a) => a.add(value),
            Bound::Sqlite(_, a) => a.add(value),
        };
        if let Err(e) = added {
            self.bad = Some(sqlx::Error::Encode(e));
        }
        self.binds += 1;
        self
    }
    pub(crate) fn bind_time(self, time: Timestamp) -> Self {
        self.bind(time.as_microsecond())
    }
    pub(crate) fn bind_maybe_time(self, time: Option<Timestamp>) -> Self {
        self.bind(time.map(Timestamp::as_microsecond))
    }

    /// SQLite would bind NULL for what is missing, so the number is checked in tests, which run every statement.
    fn ready(self) -> Result<(Bound<'t>, &'static str)> {
        debug_assert_eq!(self.binds, highest_bind(self.text), "binds of: {}", self.text);
        match self.bad {
            Some(e) => Err(e.into()),
            None => Ok((self.to, self.text)),
        }
    }
    /// Rows touched.
    pub(crate) async fn execute(self) -> Result<u64> {
        Ok(match self.ready()? {
            (Bound::Postgres(c, a), q) => sqlx::query_with(q, a).execute(c).await?.rows_affected(),
            (Bound::Sqlite(c, a), q) => sqlx::query_with(q, a).execute(c).await?.rows_affected(),
        })
    }
    /// Runs a statement that must touch exactly one row.
    pub(crate) async fn one_row(self) -> Result<()> {
        let sql = self.text;
        match self.execute().await? {
            1 => Ok(()),
            wrote => Err(StoreError::Rows { sql, expected: 1, wrote }),
        }
    }
    async fn row(self) -> Result<Option<Row>> {
        Ok(match self.ready()? {
            (Bound::Postgres(c, a), q) => sqlx::query_with(q, a).fetch_optional(c).await?.map(Row::Postgres),
            (Bound::Sqlite(c, a), q) => sqlx::query_with(q, a).fetch_optional(c).await?.map(Row::Sqlite),
        })
    }
    pub(crate) fn stream<T: Load + 't>(self) -> Result<BoxStream<'t, Result<T>>> {
        Ok(match self.ready()? {
            (Bound::Postgres(c, a), q) => sqlx::query_with(q, a).fetch(c).map(|r| T::load(&Row::Postgres(r?))).boxed(),
            (Bound::Sqlite(c, a), q) => sqlx::query_with(q, a).fetch(c).map(|r| T::load(&Row::Sqlite(r?))).boxed(),
        })
    }
    pub(crate) async fn all<T: Load + 't>(self) -> Result<Vec<T>> {
        self.stream()?.try_collect().await
    }
    pub(crate) async fn optional<T: Load>(self) -> Result<Option<T>> {
        self.row().await?.map(|r| T::load(&r)).transpose()
    }
    /// The first column of the first row.
    pub(crate) async fn scalar<T: Column>(self) -> Result<Option<T>> {
        self.row().await?.map(|r| r.at(0)).transpose()
    }
}

fn highest_bind(sql: &str) -> usize {
    sql.split('$')
        .skip(1)
        .filter_map(|s| {
            let digits: String = s.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .max()
        .unwrap_or(0)
}
