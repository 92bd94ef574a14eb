//! The provider for Terraform, from this server: a provider registry and a network mirror over the folder that `make release` filled. Nobody needs a token
//! for it: Terraform installs before it is anybody.
//!
//! Sources: the provider registry protocol (`providers.v1`), remote service discovery and the provider network mirror protocol, as Terraform documents them.

use super::Failed;
use crate::app::{App, Code, Refusal};
use axum::{
    Json, Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path};
use tokio::fs;
use tower_http::services::ServeFile;

/// Whose files these are: all begin so.
const PRODUCT: &str = "terraform-provider-orbit_";
/// Namespace and type of the provider's source address, `HOST/orbit/orbit`.
const OURS: (&str, &str) = ("orbit", "orbit");
/// Where archives and sums are.
const FILES: &str = "/terraform/files";

/// What Terraform asks for.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/.well-known/terraform.json", get(discover))
        .route("/terraform/providers/v1/{namespace}/{type}/versions", get(versions))
        .route("/terraform/providers/v1/{namespace}/{type}/{version}/download/{os}/{arch}", get(download))
        .route("/terraform/mirror/{host}/{namespace}/{type}/{page}", get(mirror))
        .route("/terraform/files/{file}", get(file))
}

/// An archive of a release: for which system it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Archive {
    os: String,
    arch: String,
    file: String,
}

/// The releases in a folder: their archives, by version.
struct Releases<'a> {
    folder: &'a path::Path,
    archives: BTreeMap<String, Vec<Archive>>,
    /// The public key that signed, by version: its id, and its file.
    keys: BTreeMap<String, (String, String)>,
}

impl<'a> Releases<'a> {
    async fn of(app: &'a App) -> Result<Self, Refusal> {
        let folder = app.releases.as_deref().ok_or_else(|| {
            Refusal::new(Code::NoRoute, "this server serves no releases of the provider")
                .remedy("whoever runs Orbit sets provider.releases to the folder that make release filled")
        })?;
        let unreadable = |error: std::io::Error| {
            tracing::warn!(folder = %folder.display(), %error, "the releases of the provider cannot be read");
            Refusal::new(Code::Unavailable, "the releases of the provider cannot be read").remedy("the log says why")
        };
        let mut names: Vec<String> = Vec::new();
        let mut entries = fs::read_dir(folder).await.map_err(unreadable)?;
        while let Some(entry) = entries.next_entry().await.map_err(unreadable)? {
            names.extend(entry.file_name().into_string());
        }
        names.sort();
        let mut archives = BTreeMap::<String, Vec<Archive>>::new();
        for (version, archive) in names.iter().filter_map(|name| archive(name)) {
            archives.entry(version).or_default().push(archive);
        }
        Ok(Self { folder, archives, keys: names.iter().filter_map(|name| key(name)).collect() })
    }

    async fn text(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).await.ok()
    }

    /// The SHA-256 of each file of a release.
    async fn sums(&self, version: &str) -> BTreeMap<String, String> {
        let text = self.text(&format!("{PRODUCT}{version}_SHA256SUMS")).await.unwrap_or_default();
        let each = text.lines().filter_map(|line| line.split_once("  "));
        each.map(|(sum, file)| (file.trim().to_owned(), sum.to_owned())).collect()
    }

    /// The protocol's versions that a release speaks, as its manifest says.
    async fn protocols(&self, version: &str) -> Value {
        let text = self.text(&format!("{PRODUCT}{version}_manifest.json")).await.unwrap_or_default();
        let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
        match &manifest["metadata"]["protocol_versions"] {
            Value::Null => json!(["6.0"]),
            versions => versions.clone(),
        }
    }
}

/// `terraform-provider-orbit_0.1.0_linux_amd64.zip`
fn archive(name: &str) -> Option<(String, Archive)> {
    let mut parts = name.strip_prefix(PRODUCT)?.strip_suffix(".zip")?.split('_').map(str::to_owned);
    let (version, os, arch) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then(|| (version, Archive { os, arch, file: name.to_owned() }))
}

/// `terraform-provider-orbit_0.1.0_key_0123456789ABCDEF.asc`: version, the key's id, and the file.
fn key(name: &str) -> Option<(String, (String, String))> {
    let (version, id) = name.strip_prefix(PRODUCT)?.strip_suffix(".asc")?.split_once("_key_")?;
    Some((version.to_owned(), (id.to_owned(), name.to_owned())))
}

/// Only our own provider is here.
fn must_be_ours(namespace: &str, kind: &str) -> Result<(), Refusal> {
    if (namespace, kind) == OURS {
        return Ok(());
    }
    Err(Refusal::new(Code::NoRoute, format!("there is no provider {namespace}/{kind} here"))
        .remedy("this server has orbit/orbit alone"))
}

fn no_release(version: &str, what: &str, remedy: &'static str) -> Refusal {
    Refusal::new(Code::NoRoute, format!("release {version} of the provider {what}")).remedy(remedy)
}

/// Which services Terraform finds here.
async fn discover(State(app): State<App>) -> Result<Json<Value>, Failed> {
    Releases::of(&app).await?;
    Ok(Json(json!({ "providers.v1": "/terraform/providers/v1/" })))
}

