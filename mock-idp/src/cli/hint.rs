//! What the command says when it serves: where everything is, and a line that can be pasted.

use std::net::SocketAddr;
use std::path::Path;

use url::form_urlencoded::byte_serialize;

use crate::config::{AuthMethod, Config, GrantType, Listener, TokenFormat};
use crate::endpoint::Endpoint;
use crate::file::Duration;
use crate::idp::Idp;
use crate::settings::{ClientSettings, Settings, example};

/// A line for each address, and at last one to try.
pub(super) fn hint(
    settings: &Settings,
    idp: &Idp,
    listener: &Listener,
    control: Option<SocketAddr>,
    ca_file: Option<&Path>,
) -> String {
    let mut lines = vec![("issuer", idp.issuer(listener))];
    let url = |endpoint| idp.url(endpoint, listener);
    lines.extend(url(Endpoint::Discovery).map(|url| ("discovery", url)));
    lines.push(("dialect", settings.dialect.to_string()));
    lines.push(("tokens", tokens(&settings.config())));
    lines.extend(ca_file.map(|path| ("ca", path.display().to_string())));
    lines.extend(control.map(|address| ("control", format!("http://{address}/admin"))));
    if let (Some(client), Some(token)) =
        (settings.clients.iter().find(|client| can_be_tried(client)), url(Endpoint::Token))
    {
        let mut words = vec!["curl".to_owned()];
        if let Some(path) = ca_file {
            words.extend(["--cacert".to_owned(), path.display().to_string()]);
        }
        words.extend(credentials(client));
        words.extend(["-d".to_owned(), "grant_type=client_credentials".to_owned()]);
        words.extend(vendors_parameters(settings, client));
        words.push(token);
        lines.push(("try", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")));
    }
    lines.iter().map(|(name, value)| format!("{name:<11}{value}\n")).collect()
}

/// What is issued, by flags, file and dialect together.
fn tokens(config: &Config) -> String {
    let access = match config.format {
        TokenFormat::Jwt(algorithm) => format!("JWT {}", algorithm.name()),
        TokenFormat::Opaque => "opaque".to_owned(),
    };
    let lives = |time: std::time::Duration| Duration::from(time).to_string();
    format!(
        "access {access} for {}, refresh for {}, ID {} for {}",
        lives(config.access_token_lifetime),
        lives(config.refresh_token_lifetime),
        config.id_token_algorithm().name(),
        lives(config.login.id_token_lifetime),
    )
}

/// Whether a secret is all that it takes to get a token.
fn can_be_tried(client: &ClientSettings) -> bool {
    let sends_secret = |method| matches!(method, &AuthMethod::Basic | &AuthMethod::Post);
    client.methods.iter().any(sends_secret) && client.grants.contains(&GrantType::ClientCredentials)
}

/// By the header, where the client may use it.
fn credentials(client: &ClientSettings) -> Vec<String> {
    // A secret of the user's own is not repeated.
    let secret = if client.secret == example::secret() { client.secret.expose() } else { "CLIENT_SECRET" };
    let id = &client.id.value;
    if client.methods.contains(&AuthMethod::Basic) {
        // RFC 6749 §2.3.1: encoded, or else a colon in the id would end it.
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        return vec!["-u".to_owned(), format!("{}:{}", encoded(id), encoded(secret))];
    }
    [parameter("client_id", id), parameter("client_secret", secret)].concat()
}

/// Of the form, whatever letters it has.
fn parameter(name: &str, value: &str) -> [String; 2] {
    ["--data-urlencode".to_owned(), format!("{name}={value}")]
}

/// What the vendor wants to be told besides.
fn vendors_parameters(settings: &Settings, client: &ClientSettings) -> Vec<String> {
    let (dialect, client) = (settings.dialect, client.client());
    let scope = dialect.scope_parameter(&client);
    let scope = dialect.asks_for_all(&scope).then_some(("scope", scope));
    let parameters =
        scope.into_iter().chain(dialect.audience_parameter(&client).map(|audience| ("audience", audience)));
    parameters.flat_map(|(name, value)| parameter(name, &value)).collect()
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:@/+,%=".contains(letter);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
