//! Lines of a process's output, each of bounded length.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

/// Longest line that is kept whole, in bytes. Of a longer one the beginning is kept and the rest counted.
pub const MAX_LINE: usize = 16 * 1024;

/// Reads lines from `R`. Bytes that are not UTF-8 are replaced by U+FFFD.
#[derive(Debug)]
pub struct Lines<R> {
    input: BufReader<R>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of `input`.
    pub fn new(input: R) -> Self {
        Self { input: BufReader::new(input) }
    }

    /// The next line without its end; `None` at the end of the output. Not cancel safe: a line that was read in part
    /// is lost when the future is dropped.
    ///
    /// # Errors
    ///
    /// If reading fails.
    pub async fn next(&mut self) -> io::Result<Option<String>> {
        let mut kept = Vec::new();
        let mut dropped = 0_usize;
        let mut seen = false;
        loop {
            let Some((ended, used)) = take(&mut self.input, &mut kept, &mut dropped).await? else {
                if !seen {
                    return Ok(None);
                }
                break;
            };
            seen = true;
            self.input.consume(used);
            if ended {
                break;
            }
        }
        if dropped == 0 && kept.last() == Some(&b'\r') {
            kept.pop();
        }
        let mut line = String::from_utf8_lossy(&kept).into_owned();
        if dropped > 0 {
            line.push_str(&format!(" … ({dropped} bytes more)"));
        }
        Ok(Some(line))
    }
}

/// Takes what is buffered up to a line's end: whether that was reached, and how many bytes it was with the end.
async fn take(
    input: &mut (impl AsyncBufRead + Unpin),
    kept: &mut Vec<u8>,
    dropped: &mut usize,
) -> io::Result<Option<(bool, usize)>> {
    let buffered = input.fill_buf().await?;
    if buffered.is_empty() {
        return Ok(None);
    }
    let end = buffered.iter().position(|&byte| byte == b'\n');
    let text = &buffered[..end.unwrap_or(buffered.len())];
    let fits = text.len().min(MAX_LINE - kept.len());
    kept.extend_from_slice(&text[..fits]);
    *dropped += text.len() - fits;
    Ok(Some((end.is_some(), end.map_or(buffered.len(), |end| end + 1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(input: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(input);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        found
    }

    #[tokio::test]
    async fn lines_end_at_line_ends_only() {
        assert_eq!(all(b"a\n\nb\r\nc").await, ["a", "", "b", "c"]);
        assert_eq!(all(b"").await, [""; 0]);
        assert_eq!(all(b"\xff\n").await, ["\u{fffd}"]);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let mut input = vec![b'x'; MAX_LINE + 20_000];
        input.extend_from_slice(b"\nnext\n");
        let found = all(&input).await;
        assert_eq!(found[0], format!("{} … (20000 bytes more)", "x".repeat(MAX_LINE)));
        assert_eq!(found[1..], ["next"]);
    }
}
