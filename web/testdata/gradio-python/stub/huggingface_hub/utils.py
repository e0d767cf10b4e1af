"""What Gradio's client imports of huggingface_hub.utils, and does not use here."""


class RepositoryNotFoundError(Exception):
    pass


def build_hf_headers(*_, **__):
    return {}


def send_telemetry(*_, **__):
    pass
