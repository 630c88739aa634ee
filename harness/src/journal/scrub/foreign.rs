//! Secrets that are not the lab's: known by their shape only, shown by a digest, so that equal ones stay equal.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// Header fields whose values are secret (RFC 9110 §11.6.2, RFC 6265 §4).
const HEADERS: [&str; 2] = ["authorization", "cookie"];

/// Schemes that say nothing secret by themselves.
const SCHEMES: [&str; 4] = ["bearer", "basic", "dpop", "digest"];

/// Whether a closer look is worth while; allocates nothing.
pub(super) fn suspicious(text: &str) -> bool {
    text.contains("eyJ") || HEADERS.iter().any(|name| header(text, name, 0).is_some())
}

/// `text` with digests, or `None` if there is nothing to replace.
pub(super) fn replace(text: &str) -> Option<String> {
    let mut ranges: Vec<Range<usize>> = jwts(text).collect();
    for name in HEADERS {
        let mut from = 0;
        while let Some(value) = header(text, name, from) {
            from = value.end;
            ranges.extend(words(text, value));
        }
    }
    if ranges.is_empty() {
        return None;
    }
    ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let (mut clean, mut done) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        if range.start < done {
            continue;
        }
        clean.push_str(&text[done..range.start]);
        let digest = Sha256::digest(&text[range.clone()]);
        clean.push_str(&format!("⟦sha256:{:02x}{:02x}{:02x}{:02x}⟧", digest[0], digest[1], digest[2], digest[3]));
        done = range.end;
    }
    clean.push_str(&text[done..]);
    Some(clean)
}

fn token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Stretches of the shape `eyJ….….…`.
fn jwts(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices("eyJ").filter_map(|(start, _)| {
        let bytes = text.as_bytes();
        let mut at = start;
        for part in 0..3 {
            let begin = at;
            while bytes.get(at).copied().is_some_and(token_char) {
                at += 1;
            }
            if at - begin < 4 {
                return None;
            }
            if part < 2 {
                if bytes.get(at) != Some(&b'.') {
                    return None;
                }
                at += 1;
            }
        }
        Some(start..at)
    })
}

/// Where the value of the first header field `name` at or after `from` stands, up to its line's or quote's end.
fn header(text: &str, name: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(candidate) = bytes.get(at..at + name.len()) {
        if candidate.eq_ignore_ascii_case(name.as_bytes()) {
            let mut value = at + name.len();
            let skip = |value: &mut usize, of: &[u8]| {
                while bytes.get(*value).is_some_and(|b| of.contains(b)) {
                    *value += 1;
                }
            };
            skip(&mut value, b"\"'\\ ");
            if bytes.get(value) == Some(&b':') {
                value += 1;
                skip(&mut value, b"\"'\\ ");
                let length = bytes[value..].iter().take_while(|b| !matches!(b, b'\n' | b'\r' | b'"' | b'\'' | b'\\'));
                return Some(value..value + length.count());
            }
        }
        at += 1;
    }
    None
}

/// The words of a header value that are neither a scheme nor replaced already.
fn words(text: &str, value: Range<usize>) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = value.start;
    for word in text[value].split(' ') {
        let range = start..start + word.len();
        start = range.end + 1;
        let scheme = SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
        if !word.is_empty() && !scheme && !word.contains('⟦') {
            words.push(range);
        }
    }
    words
}
