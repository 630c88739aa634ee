//! What the id, the secret and the scopes of a client may be written with (RFC 6749 appendix A), wherever they come from:
//! a file, the command line, or the control. What cannot stand there cannot be sent by a client, either.

use crate::file::Complaint;

const PRINTABLE: &str = "printable ASCII characters";

/// VSCHAR of appendix A: a blank is one.
fn is_printable(letter: char) -> bool {
    matches!(letter, ' '..='~')
}

/// Why this is no `client_id` (RFC 6749 appendix A.1).
pub(crate) fn no_id(id: &str) -> Option<Complaint> {
    let wrong = id.is_empty() || !id.chars().all(is_printable);
    let complaint = || Complaint::new(format!("`{}` cannot be the id of a client", id.escape_debug()));
    wrong.then(|| complaint().hint(format!("it is one or more {PRINTABLE}")))
}

/// Why this is no `client_secret` (RFC 6749 appendix A.2); it is not told itself.
pub(crate) fn no_secret(secret: &str) -> Option<Complaint> {
    let strange = secret.chars().find(|letter| !is_printable(*letter))?;
    let what = format!("a secret cannot have {strange:?} in it");
    Some(Complaint::new(what).hint(format!("it is {PRINTABLE}; a line break at its end is often not meant")))
}

/// Why this is no scope (RFC 6749 §3.3 and appendix A.4).
pub(crate) fn no_scope(scope: &str) -> Option<Complaint> {
    let stands = |letter: char| matches!(letter, '!' | '#'..='[' | ']'..='~');
    let complaint = || Complaint::new(format!("`{}` cannot be a scope", scope.escape_debug()));
    let hint = match scope {
        "" => "leave it out: a scope has a name",
        _ if scope.contains(' ') => "a blank stands between two scopes: name each by itself",
        _ if scope.chars().all(stands) => return None,
        _ => "it is printable ASCII characters without blank, `\"` and `\\`",
    };
    Some(complaint().hint(hint))
}
