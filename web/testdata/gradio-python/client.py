"""Calls a server with Gradio's official Python client, and fails if that does.

    python3 client.py CALLS URL PICTURE
"""

import sys

import gradio_client
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

calls, url, picture = sys.argv[1:]
SEVEN = "预测结果: 7"

client = Client(url, verbose=False)
assert list(client.view_api(print_info=False, return_format="dict")["named_endpoints"]) == ["/predict"]


def layers(image):
    return {"background": None, "layers": [image], "composite": None}


# Every way to give a picture. Without a name, the client takes the one public
# function that there is.
for arguments, keywords in [
    ([layers(handle_file(picture))], {"api_name": "/predict"}),
    ([{"background": None, "layers": [], "composite": handle_file(picture)}], {"api_name": "/predict"}),
    ([layers(handle_file(picture))], {}),
    ([handle_file(picture)], {}),
    ([], {"image": layers(handle_file(picture)), "api_name": "/predict"}),
    ([layers(handle_file(picture))], {"api_name": "/predict_digit"}),
    ([layers(handle_file(picture))], {"fn_index": 0}),
]:
    drawing, processed, text = client.predict(*arguments, **keywords)
    assert text == SEVEN, (keywords, text)
    for path in (drawing, processed):  # the client has downloaded them
        path = path if isinstance(path, str) else path["path"]
        with open(path, "rb") as file:
            assert file.read(4) == b"\x89PNG", path

assert client.predict(None, api_name="/predict")[2] == "预测结果: 无"

try:
    client.predict(handle_file(__file__), api_name="/predict")
except AppError as error:
    assert "no known format" in str(error), error
else:
    raise AssertionError("a picture that is none was taken")

for _ in range(int(calls)):
    assert client.predict(layers(handle_file(picture)))[2] == SEVEN

job = client.submit(layers(handle_file(picture)), api_name="/predict")
assert job.result(timeout=20)[2] == SEVEN
print(f"{calls} calls settled, gradio_client {gradio_client.__version__}")
