//! The harness's own connection to a server's frontend: whether it is ready, what it is, its namespaces.

use std::net::SocketAddr;
use std::time::Duration;

use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::{IntoRequest, Status};
use temporalio_client::{Connection, ConnectionOptions, RetryOptions};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, GetSystemInfoRequest, RegisterNamespaceRequest,
};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long closed workflows of the harness's namespaces are kept: the shortest that servers accept.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// A namespace could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the Temporal server did not make the namespace `{namespace}`: {}", source.message())]
pub struct NamespaceError {
    /// Its name.
    pub namespace: String,
    /// What the server said.
    #[source]
    pub source: Box<Status>,
}

/// A connection to a frontend.
pub(super) struct Frontend {
    connection: Connection,
}

impl Frontend {
    /// Connects; what a server refuses is not asked again.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let options = ConnectionOptions::new(format!("http://{address}").parse::<url::Url>()?)
            .identity("tokenlapse".to_owned())
            .connect_timeout(Duration::from_secs(10))
            .retry_options(RetryOptions::no_retries())
            .build();
        Ok(Self { connection: Connection::connect(options).await? })
    }

    fn service(&self) -> Box<dyn WorkflowService> {
        self.connection.workflow_service()
    }

    /// Fails if the server does not know the namespace.
    pub(super) async fn describe_namespace(&self, namespace: &str) -> Result<(), Status> {
        let request = DescribeNamespaceRequest { namespace: namespace.to_owned(), ..Default::default() };
        self.service().describe_namespace(request.into_request()).await.map(drop)
    }

    /// The version that the server says it has.
    pub(super) async fn server_version(&self) -> Result<String, Status> {
        let reply = self.service().get_system_info(GetSystemInfoRequest {}.into_request()).await?;
        Ok(reply.into_inner().server_version)
    }

    pub(super) async fn create_namespace(&self, namespace: &str) -> Result<(), NamespaceError> {
        let request = RegisterNamespaceRequest {
            namespace: namespace.to_owned(),
            description: "made by tokenlapse for a test".to_owned(),
            workflow_execution_retention_period: RETENTION.try_into().ok(),
            ..Default::default()
        };
        let made = self.service().register_namespace(request.into_request()).await;
        made.map(drop).map_err(|source| NamespaceError { namespace: namespace.to_owned(), source: Box::new(source) })
    }
}

/// Waits until the server at `address` answers for `namespace`, which only that server has: what else may have come
/// to listen there is not mistaken for it. Nothing tells when a server is ready, so it is asked, at short intervals
/// that grow a little. Never ends if it never answers: the caller bounds it.
pub(super) async fn answers_for(address: SocketAddr, namespace: &str) -> Frontend {
    let mut pause = Duration::from_millis(5);
    loop {
        // A plain connection first, for it costs next to nothing.
        if TcpStream::connect(address).await.is_ok()
            && let Ok(frontend) = Frontend::connect(address).await
            && frontend.describe_namespace(namespace).await.is_ok()
        {
            return frontend;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(40));
    }
}
