//! The server's program as an operator meets it: its subcommands, their exit codes and sentences, its log, and whether it says that it is ready.

use crate::world::World;
use orbit_acceptance::{Database, Orbit, Setup, bin, eventually, repository};
use orbit_api::Role;
use serde_json::Value;
use std::{fs, path::Path, process::Command, sync::Arc};

const DUE: &str = "migrations are due: run orbit-server migrate, or set database.migrate_at_start";

#[tokio::test]
async fn an_installation_begins_with_tables_and_a_token_made_on_the_database() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let run = |arguments: &str| said(folder.path(), arguments, &[]);
    // Nothing is made behind an operator's back where that is switched off.
    let refused = said(folder.path(), "--database sqlite:orbit.db serve", &settings());
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.starts_with("orbit-server: ") && refused.err.trim_end().ends_with(DUE), "{}", refused.err);
    let create = "--database sqlite:orbit.db token create --principal ada --role platform-admin";
    assert!(run(create).fails().contains(DUE));

    assert_eq!(run("--database sqlite:orbit.db migrate").succeeds(), "the tables are current\n");
    assert_eq!(
        run("--database sqlite:orbit.db migrate").succeeds(),
        "the tables are current\n",
        "once more is no harm"
    );
    let token = run(create).succeeds();

    let setup = Setup { settings: owned(&settings()), beside: Some(folder.clone()), plain: true, ..Setup::default() };
    let orbit = Orbit::with(setup).await;
    let ada = orbit.client(token.trim_end()).whoami().await.unwrap();
    assert_eq!(ada.principal, "ada");
    assert_eq!(ada.memberships.iter().map(|m| m.role).collect::<Vec<_>>(), [Role::PlatformAdmin]);
    // A second token of hers is made beside the running server, and gives no second role.
    let second = said(orbit.folder().path(), create, &[]);
    assert_ne!(second.succeeds(), token);
    let again = orbit.client(second.out.trim_end()).whoami().await.unwrap();
    assert_eq!(again.memberships, ada.memberships);
    let nowhere = "--database sqlite:orbit.db token create --principal bob --role member --workspace nowhere";
    assert!(said(orbit.folder().path(), nowhere, &[]).fails().contains("nowhere"));
}

#[test]
fn the_configuration_is_checked_without_being_used() {
    let folder = tempfile::tempdir().unwrap();
    let check = |settings: &[(&str, &str)]| said(folder.path(), "config check", settings);
    let shown: Value = serde_json::from_str(&check(&[]).succeeds()).unwrap();
    assert_eq!(shown["database"]["url"], "sqlite:orbit.db");
    let hidden = check(&[("ORBIT_DATABASE__URL", "postgres://orbit:canary-5a1e@127.0.0.1:1/orbit")]).succeeds();
    assert!(hidden.contains("[hidden]") && !hidden.contains("canary-5a1e"), "{hidden}");
    let among =
        check(&[("ORBIT_DATABASE__URL", "postgres://127.0.0.1:1/orbit?user=orbit&password=canary-5a1e")]).succeeds();
    assert!(among.contains("127.0.0.1:1/orbit?[hidden]") && !among.contains("canary-5a1e"), "{among}");
    let mail =
        [("ORBIT_EMAIL__SMTP_URL", "smtps://orbit:canary-5a1e@127.0.0.1"), ("ORBIT_EMAIL__FROM", "orbit@example.com")];
    let hidden = check(&mail).succeeds();
    assert!(hidden.contains("smtps://[hidden]@127.0.0.1") && !hidden.contains("canary-5a1e"), "{hidden}");

    let wrong = [
        (("ORBIT_EMAIL__SMTP_URL", "smtp://127.0.0.1"), "email.from is missing", "say who sends"),
        (("ORBIT_RUNNER__LEASES", "30"), "runner.leases", "known are: lease_seconds,"),
        (("ORBIT_RUNNER__LEASE_SECONDS", "2"), "runner.lease_seconds is 2", "give at least 12"),
        (("ORBIT_SERVER__LISTEN", "here"), "server.listen", ""),
        (("ORBIT_LOG__FILTER", "loud=very"), "log.filter", ""),
        (("ORBIT_DATABASE__URL_FILE", "not-there"), "not-there", ""),
    ];
    for (setting, what, remedy) in wrong {
        let told = check(&[setting]).fails();
        assert!(told.contains(what) && told.contains(remedy), "{setting:?}: {told}");
    }
    let file = folder.path().join("orbit.toml");
    fs::write(&file, "[server]\nlisten = \"127.0.0.1:0\"\nlissten = 1\n").unwrap();
    let told = said(folder.path(), "--config orbit.toml config check", &[]).fails();
    assert!(told.contains("server.lissten (orbit.toml) is no key; known are: listen,"), "{told}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no database was made");
    assert_eq!(said(folder.path(), "config chekc", &[]).code, 2, "a command that is none");
}

