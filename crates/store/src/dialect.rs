//! What differs between SQLite and PostgreSQL, and the only code that knows which of them it talks to.

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgQueryResult, PgRow, Postgres};
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteQueryResult, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{
    Arguments, AssertSqlSafe, Column, ConnectOptions, Database, Decode, Pool, Transaction,
    TypeInfo, ValueRef,
};

use crate::value::{Row, Value};
use crate::{StoreError, StoreOptions};

/// Memory for the pages that SQLite's one writer works on, in KiB: a queue of 100,000 rows with its indexes.
const WRITE_CACHE_KB: u32 = 64 * 1024;
/// Rows on their way from SQLite's thread to ours.
const ROW_BUFFER: usize = 1_000;

/// The words that differ.
#[derive(Debug)]
pub(crate) struct Words {
    /// Column type of bytes.
    pub blob: &'static str,
    /// Ends a SELECT of rows that are about to be claimed.
    pub skip_locked: &'static str,
    /// Ends a SELECT of rows that are about to be changed.
    pub for_update: &'static str,
    /// Moves the write-ahead log into the files.
    checkpoint: &'static str,
    /// Where a row lies, for as long as it is not changed.
    pub row: &'static str,
    /// How many transactions that write go on at once to good effect.
    pub writers: usize,
    /// What stands between `column` and the argument that lists its values, and what stands after it.
    any: (&'static str, &'static str),
    /// The same for a FROM of one row `r.value` for each text of the argument.
    each: (&'static str, &'static str),
}

impl Words {
    /// The condition that a column has one of the texts of a list argument such as `$1`.
    pub fn any(&self, argument: &str) -> String {
        format!("{}{argument}{}", self.any.0, self.any.1)
    }

    /// The table `r` with one row `r.value` for each text of a list argument.
    pub fn each(&self, argument: &str) -> String {
        format!("{}{argument}{}", self.each.0, self.each.1)
    }
}

/// The server ends sessions whose client is gone without a word, so that what they locked is free within half a minute.
const SESSION: &str = "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
    SET idle_in_transaction_session_timeout = '5min'";

/// A transaction on one of the databases; rolled back when dropped.
#[async_trait]
pub(crate) trait Connection: Send {
    async fn fetch(&mut self, sql: String, args: Vec<Value>) -> Result<Vec<Row>, StoreError>;
    async fn execute(&mut self, sql: String, args: Vec<Value>) -> Result<u64, StoreError>;
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A database that hands out transactions.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    fn words(&self) -> &'static Words;
    async fn read(&self) -> Result<Box<dyn Connection>, StoreError>;
    async fn write(&self) -> Result<Box<dyn Connection>, StoreError>;
    async fn close(&self);
    /// Moves the write-ahead log into the files.
    async fn checkpoint(&self) -> Result<(), StoreError>;
    /// How to connect where processes can tell each other of what they commit; nothing where they cannot.
    fn channel(&self) -> Option<PgConnectOptions>;
    /// Connects anew beside the pool: the pool's own error does not say why it has no connection.
    async fn try_connect(&self) -> Result<(), StoreError>;
}

/// Opens the database the URL names and brings its schema up to date.
pub(crate) async fn open(
    url: &str,
    options: &StoreOptions,
) -> Result<Box<dyn Backend>, StoreError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Box::new(SqlBackend::postgres(url, options).await?));
    }
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Ok(Box::new(SqlBackend::sqlite(path, options).await?));
    }
    Err(StoreError::UnknownUrl(url.to_owned()))
}

/// How one database binds, decodes and counts.
pub(crate) trait Dialect: Database + sqlx::database::HasStatementCache {
    const WORDS: Words;
    /// Begins a transaction that may write. SQLite must take the write lock at once: a transaction that reads first and
    /// writes later fails with SQLITE_BUSY instead of waiting.
    const BEGIN_WRITE: &'static str;
    /// Begins a transaction that only reads, on one snapshot.
    const BEGIN_READ: &'static str;

    fn bind(args: &mut Self::Arguments, value: Value) -> Result<(), sqlx::error::BoxDynError>;
    fn decode(row: &Self::Row) -> Result<Row, StoreError>;
    fn rows_affected(result: &Self::QueryResult) -> u64;
    /// See [`Backend::channel`].
    fn channel(connect: &ConnectOptionsOf<Self>) -> Option<PgConnectOptions>;
}

type ConnectOptionsOf<DB> = <<DB as Database>::Connection as sqlx::Connection>::Options;

struct SqlBackend<DB: Dialect> {
    reads: Pool<DB>,
    writes: Pool<DB>,
}

