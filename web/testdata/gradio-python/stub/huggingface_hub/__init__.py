"""What Gradio's client imports of huggingface_hub, and does not use here."""


class CommitOperationAdd:
    pass


class Names(type):
    """A class that has every name in capitals, which stands for itself."""

    def __getattr__(cls, name):
        if name.isupper():
            return name
        raise AttributeError(name)


class SpaceHardware(metaclass=Names):
    pass


class SpaceStage(metaclass=Names):
    pass
