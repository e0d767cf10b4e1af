"""Writes the .npy files of this folder with PyTorch and torchvision.

Written with torch 1.13, torchvision 0.14 and numpy 1.24:

    python3 goldens.py PATH/t10k-images-idx3-ubyte.gz

pictures_u8.npy is the first four test pictures of MNIST and pictures.npy what
the tutorial's transform makes of them; the bytes_* files hold what each of the
256 bytes becomes.
"""
import gzip, sys
import numpy as np, torch
import torchvision.transforms as T

every = np.arange(256, dtype=np.uint8)[None, :, None]
np.save("bytes_totensor.npy", T.ToTensor()(every).numpy().ravel())
np.save("bytes_norm.npy", T.Normalize((.5,), (.5,))(T.ToTensor()(every)).numpy().ravel())
np.save("bytes_norm_mnist.npy", T.Normalize((.1307,), (.3081,))(T.ToTensor()(every)).numpy().ravel())

colour = np.repeat(every, 3, axis=2)
mean, std = (.4914, .4822, .4465), (.2470, .2435, .2616)
np.save("bytes_norm_rgb.npy", T.Normalize(mean, std)(T.ToTensor()(colour)).numpy().reshape(3, 256))

raw = gzip.open(sys.argv[1]).read()
pictures = np.frombuffer(raw, np.uint8, offset=16)[: 4 * 784].reshape(4, 28, 28)
np.save("pictures_u8.npy", pictures)
both = T.Compose([T.ToTensor(), T.Normalize((.5,), (.5,))])
np.save("pictures.npy", torch.stack([both(p[:, :, None]) for p in pictures]).numpy())
