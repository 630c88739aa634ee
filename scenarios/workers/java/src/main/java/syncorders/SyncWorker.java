package syncorders;

import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import io.temporal.worker.WorkerFactoryOptions;
import io.temporal.worker.WorkerOptions;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Puts the parts together. */
final class SyncWorker {
    private final TokenSource tokens;
    private final WorkflowServiceStubs temporal;
    private final WorkerFactory factory;

    SyncWorker(Settings settings) throws IOException {
        Http http = new Http(settings.httpTimeout());
        tokens = new TokenSource(grant(settings.oauth(), http));
        temporal = WorkflowServiceStubs.newServiceStubs(frontend(settings));
        WorkflowClient client = WorkflowClient.newInstance(
                temporal,
                WorkflowClientOptions.newBuilder()
                        .setNamespace(settings.temporalNamespace())
                        // Worker heartbeats to the server are for its user interface only; nothing here needs the
                        // extra calls.
                        .setWorkerHeartbeatInterval(Duration.ofSeconds(-1))
                        .build());
        factory = WorkerFactory.newInstance(
                client,
                WorkerFactoryOptions.newBuilder().setWorkerInterceptors(new TypedFailures()).build());
        Worker worker = factory.newWorker(
                settings.taskQueue(),
                WorkerOptions.newBuilder()
                        // Pinned: left open, the namespace may turn on autoscaling.
                        .setMaxConcurrentWorkflowTaskPollers(2)
                        .setMaxConcurrentActivityTaskPollers(2)
                        // How much progress a killed worker may lose; the default is most of the heartbeat timeout.
                        .setMaxHeartbeatThrottleInterval(Duration.ofMillis(200))
                        // Or else SIGTERM ends a long activity at its next heartbeat.
                        .setAllowActivityHeartbeatDuringShutdown(true)
                        .build());
        worker.registerWorkflowImplementationTypes(SyncOrdersImpl.class);
        worker.registerActivitiesImplementations(new OrderActivitiesImpl(new Orders(settings.apiUrl(), tokens, http)));
    }

    private static Grant grant(Settings.OAuth settings, Http http) {
        TokenEndpoint endpoint = new TokenEndpoint(settings, http);
        return settings.refreshTokenFile() == null
                ? new ClientCredentials(endpoint)
                : new Refresh(endpoint, new RefreshTokenFile(settings.refreshTokenFile(), RefreshTokenFile.PATIENCE));
    }

    private static WorkflowServiceStubsOptions frontend(Settings settings) throws IOException {
        WorkflowServiceStubsOptions.Builder options = WorkflowServiceStubsOptions.newBuilder()
                .setTarget(settings.temporalAddress())
                // Said outright: with a key the SDK would turn TLS on by itself.
                .setEnableHttps(settings.temporalTls());
        if (settings.temporalApiKeyFile() != null) {
            options.addApiKey(new FrontendKey(settings.temporalApiKeyFile())::current);
        } else if (settings.temporalApiKey() != null) {
            options.addApiKey(settings.temporalApiKey()::reveal);
        }
        return options.build();
    }

    /** Polls from now on. Throws if Temporal refuses or is not there. */
    void start() {
        factory.start();
    }

    /** Lets running activities and grants finish. */
    void stop() {
        factory.shutdown();
        factory.awaitTermination(5, TimeUnit.SECONDS);
        if (!factory.isTerminated()) {
            factory.shutdownNow();
        }
        tokens.settle();
        temporal.shutdownNow();
    }
}
