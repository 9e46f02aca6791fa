"""How often teachers were run: every adapter counts the crops that its network is shown."""


class ForwardPasses:
    """A meter of this process. A crop and its mirror image, in a flip test, are two."""

    def __init__(self) -> None:
        self.crops = 0

    def add(self, crops: int) -> None:
        self.crops += crops


FORWARD_PASSES = ForwardPasses()
"""The one meter, which all adapters share: what a whole command cost, whichever teachers it built. Nothing
reads it to decide anything."""
