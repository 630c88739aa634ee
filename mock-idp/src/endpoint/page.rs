//! Pages for people: plain HTML without a script. Everything that comes from outside is escaped by the template.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::fault::HttpReply;
use crate::login::Purpose;
use crate::user::User;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--edge:#6b7280;--mark:#0b5cad;--wrong:#b42318}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--paper:#16191d;--edge:#8b93a0;--mark:#7db7f5;--wrong:#ff9b8f}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
main{max-width:26rem;margin:0 auto;padding:2rem 1rem}\
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem;overflow-wrap:anywhere}\
p,li{overflow-wrap:anywhere}\
label{display:block;font-weight:600;margin-top:1rem}\
input{width:100%;font:inherit;color:inherit;background:transparent;padding:.5rem;border:1px solid var(--edge);border-radius:.25rem}\
.code{font-family:ui-monospace,monospace;letter-spacing:.1em}\
.wrong{color:var(--wrong);font-weight:600}\
.row{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}\
button{flex:1 1 8rem;font:inherit;font-weight:600;padding:.6rem 1rem;border:2px solid var(--mark);border-radius:.25rem;background:transparent;color:var(--mark);cursor:pointer}\
button.first{background:var(--mark);color:var(--paper)}\
:focus-visible{outline:3px solid var(--mark);outline-offset:2px}\
footer{margin-top:2rem;font-size:.875rem;border-top:1px solid var(--edge);padding-top:.5rem}";

/// What a form of the pages says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form<'a> {
    /// Where it goes.
    pub(super) action: &'a str,
    /// What makes it ours.
    pub(super) interaction: &'a str,
}

/// The page that asks who somebody is. Those who need no password can be chosen.
pub(super) fn login(form: Form<'_>, users: &[User], hint: &str, failed: bool) -> Markup {
    let free: Vec<&User> = users.iter().filter(|user| user.password.is_none()).collect();
    html! {
        h1 { "Sign in" }
        @if failed { p.wrong role="alert" { "Name or password is wrong." } }
        form method="post" action=(form.action) {
            input type="hidden" name="interaction" value=(form.interaction);
            label for="username" { "Name or email" }
            input #username name="username" value=(hint) autocomplete="username" autocapitalize="none"
                spellcheck="false" required;
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password"
                aria-describedby=[(!free.is_empty()).then_some("free")];
            @if !free.is_empty() {
                p #free {
                    "No password is needed by "
                    @for (number, user) in free.iter().take(20).enumerate() {
                        @if number > 0 { ", " }
                        (user.subject)
                    }
                    @if free.len() > 20 { " and others" }
                    "."
                }
            }
            div.row {
                button.first name="action" value="login" { "Sign in" }
                // Whoever leaves needs to fill in nothing.
                button name="action" value="deny" formnovalidate { "Cancel" }
            }
        }
    }
}

/// The page that asks for a user's word.
pub(super) fn ask(form: Form<'_>, purpose: &Purpose, user: &str) -> Markup {
    let (yes, no) = match purpose {
        Purpose::Code(_) | Purpose::Device(_) => ("Allow", "Refuse"),
        Purpose::Logout(_) => ("Sign out", "Stay signed in"),
    };
    html! {
        @match purpose.asks() {
            Some((client, scopes)) => {
                h1 { "Allow access to " (client) "?" }
                @if let Purpose::Device(device) = purpose {
                    p { "Does your device show " strong.code { (device.user_code) } "? If not, refuse." }
                }
                p { "You are signed in as " strong { (user) } "." }
                @if scopes.is_empty() { p { "It asks to act for you." } } @else {
                    p { "It asks for:" }
                    ul { @for scope in scopes { li { (scope) } } }
                }
            }
            None => {
                h1 { "Sign out?" }
                p { "You are signed in as " strong { (user) } "." }
            }
        }
        form method="post" action=(form.action) {
            input type="hidden" name="interaction" value=(form.interaction);
            div.row {
                button.first name="action" value="allow" { (yes) }
                button name="action" value="deny" { (no) }
            }
        }
    }
}

/// The page on which a user enters what a device shows (RFC 8628 §3.3).
pub(super) fn user_code(action: &str, code: &str, wrong: Option<&str>) -> Markup {
    html! {
        h1 { "Connect a device" }
        @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
        form method="post" action=(action) {
            label for="user_code" { "The code that your device shows" }
            input.code #user_code name="user_code" value=(code) autocomplete="off" autocapitalize="characters"
                spellcheck="false" maxlength="32" required;
            div.row { button.first { "Continue" } }
        }
    }
}

/// A page that only says something.
pub(super) fn say(title: &str, text: &str) -> Markup {
    html! { h1 { (title) } p { (text) } }
}

/// A whole page. `then` is where the browser may be sent by its form: browsers hold a redirect after a form to
/// `form-action`, too.
pub(super) fn reply(status: StatusCode, main: &Markup, then: Option<&str>) -> HttpReply {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
        )
    });
    let title = "mock-idp";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (main)
                    footer { "This identity provider is for tests." }
                }
            }
        }
    };
    let mut reply = HttpReply { body: page.into_string().into(), ..HttpReply::new(status) }.uncached();
    let policy = format!("{}{}", *POLICY, then.and_then(source).map(|source| format!(" {source}")).unwrap_or_default());
    let mut set = |name, value| reply.headers.insert(name, value);
    set(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    set(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    set(CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).expect("origins and schemes are ASCII"));
    reply
}

/// The source expression of a URI: its origin, or the scheme where there is none (a native app's) or where CSP cannot
/// say it (IPv6).
fn source(uri: &str) -> Option<String> {
    let uri = url::Url::parse(uri).ok()?;
    let origin = uri.origin().ascii_serialization();
    let sayable = uri.origin().is_tuple() && !origin.contains('[');
    Some(if sayable { origin } else { format!("{}:", uri.scheme()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_may_lead_to_the_clients_origin_and_nowhere_else() {
        let policy = |then| {
            let reply = reply(StatusCode::OK, &say("x", "y"), then);
            reply.headers[CONTENT_SECURITY_POLICY].to_str().expect("ASCII").to_owned()
        };
        assert!(policy(None).ends_with("form-action 'self'"));
        assert!(policy(Some("https://app.example/cb;x?y=1")).ends_with("form-action 'self' https://app.example"));
        assert!(policy(Some("http://[::1]:3000/cb")).ends_with("form-action 'self' http:"));
        assert!(policy(Some("com.example.app:/cb")).ends_with("form-action 'self' com.example.app:"));
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let nasty = "\"><script>alert(1)</script>";
        let form = Form { action: "/x", interaction: "k" };
        let users = [User::new(nasty)];
        for page in [login(form, &users, nasty, true), user_code("/x", nasty, Some(nasty)), say(nasty, nasty)] {
            let page = page.into_string();
            assert!(!page.contains("<script") && page.contains("&quot;&gt;&lt;script&gt;"), "{page}");
        }
    }
}
