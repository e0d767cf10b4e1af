"""Makes goldens.npz and the recordings beside it. Run it in this folder with SciPy 1.10,
torchaudio 0.13, sox 14.4 and flac 1.4 (Debian's python3-scipy, python3-torchaudio, sox,
flac). The recordings are a tone and noise that are made here."""

import subprocess
import wave

import numpy
import scipy.io.wavfile
import scipy.signal
import torch
import torchaudio

generator = numpy.random.default_rng(1)
rate = 8000
time = numpy.arange(2000) / rate
signal = 0.5 * numpy.sin(2 * numpy.pi * (200 + 3000 * time) * time) + 0.02 * generator.standard_normal(len(time))
signal = signal.astype(numpy.float32)
goldens = {"signal": signal}

# In float64, so that what differs is ours.
exact = signal.astype(numpy.float64)
for up, down in [(2, 1), (1, 2), (160, 441), (441, 160), (3, 2), (16000, 7999)]:
    goldens[f"resample_{up}_{down}"] = scipy.signal.resample_poly(exact[:700], up, down)
for name, window, length, hop, size in [("hann", "hann", 256, 128, 256), ("hamming", "hamming", 200, 80, 200), ("blackman", "blackman", 101, 50, 101)]:
    spectrum = scipy.signal.stft(exact, window=window, nperseg=length, noverlap=length - hop, nfft=size)[2]
    goldens[f"stft_{name}_real"], goldens[f"stft_{name}_imag"] = spectrum.real, spectrum.imag

x = torch.from_numpy(exact)
for name, settings in {
    "default": {},
    "narrow": {"n_fft": 256, "win_length": 200, "hop_length": 80, "window_fn": torch.hamming_window},
    "outside": {"n_fft": 128, "center": False, "power": 1.0},
}.items():
    goldens[f"spectrogram_{name}"] = torchaudio.transforms.Spectrogram(**settings).double()(x).numpy()
for name, settings in {
    "default": {"n_mels": 23, "n_fft": 256},
    "librosa": {"n_mels": 40, "n_fft": 512, "hop_length": 128, "f_min": 20.0, "f_max": 3800.0, "mel_scale": "slaney", "norm": "slaney"},
}.items():
    mel = torchaudio.transforms.MelSpectrogram(sample_rate=rate, **settings).double()
    goldens[f"mel_{name}"] = mel(x).numpy()
    goldens[f"decibels_{name}"] = torchaudio.transforms.AmplitudeToDB("power", 60)(mel(x)).numpy()
    mfcc = torchaudio.transforms.MFCC(sample_rate=rate, n_mfcc=13, melkwargs=settings).double()(x)
    goldens[f"mfcc_{name}"] = mfcc.numpy()
    goldens[f"deltas_{name}"] = torchaudio.functional.compute_deltas(mfcc, 5).numpy()

# 60 samples of two channels in every form.
stereo = numpy.stack([signal[:60], -0.5 * signal[:60][::-1]], 1).astype(numpy.float64)
goldens["stereo"] = stereo
numpy.savez_compressed("goldens.npz", **{k: v.astype(numpy.float32) for k, v in goldens.items()})
scipy.io.wavfile.write("u8.wav", rate, numpy.round(stereo * 128 + 128).clip(0, 255).astype(numpy.uint8))
scipy.io.wavfile.write("s16.wav", rate, numpy.round(stereo * 2**15).astype(numpy.int16))
scipy.io.wavfile.write("s32.wav", rate, numpy.round(stereo * 2**31).astype(numpy.int32))
scipy.io.wavfile.write("f32.wav", rate, stereo.astype(numpy.float32))
scipy.io.wavfile.write("f64.wav", rate, stereo)
with wave.open("s24.wav", "wb") as file:
    file.setparams((2, 3, rate, 0, "NONE", ""))
    whole = numpy.round(stereo * 2**23).astype("<i4")
    file.writeframes(whole.view(numpy.uint8).reshape(-1, 4)[:, :3].tobytes())
for name, command in {
    "mulaw.wav": "sox s16.wav -e mu-law -t wav -",
    "s16.flac": "flac --no-padding --no-seektable --totally-silent --stdout -8 s16.wav",
    "s24.flac": "flac --no-padding --no-seektable --totally-silent --stdout -5 s24.wav",
}.items():
    with open(name, "wb") as file:
        file.write(subprocess.run(command.split(), check=True, stdout=subprocess.PIPE).stdout)
subprocess.run("sox s24.wav -c 3 -b 24 extensible.wav remix 1 2 1".split(), check=True)
