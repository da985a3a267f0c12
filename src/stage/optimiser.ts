/** The optimiser fields of a manifest group in the shape the trainer takes. */
import type { Schedule } from '../nn/schedule.ts';

/** The fields every learning group has. */
export interface TrainingFields {
  readonly learningRate: number;
  readonly schedule: 'cosine' | 'linear' | 'constant';
  readonly floor: number;
  readonly warmup: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly clipNorm: number;
}

/** AdamW with epsilon 1e-8, the PyTorch default. */
export function adamOf({ beta1, beta2, weightDecay, clipNorm }: TrainingFields) {
  return { adam: { beta1, beta2, epsilon: 1e-8, weightDecay }, clipNorm };
}

/** The learning-rate schedule of a loop of `total` steps. */
export function scheduleOf({ learningRate, schedule, floor, warmup }: TrainingFields, total: number): Schedule {
  return { peak: learningRate, shape: schedule, floor, warmup: Math.round(warmup * total), total };
}
