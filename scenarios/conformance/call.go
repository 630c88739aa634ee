package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/api"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

const unauthorized = "Request unauthorized."

// refusal is what the caller is told.
type refusal struct {
	Code    uint32 `json:"code"`
	Message string `json:"message"`
	// Details names the type of the only detail.
	Detail string `json:"detail"`
}

// call makes a call with an empty request, but for the namespace `default`. What is authorized mostly fails then for
// another reason.
func (server *server) call(rpc string, credentials map[string]string) (*refusal, error) {
	method, request, reply, err := message(rpc)
	if err != nil {
		return nil, err
	}
	context, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	context = metadata.NewOutgoingContext(context, metadata.New(credentials))
	err = server.connection.Invoke(context, method, request, reply)
	said := status.Convert(err)
	switch said.Code() {
	case codes.PermissionDenied:
		if said.Message() != unauthorized {
			return nil, fmt.Errorf("denied for another reason: %w", err)
		}
		details := said.Proto().GetDetails()
		if len(details) != 1 {
			return nil, fmt.Errorf("a refusal with %d details", len(details))
		}
		return &refusal{uint32(said.Code()), said.Message(), string(details[0].MessageName())}, nil
	case codes.Unavailable, codes.Unauthenticated, codes.Unimplemented, codes.DeadlineExceeded:
		return nil, err
	default:
		return nil, nil
	}
}

func message(rpc string) (method string, request, reply proto.Message, err error) {
	if name, ok := strings.CutPrefix(rpc, "grpc.health.v1.Health/"); ok {
		return "/grpc.health.v1.Health/" + name, &healthpb.HealthCheckRequest{}, &healthpb.HealthCheckResponse{}, nil
	}
	descriptor := workflowService().Methods().ByName(protoreflect.Name(rpc))
	if descriptor == nil {
		return "", nil, nil, fmt.Errorf("there is no such method")
	}
	asked := dynamicpb.NewMessage(descriptor.Input())
	if field := descriptor.Input().Fields().ByName("namespace"); field != nil {
		asked.Set(field, protoreflect.ValueOfString("default"))
	}
	return api.WorkflowServicePrefix + rpc, asked, dynamicpb.NewMessage(descriptor.Output()), nil
}

func workflowService() protoreflect.ServiceDescriptor {
	return workflowservice.File_temporal_api_workflowservice_v1_service_proto.Services().ByName("WorkflowService")
}

// method is what the server's own table says of one.
type method struct {
	Scope  string `json:"scope"`
	Access string `json:"access"`
	// NamespaceField is the number of the request's field that names the namespace; absent if it has none.
	NamespaceField int32 `json:"namespace_field,omitempty"`
}

type access struct {
	Server   string                       `json:"server"`
	Services map[string]map[string]method `json:"services"`
}

func accessTable() access {
	table := access{Server: serverVersion(), Services: map[string]map[string]method{}}
	operator := operatorservice.File_temporal_api_operatorservice_v1_service_proto.Services().ByName("OperatorService")
	for _, service := range []protoreflect.ServiceDescriptor{workflowService(), operator} {
		methods := map[string]method{}
		for index := range service.Methods().Len() {
			descriptor := service.Methods().Get(index)
			known := api.GetMethodMetadata("/" + string(service.FullName()) + "/" + string(descriptor.Name()))
			told := method{Scope: scopes[known.Scope], Access: accesses[known.Access]}
			if field := descriptor.Input().Fields().ByName("namespace"); field != nil {
				told.NamespaceField = int32(field.Number())
			}
			methods[string(descriptor.Name())] = told
		}
		table.Services[string(service.FullName())] = methods
	}
	return table
}

var (
	scopes   = map[api.Scope]string{api.ScopeUnknown: "unknown", api.ScopeNamespace: "namespace", api.ScopeCluster: "cluster"}
	accesses = map[api.Access]string{
		api.AccessUnknown: "unknown", api.AccessReadOnly: "read", api.AccessWrite: "write", api.AccessAdmin: "admin",
	}
)
