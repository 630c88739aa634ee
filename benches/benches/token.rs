//! Latency of token acquisition: the reference worker's token source against the mock identity provider.
//!
//! Each group counts the grants that reach the provider, so that a figure stands for what its name says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use mock_idp::RequestSeen;
use mock_idp::{Algorithm, Client, Config, Endpoint as IdpEndpoint, Idp, Listener, Observer, Outcome, TokenFormat};
use reference_worker::token::{ClientCredentials, Endpoint, Token, TokenSource, Tokens};
use reference_worker::{AllForms, Env, TokenEndpoint, http_client};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Counts requests at the token endpoint.
#[derive(Default)]
struct Grants(AtomicU64);

impl Grants {
    fn so_far(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Observer for Grants {
    fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        if seen.endpoint == IdpEndpoint::Token {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        decide();
        Outcome::default()
    }
}

/// An identity provider on a port of its own, and the settings of a client of it.
struct Served {
    env: Env,
    grants: Arc<Grants>,
}

impl Served {
    fn start(runtime: &Runtime, format: TokenFormat) -> Self {
        let grants = Arc::new(Grants::default());
        let idp = Idp::new(Config {
            clients: vec![Client::new("worker", "secret").scopes(["orders.read"])],
            format,
            observer: Arc::clone(&grants) as Arc<dyn Observer>,
            ..Config::default()
        });
        let socket = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let issuer = format!("http://{}", socket.local_addr().expect("an address"));
        let url = format!("{issuer}/oauth2/token");
        runtime.spawn(async move { idp.serve(socket, Listener::new("bench", issuer)).await });
        let env = Env::from_lookup(|key| {
            let value = match key {
                "OAUTH_TOKEN_URL" => url.as_str(),
                "OAUTH_CLIENT_ID" => "worker",
                "OAUTH_CLIENT_SECRET" => "secret",
                "TEMPORAL_ADDRESS" => "127.0.0.1:1",
                "API_URL" => "http://127.0.0.1:1",
                "TASK_QUEUE" => "bench",
                _ => return None,
            };
            Some(value.to_owned())
        })
        .expect("complete settings");
        Self { env, grants }
    }

    /// A token source that has no token and no open connection.
    fn source(&self) -> TokenSource {
        let TokenEndpoint::Url(url) = &self.env.oauth.endpoint else { unreachable!("the settings give a URL") };
        let http = http_client(self.env.http_timeout, &[url]).expect("a client");
        let exchange = Endpoint::new(&self.env.oauth, http, Arc::new(AllForms));
        TokenSource::new(Arc::new(ClientCredentials::new(Arc::new(exchange))))
    }
}

async fn token(tokens: &TokenSource) -> Token {
    tokens.get().await.expect("a token")
}

/// The first token of a worker: a connection and a grant.
fn cold_grant(bench: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let formats = [
        ("opaque", TokenFormat::Opaque),
        ("es256", TokenFormat::Jwt(Algorithm::Es256)),
        ("rs256", TokenFormat::Jwt(Algorithm::Rs256)),
    ];
    let mut group = bench.benchmark_group("cold grant");
    for (name, format) in formats {
        let served = Served::start(&runtime, format);
        let asked = AtomicU64::new(0);
        group.bench_function(name, |bench| {
            // A source of its own for each grant, made and dropped outside of what is timed, one at a time: a batch of
            // them would hold as many connections open.
            bench.to_async(&runtime).iter_batched(
                || served.source(),
                |tokens| async {
                    token(&tokens).await;
                    asked.fetch_add(1, Ordering::SeqCst);
                    tokens
                },
                BatchSize::PerIteration,
            );
        });
        assert_eq!(served.grants.so_far(), asked.into_inner(), "each iteration makes one grant");
    }
    group.finish();
}

/// A token that is there already: what each request to the API pays.
fn cached_token(bench: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let served = Served::start(&runtime, TokenFormat::Jwt(Algorithm::Es256));
    let tokens = served.source();
    runtime.block_on(token(&tokens));
    bench.bench_function("cached token", |bench| {
        bench.to_async(&runtime).iter(|| token(&tokens));
    });
    assert_eq!(served.grants.so_far(), 1, "only the first token is asked for");
}

/// From a refusal that so many callers hear of until all of them have the new token, over an open connection.
fn refresh(bench: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = bench.benchmark_group("refresh after a refusal");
    for callers in [1_usize, 8, 64] {
        let served = Served::start(&runtime, TokenFormat::Jwt(Algorithm::Es256));
        let tokens = Arc::new(served.source());
        runtime.block_on(token(&tokens));
        let refusals = AtomicU64::new(0);
        group.bench_with_input(BenchmarkId::new("callers", callers), &callers, |bench, &callers| {
            bench.to_async(&runtime).iter(|| async {
                refusals.fetch_add(1, Ordering::SeqCst);
                let refused = token(&tokens).await;
                let mut asking = tokio::task::JoinSet::new();
                for _ in 0..callers {
                    let (tokens, refused) = (Arc::clone(&tokens), refused.clone());
                    asking.spawn(async move {
                        tokens.invalidate(&refused);
                        token(&tokens).await;
                    });
                }
                asking.join_all().await;
            });
        });
        assert_eq!(served.grants.so_far(), 1 + refusals.into_inner(), "however many ask, a refusal costs one grant");
    }
    group.finish();
}

criterion_group!(benches, cold_grant, cached_token, refresh);
criterion_main!(benches);