/// Which versions there are, and for which systems.
async fn versions(
    State(app): State<App>,
    Path((namespace, kind)): Path<(String, String)>,
) -> Result<Json<Value>, Failed> {
    must_be_ours(&namespace, &kind)?;
    let releases = Releases::of(&app).await?;
    let mut versions = Vec::new();
    for (version, archives) in &releases.archives {
        let platforms: Vec<Value> = archives.iter().map(|a| json!({ "os": a.os, "arch": a.arch })).collect();
        let protocols = releases.protocols(version).await;
        versions.push(json!({ "version": version, "protocols": protocols, "platforms": platforms }));
    }
    Ok(Json(json!({ "versions": versions })))
}

/// Where an archive is, its sum, and who signed the sums. Terraform installs nothing that nobody signed.
async fn download(
    State(app): State<App>,
    Path((namespace, kind, version, os, arch)): Path<(String, String, String, String, String)>,
) -> Result<Json<Value>, Failed> {
    must_be_ours(&namespace, &kind)?;
    let releases = Releases::of(&app).await?;
    let archives = releases.archives.get(&version);
    let archive = archives.and_then(|all| all.iter().find(|a| (a.os.as_str(), a.arch.as_str()) == (&os, &arch)));
    let archive = archive
        .ok_or_else(|| no_release(&version, &format!("is not here for {os}_{arch}"), "the versions tell which are"))?;
    let sums = releases.sums(&version).await;
    let sum =
        sums.get(&archive.file).ok_or_else(|| no_release(&version, "lacks its sums", "run make release again"))?;
    let signed = async {
        let (id, file) = releases.keys.get(&version)?;
        Some((id, releases.text(file).await?))
    };
    let (key_id, armor) = signed.await.ok_or_else(|| {
        no_release(&version, "is not signed", "run make release with ORBIT_SIGNING_KEY, or install it from the mirror")
    })?;
    Ok(Json(json!({
        "protocols": releases.protocols(&version).await,
        "os": os,
        "arch": arch,
        "filename": archive.file,
        "download_url": format!("{FILES}/{}", archive.file),
        "shasums_url": format!("{FILES}/{PRODUCT}{version}_SHA256SUMS"),
        "shasums_signature_url": format!("{FILES}/{PRODUCT}{version}_SHA256SUMS.sig"),
        "shasum": sum,
        "signing_keys": { "gpg_public_keys": [{ "key_id": key_id, "ascii_armor": armor }] },
    })))
}

/// The same as a mirror has it: `index.json`, and a page for each version. Whatever host a configuration names, the provider is this one.
async fn mirror(
    State(app): State<App>,
    Path((_host, namespace, kind, page)): Path<(String, String, String, String)>,
) -> Result<Json<Value>, Failed> {
    must_be_ours(&namespace, &kind)?;
    let releases = Releases::of(&app).await?;
    if page == "index.json" {
        let versions: BTreeMap<&String, Value> = releases.archives.keys().map(|version| (version, json!({}))).collect();
        return Ok(Json(json!({ "versions": versions })));
    }
    let version = page.strip_suffix(".json").unwrap_or(&page);
    let archives = releases.archives.get(version);
    let archives = archives.ok_or_else(|| no_release(version, "is not here", "index.json tells which are"))?;
    let sums = releases.sums(version).await;
    let each = archives.iter().map(|archive| {
        let hashes: Vec<String> = sums.get(&archive.file).map(|sum| format!("zh:{sum}")).into_iter().collect();
        let url = format!("{FILES}/{}", archive.file);
        (format!("{}_{}", archive.os, archive.arch), json!({ "url": url, "hashes": hashes }))
    });
    Ok(Json(json!({ "archives": each.collect::<serde_json::Map<_, _>>() })))
}

/// A file of a release.
async fn file(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response, Failed> {
    let releases = Releases::of(&app).await?;
    let served = [".zip", "_SHA256SUMS", "_SHA256SUMS.sig", ".asc"].iter().any(|end| name.ends_with(end));
    // A name, and no way out of the folder.
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b));
    if !(served && is_plain && name.starts_with(PRODUCT)) {
        return Err(Refusal::new(Code::NoRoute, "no release has a file of that name").into());
    }
    let served = ServeFile::new(releases.folder.join(&name)).try_call(request).await;
    let served = served.map_err(|error| {
        tracing::warn!(file = name, %error, "a file of a release cannot be read");
        Failed::from(Refusal::new(Code::Unavailable, "the file cannot be read").remedy("the log says why"))
    })?;
    Ok(served.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_release_is_made_of_is_told_by_its_names() {
        let (version, found) = archive("terraform-provider-orbit_0.1.0-rc.1_linux_amd64.zip").unwrap();
        assert_eq!((version.as_str(), found.os.as_str(), found.arch.as_str()), ("0.1.0-rc.1", "linux", "amd64"));
        for other in [
            "terraform-provider-orbit_0.1.0_SHA256SUMS",
            "terraform-provider-orbit_0.1.0_linux.zip",
            "terraform-provider-orbit_0.1.0_linux_amd64_more.zip",
            "terraform-provider-other_0.1.0_linux_amd64.zip",
        ] {
            assert_eq!(archive(other), None, "{other}");
        }
        let (version, (id, _)) = key("terraform-provider-orbit_0.1.0_key_0123ABCD.asc").unwrap();
        assert_eq!((version.as_str(), id.as_str()), ("0.1.0", "0123ABCD"));
        assert_eq!(key("terraform-provider-orbit_0.1.0.asc"), None);
    }
}
