// @ts-nocheck: TypeScript's library does not know what there is in a worklet.
/**
 * Hands on what the microphone hears, block by block: it runs in an AudioWorklet.
 */
class Recorder extends AudioWorkletProcessor {
  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const channel = inputs[0]?.[0];
    if (channel) {
      this.port.postMessage(channel.slice());
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
