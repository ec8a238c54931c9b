"""Made by protoc; see `make proto`."""
