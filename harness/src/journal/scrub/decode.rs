//! What a text could be an encoding of, each decoded byte with the place that it came from.

use std::io::Read;
use std::ops::Range;

use flate2::read::GzDecoder;

use super::LEAK;

/// What is decompressed of one gzip member at most: a bomb must not stop the lab.
const INFLATED: u64 = 1 << 20;

/// A decoded text.
pub(super) struct Decoded {
    /// Name of the encoding.
    pub(super) name: &'static str,
    /// What it says.
    pub(super) bytes: Vec<u8>,
    /// For each byte where it stood, begin and end.
    pub(super) spans: Vec<(usize, usize)>,
}

/// Every reading of `text` that differs from itself and is long enough for a leak.
pub(super) fn decodings(text: &[u8]) -> Vec<Decoded> {
    let mut all = Vec::new();
    all.extend(unescape("url", text, b'%', |rest| Some((hex_pair(rest.get(1..3)?)?, 3))));
    all.extend(unescape("json", text, b'\\', json_escape));
    for run in runs(text, 2 * LEAK, |b| b.is_ascii_hexdigit()) {
        all.extend((0..2).map(|shift| hex(text, run.start + shift..run.end)));
    }
    for run in base64_runs(text, (LEAK * 4).div_ceil(3)) {
        let url = text[run.clone()].iter().any(|b| matches!(b, b'-' | b'_'));
        let name = if url { "base64url" } else { "base64" };
        all.extend((0..4).map(|shift| base64(name, text, run.start + shift..run.end)));
    }
    all.extend(gzip(text));
    all.retain(|decoded| decoded.bytes.len() >= LEAK);
    all
}

/// Runs of at least `least` characters of either base64 alphabet.
pub(super) fn base64_runs(text: &[u8], least: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    runs(text, least, |b| sextet(b).is_some())
}

fn runs(text: &[u8], least: usize, of: impl Fn(u8) -> bool + 'static) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let start = at;
            while at < text.len() && of(text[at]) {
                at += 1;
            }
            let run = start..at;
            at += 1;
            if run.len() >= least {
                return Some(run);
            }
        }
        None
    })
}

fn unescape(
    name: &'static str,
    text: &[u8],
    mark: u8,
    escape: impl Fn(&[u8]) -> Option<(u8, usize)>,
) -> Option<Decoded> {
    if !text.contains(&mark) {
        return None;
    }
    let mut decoded = Decoded { name, bytes: Vec::new(), spans: Vec::new() };
    let (mut at, mut changed) = (0, false);
    while at < text.len() {
        let escaped = if text[at] == mark { escape(&text[at..]) } else { None };
        changed |= escaped.is_some();
        let (byte, length) = escaped.unwrap_or((text[at], 1));
        decoded.bytes.push(byte);
        decoded.spans.push((at, at + length));
        at += length;
    }
    changed.then_some(decoded)
}

/// RFC 8259 §7. Secrets are ASCII, so that a larger code point ends a stretch, whatever its last byte stands for.
fn json_escape(rest: &[u8]) -> Option<(u8, usize)> {
    match rest.get(1)? {
        b'u' => {
            let (high, low) = (hex_pair(rest.get(2..4)?)?, hex_pair(rest.get(4..6)?)?);
            Some((if high == 0 { low } else { 0 }, 6))
        }
        b'n' => Some((b'\n', 2)),
        b'r' => Some((b'\r', 2)),
        b't' => Some((b'\t', 2)),
        &byte @ (b'"' | b'\\' | b'/') => Some((byte, 2)),
        _ => None,
    }
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    match pair {
        &[high, low] => Some(nibble(high)? << 4 | nibble(low)?),
        _ => None,
    }
}

fn hex(text: &[u8], run: Range<usize>) -> Decoded {
    let pairs = text[run.clone()].chunks_exact(2);
    let bytes: Vec<u8> = pairs.filter_map(hex_pair).collect();
    let spans = (0..bytes.len()).map(|i| (run.start + 2 * i, run.start + 2 * i + 2)).collect();
    Decoded { name: "hex", bytes, spans }
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn base64(name: &'static str, text: &[u8], run: Range<usize>) -> Decoded {
    let (mut bytes, mut spans) = (Vec::with_capacity(run.len() * 3 / 4), Vec::with_capacity(run.len() * 3 / 4));
    let (mut bits, mut held) = (0_u32, 0);
    for at in run {
        bits = (bits << 6 | u32::from(sextet(text[at]).unwrap_or(0))) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
            // Eight bits never lie in more than the last two characters.
            spans.push((at - 1, at + 1));
        }
    }
    Decoded { name, bytes, spans }
}

fn gzip(text: &[u8]) -> impl Iterator<Item = Decoded> + '_ {
    let starts = text.windows(3).enumerate().filter(|(_, window)| *window == [0x1f, 0x8b, 8]);
    starts.map(|(start, _)| {
        let mut bytes = Vec::new();
        // A torn or damaged member still tells what came before the damage.
        let _ = GzDecoder::new(&text[start..]).take(INFLATED).read_to_end(&mut bytes);
        let spans = vec![(start, text.len()); bytes.len()];
        Decoded { name: "gzip", bytes, spans }
    })
}
