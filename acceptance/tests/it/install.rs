//! A release of the provider, as `make release` packs it, and what Terraform installs from it.

use crate::world::{World, address, topic};
use orbit_acceptance::{Terraform, bin, repository};
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
    assert!(lock.contains("version") && lock.contains("h1:"), "{lock}");
}
