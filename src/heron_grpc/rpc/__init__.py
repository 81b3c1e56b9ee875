"""The gRPC front: one file per service, a guard around all of them, protobuf at the edge only."""
