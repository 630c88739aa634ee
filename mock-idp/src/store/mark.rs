//! What a JWT's `jti` says of it to its issuer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::token::TokenId;

/// Four numbers that make a `jti`. It is unique: an instance numbers its tokens, and is itself told by a number of 64
/// random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) instance: u64,
    pub(super) id: TokenId,
    pub(super) family: u64,
    pub(super) terms: u64,
}

impl Mark {
    pub(super) fn encode(self) -> String {
        let mut bytes = [0; 32];
        let numbers = [self.instance, self.id.0, self.family, self.terms];
        for (part, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            part.copy_from_slice(&number.to_be_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn decode(jti: &str) -> Option<Self> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(jti).ok()?.try_into().ok()?;
        let (numbers, _) = bytes.as_chunks::<8>();
        let [instance, id, family, terms] = [0, 1, 2, 3].map(|index| u64::from_be_bytes(numbers[index]));
        Some(Self { instance, id: TokenId(id), family, terms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_nothing_else_is_one() {
        let mark = Mark { instance: u64::MAX, id: TokenId(7), family: 3, terms: 1 << 40 };
        assert_eq!(Mark::decode(&mark.encode()), Some(mark));
        for other in ["", "abc", "not base64 at all, but of forty-three letters", &mark.encode()[1..]] {
            assert_eq!(Mark::decode(other), None, "{other}");
        }
    }
}
