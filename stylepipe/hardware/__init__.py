"""What the machine has: the class of its device, and free memory."""
