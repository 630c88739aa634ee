package syncorders;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/**
 * A Temporal worker that gets its OAuth tokens at run time and survives what happens to them. All its settings are
 * environment variables.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        try {
            start();
            return;
        } catch (Settings.Wrong e) {
            System.err.println(e.getMessage());
        } catch (IOException | RuntimeException e) {
            System.err.println("the worker failed: " + e);
        }
        // A supervisor must see that the worker has ended, and restart it.
        System.exit(1);
    }

    private static void start() throws Settings.Wrong, IOException {
        logAt(System.getenv("LOG_LEVEL"));
        SyncWorker worker = new SyncWorker(Settings.read(System::getenv));
        worker.start();
        // SIGTERM and SIGINT; the process then ends with 143 or 130.
        Runtime.getRuntime().addShutdownHook(new Thread(worker::stop, "stop"));
    }

    /** Before anything logs. */
    private static void logAt(String level) throws Settings.Wrong {
        String chosen = level == null || level.isEmpty() ? "INFO" : level.toUpperCase(Locale.ROOT);
        if (!List.of("DEBUG", "INFO", "WARN", "ERROR").contains(chosen)) {
            throw new Settings.Wrong("LOG_LEVEL is not DEBUG, INFO, WARN or ERROR");
        }
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", chosen);
        System.setProperty("org.slf4j.simpleLogger.showDateTime", "true");
        System.setProperty("org.slf4j.simpleLogger.dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
    }
}
