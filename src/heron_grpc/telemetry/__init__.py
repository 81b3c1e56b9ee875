"""How the service is seen from outside: logs and health."""
