//! The floor of the REST figures: a handler of axum that writes one row with sqlx, or reads one, or a hundred, and knows nothing of policy, people or
//! operations. A process of its own, as Orbit's server is.

use crate::Result;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde_json::Value;
use sqlx::{postgres::PgPoolOptions, sqlite::SqlitePoolOptions};

const TABLE: &str = "CREATE TABLE thing (id BIGINT PRIMARY KEY, body TEXT NOT NULL)";

/// Serves on a free port, which it says, until it is killed.
pub(crate) async fn serve(database: &str) -> Result<()> {
    let app = if database.starts_with("sqlite:") {
        // As Orbit has it: one writer, and every commit on the disk.
        let pool = SqlitePoolOptions::new().max_connections(1).connect(&format!("{database}?mode=rwc")).await?;
        for statement in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", TABLE] {
            sqlx::query(statement).execute(&pool).await?;
        }
        sqlite::routes().with_state(pool)
    } else {
        let pool = PgPoolOptions::new().max_connections(10).connect(database).await?;
        sqlx::query(TABLE).execute(&pool).await?;
        postgres::routes().with_state(pool)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

type Answer = std::result::Result<(StatusCode, Json<Value>), StatusCode>;

fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

/// The same handlers over each database: sqlx has a type of pool for each.
macro_rules! handlers {
    ($name:ident, $Pool:ty) => {
        mod $name {
            use super::{Answer, Json, Path, Router, State, StatusCode, Value, failed, get};
            use sqlx::Row as _;

            pub(super) fn routes() -> Router<$Pool> {
                Router::new().route("/things", get(list).post(create)).route("/things/{id}", get(read))
            }

            async fn create(State(pool): State<$Pool>, Json(body): Json<Value>) -> Answer {
                let id = body["id"].as_i64().ok_or(StatusCode::UNPROCESSABLE_ENTITY)?;
                let mut tx = pool.begin().await.map_err(failed)?;
                let insert =
                    sqlx::query("INSERT INTO thing (id, body) VALUES ($1, $2)").bind(id).bind(body.to_string());
                insert.execute(&mut *tx).await.map_err(failed)?;
                tx.commit().await.map_err(failed)?;
                Ok((StatusCode::CREATED, Json(body)))
            }

            async fn read(State(pool): State<$Pool>, Path(id): Path<i64>) -> Answer {
                let row = sqlx::query("SELECT body FROM thing WHERE id = $1").bind(id);
                let row = row.fetch_one(&pool).await.map_err(failed)?;
                let body = row.try_get::<String, _>("body").map_err(failed)?;
                Ok((StatusCode::OK, Json(serde_json::from_str(&body).map_err(failed)?)))
            }

            async fn list(State(pool): State<$Pool>) -> Answer {
                let rows = sqlx::query("SELECT body FROM thing ORDER BY id LIMIT 100")
                    .fetch_all(&pool)
                    .await
                    .map_err(failed)?;
                let bodies = rows.iter().map(|row| {
                    let body = row.try_get::<String, _>("body").map_err(failed)?;
                    serde_json::from_str::<Value>(&body).map_err(failed)
                });
                Ok((StatusCode::OK, Json(Value::Array(bodies.collect::<Result<_, _>>()?))))
            }
        }
    };
}
handlers!(sqlite, sqlx::SqlitePool);
handlers!(postgres, sqlx::PgPool);