#[test]
fn the_document_that_it_prints_is_the_committed_one() {
    let folder = tempfile::tempdir().unwrap();
    let committed = fs::read_to_string(repository().join("openapi/orbit.v1.json")).unwrap();
    assert!(said(folder.path(), "openapi", &[]).succeeds() == committed, "openapi/orbit.v1.json is another one");
}

#[tokio::test]
async fn every_line_of_a_json_log_is_an_object_that_says_what_and_when() {
    let world = World::set_up(&[("ORBIT_LOG__FORMAT", "json"), ("ORBIT_LOG__FILTER", "trace")]).await;
    let id = world.ask_for("dev", "orders", 1).await.operation.unwrap().id;
    world.succeeds(&id).await;
    // What the cluster said is of several lines.
    let wrong = world.kafka.registration_as("second", "nobody", "wrong");
    world.orbit.admin().cluster_create(&wrong).await.unwrap_err();
    world.orbit.stop();

    let log = world.orbit.log();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let told = |name: &str| line[name].as_str().is_some_and(|text| !text.is_empty());
        assert!(["timestamp", "level", "target"].into_iter().all(told), "{line}");
    }
    for message in ["ready", "operation succeeded", "a cluster's connection does not work", "going down"] {
        assert!(log.contains(message), "{message} is not told");
    }
}

#[tokio::test]
async fn it_says_that_it_is_not_ready_while_its_tables_do_not_fit() {
    let database = Database::new().await;
    let setup = Setup { database: Some(database.url.clone()), ..Setup::default() };
    let orbit = Orbit::with(setup).await;
    let ready = async |status: u16, why: &str| {
        let (code, body) = orbit.get("/readyz").await.unwrap();
        assert!(code == status && body.contains(why), "{code}: {body}");
        assert_eq!(orbit.get("/healthz").await.unwrap().0, 200, "alive all the same");
    };
    ready(200, "ready").await;
    database.run("CREATE TABLE kept AS SELECT * FROM _sqlx_migrations ORDER BY version DESC LIMIT 1").await;
    database.run("DELETE FROM _sqlx_migrations WHERE version = (SELECT version FROM kept)").await;
    ready(503, "the database waits for orbit-server migrate").await;
    database.run("INSERT INTO _sqlx_migrations SELECT * FROM kept").await;
    ready(200, "ready").await;
    database.run("UPDATE kept SET version = 9999; INSERT INTO _sqlx_migrations SELECT * FROM kept").await;
    ready(503, "the database belongs to a newer Orbit").await;
    let serve = format!("--database {} serve --listen 127.0.0.1:0", database.url);
    let newer = said(orbit.folder().path(), &serve, &settings()).fails();
    assert!(newer.contains("the database belongs to a newer Orbit: run that version"), "{newer}");
}

#[tokio::test]
async fn it_says_that_it_is_not_ready_while_its_database_is_gone_and_takes_no_calls_when_it_goes_down() {
    let database = Database::on_own_server();
    let orbit = Orbit::with(Setup { database: Some(database.url.clone()), ..Setup::default() }).await;
    database.kill();
    let (code, body) = orbit.get("/readyz").await.unwrap();
    assert!(code == 503 && body.contains("the database does not answer"), "{code}: {body}");
    assert_eq!(orbit.get("/healthz").await.unwrap().0, 200);
    database.start_again();
    eventually("it is ready again", || async { (orbit.get("/readyz").await?.0 == 200).then_some(()) }).await;
    orbit.stop();
    assert_eq!(orbit.get("/readyz").await, None);
}

/// What a command came to.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn succeeds(&self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out.clone()
    }

    /// With one sentence for whoever typed it, and nothing else.
    #[track_caller]
    fn fails(&self) -> String {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{}", self.err);
        assert!(self.err.starts_with("orbit-server: ") && !self.err.contains("backtrace"), "{}", self.err);
        self.err.clone()
    }
}

fn said(folder: &Path, arguments: &str, settings: &[(&str, &str)]) -> Said {
    let mut command = Command::new(bin("orbit-server"));
    command.current_dir(folder).args(arguments.split(' ')).envs(settings.iter().copied());
    let ended = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: ended.status.code().unwrap(), out: text(ended.stdout), err: text(ended.stderr) }
}

/// As an installation sets it: a key, and tables by an operator's hand.
fn settings() -> [(&'static str, &'static str); 3] {
    [
        ("ORBIT_ENCRYPTION__KEYS", "[{id=\"story\",env=\"STORY_KEY\"}]"),
        ("STORY_KEY", "c3Rvcnktc3Rvcnktc3Rvcnktc3Rvcnktc3Rvcnktc3Q="),
        ("ORBIT_DATABASE__MIGRATE_AT_START", "false"),
    ]
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
