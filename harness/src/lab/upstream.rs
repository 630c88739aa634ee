//! What stands behind the API front: a wiremock server that answers the target's routes.

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::scenario::Route;

/// Starts a server for these routes. A request for none of them is answered 200 with an empty object: tokens were
/// judged before, and a target need not name what it does not care about.
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
        let Some((route, parameters)) = found else { return ResponseTemplate::new(200).set_body_json(json!({})) };
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
