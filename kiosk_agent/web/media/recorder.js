/** Audio worklet that hands on what it hears, unchanged, with the sample at which each block began. */
class Recorder extends AudioWorkletProcessor {
  process([input]) {
    if (input[0]?.length) this.port.postMessage({ at: currentFrame, samples: input[0].slice() });
    return true;
  }
}

registerProcessor("recorder", Recorder);
