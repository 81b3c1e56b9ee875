"""What is measured, each in processes of its own: the service and what it is compared with."""
