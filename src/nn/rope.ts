/** Rotary position tables. Source: transformers `modeling_llama.py` (half-split pairs) and `modeling_rope_utils.py` (llama3). */
import type { ModelConfig, RopeScaling } from './model-config.ts';

/** Cosines and sines of every position, each flat [T, E/2]. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Computes the rotary tables of positions 0 … length-1: angle = t · frequency_i. */
export function ropeTables(config: ModelConfig, length: number): RopeTables {
  const frequencies = ropeFrequencies(config);
  const half = frequencies.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let t = 0; t < length; t++) {
    for (let i = 0; i < half; i++) {
      // transformers multiplies in float32; the rounding is kept so that long positions agree with it
      const angle = Math.fround(t * Math.fround(frequencies[i]!));
      cos[t * half + i] = Math.cos(angle);
      sin[t * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Computes the rotary frequencies, radians per token, shape [E/2]: theta^(-2i/E), stretched as `ropeScaling` says. */
export function ropeFrequencies(config: ModelConfig): number[] {
  return Array.from({ length: config.headSize / 2 }, (_, i) => {
    const frequency = config.ropeTheta ** ((-2 * i) / config.headSize);
    return config.ropeScaling === undefined ? frequency : stretch(frequency, config.ropeScaling);
  });
}

function stretch(frequency: number, scaling: RopeScaling): number {
  const wavelength = (2 * Math.PI) / frequency;
  const turns = scaling.originalMaxLength / wavelength;
  if (turns > scaling.highFrequencyFactor) return frequency;
  if (turns < scaling.lowFrequencyFactor) return frequency / scaling.factor;
  const smooth = (turns - scaling.lowFrequencyFactor) / (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
  return (1 - smooth) * (frequency / scaling.factor) + smooth * frequency;
}
