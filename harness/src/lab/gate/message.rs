//! Length-prefixed messages of gRPC over HTTP/2 ("Length-Prefixed-Message" of the gRPC protocol description).

use std::borrow::Cow;
use std::io::Read;

use flate2::read::GzDecoder;
use prost::Message;

/// Compressed flag (1 byte) and length (4 bytes, big endian).
const PREFIX: usize = 5;

/// A message that the gate should understand and does not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The body holds no whole message, or more than one.
    #[error("the body of {rpc} is not one gRPC message")]
    Torn {
        /// Name of the method.
        rpc: String,
    },
    /// It says that it is compressed, but not by gzip, the only compression that Temporal's server knows.
    #[error("a message of {rpc} cannot be decompressed by gzip")]
    Compressed {
        /// Name of the method.
        rpc: String,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// It is no Protocol Buffers message of the expected type.
    #[error("a message of {rpc} cannot be decoded")]
    Decode {
        /// Name of the method.
        rpc: String,
        /// What is wrong with it.
        #[source]
        source: prost::DecodeError,
    },
}

/// The one message of a unary call's body, plain. Whether it is compressed, each message says itself: short ones come
/// uncompressed in a call whose encoding is gzip.
pub(super) fn plain<'a>(rpc: &str, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Unreadable> {
    let torn = || Unreadable::Torn { rpc: rpc.to_owned() };
    let (prefix, message) = body.split_at_checked(PREFIX).ok_or_else(torn)?;
    let (&flag, length) = prefix.split_first().ok_or_else(torn)?;
    let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
    if message.len() != length {
        return Err(torn());
    }
    match flag {
        0 => Ok(message.into()),
        1 => {
            let mut plain = Vec::new();
            GzDecoder::new(message)
                .read_to_end(&mut plain)
                .map_err(|source| Unreadable::Compressed { rpc: rpc.to_owned(), source })?;
            Ok(plain.into())
        }
        _ => Err(torn()),
    }
}

/// Decodes the one message of a unary call's body.
pub(super) fn decode<M: Message + Default>(rpc: &str, body: &[u8]) -> Result<M, Unreadable> {
    M::decode(&*plain(rpc, body)?).map_err(|source| Unreadable::Decode { rpc: rpc.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use temporalio_common::protos::temporal::api::workflowservice::v1::RespondActivityTaskCompletedRequest;

    use super::*;

    fn sample() -> RespondActivityTaskCompletedRequest {
        RespondActivityTaskCompletedRequest {
            task_token: (0..=255).collect(),
            identity: "1@host".into(),
            ..Default::default()
        }
    }

    fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[flag], length.as_slice(), message].concat()
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn read(body: &[u8]) -> Result<RespondActivityTaskCompletedRequest, Unreadable> {
        decode("Respond", body)
    }

    #[test]
    fn a_message_is_read_with_and_without_gzip() {
        let plain = sample().encode_to_vec();
        assert!(plain.len() > 255, "the length has to need more than one byte");
        assert_eq!(read(&framed(0, &plain)).unwrap(), sample());
        assert_eq!(read(&framed(1, &gzip(&plain))).unwrap(), sample());
        assert_eq!(read(&framed(0, &[])).unwrap(), RespondActivityTaskCompletedRequest::default());
    }

    #[test]
    fn a_body_cut_at_any_byte_or_too_long_is_torn() {
        for whole in [framed(0, &sample().encode_to_vec()), framed(1, &gzip(&sample().encode_to_vec()))] {
            for end in 0..whole.len() {
                assert!(matches!(read(&whole[..end]), Err(Unreadable::Torn { .. })), "{end}");
            }
            assert!(matches!(read(&[whole.as_slice(), &[0]].concat()), Err(Unreadable::Torn { .. })));
        }
    }

    #[test]
    fn what_is_no_gzip_and_no_protobuf_is_said() {
        assert!(matches!(read(&framed(1, b"plain")), Err(Unreadable::Compressed { .. })));
        assert!(matches!(read(&framed(2, b"")), Err(Unreadable::Torn { .. })));
        assert!(matches!(read(&framed(0, &[0xff])), Err(Unreadable::Decode { .. })));
    }
}
