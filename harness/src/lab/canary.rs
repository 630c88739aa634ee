//! Secrets of the lab that no token is: unique, recognisable, and drawn from the seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mock_idp::Secret;
use rand::distr::{Alphanumeric, SampleString as _};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::idp::Observed;
use crate::journal::TokenName;

/// Characters that are random: far more than a leak needs to be seen.
const LENGTH: usize = 40;

/// A client secret for the client number `number` of a lab with this seed.
pub(super) fn client_secret(seed: u64, number: u64) -> Secret {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    // A stream of its own: token values are drawn from the first.
    random.set_stream(number);
    Secret::new(format!("tlcs_{}", Alphanumeric.sample_string(&mut random, LENGTH)))
}

/// Where new secrets of the workers' client come from.
#[derive(Clone)]
pub(super) struct Secrets {
    client: String,
    seed: u64,
    /// The number of the next: the first ones are those that the lab was opened with.
    next: Arc<AtomicU64>,
    observer: Arc<Observed>,
}

impl Secrets {
    /// Secrets of this client, of which the lab was opened with so many, kept out of the journal by `observer`.
    pub(super) fn new(client: String, seed: u64, known: usize, observer: Arc<Observed>) -> Self {
        Self { client, seed, next: Arc::new(AtomicU64::new(known as u64 + 1)), observer }
    }

    /// Whose secrets they are.
    pub(super) fn client(&self) -> &str {
        &self.client
    }

    /// One that there was not yet.
    pub(super) fn next(&self) -> Secret {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let secret = client_secret(self.seed, number);
        self.observer.keep_out(TokenName::new(format!("S{number}")), &secret);
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_secrets_and_no_two_are_alike() {
        let secret = |seed, number| client_secret(seed, number).expose().to_owned();
        assert_eq!(secret(7, 1), secret(7, 1));
        assert_ne!(secret(7, 1), secret(7, 2));
        assert_ne!(secret(7, 1), secret(8, 1));
        assert_eq!(client_secret(7, 1).random_part().len(), LENGTH);
    }
}
