//! Calls to addresses that people gave: never to link-local addresses, where clouds keep the credentials of their machines, and only to hosts that are
//! allowed where a list is configured.

use super::NotSent;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// Longest that the other side may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client for such calls.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: reqwest::Client,
    allowed: Arc<[String]>,
}

/// Metadata services of clouds that are not link-local.
const METADATA: [IpAddr; 3] = [
    // Alibaba Cloud; Oracle Cloud (classic); Azure's host agent.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];
/// Google Cloud's, over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254);

/// The address that an IPv6 address leads to by way of NAT64 (RFC 6052), or as IPv4-compatible.
fn embedded(v6: Ipv6Addr) -> Option<IpAddr> {
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into())
        }
        _ => None,
    }
}

/// Whether Orbit never calls an address: link-local, a metadata service, or none that a host has.
#[must_use]
pub fn forbidden_address(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    METADATA.contains(&ip)
        || match ip {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast(),
            IpAddr::V6(v6) => {
                // All of fd00:ec2::/32 is Amazon's: metadata, credentials of pods, time.
                let amazon = matches!(v6.segments(), [0xfd00, 0x0ec2, ..]);
                amazon
                    || v6 == METADATA_V6
                    || v6.is_unicast_link_local()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || embedded(v6).is_some_and(forbidden_address)
            }
        }
}

#[derive(Debug)]
struct Guarded;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fine: Vec<SocketAddr> = found.filter(|address| !forbidden_address(address.ip())).collect();
            if fine.is_empty() {
                return Err(format!("{} leads to no address that Orbit calls", name.as_str()).into());
            }
            Ok(Box::new(fine.into_iter()) as Addrs)
        })
    }
}

impl Outbound {
    /// A client. `allowed`: hosts, or `.example.com` for all below; any where empty.
    pub fn new(allowed: &[String]) -> Result<Self, NotSent> {
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Guarded))
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve the name itself, past the guard.
            .no_proxy()
            .no_gzip()
            .timeout(PATIENCE)
            .user_agent(concat!("orbit/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| NotSent(format!("no client for calls out: {e}")))?;
        Ok(Self { client, allowed: allowed.into() })
    }

    /// Whether an address may be called, and the host that it names. Names are resolved, and looked at again, with each call.
    pub fn check(&self, url: &str) -> Result<(reqwest::Url, String), NotSent> {
        let parsed: reqwest::Url = url.parse().map_err(|e| NotSent(format!("is no address: {e}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(NotSent(format!("begins with {}: https and http are allowed", parsed.scheme())));
        }
        let Some(host) = parsed.host_str().map(str::to_owned) else {
            return Err(NotSent("names no host".to_owned()));
        };
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        if ip.is_some_and(forbidden_address) {
            return Err(NotSent(format!(
                "leads to {host}, which Orbit does not call: link-local, or a metadata service"
            )));
        }
        let below = |allowed: &String| allowed.starts_with('.') && host.ends_with(allowed.as_str());
        if !self.allowed.is_empty() && !self.allowed.iter().any(|allowed| *allowed == host || below(allowed)) {
            return Err(NotSent(format!("leads to {host}, which is not among outbound.allowed_hosts")));
        }
        Ok((parsed, host))
    }

    /// A POST to an address that may be called.
    pub(super) fn post(&self, url: &str) -> Result<reqwest::RequestBuilder, NotSent> {
        let (url, _) = self.check(url)?;
        Ok(self.client.post(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_link_local_addresses_are_never_called() {
        for ip in [
            "169.254.169.254",
            "169.254.170.2",
            "fe80::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "64:ff9b::a9fe:a9fe",
            "::a9fe:a9fe",
            "::ffff:169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
        ] {
            assert!(forbidden_address(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["127.0.0.1", "10.0.0.7", "93.184.216.34", "::1", "64:ff9b::5db8:d822", "2606:2800:220:1::1"] {
            assert!(!forbidden_address(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn addresses_are_checked_before_the_call() {
        let any = Outbound::new(&[]).unwrap();
        for bad in
            ["ftp://x", "not an address", "http://169.254.169.254/latest", "http://[fe80::1]/", "http://2852039166/"]
        {
            assert!(any.check(bad).is_err(), "{bad}");
        }
        assert_eq!(any.check("https://hooks.example.com/x?y").unwrap().1, "hooks.example.com");
        let few = Outbound::new(&["hooks.example.com".to_owned(), ".example.org".to_owned()]).unwrap();
        assert!(few.check("https://hooks.example.com/").is_ok() && few.check("https://a.b.example.org/").is_ok());
        for bad in ["https://example.com/", "https://example.org/", "https://evilexample.org/", "http://127.0.0.1/"] {
            assert!(few.check(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_such_an_address_is_not_called() {
        let found = Guarded.resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.count() > 0);
        assert!(Guarded.resolve("0.0.0.0".parse().unwrap()).await.is_err());
    }
}
