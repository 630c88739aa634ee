//! The server's nonces: what is known of one follows from the time, so that nothing is kept of those given out.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

#[derive(Clone)]
pub(super) struct NonceSource {
    /// Drawn when it is first needed: to seed that randomness takes longer than all else at the start. Clones share it.
    key: Arc<LazyLock<hmac::Key>>,
    /// How often all nonces were replaced by hand.
    generation: u64,
}

impl NonceSource {
    pub(super) fn new() -> Self {
        Self { key: Arc::new(LazyLock::new(random_key)), generation: 0 }
    }

    /// The newest nonce.
    pub(super) fn newest(&self, lifetime: Duration, now_ms: i64) -> String {
        self.of_period(period(lifetime, now_ms))
    }

    /// Whether this is the newest nonce or the one before it.
    pub(super) fn is_good(&self, nonce: &str, lifetime: Duration, now_ms: i64) -> bool {
        let newest = period(lifetime, now_ms);
        let same = |period| bool::from(self.of_period(period).as_bytes().ct_eq(nonce.as_bytes()));
        same(newest) || same(newest.wrapping_sub(1))
    }

    /// Every nonce that was given out is refused from now on.
    pub(super) fn replace(&mut self) {
        self.generation += 1;
    }

    fn of_period(&self, period: i64) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&self.generation.to_be_bytes());
        context.update(&period.to_be_bytes());
        URL_SAFE_NO_PAD.encode(&context.sign().as_ref()[..16])
    }
}

fn random_key() -> hmac::Key {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).expect("the system has randomness");
    hmac::Key::new(hmac::HMAC_SHA256, &key)
}

fn period(lifetime: Duration, now_ms: i64) -> i64 {
    now_ms.div_euclid(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX).max(1))
}
