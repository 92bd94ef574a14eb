//! The two sets of migrations are pairs: the same files, tables, columns in the same order, keys and indexes.

use std::{collections::BTreeMap, fs, path::Path};

/// A statement without comments, spread over one line.
fn statements(text: &str) -> Vec<String> {
    let code: Vec<_> = text.lines().map(|l| l.split("--").next().unwrap_or_default()).collect();
    let all = code.join(" ");
    all.split(';').map(|s| s.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|s| !s.is_empty()).collect()
}

fn files(dialect: &str) -> BTreeMap<String, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    entries
        .map(|e| (e.file_name().into_string().unwrap(), statements(&fs::read_to_string(e.path()).unwrap())))
        .collect()
}

/// A statement as far as both have to say the same: what fills a table from JSON reads that in each dialect's own words.
fn alike(statement: &str) -> &str {
    match statement.split_once(" SELECT ") {
        Some((into, from))
            if into.starts_with("INSERT INTO ") && (from.contains("json_extract(") || from.contains("::")) =>
        {
            into
        }
        _ => statement,
    }
}

/// A statement of either dialect in the words that both share: every type by what Rust reads from it, and no word that only one has.
fn shared(statement: &str, types: &[(&str, &str)]) -> String {
    let mut text = format!(" {statement} ");
    for word in [" COLLATE \"C\"", " STRICT"] {
        text = text.replace(word, "");
    }
    for (theirs, ours) in types {
        for end in [" ", ","] {
            text = text.replace(&format!(" {theirs}{end}"), &format!(" {ours}{end}"));
        }
    }
    // Ids are written as PostgreSQL reads them, or as bytes.
    let ids = text.replace("x'", "'").replace('\'', "");
    ids.chars().filter(|c| *c != '-').collect::<String>().trim().to_owned()
}

const POSTGRES: &[(&str, &str)] = &[
    ("uuid", "bytes"),
    ("bytea", "bytes"),
    ("bigint", "whole"),
    ("boolean", "whole"),
    ("text", "words"),
    ("jsonb", "words"),
];
const SQLITE: &[(&str, &str)] = &[("BLOB", "bytes"), ("INTEGER", "whole"), ("TEXT", "words")];

#[test]
fn both_have_the_same_files_and_statements() {
    let (postgres, sqlite) = (files("postgres"), files("sqlite"));
    assert!(postgres.len() >= 5);
    let names = |set: &BTreeMap<String, Vec<String>>| set.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&postgres), names(&sqlite));
    for (name, theirs) in &postgres {
        let ours = &sqlite[name];
        assert_eq!(theirs.len(), ours.len(), "{name}: number of statements");
        for (a, b) in theirs.iter().zip(ours) {
            assert_eq!(shared(alike(a), POSTGRES), shared(alike(b), SQLITE), "{name}");
        }
    }
}

#[test]
fn versions_count_up_without_gaps() {
    for (i, name) in files("postgres").keys().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", i + 1)), "{name}");
    }
}

#[test]
fn every_table_of_sqlite_is_strict_and_text_keys_compare_by_bytes() {
    for (name, statements) in files("sqlite") {
        for table in statements.iter().filter(|s| s.starts_with("CREATE TABLE")) {
            assert!(table.ends_with("STRICT"), "{name}: {table}");
        }
    }
    // What is unique or part of a key, and text, sorts pages.
    for (name, statements) in files("postgres") {
        for table in statements.iter().filter(|s| s.starts_with("CREATE TABLE")) {
            for column in table.split(',').filter(|c| c.contains(" text ") && c.contains("UNIQUE")) {
                assert!(column.contains("COLLATE \"C\""), "{name}: {column}");
            }
        }
    }
}

#[test]
fn the_comparison_sees_a_difference() {
    let a = shared("CREATE TABLE t (id uuid PRIMARY KEY, n bigint NOT NULL)", POSTGRES);
    assert_eq!(a, shared("CREATE TABLE t (id BLOB PRIMARY KEY, n INTEGER NOT NULL) STRICT", SQLITE));
    assert_ne!(a, shared("CREATE TABLE t (id BLOB PRIMARY KEY, n TEXT NOT NULL) STRICT", SQLITE));
    assert_ne!(a, shared("CREATE TABLE t (n INTEGER NOT NULL, id BLOB PRIMARY KEY) STRICT", SQLITE));
    assert_ne!(a, shared("CREATE TABLE t (id BLOB PRIMARY KEY, n INTEGER) STRICT", SQLITE));
}
