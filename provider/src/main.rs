//! The plugin that Terraform starts.

fn main() -> std::process::ExitCode {
    tfplugin::serve::<terraform_provider_orbit::OrbitProvider>()
}
