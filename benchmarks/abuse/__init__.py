"""What breaks other services: attackers that speak HTTP/2 by hand, shared by the tests and the benchmark."""
