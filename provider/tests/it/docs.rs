//! The pages that users read, and their examples.

use crate::terraform::{Terraform, told};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use terraform_provider_orbit::OrbitProvider;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Changed on purpose? `ORBIT_BLESS=1 cargo test -p terraform-provider-orbit --test it docs`, and look at the difference.
#[test]
fn checklist_43_the_pages_are_what_the_schemas_say() {
    let (docs, examples) = (folder("docs"), folder("examples"));
    let pages = tfplugin::docs::pages::<OrbitProvider>(&examples);
    if std::env::var_os("ORBIT_BLESS").is_some() {
        for (path, page) in &pages {
            fs::create_dir_all(docs.join(path).parent().unwrap()).unwrap();
            fs::write(docs.join(path), page).unwrap();
        }
    }
    for (path, page) in &pages {
        assert_eq!(&fs::read_to_string(docs.join(path)).unwrap_or_default(), page, "provider/docs/{path}");
    }
    let written: BTreeSet<_> = files(&docs).into_iter().filter(|path| !path.starts_with("guides/")).collect();
    assert_eq!(written, pages.keys().cloned().collect(), "no page of what is not there any more");
    for (path, page) in &pages {
        assert!(path.starts_with("index") || page.contains("## Example Usage"), "{path} has no example");
        assert!(
            !path.starts_with("resources/") || page.contains("By identity"),
            "{path} does not say how to import it"
        );
    }
}

/// Every file below a folder, by its path there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found
}

/// What the Terraform at hand knows of: identities came with 1.12, list resources and actions with 1.14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checklist_43_every_example_is_a_configuration() {
    let examples = folder("examples");
    let mut validated = 0;
    for path in files(&examples) {
        let (_, kind) = path.rsplit('/').next().and_then(|name| name.split_once('.')).unwrap();
        let is_query = match kind {
            "tfquery.hcl" => true,
            "tf" => false,
            "sh" => continue,
            other => panic!("{path}: nobody looks at an example of the kind {other}"),
        };
        let text = fs::read_to_string(examples.join(&path)).unwrap();
        let terraform = Terraform::with("http://127.0.0.1:1", &told(""));
        if is_query {
            terraform.write_query(&text);
        } else {
            terraform.write(&told(&text));
        }
        let knows = terraform.knows(&path);
        let run = terraform.run(if is_query { &["validate", "-json", "-query"] } else { &["validate", "-json"] }).await;
        // One that is too old for an example refuses it.
        assert_eq!(run.output.contains("\"valid\": true"), knows, "{path}: {}", run.output);
        validated += 1;
    }
    assert!(validated > 15, "{validated} examples");
}
