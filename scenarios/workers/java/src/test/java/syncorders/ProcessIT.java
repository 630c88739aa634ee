package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static syncorders.TestServer.reply;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import io.temporal.api.enums.v1.EventType;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole worker as it is started in earnest, against Temporal's test server.
 *
 * <p>Also where target/sync-orders.jsa comes from: the classes that a worker loads in its life, ready to be mapped into
 * memory by the next one, which starts in half the time.
 */
class ProcessIT {
    private static final Path ARCHIVE = Path.of("target/sync-orders.jsa");

    @TempDir
    Path folder;

    private volatile Process worker;

    /** Page 2 of order 7 is refused once; page 2 of order 8 is answered after SIGTERM. */
    private void api(HttpExchange exchange, TestServer.Received request) throws IOException {
        if (request.path().equals("/orders/7/items?page=2") && request.header("Authorization").endsWith(" t0k-r")) {
            reply(401, "").to(exchange, request);
            return;
        }
        if (request.path().equals("/orders/8/items?page=2")) {
            worker.destroy();
            pause(500);
        }
        reply(200, "{\"path\": \"" + request.path() + "\"}").to(exchange, request);
    }

    @Test
    void aWorkflowIsDoneAndSigtermLetsAnActivityFinish() throws Exception {
        Files.deleteIfExists(ARCHIVE);
        Path output = folder.resolve("output");
        Path refreshToken = Files.writeString(folder.resolve("refresh-token"), "r");
        int port = freePort();
        var temporal = io.temporal.testserver.TestServer.createPortBoundServer(port);
        try (var api = new TestServer(this::api);
                var idp = new TestServer(RefreshTest::rotate)) {
            ProcessBuilder run = new ProcessBuilder("./run").redirectErrorStream(true).redirectOutput(output.toFile());
            run.environment().putAll(Map.of(
                    "JAVA_TOOL_OPTIONS", "-XX:ArchiveClassesAtExit=" + ARCHIVE,
                    "TEMPORAL_ADDRESS", "127.0.0.1:" + port,
                    "TEMPORAL_API_KEY_FILE", Files.writeString(folder.resolve("key"), "k3y\n").toString(),
                    "OAUTH_TOKEN_URL", idp.url + "/token",
                    "OAUTH_CLIENT_ID", "client",
                    "OAUTH_CLIENT_SECRET", "s3cret",
                    "OAUTH_REFRESH_TOKEN_FILE", refreshToken.toString(),
                    "API_URL", api.url.toString(),
                    "TASK_QUEUE", "orders"));
            worker = run.start();
            WorkflowServiceStubs stubs = WorkflowServiceStubs.newServiceStubs(
                    WorkflowServiceStubsOptions.newBuilder().setTarget("127.0.0.1:" + port).build());
            WorkflowClient client = WorkflowClient.newInstance(stubs);

            JsonNode shipped = workflow(client, "7").sync(input("7"));
            assertEquals("/orders/7/ship", shipped.path("path").asText());
            assertEquals("r++", Files.readString(refreshToken));

            WorkflowClient.start(workflow(client, "8")::sync, input("8"));
            assertEquals(128 + 15, worker.waitFor(), Files.readString(output));
            assertEquals("/orders/8/items?page=3", api.seen.get(api.seen.size() - 1).path());
            // FetchOrder and ListItems.
            assertEquals(2, client.fetchHistory("8").getHistory().getEventsList().stream()
                    .filter(event -> event.getEventType() == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
                    .count());
            stubs.shutdownNow();
        } finally {
            worker.destroyForcibly();
            temporal.close();
        }
        String said = Files.readString(output);
        assertTrue(said.contains("TokenExpired"), said);
        for (String secret : List.of("t0k", "s3cret", "k3y")) {
            assertFalse(said.contains(secret), said);
        }
        assertTrue(Files.exists(ARCHIVE), said);
    }

    private static SyncOrders workflow(WorkflowClient client, String id) {
        return client.newWorkflowStub(
                SyncOrders.class,
                WorkflowOptions.newBuilder().setTaskQueue("orders").setWorkflowId(id).build());
    }

    private static SyncOrders.Input input(String order) {
        return new SyncOrders.Input(order, 3, new SyncOrders.Retry(20L, 500L, 0));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
