package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

// run puts the parts together and polls until SIGTERM or SIGINT; then running activities and grants finish. Its error is
// what ended the worker.
func run(s settings) error {
	stop := worker.InterruptCh()
	http := newHTTPClient(s.httpTimeout)
	endpoint := newTokenEndpoint(s.oauth, http)
	tokens := &tokenSource{grant: clientCredentialsGrant{endpoint}}
	if path := s.oauth.refreshTokenFile; path != "" {
		tokens.grant = &refreshGrant{endpoint: endpoint, file: refreshTokenFile{path, lockPatience}}
	}
	defer tokens.settle()

	temporal, err := connect(s)
	if err != nil {
		return err
	}
	defer temporal.Close()
	// The SDK would make a checksum of the whole executable: a good part of the start.
	worker.SetBinaryChecksum("sync-orders-1")
	w := worker.New(temporal, s.taskQueue, worker.Options{
		Interceptors: []interceptor.WorkerInterceptor{&typedFailures{}},
		// Pinned: left open, the namespace may turn on autoscaling.
		MaxConcurrentWorkflowTaskPollers: 2,
		MaxConcurrentActivityTaskPollers: 2,
		// How much progress a killed worker may lose; the default is most of the heartbeat timeout.
		MaxHeartbeatThrottleInterval: 200 * time.Millisecond,
		WorkerStopTimeout:            5 * time.Second,
	})
	w.RegisterWorkflow(SyncOrders)
	w.RegisterActivity(&orderActivities{&orders{base: s.apiURL, tokens: tokens, http: http}})
	return w.Run(stop)
}

func connect(s settings) (client.Client, error) {
	options := client.Options{
		HostPort:  s.temporalAddress,
		Namespace: s.temporalNamespace,
		Logger:    log.NewStructuredLogger(slog.Default()),
		// Worker heartbeats to the server are for its user interface only; nothing here needs the extra calls.
		WorkerHeartbeatInterval: -1,
		// Said outright: with a key the SDK would turn TLS on by itself.
		ConnectionOptions: client.ConnectionOptions{TLSDisabled: !s.temporalTLS},
	}
	if s.temporalTLS {
		options.ConnectionOptions.TLS = &tls.Config{}
	}
	switch {
	case s.temporalAPIKeyFile != "":
		key, err := openFrontendKey(s.temporalAPIKeyFile)
		if err != nil {
			return nil, fmt.Errorf("TEMPORAL_API_KEY_FILE: %w", err)
		}
		options.Credentials = client.NewAPIKeyDynamicCredentials(key.current)
	case !s.temporalAPIKey.isZero():
		options.Credentials = client.NewAPIKeyStaticCredentials(s.temporalAPIKey.reveal())
	}
	return client.DialContext(context.Background(), options)
}
