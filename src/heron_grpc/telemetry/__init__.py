"""How the service is seen from outside: logs, metrics, traces and health."""
