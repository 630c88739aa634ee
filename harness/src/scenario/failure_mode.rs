//! What goes wrong in the wild: the words behind `FM-08`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A failure mode that scenarios, checks or defects stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureMode {
    /// `FM-08`.
    pub id: String,
    /// What goes wrong, in one line.
    pub title: String,
    /// How it comes about.
    pub about: String,
}

/// All of them, by number. Numbers that nothing here stands for are left out.
pub fn failure_modes() -> &'static [FailureMode] {
    static ALL: LazyLock<Vec<FailureMode>> = LazyLock::new(|| {
        serde_saphyr::from_str(tokenlapse_scenarios::FAILURE_MODES)
            .expect("the file is part of the command: tests read it")
    });
    &ALL
}

/// The failure mode `id`.
pub fn failure_mode(id: &str) -> Option<&'static FailureMode> {
    failure_modes().iter().find(|mode| mode.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_in_order_and_say_something() {
        assert!(failure_modes().is_sorted_by(|one, next| one.id < next.id));
        for mode in failure_modes() {
            assert!(mode.id.starts_with("FM-") && mode.id.len() == 5, "{}", mode.id);
            assert!(!mode.title.is_empty() && !mode.title.ends_with('.'), "{}", mode.id);
            assert!(mode.about.ends_with('.') && !mode.about.contains('\n'), "{}", mode.id);
        }
        assert_eq!(failure_mode("FM-08").map(|mode| mode.title.as_str()), Some("An activity outlives its token"));
        assert_eq!(failure_mode("FM-99"), None);
    }
}
