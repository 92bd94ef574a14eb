//! A release of the provider, as `make release` packs it, and what Terraform installs from it.

use crate::world::{World, address, topic};
use orbit_acceptance::{Terraform, TlsFront, bin, repository};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};
use tempfile::TempDir;

/// What lies in `dist/` after a release, and the key that it is signed by.
struct Release {
    dist: TempDir,
    keys: TempDir,
}

const SIGNER: &str = "releases@orbit.test";

impl Release {
    /// Of the program that the tests run, which is built already.
    fn new() -> Self {
        let release = Self { dist: TempDir::new().unwrap(), keys: TempDir::new().unwrap() };
        // Such keys as registries know how to verify.
        let key = "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nName-Email: releases@orbit.test\nExpire-Date: 0\n%no-protection\n%commit\n";
        let batch = release.keys.path().join("batch");
        fs::write(&batch, key).unwrap();
        release.gpg(&["--batch", "--quiet", "--gen-key", &batch.display().to_string()]);
        let program = bin("terraform-provider-orbit");
        let packed = Command::new(repository().join("scripts/release.sh"))
            .env("ORBIT_PROGRAMS", format!("{}={}", platform(), program.display()))
            .env("ORBIT_DIST", release.dist.path())
            .env("ORBIT_SIGNING_KEY", SIGNER)
            .env("GNUPGHOME", release.keys.path())
            .output()
            .unwrap();
        succeeded(&packed);
        release
    }

    fn gpg(&self, arguments: &[&str]) -> Output {
        let ended = Command::new("gpg").env("GNUPGHOME", self.keys.path()).args(arguments).output().unwrap();
        succeeded(&ended);
        ended
    }

    fn file(&self, end: &str) -> PathBuf {
        self.dist.path().join(format!("terraform-provider-orbit_0.1.0_{end}"))
    }
}

fn platform() -> String {
    format!("{}_{}", std::env::consts::OS, if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" })
}

#[track_caller]
fn succeeded(ended: &Output) {
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[tokio::test]
async fn checklist_42_a_release_is_summed_and_signed_and_its_zip_installs_from_a_filesystem_mirror() {
    let release = Release::new();
    let sums = release.file("SHA256SUMS");
    let checked =
        Command::new("sha256sum").args(["--check", "--strict"]).arg(&sums).current_dir(release.dist.path()).output();
    let checked = checked.unwrap();
    succeeded(&checked);
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(text.contains(&format!("{}.zip: OK", platform())) && text.contains("manifest.json: OK"), "{text}");
    release.gpg(&["--verify", &release.file("SHA256SUMS.sig").display().to_string(), &sums.display().to_string()]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(release.file("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["metadata"]["protocol_versions"][0], "6.0");

    // The archive as it is, where an administrator would put it; nothing is unpacked by hand.
    let world = World::new().await;
    let mut terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    let mirror = terraform.path("packed");
    let place = mirror.join("orbit.internal/orbit/orbit");
    fs::create_dir_all(&place).unwrap();
    let name = format!("terraform-provider-orbit_0.1.0_{}.zip", platform());
    fs::copy(release.dist.path().join(&name), place.join(&name)).unwrap();
    let cli = terraform.path("packed.tfrc");
    let installation =
        format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n", mirror.display());
    fs::write(&cli, installation).unwrap();
    terraform.set("TF_CLI_CONFIG_FILE", &cli.display().to_string());
    terraform.write(&crate::world::configuration(&topic("dev", "orders", "")));
    terraform.init().await;
    terraform.apply().await.ok();
    assert_eq!(terraform.attribute(&address("orders"), "status").await, "active");
    // What the lock file holds is the archive's own sum: another archive under the same version is refused.
    let lock = fs::read_to_string(terraform.path(".terraform.lock.hcl")).unwrap();
    assert!(lock.contains("0.1.0") && lock.contains("h1:"), "{lock}");
}

/// Orbit with this release, behind TLS: Terraform speaks of providers over nothing else.
async fn serving(release: &Release) -> (World, TlsFront) {
    let world = World::set_up(&[("ORBIT_PROVIDER__RELEASES", &release.dist.path().display().to_string())]).await;
    let front = TlsFront::before(world.orbit.port(), &["localhost"]).await;
    (world, front)
}

/// A terraform that installs in its own way, and trusts the authority of that TLS.
fn installing(world: &World, front: &TlsFront, installation: &str, source: &str) -> Terraform {
    let mut terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    let cli = terraform.path("install.tfrc");
    fs::write(&cli, installation).unwrap();
    terraform.set("TF_CLI_CONFIG_FILE", &cli.display().to_string());
    terraform.set("SSL_CERT_FILE", &front.ca_file().display().to_string());
    terraform.set("NO_PROXY", "localhost,127.0.0.1");
    let configuration = crate::world::configuration(&topic("dev", "orders", ""));
    terraform.write(&configuration.replace("orbit.internal/orbit/orbit", source));
    terraform
}

#[tokio::test]
async fn checklist_42_terraform_installs_from_the_server_as_from_a_registry() {
    let release = Release::new();
    let (world, front) = serving(&release).await;
    let source = format!("localhost:{}/orbit/orbit", front.port());
    let terraform = installing(&world, &front, "provider_installation {\n  direct {}\n}\n", &source);

    let init = terraform.init().await;

    assert!(init.text.contains(&format!("Installed {source} v0.1.0")), "{}", init.text);
    assert!(init.text.contains("self-signed, key ID") || init.text.contains("signed, key ID"), "{}", init.text);
    terraform.apply().await.ok();
    assert_eq!(terraform.attribute(&address("orders"), "status").await, "active");
}

#[tokio::test]
async fn checklist_42_terraform_installs_from_the_server_as_from_a_mirror() {
    let release = Release::new();
    let (world, front) = serving(&release).await;
    let mirror = format!(
        "provider_installation {{\n  network_mirror {{\n    url = \"https://localhost:{}/terraform/mirror/\"\n  }}\n}}\n",
        front.port()
    );
    let terraform = installing(&world, &front, &mirror, "orbit.internal/orbit/orbit");

    terraform.init().await;

    terraform.apply().await.ok();
    assert_eq!(terraform.attribute(&address("orders"), "status").await, "active");
}

#[tokio::test]
async fn an_archive_that_is_not_what_was_signed_is_not_installed() {
    let release = Release::new();
    let (world, front) = serving(&release).await;
    let zip = release.file(&format!("{}.zip", platform()));
    let mut bytes = fs::read(&zip).unwrap();
    bytes.push(0);
    fs::write(&zip, bytes).unwrap();
    let source = format!("localhost:{}/orbit/orbit", front.port());
    let terraform = installing(&world, &front, "provider_installation {\n  direct {}\n}\n", &source);
    let init = terraform.run(&["init", "-input=false", "-no-color"]).await;
    assert!(init.code == 1 && init.text.contains("checksum"), "{}", init.text);

    // Nor one that nobody signed.
    fs::remove_file(release.file("SHA256SUMS.sig")).unwrap();
    let init = terraform.run(&["init", "-input=false", "-no-color"]).await;
    assert_eq!(init.code, 1, "{}", init.text);
    // And nothing else of the folder is given away.
    fs::write(release.dist.path().join("terraform-provider-orbit_secret.txt"), "x").unwrap();
    for path in ["terraform-provider-orbit_secret.txt", "..%2Forbit.db", "other.zip"] {
        let (status, _) = world.orbit.get(&format!("/terraform/files/{path}")).await.unwrap();
        assert_eq!(status, 404, "{path}");
    }
}
