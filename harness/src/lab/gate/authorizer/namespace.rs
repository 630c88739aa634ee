//! The namespace that a request names, read without knowing the request's type.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field, string};

/// The text in the field `number` of a message; its last value, if it stands there more than once. `None` if it is not
/// there, or if this is no message.
pub(super) fn named_in(mut message: &[u8], number: u32) -> Option<String> {
    let mut named = None;
    while message.has_remaining() {
        let (field, wire) = decode_key(&mut message).ok()?;
        if field == number && wire == WireType::LengthDelimited {
            string::merge(wire, named.get_or_insert_default(), &mut message, DecodeContext::default()).ok()?;
        } else {
            skip_field(wire, field, &mut message, DecodeContext::default()).ok()?;
        }
    }
    named
}

/// The same for a field of bytes.
#[cfg(test)]
pub(super) fn bytes_in(message: &[u8], number: u32) -> Option<Vec<u8>> {
    let mut rest = message;
    while rest.has_remaining() {
        let (field, wire) = decode_key(&mut rest).ok()?;
        if field == number {
            let mut value = Vec::new();
            prost::encoding::bytes::merge(wire, &mut value, &mut rest, DecodeContext::default()).ok()?;
            return Some(value);
        }
        skip_field(wire, field, &mut rest, DecodeContext::default()).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use temporalio_common::protos::temporal::api::common::v1::WorkflowType;
    use temporalio_common::protos::temporal::api::workflowservice::v1::{
        RespondActivityTaskCompletedRequest, StartWorkflowExecutionRequest,
    };

    use super::*;

    #[test]
    fn a_text_is_found_by_its_fields_number() {
        let start = StartWorkflowExecutionRequest {
            namespace: "billing".into(),
            workflow_id: "w".into(),
            workflow_type: Some(WorkflowType { name: "Sync".into() }),
            ..Default::default()
        };
        assert_eq!(named_in(&start.encode_to_vec(), 1).as_deref(), Some("billing"));
        let report = RespondActivityTaskCompletedRequest {
            task_token: vec![0xff; 300],
            namespace: "billing".into(),
            ..Default::default()
        };
        assert_eq!(named_in(&report.encode_to_vec(), 4).as_deref(), Some("billing"));
        assert_eq!(named_in(&[], 1), None);
        assert_eq!(named_in(&report.encode_to_vec(), 9), None);
    }

    #[test]
    fn what_is_torn_or_no_text_names_nothing() {
        let whole = StartWorkflowExecutionRequest { namespace: "billing".into(), ..Default::default() }.encode_to_vec();
        for end in 0..whole.len() {
            assert_eq!(named_in(&whole[..end], 1), None, "{end}");
        }
        assert_eq!(named_in(&[0x0a, 1, 0xff], 1), None);
    }
}
