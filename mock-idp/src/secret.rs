//! Values that are never printed whole.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use subtle::ConstantTimeEq;

/// A token or client secret. `Debug` shows a digest; [`Secret::expose`] is the only way to the value. Clones share it.
#[derive(Clone)]
pub struct Secret(Arc<Value>);

enum Value {
    Known(Box<str>),
    /// Made when it is first asked for, by whoever asks: a JWT is decided under a lock and signed outside of it.
    Deferred(LazyLock<String, Box<dyn FnOnce() -> String + Send + Sync>>),
}

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Arc::new(Value::Known(value.into().into_boxed_str())))
    }

    /// A value that `make` makes when it is first asked for, once.
    pub(crate) fn deferred(make: impl FnOnce() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(Value::Deferred(LazyLock::new(Box::new(make)))))
    }

    /// Whether asking for the value makes it, or waits until it is made.
    pub(crate) fn is_deferred(&self) -> bool {
        matches!(*self.0, Value::Deferred(_))
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        match &*self.0 {
            Value::Known(value) => value,
            Value::Deferred(value) => value,
        }
    }

    /// The part that is random, so that finding a stretch of it elsewhere is a leak: of a JWT its signature, of an
    /// opaque token what follows its prefix.
    pub fn random_part(&self) -> &str {
        let after_dots = self.expose().rsplit('.').next().unwrap_or_else(|| self.expose());
        after_dots.split_once('_').filter(|(prefix, _)| prefix.len() <= 4).map_or(after_dots, |(_, rest)| rest)
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &str) -> bool {
        self.expose().as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.expose())
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.expose().as_bytes());
        f.write_str("Secret(sha256:")?;
        for byte in &digest.as_ref()[..4] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// By what a value is found: half of its SHA-256, so that the time of a look-up tells nothing of the value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 16]);

impl Digest {
    pub(crate) fn of(value: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_ref()[..16]);
        Self(half)
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
    fn a_deferred_value_is_made_once_when_it_is_asked_for() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let made = Arc::new(AtomicUsize::new(0));
        let secret = Secret::deferred({
            let made = Arc::clone(&made);
            move || format!("made {}", made.fetch_add(1, Ordering::Relaxed))
        });
        let clone = secret.clone();
        assert_eq!(made.load(Ordering::Relaxed), 0, "cloning does not ask");
        assert_eq!((secret.expose(), clone.expose()), ("made 0", "made 0"));
    }

    #[test]
    fn debug_shows_a_digest_only() {
        let shown = format!("{:?}", Secret::new("tlat_Abc1"));
        assert!(shown.starts_with("Secret(sha256:") && !shown.contains("Abc1"), "{shown}");
    }
}
