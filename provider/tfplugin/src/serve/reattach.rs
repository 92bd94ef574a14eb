//! A provider that a person starts, and that Terraform is told to use: for debuggers, and for quick tests.

use serde_json::json;
use std::io;

/// What to put into the environment of Terraform.
pub(super) fn environment(source: &str, network: &str, address: &str) -> String {
    let reattach = json!({
        source: {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": network, "String": address },
        }
    });
    format!("TF_REATTACH_PROVIDERS='{reattach}'")
}

/// Tells the person what to do.
pub(super) fn announce(environment: &str) -> io::Result<()> {
    use io::Write as _;
    let mut stdout = io::stdout().lock();
    writeln!(
        stdout,
        "The provider is up, and stays until Ctrl-C. To have Terraform use it, set in its environment:\n\n\t{environment}\n"
    )?;
    stdout.flush()
}
