"""Exports torchvision's networks as PyTorch writes them, with random weights, to the folder
that is given: NAME.onnx, NAME.input.npy and NAME.output.npy of each. Needs Debian's
python3-torch and python3-torchvision."""

import sys

import numpy
import torch
import torchvision.models as models

NETWORKS = {
    "resnet18": (models.resnet18, {}, 64),
    "mobilenet_v2": (models.mobilenet_v2, {}, 64),
    "squeezenet1_1": (models.squeezenet1_1, {}, 64),
    "densenet121": (models.densenet121, {}, 64),
    "efficientnet_b0": (models.efficientnet_b0, {}, 64),
    "shufflenet_v2": (models.shufflenet_v2_x1_0, {}, 64),
    "googlenet": (models.googlenet, {"aux_logits": False, "init_weights": False}, 64),
    "vgg11": (models.vgg11, {}, 224),
}


def settle(network):
    """Gives running statistics numbers of their own, as after a training."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)


def main(folder, names):
    torch.set_num_threads(1)
    for name in names or NETWORKS:
        make, settings, size = NETWORKS[name]
        torch.manual_seed(sum(name.encode()))
        network = make(weights=None, num_classes=10, **settings).eval()
        settle(network)
        pictures = torch.randn(2, 3, size, size)
        axes = {"input": {0: "batch"}, "output": {0: "batch"}}
        with torch.no_grad():
            logits = network(pictures)
            torch.onnx.export(network, pictures, f"{folder}/{name}.onnx", input_names=["input"], output_names=["output"], dynamic_axes=axes, opset_version=13)
        numpy.save(f"{folder}/{name}.input.npy", pictures.numpy())
        numpy.save(f"{folder}/{name}.output.npy", logits.numpy())


main(sys.argv[1], sys.argv[2:])
