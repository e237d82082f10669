"""Training networks: pictures cut into crops, the loop, and what each network learns from."""
