package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const loopback = "127.0.0.1"

// server is a Temporal server in this process, as an operator sets it up: nothing of its authorization is replaced.
type server struct {
	temporal   temporal.Server
	connection *grpc.ClientConn
	folder     string
}

func start(authorizer Authorizer, keys *keys) (*server, error) {
	folder, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return nil, err
	}
	settings, frontend, err := settings(folder, authorizer, keys)
	if err != nil {
		return nil, err
	}
	database := settings.Persistence.DataStores[sqliteplugin.PluginName].SQL
	if err := sqlite.SetupSchema(database); err != nil {
		return nil, err
	}
	for _, name := range []string{"default", "other"} {
		namespace, err := sqlite.NewNamespaceConfig(settings.ClusterMetadata.CurrentClusterName, name, false, nil)
		if err != nil {
			return nil, err
		}
		if err := sqlite.CreateNamespaces(database, namespace); err != nil {
			return nil, err
		}
	}
	// It tells the reason of each refusal, which its reply keeps back.
	var logger log.Logger = log.NewNoopLogger()
	if os.Getenv("CONFORMANCE_LOG") != "" {
		logger = log.NewZapLogger(log.BuildZapLogger(log.Config{Stdout: false, Level: "warn"}))
	}
	judge, err := authorization.GetAuthorizerFromConfig(&settings.Global.Authorization)
	if err != nil {
		return nil, err
	}
	mapper, err := authorization.GetClaimMapperFromConfig(&settings.Global.Authorization, logger)
	if err != nil {
		return nil, err
	}
	audience, err := authorization.GetAudienceMapperFromConfig(&settings.Global.Authorization)
	if err != nil {
		return nil, err
	}
	built, err := temporal.NewServer(
		temporal.WithConfig(settings),
		temporal.ForServices([]string{
			string(primitives.FrontendService),
			string(primitives.InternalFrontendService),
			string(primitives.HistoryService),
			string(primitives.MatchingService),
			string(primitives.WorkerService),
		}),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(judge),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return mapper }),
		temporal.WithAudienceGetter(func(*config.Config) authorization.JWTAudienceMapper { return audience }),
	)
	if err != nil {
		return nil, err
	}
	if err := built.Start(); err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(frontend, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	started := &server{temporal: built, connection: connection, folder: folder}
	return started, started.ready()
}

// ready waits until the frontend answers.
func (server *server) ready() error {
	end := time.Now().Add(30 * time.Second)
	for {
		_, err := server.call("grpc.health.v1.Health/Check", nil)
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the server does not get ready: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (server *server) stop() error {
	if err := server.connection.Close(); err != nil {
		return err
	}
	if err := server.temporal.Stop(); err != nil {
		return err
	}
	return os.RemoveAll(server.folder)
}

func settings(folder string, authorizer Authorizer, keys *keys) (*config.Config, string, error) {
	services := map[string]config.Service{}
	ports := map[primitives.ServiceName]int{}
	for _, name := range []primitives.ServiceName{
		primitives.FrontendService, primitives.InternalFrontendService, primitives.HistoryService,
		primitives.MatchingService, primitives.WorkerService,
	} {
		port, err := freePort()
		if err != nil {
			return nil, "", err
		}
		membership, err := freePort()
		if err != nil {
			return nil, "", err
		}
		ports[name] = port
		services[string(name)] = config.Service{
			RPC: config.RPC{GRPCPort: port, MembershipPort: membership, BindOnLocalHost: true},
		}
	}
	frontend := fmt.Sprintf("%s:%d", loopback, ports[primitives.FrontendService])
	settings := &config.Config{
		Services: services,
		Persistence: config.Persistence{
			DefaultStore:     sqliteplugin.PluginName,
			VisibilityStore:  sqliteplugin.PluginName,
			NumHistoryShards: 1,
			DataStores: map[string]config.DataStore{
				sqliteplugin.PluginName: {SQL: &config.SQL{
					PluginName:        sqliteplugin.PluginName,
					ConnectAttributes: map[string]string{"mode": "rwc"},
					DatabaseName:      filepath.Join(folder, "temporal.db"),
				}},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        "active",
			CurrentClusterName:       "active",
			ClusterInformation: map[string]cluster.ClusterInformation{
				"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
	settings.Global.Membership = config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback}
	settings.Global.Authorization = config.Authorization{
		JWTKeyProvider:       config.JWTKeyProvider{KeySourceURIs: []string{"file://" + keys.jwks}},
		PermissionsClaimName: authorizer.PermissionsClaim,
		PermissionsRegex:     authorizer.PermissionsRegex,
		Authorizer:           "default",
		ClaimMapper:          "default",
		AuthHeaderName:       authorizer.Header,
		Audience:             authorizer.Audience,
	}
	return settings, frontend, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

// serverVersion is that of the module that was built in.
func serverVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "go.temporal.io/server" {
				return module.Version
			}
		}
	}
	return "unknown"
}
