//! Rules about the store itself: what it offers is tested here, on both databases.

use std::{collections::BTreeSet, fs, path::Path};

fn texts(folder: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

fn name_at(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn every_function_of_the_store_is_called_by_a_story() {
    let offered: BTreeSet<String> = texts("src")
        .iter()
        .flat_map(|(_, text)| text.split("pub async fn ").skip(1).map(name_at).collect::<Vec<_>>())
        .collect();
    assert!(offered.len() > 80, "the scan finds only {}", offered.len());
    let tests: String = texts("tests").into_iter().map(|(_, text)| text).collect();
    let called = |name: &String| tests.contains(&format!(".{name}(")) || tests.contains(&format!("::{name}("));
    let missing: Vec<_> = offered.iter().filter(|name| !called(name)).collect();
    assert_eq!(missing, [""; 0], "no story calls these");
}

#[test]
fn every_story_runs_on_both_databases() {
    for (file, text) in texts("tests/it") {
        let stories = text.split("\nasync fn ").skip(1).filter(|t| name_and_argument(t)).map(name_at);
        let listed = text.split("on_both!(").nth(1).unwrap_or_default();
        for story in stories {
            assert!(listed.contains(&story), "{file}: {story} is not in on_both!");
        }
    }
}

/// A story takes the database whole: `(db: TestStore)`.
fn name_and_argument(text: &str) -> bool {
    text[name_at(text).len()..].starts_with("(db: TestStore) {")
}

#[test]
fn the_drivers_are_named_where_connections_are_made() {
    for (file, text) in texts("src") {
        let may = ["conn.rs", "news.rs", "open.rs"].iter().any(|f| file.ends_with(f));
        let names = ["sqlx::postgres", "sqlx::sqlite", "PgPool", "SqlitePool", "PgConnection", "SqliteConnection"];
        assert!(may || !names.iter().any(|n| text.contains(n)), "{file} names a driver");
    }
}

/// A prepared statement that says `*` breaks when a newer build adds a column: PostgreSQL refuses it, and sqlx panics on SQLite.
#[test]
fn statements_name_their_columns() {
    for (file, text) in texts("src") {
        let stars: Vec<_> =
            text.lines().filter(|l| l.contains("SELECT *") || l.contains(".*") || l.contains("RETURNING *")).collect();
        assert_eq!(stars, [""; 0], "{file}");
    }
}
