"""How programs are compiled and placed by XLA: options, devices, memory."""
