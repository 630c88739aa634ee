//! Values that are never printed whole.

use std::fmt;

use subtle::ConstantTimeEq;

/// A token or client secret. `Debug` shows a digest; [`Secret::expose`] is the only way to the value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The part that is random, so that finding a stretch of it elsewhere is a leak: of a JWT its signature, of an
    /// opaque token what follows its prefix.
    pub fn random_part(&self) -> &str {
        let after_dots = self.0.rsplit('.').next().unwrap_or(&self.0);
        after_dots.split_once('_').filter(|(prefix, _)| prefix.len() <= 4).map_or(after_dots, |(_, rest)| rest)
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.0.as_bytes());
        f.write_str("Secret(sha256:")?;
        for byte in &digest.as_ref()[..4] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_part_leaves_out_what_all_tokens_share() {
        assert_eq!(Secret::new("tlat_Abc1").random_part(), "Abc1");
        assert_eq!(Secret::new("head.claims.signa_ture").random_part(), "signa_ture");
        assert_eq!(Secret::new("plain").random_part(), "plain");
    }

    #[test]
    fn debug_shows_a_digest_only() {
        let shown = format!("{:?}", Secret::new("tlat_Abc1"));
        assert!(shown.starts_with("Secret(sha256:") && !shown.contains("Abc1"), "{shown}");
    }
}
