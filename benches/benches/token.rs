//! Latency of token acquisition: the reference worker's token source against the mock identity provider.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mock_idp::{Algorithm, Client, Config, Idp, Listener, TokenFormat};
use reference_worker::token::{ClientCredentials, Endpoint, TokenSource, Tokens};
use reference_worker::{AllForms, Env, http_client};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// An identity provider on a port, and the settings of a client of it.
fn served(runtime: &Runtime, format: TokenFormat) -> Env {
    let idp = Idp::new(Config {
        clients: vec![Client::new("worker", "secret").scopes(["orders.read"])],
        format,
        ..Config::default()
    });
    let socket = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let issuer = format!("http://{}", socket.local_addr().expect("an address"));
    let url = format!("{issuer}/oauth2/token");
    runtime.spawn(async move { idp.serve(socket, Listener::new("bench", issuer)).await });
    Env::from_lookup(|key| {
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
    .expect("complete settings")
}

fn source(env: &Env) -> Arc<TokenSource> {
    let url = match &env.oauth.endpoint {
        reference_worker::TokenEndpoint::Url(url) | reference_worker::TokenEndpoint::Issuer(url) => url,
    };
    let http = http_client(env.http_timeout, &[url]).expect("a client");
    let exchange = Endpoint::new(&env.oauth, http, Arc::new(AllForms));
    Arc::new(TokenSource::new(Arc::new(ClientCredentials::new(Arc::new(exchange)))))
}

fn token(bench: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let formats = [
        ("opaque", TokenFormat::Opaque),
        ("es256", TokenFormat::Jwt(Algorithm::Es256)),
        ("rs256", TokenFormat::Jwt(Algorithm::Rs256)),
    ];
    let mut cold = bench.benchmark_group("cold grant");
    for (name, format) in formats {
        let env = served(&runtime, format);
        cold.bench_function(name, |bench| {
            // A source of its own for each grant: nothing is cached and no connection is open.
            bench.to_async(&runtime).iter(|| async { source(&env).get().await.map(drop).expect("a token") });
        });
    }
    cold.finish();

    let env = served(&runtime, TokenFormat::Jwt(Algorithm::Es256));
    let tokens = source(&env);
    bench.bench_function("cached token", |bench| {
        bench.to_async(&runtime).iter(|| async { tokens.get().await.map(drop).expect("a token") });
    });

    let mut refresh = bench.benchmark_group("refresh after a refusal");
    for callers in [1_usize, 8, 64] {
        refresh.bench_with_input(BenchmarkId::new("callers", callers), &callers, |bench, &callers| {
            bench.to_async(&runtime).iter(|| async {
                let refused = tokens.get().await.expect("a token");
                let mut asking = tokio::task::JoinSet::new();
                for _ in 0..callers {
                    let (tokens, refused) = (Arc::clone(&tokens), refused.clone());
                    asking.spawn(async move {
                        tokens.invalidate(&refused);
                        tokens.get().await.map(drop).expect("a token");
                    });
                }
                asking.join_all().await;
            });
        });
    }
    refresh.finish();
}

criterion_group!(benches, token);
criterion_main!(benches);
