"""Model endpoints that do what the prompt says, for tests with real agent CLIs."""
