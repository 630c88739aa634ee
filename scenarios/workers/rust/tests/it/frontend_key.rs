//! The bearer for Temporal's frontend, in a file.

use reference_worker::{KeyFile, Secret};

async fn read(text: &str) -> Option<Secret> {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("key");
    std::fs::write(&path, text).expect("a file");
    KeyFile::new(&path).read().await.expect("it can be read")
}

#[tokio::test]
async fn a_newline_at_the_end_is_no_part_of_it() {
    for text in ["key", "key\n", " key\r\n"] {
        assert_eq!(read(text).await, Some(Secret::new("key")), "{text:?}");
    }
}

#[tokio::test]
async fn what_no_header_can_carry_is_no_bearer() {
    for text in ["", "\n", "two\nlines", "two words", "k\u{e4}y"] {
        assert_eq!(read(text).await, None, "{text:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_an_error() {
    assert!(KeyFile::new(std::path::Path::new("/nowhere/key")).read().await.is_err());
}