impl SqlBackend<Sqlite> {
    async fn sqlite(path: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let mut connect = SqliteConnectOptions::from_str("sqlite:")?
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // Rows go from SQLite's thread to ours; a short queue between them would have each wake the other for every row.
            .row_buffer_size(ROW_BUFFER)
            .busy_timeout(options.lock_timeout);
        if let Some(pages) = options.max_pages {
            connect = connect.pragma("max_page_count", pages.to_string());
        }
        let write = connect
            .clone()
            .pragma("cache_size", format!("-{WRITE_CACHE_KB}"));
        let writes: Pool<Sqlite> = pool(1, options).connect_with(write).await?;
        crate::schema::migrator(&Sqlite::WORDS).run(&writes).await?;
        let reads = pool(options.read_connections, options)
            .connect_with(connect.pragma("query_only", "on"))
            .await?;
        Ok(Self { reads, writes })
    }
}

impl SqlBackend<Postgres> {
    async fn postgres(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let connect = PgConnectOptions::from_str(url)?.application_name("seogo");
        // Not through the pool: it tries until its time is over and then does not tell what it waited for.
        let first = tokio::time::timeout(options.acquire_timeout, connect.connect()).await;
        let mut first = first.map_err(|_| sqlx::Error::PoolTimedOut)??;
        crate::schema::migrator(&Postgres::WORDS)
            .run(&mut first)
            .await?;
        sqlx::Connection::close(first).await?;
        let pool: Pool<Postgres> = pool(options.read_connections, options)
            .after_connect(|connection, _| {
                Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(drop) })
            })
            .connect_lazy_with(connect);
        Ok(Self {
            reads: pool.clone(),
            writes: pool,
        })
    }
}

fn pool<DB: Database>(connections: u32, options: &StoreOptions) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(Duration::from_secs(600))
        // SQLite ends a transaction by itself when the disk is full; sqlx then takes it for open for ever.
        .before_acquire(|connection, _| {
            let is_free = !sqlx::Connection::is_in_transaction(connection);
            Box::pin(async move { Ok(is_free) })
        })
}

#[async_trait]
impl<DB> Backend for SqlBackend<DB>
where
    DB: Dialect,
    for<'c> &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
    DB::Arguments: sqlx::IntoArguments<DB>,
{
    fn words(&self) -> &'static Words {
        &DB::WORDS
    }

    async fn read(&self) -> Result<Box<dyn Connection>, StoreError> {
        begin(&self.reads, DB::BEGIN_READ).await
    }

    async fn write(&self) -> Result<Box<dyn Connection>, StoreError> {
        begin(&self.writes, DB::BEGIN_WRITE).await
    }

    async fn checkpoint(&self) -> Result<(), StoreError> {
        let mut connection = self.writes.acquire().await?;
        sqlx::query(DB::WORDS.checkpoint)
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }

    fn channel(&self) -> Option<PgConnectOptions> {
        DB::channel(&self.reads.connect_options())
    }

    async fn try_connect(&self) -> Result<(), StoreError> {
        let connection = self.reads.connect_options().connect().await?;
        Ok(sqlx::Connection::close(connection).await?)
    }
}

/// Begins a transaction, to the end even where the caller is dropped meanwhile: a connection whose BEGIN is still on its way
/// would go back to the pool and have the next caller work inside that transaction.
async fn begin<DB>(
    pool: &Pool<DB>,
    statement: &'static str,
) -> Result<Box<dyn Connection>, StoreError>
where
    DB: Dialect,
    for<'c> &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
    DB::Arguments: sqlx::IntoArguments<DB>,
{
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    match begun.await {
        Ok(begun) => Ok(Box::new(SqlConnection(begun?))),
        // The runtime is going down.
        Err(_) => Err(sqlx::Error::PoolClosed.into()),
    }
}

struct SqlConnection<DB: Database>(Transaction<'static, DB>);

#[async_trait]
impl<DB> Connection for SqlConnection<DB>
where
    DB: Dialect,
    for<'c> &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
    DB::Arguments: sqlx::IntoArguments<DB>,
{
    async fn fetch(&mut self, sql: String, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let rows = sqlx::query_with(AssertSqlSafe(sql), bound::<DB>(args)?)
            .fetch_all(&mut *self.0)
            .await?;
        rows.iter().map(DB::decode).collect()
    }

    async fn execute(&mut self, sql: String, args: Vec<Value>) -> Result<u64, StoreError> {
        let result = sqlx::query_with(AssertSqlSafe(sql), bound::<DB>(args)?)
            .execute(&mut *self.0)
            .await?;
        Ok(DB::rows_affected(&result))
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(self.0.commit().await?)
    }
}

fn bound<DB: Dialect>(values: Vec<Value>) -> Result<DB::Arguments, StoreError> {
    let mut args = DB::Arguments::default();
    for value in values {
        DB::bind(&mut args, value).map_err(sqlx::Error::Encode)?;
    }
    Ok(args)
}

/// The kinds of columns.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Int,
    Real,
    Blob,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "TEXT" | "VARCHAR" | "NAME" => Self::Text,
            "INTEGER" | "INT8" | "BIGINT" => Self::Int,
            "REAL" | "FLOAT8" => Self::Real,
            "BLOB" | "BYTEA" => Self::Blob,
            _ => return None,
        })
    }
}

