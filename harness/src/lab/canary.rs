//! Secrets of the lab that no token is: unique, recognisable, and drawn from the seed.

use mock_idp::Secret;
use rand::distr::{Alphanumeric, SampleString as _};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// Characters that are random: far more than a leak needs to be seen.
const LENGTH: usize = 40;

/// A client secret for the client number `number` of a lab with this seed.
pub(super) fn client_secret(seed: u64, number: u64) -> Secret {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    // A stream of its own: token values are drawn from the first.
    random.set_stream(number);
    Secret::new(format!("tlcs_{}", Alphanumeric.sample_string(&mut random, LENGTH)))
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
