"""A checkpoint for tests of stages that go on from where they were stopped."""

from stylepipe.errors import Interrupted


class Memory:
    """A checkpoint that is kept in memory, and stops the stage at its `stop_at`th offer."""

    def __init__(self, state=None, stop_at=None):
        self.state, self.left = state, stop_at

    def load(self):
        return self.state

    def offer(self, state):
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.state = dict(state())
                raise Interrupted("Stopped.")
