"""What drives the engine: real time over a gateway, or virtual time over the simulator."""
