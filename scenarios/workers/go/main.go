// Command sync-orders is a Temporal worker that gets its OAuth tokens at run time and survives what happens to them.
// All its settings are environment variables.
package main

import (
	"fmt"
	"log/slog"
	"os"
)

func main() {
	if err := start(); err != nil {
		// A supervisor must see that the worker has ended, and restart it.
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start() error {
	var level slog.Level
	if text := os.Getenv("LOG_LEVEL"); text != "" && level.UnmarshalText([]byte(text)) != nil {
		return fmt.Errorf("LOG_LEVEL is not DEBUG, INFO, WARN or ERROR")
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	s, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	if err := run(s); err != nil {
		return fmt.Errorf("the worker failed: %w", err)
	}
	return nil
}
