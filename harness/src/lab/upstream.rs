//! What stands behind the API front: a wiremock server that answers the target's routes.

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::scenario::Route;

/// Starts a server for these routes. A request for none of them is not found. A target that names none does not care:
/// there everything is answered 200 with an empty object, as tokens were judged before.
pub(super) async fn start(routes: &[Route]) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Routes(routes.to_vec())).mount(&server).await;
    server
}

struct Routes(Vec<Route>);

impl Respond for Routes {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (method, path) = (request.method.as_str(), request.url.path());
        let found = self.0.iter().find_map(|route| Some((route, route.route.value.matches(method, path)?)));
        let Some((route, parameters)) = found else {
            let status = if self.0.is_empty() { 200 } else { 404 };
            return ResponseTemplate::new(status).set_body_json(json!({}));
        };
        let Some(reply) = &route.respond else { return ResponseTemplate::new(200).set_body_json(json!({})) };
        let mut response = ResponseTemplate::new(reply.status.map_or(200, |status| status.code()));
        for (name, value) in reply.headers.iter() {
            response = response.insert_header(name.value.as_str(), value.value.as_str());
        }
        let body = reply.body.as_ref().and_then(|body| body.value.to_json(&mut |text| Some(filled(text, &parameters))));
        response.set_body_json(body.unwrap_or_else(|| json!({})))
    }
}

/// `{name}` becomes the path parameter.
fn filled(text: &str, parameters: &[(&str, &str)]) -> Value {
    let filled =
        parameters.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
    Value::String(filled)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Empty;
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;

    use super::*;

    async fn status(routes: &[Route], path: &str) -> u16 {
        let server = start(routes).await;
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let uri = format!("{}{path}", server.uri()).parse().expect("a URI");
        client.get(uri).await.expect("an answer").status().as_u16()
    }

    #[tokio::test]
    async fn what_no_route_names_is_not_found_but_where_none_is_named_all_is() {
        let routes = [Route::new("GET /orders/{id}".parse().expect("a route"))];
        assert_eq!(status(&routes, "/orders/1").await, 200);
        assert_eq!(status(&routes, "/v2/orders/1").await, 404);
        assert_eq!(status(&[], "/v2/orders/1").await, 200);
    }
}
