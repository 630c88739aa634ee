//! Where a test executable stands, and what calls it again.

use std::path::PathBuf;

/// Where journals go if nobody says.
const OUT: &str = "tokenlapse-out";

/// Beside Cargo's folder of test executables, so that nothing is left in the sources; else in the working directory.
pub(super) fn out() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_default();
    match executable.parent() {
        Some(folder) if folder.ends_with("deps") => folder.with_file_name(OUT),
        _ => PathBuf::from(OUT),
    }
}

/// The command that runs this test executable again, up to the name of a test.
pub(super) fn again(seed: u64) -> String {
    let executable = std::env::current_exe().unwrap_or_default();
    let stem = executable.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let package = std::env::var("CARGO_PKG_NAME").ok();
    command(seed, package.as_deref(), &stem)
}

fn command(seed: u64, package: Option<&str>, stem: &str) -> String {
    let name = match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => stem,
    };
    // An executable's name says `_` for `-`; Cargo takes patterns.
    let name = if name.contains('_') { format!("'{}'", name.replace('_', "?")) } else { name.to_owned() };
    let package = package.map_or_else(String::new, |package| format!(" -p {package}"));
    format!("TOKENLAPSE_SEED={seed} cargo test{package} --test {name} -- --exact")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_called_again_by_its_own_name() {
        for (package, stem, expected) in [
            (Some("shop"), "oauth-0123456789abcdef", "TOKENLAPSE_SEED=7 cargo test -p shop --test oauth -- --exact"),
            (None, "my_suite-0123456789abcdef", "TOKENLAPSE_SEED=7 cargo test --test 'my?suite' -- --exact"),
            (None, "plain", "TOKENLAPSE_SEED=7 cargo test --test plain -- --exact"),
        ] {
            assert_eq!(command(7, package, stem), expected);
        }
    }
}
