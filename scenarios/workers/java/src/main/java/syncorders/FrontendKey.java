package syncorders;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bearer for Temporal's frontend, in a file that somebody else renews: a sidecar, or a volume of Kubernetes.
 */
final class FrontendKey {
    private static final Logger LOG = LoggerFactory.getLogger(FrontendKey.class);

    private final Path path;

    /** Guarded by this. */
    private Secret held;

    /** Wants a usable bearer to start with. */
    FrontendKey(Path path) throws IOException {
        this.path = path;
        this.held = read(path);
    }

    /**
     * Is called by the SDK for each attempt of each call, and reads the file each time: calls are rare, since polls are
     * long. What cannot be read or used leaves the one of before.
     */
    synchronized String current() {
        try {
            held = read(path);
        } catch (IOException reason) {
            LOG.warn("the frontend's bearer cannot be used; the one of before stays: {}", reason.toString());
        }
        return held.reveal();
    }

    /** Without the newline that files end in. */
    private static Secret read(Path path) throws IOException {
        String key = Files.readString(path).strip();
        if (!Secret.isBearer(key)) {
            throw new IOException("no header can carry what lies there");
        }
        return new Secret(key);
    }
}
