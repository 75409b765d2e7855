//! What a test needs of the machine it runs on.
//!
//! A test starts with [`need!`](crate::need!): on a laptop without root or without JACK it says
//! `SKIPPED: reason` and passes; where `CI=true` or `MIDIBAY_CI=1` is set the same test fails, so
//! that nothing goes untested unnoticed.
//!
//! ```no_run
//! lab::need!(lab::need::namespaces(), lab::need::program("jackd", "jackd2"));
//! ```

use std::path::PathBuf;

/// Returns from the test, with the reason on standard error, unless every need is met.
///
/// Each argument is a `Result<(), String>` as the functions of [`need`](mod@crate::need) give it.
///
/// # Panics
/// Where a need is not met and `CI=true` or `MIDIBAY_CI=1` is set.
#[macro_export]
macro_rules! need {
    ($($need:expr),+ $(,)?) => {
        $(if let Err(reason) = $need {
            $crate::skip!("{reason}");
        })+
    };
}

/// Says why this test cannot run here and returns from it.
///
/// # Panics
/// Where `CI=true` or `MIDIBAY_CI=1` is set: there everything has to run.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)+) => {{
        $crate::need::skipped(&::std::format!($($reason)+));
        return;
    }};
}

/// Reports a skip; see [`skip!`](crate::skip!).
///
/// # Panics
/// Where `CI=true` or `MIDIBAY_CI=1` is set.
#[track_caller]
pub fn skipped(reason: &str) {
    assert!(!strict(), "this test may not be skipped where CI is set: {reason}");
    eprintln!("SKIPPED: {reason}");
}

/// Whether a skip is a failure here: `CI=true` or `MIDIBAY_CI=1`.
#[must_use]
pub fn strict() -> bool {
    is_strict(|name| std::env::var(name).ok())
}

fn is_strict(variable: impl Fn(&str) -> Option<String>) -> bool {
    ["CI", "MIDIBAY_CI"].iter().any(|name| matches!(variable(name).as_deref(), Some("true" | "1")))
}

/// The test needs `program` on the search path; `package` is what Debian calls the package.
///
/// # Errors
/// A reason that names the package.
pub fn program(program: &str, package: &str) -> Result<(), String> {
    match find_program(program) {
        Some(_) => Ok(()),
        None => Err(format!("{program} is not installed (Debian: apt-get install {package})")),
    }
}

/// Where `program` lies on the search path.
#[must_use]
pub fn find_program(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The test needs to be root.
///
/// # Errors
/// A reason.
#[cfg(unix)]
pub fn root() -> Result<(), String> {
    // SAFETY: geteuid has no preconditions and cannot fail.
    match unsafe { libc::geteuid() } {
        0 => Ok(()),
        _ => Err("this test makes network namespaces and must run as root".to_owned()),
    }
}

/// The test needs network namespaces: Linux, root, `ip`, and a kernel that lets them be made.
///
/// # Errors
/// A reason.
#[cfg(target_os = "linux")]
pub fn namespaces() -> Result<(), String> {
    use std::sync::OnceLock;
    static PROBED: OnceLock<Result<(), String>> = OnceLock::new();
    root()?;
    program("ip", "iproute2")?;
    PROBED
        .get_or_init(|| match crate::netns::Lan::new() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("network namespaces cannot be made here: {error}")),
        })
        .clone()
}

/// The test needs network namespaces, which this system does not have.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn namespaces() -> Result<(), String> {
    Err("network namespaces need Linux".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_a_failure_only_where_continuous_integration_says_so() {
        let with = |name: &'static str, value: &'static str| {
            is_strict(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert!(with("CI", "true"));
        assert!(with("MIDIBAY_CI", "1"));
        assert!(!with("CI", "false"));
        assert!(!with("OTHER", "true"));
    }

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let reason = program("no-such-program-here", "the-package").unwrap_err();
        assert!(reason.contains("no-such-program-here") && reason.contains("the-package"), "{reason}");
        assert_eq!(program("cargo", "cargo"), Ok(()));
    }
}
