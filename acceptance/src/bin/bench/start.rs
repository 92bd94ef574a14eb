//! How fast the two programs are there.

use crate::{
    Result,
    figures::{Env, line, start_server},
};
use std::{process::Stdio, time::Instant};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

/// From exec to the first call answered, with tables that are there already.
pub(crate) async fn server(env: &Env) -> Result<()> {
    const RUNS: usize = 20;
    let folder = tempfile::tempdir()?;
    drop(start_server(env, folder.path()).await?);
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let (mut process, took, _, _) = start_server(env, folder.path()).await?;
        times.push(took);
        process.kill().await?;
    }
    line("server start to ready (SQLite, migrated)", &mut times, "aim ≤ 300 ms");
    Ok(())
}

/// From exec to the handshake line, as terraform starts it.
pub(crate) async fn provider(env: &Env) -> Result<()> {
    const RUNS: usize = 50;
    const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()])?.cert.pem();
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let mut process = Command::new(env.bin.join("terraform-provider-orbit"))
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_CLIENT_CERT", &certificate)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().ok_or("no output")?;
        BufReader::new(stdout).lines().next_line().await?.ok_or("the provider ended")?;
        times.push(began.elapsed());
        process.kill().await?;
    }
    line("provider start to handshake (mutual TLS)", &mut times, "aim ≤ 10 ms");
    Ok(())
}
