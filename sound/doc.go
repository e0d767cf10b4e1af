// Package sound makes what a network reads of recordings: it decodes WAV and FLAC,
// changes their rate, and computes spectrograms, mel spectrograms and MFCCs.
//
//	clip, err := sound.Decode(ctx, file, sound.Own)
//	samples := sound.Resample(clip.Mono(), clip.Rate, 8000)
//	mel, err := sound.NewMelSpectrogram(sound.MelSettings{Rate: 8000, FFTSize: 256, Mels: 40})
//	picture, err := mel.Compute(samples)
//	picture = picture.Decibels(80) // as many rows as mels, a column for every frame
//
// The numbers are those of torchaudio.transforms and scipy.signal, from which the
// settings have their names. A recording from outside is bounded by [Limits]; nothing in
// its head is believed.
package sound
