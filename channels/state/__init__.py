"""What people said and did, kept across restarts and shared by replicas: conversations, feedback, deliveries, limits."""