/// Decodes every column by the name of its type.
fn decode_columns<'r, R>(row: &'r R) -> Result<Row, StoreError>
where
    R: sqlx::Row,
    usize: sqlx::ColumnIndex<R>,
    String: Decode<'r, R::Database>,
    i64: Decode<'r, R::Database>,
    f64: Decode<'r, R::Database>,
    Vec<u8>: Decode<'r, R::Database>,
{
    let mut values = Vec::with_capacity(row.columns().len());
    for index in 0..row.columns().len() {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            values.push(Value::Text(None));
            continue;
        }
        let kind = Kind::named(raw.type_info().name());
        let decoded = match kind {
            Some(Kind::Text) => Decode::decode(raw).map(|v| Value::Text(Some(v))),
            Some(Kind::Int) => Decode::decode(raw).map(|v| Value::Int(Some(v))),
            Some(Kind::Real) => Decode::decode(raw).map(|v| Value::Real(Some(v))),
            Some(Kind::Blob) => Decode::decode(raw).map(|v| Value::Blob(Some(v))),
            None => {
                let (column, kind) = (row.columns()[index].name(), raw.type_info());
                let kind = kind.name();
                return Err(StoreError::Unreadable(format!(
                    "column {column} has the type {kind}"
                )));
            }
        };
        values.push(decoded.map_err(sqlx::Error::Decode)?);
    }
    Ok(Row::new(values))
}

macro_rules! bind_value {
    ($args:expr, $value:expr, $list:expr) => {
        match $value {
            Value::Text(text) => $args.add(text),
            Value::Int(number) => $args.add(number),
            Value::Real(number) => $args.add(number),
            Value::Blob(bytes) => $args.add(bytes),
            Value::Texts(texts) => $args.add($list(texts)),
        }
    };
}

/// A list as SQLite takes it: JSON.
fn json_list(texts: Vec<String>) -> String {
    serde_json::Value::from(texts).to_string()
}

impl Dialect for Sqlite {
    const WORDS: Words = Words {
        blob: "BLOB",
        // One writer at a time: the rows are ours already.
        skip_locked: "",
        for_update: "",
        checkpoint: "PRAGMA wal_checkpoint(TRUNCATE)",
        row: "rowid",
        writers: 1,
        any: ("IN (SELECT value FROM json_each(", "))"),
        each: ("json_each(", ") AS r"),
    };
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_READ: &'static str = "BEGIN DEFERRED";

    fn bind(args: &mut SqliteArguments, value: Value) -> Result<(), sqlx::error::BoxDynError> {
        bind_value!(args, value, json_list)
    }

    fn decode(row: &SqliteRow) -> Result<Row, StoreError> {
        decode_columns(row)
    }

    fn rows_affected(result: &SqliteQueryResult) -> u64 {
        result.rows_affected()
    }

    fn channel(_: &SqliteConnectOptions) -> Option<PgConnectOptions> {
        None
    }
}

impl Dialect for Postgres {
    const WORDS: Words = Words {
        blob: "BYTEA",
        skip_locked: "FOR UPDATE SKIP LOCKED",
        for_update: "FOR UPDATE",
        checkpoint: "CHECKPOINT",
        row: "ctid",
        // One whose commit is on its way to the disk, one that gets ready.
        writers: 2,
        any: ("= ANY(", "::text[])"),
        each: ("unnest(", "::text[]) AS r(value)"),
    };
    const BEGIN_WRITE: &'static str = "BEGIN";
    const BEGIN_READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

    fn bind(args: &mut PgArguments, value: Value) -> Result<(), sqlx::error::BoxDynError> {
        bind_value!(args, value, std::convert::identity::<Vec<String>>)
    }

    fn decode(row: &PgRow) -> Result<Row, StoreError> {
        decode_columns(row)
    }

    fn rows_affected(result: &PgQueryResult) -> u64 {
        result.rows_affected()
    }

    fn channel(connect: &PgConnectOptions) -> Option<PgConnectOptions> {
        Some(connect.clone())
    }
}
